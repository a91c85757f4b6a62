import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { check } from "../../src/check/check.ts";
import { Problems } from "../../src/diagnostics.ts";
import { layoutOfManifest } from "../../src/manifest.ts";
import { binHeader } from "../../src/weights/binHeader.ts";
import { fingerprint, packWeights, weightLayout } from "../../src/weights/pack.ts";
import { hash64 } from "../../src/weights/hash.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { describe as describePackage } from "../../targets/wgsl/describe.ts";
import { renderKernels } from "../../targets/wgsl/kernels.ts";
import { networkGraph, planOf } from "../networks.ts";

const graph = networkGraph("examples/digits.se");
const plan = planOf(graph);
const layout = weightLayout(plan);
const tensors = seedWeights(graph, 1);

function pack(from = layout, weights = tensors): Uint8Array {
  const packed = packWeights(from, weights);
  if (!packed.ok) throw new Error(packed.messages.join("\n"));
  return packed.bytes;
}

test("the header, and every tensor at its place, rounded once", () => {
  const bytes = pack();
  const view = new DataView(bytes.buffer);
  expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe("SECW");
  expect(view.getUint32(4, true)).toBe(1);
  expect(Buffer.from(bytes.subarray(8, 16)).toString("hex")).toBe(fingerprint(layout));
  expect(view.getBigUint64(16, true)).toBe(BigInt(bytes.length));
  expect(view.getUint32(24, true)).toBe(layout.buffers.length);
  expect(new TextDecoder().decode(bytes.subarray(32, 32 + view.getUint32(28, true)))).toBe("Digits");

  const values = interpret(layout.program, tensors, 1);
  for (const launch of plan.launches) {
    for (const { packed, floatOffset } of launch.weights?.tensors ?? []) {
      const start = binHeader.bytes + launch.weights!.byteOffset + 4 * floatOffset;
      const expected = Float32Array.from(values.get(packed)!.data);
      expect(new Float32Array(bytes.buffer, start, expected.length)).toEqual(expected);
    }
  }
});

test("compile with weights and pack from the manifest make the same bytes", () => {
  const manifest = describePackage(
    plan,
    renderKernels(plan, () => "x"),
    () => "digits.se:1:1",
  );
  const read = layoutOfManifest(JSON.stringify(manifest));
  if (!read.ok) throw new Error(read.message);
  expect(Buffer.compare(pack(read.layout), pack())).toBe(0);
});

test("the fingerprint does not depend on where the source stands", () => {
  const moved = graph.nodes.map((node) => node.span);
  const text = readFileSync("examples/digits.se", "utf8");
  const elsewhere = check({
    entry: "other.se",
    load: (path) => (path === "other.se" ? `// moved\n${text}` : undefined),
    problems: new Problems(),
  })!;
  expect(elsewhere.nodes.map((node) => node.span)).not.toEqual(moved);
  expect(fingerprint(weightLayout(planOf(elsewhere)))).toBe(fingerprint(layout));
});

test("the fingerprint tells networks apart: another placement, ratio or name", () => {
  const of = (set: Record<string, string>) =>
    fingerprint(weightLayout(planOf(networkGraph("examples/digits.se", set))));
  const prints = [{}, { se: "pre" }, { ratio: "2" }, { se: "none" }].map(of);
  expect(new Set(prints).size).toBe(prints.length);
  expect(of({})).toBe(prints[0]);
  expect(fingerprint({ ...layout, network: "Other" })).not.toBe(prints[0]);
  expect(prints[0]).toMatch(/^[0-9a-f]{16}$/);
});

test("hash64: every engine must agree", () => {
  expect([hash64(""), hash64("a"), hash64("ab"), hash64("ba")]).toMatchInlineSnapshot(`
    [
      "f17bfbbf92b5c5dd",
      "a55f982f89fb3b42",
      "c45c7fc24d5848a4",
      "191334ef6c0088bf",
    ]
  `);
  const hashes = new Set(Array.from({ length: 20_000 }, (_, i) => hash64(`layer${i}.conv1.weight`)));
  expect(hashes.size).toBe(20_000);
});

test("fault 50: NaN and infinities are counted by tensor", () => {
  const broken = new Map(tensors);
  const data = Float64Array.from(tensors.get("conv1.weight")!.data);
  data.set([NaN, NaN, Infinity]);
  broken.set("conv1.weight", { shape: tensors.get("conv1.weight")!.shape, data });
  expect(packWeights(layout, broken)).toMatchObject({
    ok: true,
    warnings: ["conv1.weight holds 2 NaN and 1 infinite values among 144"],
  });
  expect(packWeights(layout, tensors)).toMatchObject({ warnings: [] });
});

test("a variance below zero shows in what is computed of it", () => {
  const broken = new Map(tensors);
  const { shape } = tensors.get("bn1.running_var")!;
  broken.set("bn1.running_var", { shape, data: new Float64Array(shape[0]!).fill(-1) });
  const packed = packWeights(layout, broken);
  expect(packed.ok && packed.warnings[0]).toMatch(/\(computed of finite weights\) holds \d+ NaN and 0 infinite values/);
});

test("missing tensors are listed", () => {
  const fewer = new Map(tensors);
  fewer.delete("conv1.weight");
  fewer.delete("fc.bias");
  expect(packWeights(layout, fewer)).toEqual({
    ok: false,
    messages: ["conv1.weight is missing", "fc.bias is missing"],
  });
});
