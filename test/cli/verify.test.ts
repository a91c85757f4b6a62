import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folder, repository, sec } from "./sec.ts";

const digits = join(repository, "examples/digits.se");
const weights = ["--weights", join(repository, "examples/digits/weights/standard.safetensors")];
const verify = (path: string, ...more: string[]) => sec(["verify", path, "--target", "wgsl", ...more]);

test("a source that is right: 0, with the worst of each kind", async () => {
  const { exit, out } = await verify(digits, ...weights, "--json");
  const document = JSON.parse(out);
  expect(exit).toBe(0);
  expect(document).toMatchObject({ schemaVersion: 1, ok: true, network: "Digits", launches: 31, findings: [] });
  expect(document.worstShare.share).toBeLessThan(1);
  expect(document.worstGate).toBeLessThan(1e-5);
  expect(document.outputs[0].relative).toBeLessThan(1e-4);
});

test("a compiled folder: its own kernels run, a spoilt constant is 70 and names the launch, net.js is told stale", async () => {
  const out = join(folder({}), "out");
  await sec(["compile", digits, "--target", "wgsl", "-o", out, "--quiet"]);
  const kernel = join(out, "kernels/layer2_0_conv1.wgsl");
  const text = readFileSync(kernel, "utf8");
  writeFileSync(kernel, text.replace(/const BIAS = \d+u/, "const BIAS = 1u"));
  const spoilt = await verify(out, ...weights);
  expect(spoilt.exit).toBe(70);
  expect(spoilt.out).toContain("first in layer2.0.conv1");
  expect(spoilt.err).toContain("has another text of kernels/layer2_0_conv1.wgsl");

  writeFileSync(kernel, text);
  const right = await verify(out, "--quiet");
  expect(right).toMatchObject({ exit: 0, err: "" });
});

test("what is not a package, or for another target, is told", async () => {
  const empty = await verify(folder({}));
  expect(empty).toMatchObject({ exit: 2 });
  const edited = await verify(folder({ "manifest.json": '{ "generator": "sec" }' }));
  expect(edited.exit).toBe(1);
  const out = folder({});
  await sec(["compile", digits, "--target", "wgsl", "-o", out, "--quiet"]);
  const manifest = JSON.parse(readFileSync(join(out, "manifest.json"), "utf8"));
  for (const [written, message] of [
    [undefined, "it should have nodes and outputs"],
    [{ ...manifest.written, outputs: [{ name: "y", node: "conv1.weight" }] }, "output y does not depend on any input"],
  ] as const) {
    writeFileSync(join(out, "manifest.json"), JSON.stringify({ ...manifest, written }));
    const { exit, err } = await verify(out);
    expect({ exit, err }).toEqual({ exit: 1, err: expect.stringContaining(message) });
  }
  expect(await verify(out, "--set", "se=pre")).toMatchObject({
    exit: 2,
    err: expect.stringContaining("--set goes with a source"),
  });
  const other = await sec(["verify", out, "--target", "cuda"]);
  expect(other).toMatchObject({ exit: 2, err: expect.stringContaining("was compiled for wgsl, not for cuda") });
  const pytorch = await sec(["verify", digits, "--target", "pytorch"]);
  expect(pytorch).toMatchObject({ exit: 2, err: expect.stringContaining("not supported yet") });
});
