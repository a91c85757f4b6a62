import { build } from "esbuild";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DeviceAbsent, openDevice } from "../../src/device/node.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const absent = await openDevice().then(
  (opened) => opened.close().then(() => ""),
  (error: unknown) => {
    if (error instanceof DeviceAbsent) return error.message;
    throw error;
  },
);

/** Each process opens a device, uses it and ends in its way; none may hang or crash on the way out. */
describe.skipIf(absent !== "")(`a Node process with a device${absent && ` (${absent})`}`, () => {
  test.each([
    ["leaves the device open", "", 0],
    ["closes the device", "await opened.close()", 0],
    ["opens a second one", "await opened.close(); await (await openDevice()).close()", 0],
    ["waits for the loss of its device", "opened.device.lost.then(() => {}); opened.device.destroy()", 0],
    ["collects its garbage", "gc(); await new Promise((resolve) => setTimeout(resolve, 5)); gc()", 0],
    ["uses navigator.gpu", "(await (await navigator.gpu.requestAdapter()).requestDevice()).destroy()", 0],
    ["exits by itself", "process.exit(5)", 5],
    ["ends with an exception", "throw new Error('expected')", 1],
  ])("%s", async (_, ending, status) => {
    const { code, stdout } = await run(root, ending);
    expect({ code, stdout }).toEqual({ code: status, stdout: "3\n" });
  });

  test("works beside others", async () => {
    const results = await Promise.all(Array.from({ length: 4 }, () => run(root, "await opened.close()")));
    expect(results.map(({ code, stdout }) => ({ code, stdout }))).toEqual(Array(4).fill({ code: 0, stdout: "3\n" }));
  });

  test("refuses an unknown choice", async () => {
    const { stderr } = await run(root, "", { SEC_ADAPTER: "fast" });
    expect(stderr).toContain('DeviceAbsent: there is no adapter "fast": SEC_ADAPTER is auto, system or swiftshader');
  });
});

test("a project without the package webgpu is told how to install it", async () => {
  const { stderr } = await run(folder, "");
  expect(stderr).toContain("DeviceAbsent: WebGPU in Node needs the package webgpu: npm install --save-dev webgpu");
});

let folder = "";
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "sec-process-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Bundled outside of this project, so that packages are found from the folder that the process runs in. */
async function run(cwd: string, ending: string, environment: Readonly<Record<string, string>> = {}) {
  const outfile = join(folder, `${Math.random()}.mjs`);
  const contents = `
    import { installWebGpu, openDevice } from "./src/device/node.ts";
    const opened = await openDevice();
    const { device } = opened;
    await installWebGpu();
    const buffer = device.createBuffer({ size: 8, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    device.queue.writeBuffer(buffer, 0, new Float32Array([1, 3]));
    await buffer.mapAsync(GPUMapMode.READ);
    console.log(new Float32Array(buffer.getMappedRange())[1]);
    ${ending};
  `;
  await build({ stdin: { contents, resolveDir: root }, outfile, bundle: true, platform: "node", format: "esm" });
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const options = { cwd, env: { ...process.env, ...environment }, timeout: 60_000 };
    execFile(process.execPath, ["--expose-gc", outfile], options, (error, stdout, stderr) =>
      // A process that had to be killed has a signal in place of a code.
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), stdout, stderr }),
    );
  });
}
