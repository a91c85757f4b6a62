import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldedWeights } from "../../src/reference/interpretPlan.ts";
import { binHeader } from "../../src/weights/binHeader.ts";
import {
  fingerprint,
  packedLength,
  packWeights,
  restoredWeights,
  segmentsOf,
  weightLayout,
  type WeightLayout,
} from "../../src/weights/pack.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { bfloatOf, halfOf, numberOf } from "../../src/tensor/halves.ts";
import { encode, restored } from "../../src/weights/storage.ts";
import { opDef } from "../../src/ir/graph.ts";
import { zeros } from "../../src/tensor/tensor.ts";
import { networkGraph, planOf } from "../networks.ts";

describe("f16", () => {
  test.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [-1e9, 0xfc00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.001, 0x0001],
    [3 * 2 ** -25, 0x0002],
    [2 ** -14, 0x0400],
    [2 ** -14 - 2 ** -25, 0x0400],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2 - 2 ** -12, 0x4000],
    [NaN, 0x7e00],
  ])("%d is stored as %i", (value, half) => {
    expect(halfOf(value)).toBe(half);
  });

  test("every half is itself, and every number goes to the nearest", () => {
    const finite = Array.from({ length: 0x7c00 }, (_, half) => numberOf(half));
    expect(finite.map(halfOf)).toEqual(finite.map((_, half) => half));
    const wrong: number[] = [];
    for (let half = 1; half < finite.length; half++) {
      const [below, above] = [finite[half - 1]!, finite[half]!];
      const middle = (below + above) / 2;
      const found = [middle, middle - (above - below) / 64, -middle - (above - below) / 64].map(halfOf);
      const expected = [half % 2 === 0 ? half : half - 1, half - 1, 0x8000 | half];
      if (found.some((bits, at) => bits !== expected[at])) wrong.push(half);
    }
    expect(wrong).toEqual([]);
  });
});

test("bf16: the nearest, ties to even", () => {
  const bits = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const value = (upper: number, lower: number) => new Float32Array(Uint32Array.of((upper << 16) | lower).buffer)[0]!;
  expect(bfloatOf(1)).toBe(0x3f80);
  expect(bfloatOf(value(0x3f80, 0x8000))).toBe(0x3f80);
  expect(bfloatOf(value(0x3f81, 0x8000))).toBe(0x3f82);
  expect(bfloatOf(value(0x3f80, 0x8001))).toBe(0x3f81);
  expect(bfloatOf(value(0xbf80, 0xffff))).toBe(0xbf81);
  expect(bfloatOf(3.4028234e38)).toBe(0x7f80);
  expect(bfloatOf(-Infinity)).toBe(0xff80);
  expect(bfloatOf(NaN) & 0x7fff).toBeGreaterThan(0x7f80);
  fc.assert(
    fc.property(fc.float({ noNaN: true, min: -(2 ** 100), max: 2 ** 100 }), (x) => {
      const near = value(bfloatOf(x), 0);
      const next = [value(bfloatOf(x) + 1, 0), value(bfloatOf(x) - 1, 0)].map((other) => Math.abs(other - x));
      expect(bits(near) & 0xffff).toBe(0);
      // At 0 the code below wraps around.
      if (x !== 0 && (bfloatOf(x) & 0x7fff) > 0) expect(Math.abs(near - x)).toBeLessThanOrEqual(Math.min(...next));
    }),
  );
});

