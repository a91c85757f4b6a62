import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeSafetensors } from "../../src/weights/safetensors.ts";
import { storeFloat32 } from "../../src/weights/stored.ts";
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
  expect(document.worstGate.absolute).toBeLessThan(1e-5);
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
  writeFileSync(join(out, "weights.bin"), "");
  expect((await verify(out, "--set", "se=pre")).exit).toBe(2);
  expect((await verify(out)).err).toMatch(/weights\.bin is not read, .*\nnote: no --weights: /);
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

test("gates with more rounding than their contract knows: 70, and told that no launch is wrong by itself", async () => {
  const text =
    "se 1\nblock unit() uses se {\n  conv: conv 8, 3x3, pad: 1 -> relu -> @standard\n}\nnetwork Gated() {\n" +
    "  input image: f32[N, 4, 8, 8]\n  insert se(at: standard, ratio: 4)\n  unit()\n  output y\n}\n";
  // Two hidden units that are each other's multiples, and whose large multiples cancel in the gate.
  const weights = new Map([
    ["conv.weight", stored([8, 4, 3, 3], (i) => ((i * 37) % 41) - 19)],
    ["se.fc1.weight", stored([2, 8], (i) => (i < 8 ? 1 / 3 : 1 / 7))],
    ["se.fc1.bias", stored([2], () => 0)],
    ["se.fc2.weight", stored([8, 2], (i) => (i % 2 === 0 ? 24 : -56))],
    ["se.fc2.bias", stored([8], () => 0)],
  ]);
  const here = folder({ "net.se": text, "w.safetensors": writeSafetensors(weights) });
  const { exit, out, err } = await verify(join(here, "net.se"), "--weights", join(here, "w.safetensors"), "--quiet");
  expect({ exit, err }).toEqual({ exit: 70, err: "" });
  expect(out).toMatch(/\nse: se\.gate: the gate differs from the graph as written by \S+e-5\n/);
  expect(out).toContain("every launch alone is within what rounding explains");
});

function stored(shape: readonly number[], value: (index: number) => number) {
  return storeFloat32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
  );
}
