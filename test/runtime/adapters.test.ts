import { expect, test } from "vitest";
import { onEachAdapter } from "../device/onEachAdapter.ts";
import { expected, inputs, moduleText, weightsBin } from "./tiny.ts";

const files = [
  { path: "net.js", bytes: new TextEncoder().encode(moduleText()) },
  { path: "weights.bin", bytes: weightsBin() },
];
/** Nothing but this server's files: no eval, no wasm, no inline script. */
const csp = {
  "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; frame-src 'self'",
};

onEachAdapter((adapter, name) => {
  test("the runtime keeps its promises; in Chromium under a strict policy (fault 95)", async () => {
    const given = inputs(7);
    const twice = (images: number) => {
      const { scaled } = expected(given);
      return expected({ map: scaled.slice(0, images * 12), vector: given.vector.slice(0, images * 4) }).y;
    };
    const result = await adapter().run({
      entry: new URL("runtime.job.ts", import.meta.url),
      files,
      inputs: given,
      ...(name === "chromium" && { headers: csp }),
    });
    expect(result).toEqual({
      supported: "true",
      ...expected(given),
      wrong: 0,
      again: twice(7),
      encoded: twice(1),
      after: expected(given).y,
      errors: "TypeError,WeightsError,WeightsError,AbortError,DeviceLostError,DisposedError,DisposedError",
    });
  });
});

onEachAdapter(
  (adapter) => {
    test("fault 95: in a worker, and in an iframe", async () => {
      const given = inputs(3);
      const text = (content: string) => new TextEncoder().encode(content);
      const body = `
        import { create } from "./net.js";
        export const runOnce = async ({ map, vector }) => {
          const net = await create({ weights: new URL("./weights.bin", import.meta.url) });
          const { y } = await net.run({ map, vector });
          net.dispose();
          return y;
        };
      `;
      const worker = `
        import { runOnce } from "./body.js";
        onmessage = async ({ data }) => postMessage(await runOnce(data).catch(String));
      `;
      const frame = `<!doctype html><script type="module" src="frame.js"></script>`;
      const frameScript = `
        import { runOnce } from "./body.js";
        onmessage = async ({ data }) => parent.postMessage(await runOnce(data).catch(String), "*");
        parent.postMessage("ready", "*");
      `;
      const entry = `
        const inWorker = (data) => new Promise((resolve, reject) => {
          const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
          worker.postMessage(data);
        });
        const inFrame = (data) => new Promise((resolve) => {
          const frame = document.createElement("iframe");
          addEventListener("message", (event) => {
            if (event.data === "ready") frame.contentWindow.postMessage(data, "*");
            else resolve(event.data);
          });
          frame.src = new URL("./frame.html", import.meta.url);
          document.body.append(frame);
        });
        export default async (data) => ({ worker: await inWorker(data), frame: await inFrame(data) });
      `;
      const result = await adapter().run({
        entry,
        files: [
          ...files,
          { path: "body.js", bytes: text(body) },
          { path: "worker.js", bytes: text(worker) },
          { path: "frame.html", bytes: text(frame) },
          { path: "frame.js", bytes: text(frameScript) },
        ],
        inputs: given,
      });
      expect(result).toEqual({ worker: expected(given).y, frame: expected(given).y });
    });
  },
  ["chromium"],
);