describe("int8", () => {
  const codes = (values: readonly number[], columns = 1) => {
    const encoded = encode(values, columns, "int8");
    if (!encoded.ok) throw new Error(encoded.message);
    const { buffer } = encoded.bytes;
    return { scales: [...new Float32Array(buffer, 0, columns)], codes: [...new Int8Array(buffer, 4 * columns)] };
  };

  test("symmetric: the largest is 127, ties go to even", () => {
    expect(codes([127, -127, 1.5, 2.5, -0.5, 0.49])).toEqual({ scales: [1], codes: [127, -127, 2, 2, 0, 0] });
  });
  test("a scale for each channel, a channel of zeros too", () => {
    expect(codes([254, 0, 12.7, -2, 0, 0], 3)).toEqual({
      scales: [2, 0, Math.fround(0.1)],
      codes: [127, 0, 127, -1, 0, 0],
    });
  });
  test("no value is further off than half a step", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 40 }),
        (values) => {
          const step = Math.max(...values.map(Math.abs)) / 127;
          restored(Float64Array.from(values), 1, "int8").forEach((value, i) => {
            expect(Math.abs(value - values[i]!)).toBeLessThanOrEqual(0.5 * step * (1 + 1e-5) + 1e-40);
          });
        },
      ),
    );
  });
});

test.each([
  ["f16", 65520, "holds 65520, beyond f16, whose largest is 65504"],
  ["f16", NaN, "holds NaN, which f16 cannot store"],
  ["int8", -Infinity, "holds -Infinity, which int8 cannot store"],
] as const)("%s refuses %d", (storage, value, message) => {
  expect(encode([1, value], 1, storage)).toEqual({ ok: false, message });
});

describe("weights.bin", () => {
  const digits = networkGraph("examples/digits.se");
  const plan = planOf(digits);
  // Depthwise convolutions, and channels that are no multiple of 4.
  const mobile = networkGraph("examples/se-mobilenet.se", {
    width: "0.1",
    classes: "10",
    resolution: "32",
    ratio: "2",
  });

  test.each([
    ["f16", digits],
    ["int8", digits],
    ["f16", mobile],
    ["int8", mobile],
  ] as const)("as %s it holds what kernels are verified with", (storage, graph) => {
    const plan = planOf(graph);
    const tensors = seedWeights(graph, 1);
    const layout = weightLayout(plan, storage);
    const packed = packWeights(layout, tensors);
    if (!packed.ok) throw new Error(packed.messages.join());
    expect(packed.bytes.length).toBe(packedLength(layout));
    const view = new DataView(packed.bytes.buffer);
    expect(view.getUint32(binHeader.storageAt, true)).toBe({ f16: 1, int8: 2 }[storage]);
    expect(view.getBigUint64(binHeader.byteLengthAt, true)).toBe(BigInt(packed.bytes.length));

    const stored = restoredWeights(plan, storage, foldedWeights(plan, tensors));
    const decoded = decodedTensors(packed.bytes.slice(), layout);
    const tensorsOfPlan = plan.launches.flatMap((launch) => launch.weights?.tensors ?? []);
    expect(decoded.length).toBe(tensorsOfPlan.length);
    for (const [index, { parameter, packed: node }] of tensorsOfPlan.entries()) {
      const expected = zeros(node.type.shape as number[]);
      const [input] = Object.keys(node.inputs);
      opDef(node.op).evaluate({ [input!]: stored.get(parameter)! }, node.attrs, expected);
      expect(decoded[index], node.name).toEqual(Float32Array.from(expected.data));
    }
    const vectors = tensorsOfPlan.filter(({ packed }) => packed.op === "packVector");
    expect(segmentsOf(layout).filter(({ form }) => form === "f32").length).toBe(vectors.length);
  });

  test("the fingerprint tells how weights are stored", () => {
    const prints = (["f32", "f16", "int8"] as const).map((storage) => fingerprint(weightLayout(plan, storage)));
    expect(new Set(prints).size).toBe(3);
  });
});

/** What the file holds, read by the description in docs/weights.md. */
function decodedTensors(bytes: Uint8Array<ArrayBuffer>, layout: WeightLayout): Float32Array[] {
  let at = 256;
  const take = (length: number) => bytes.slice(at, (at += length)).buffer;
  return segmentsOf(layout).map(({ form, floats, columns }) => {
    if (form === "f32") return new Float32Array(take(4 * floats));
    if (form === "f16") return Float32Array.from(new Uint16Array(take(2 * floats)), numberOf);
    const scales = new Float32Array(take(4 * columns));
    return Float32Array.from(new Int8Array(take(floats)), (code, i) => code * scales[i % columns]!);
  });
}
