import { describe, expect, test } from "vitest";
import { ops, type OpName } from "../../src/ops/index.ts";
import { tensor } from "../../src/tensor/tensor.ts";
import { f32 } from "../../src/tensor/type.ts";
import { channels, complaint, evaluate, expectTensor, row, vector } from "./evaluate.ts";

const unary: readonly (readonly [OpName, readonly (readonly [number, number])[]])[] = [
  [
    "relu",
    [
      [-1, 0],
      [0, 0],
      [2, 2],
    ],
  ],
  [
    "relu6",
    [
      [-1, 0],
      [2, 2],
      [6, 6],
      [7, 6],
    ],
  ],
  [
    "sigmoid",
    [
      [0, 0.5],
      [Math.log(3), 0.75],
      [-Math.log(3), 0.25],
      [-800, 0],
      [800, 1],
    ],
  ],
  [
    "tanh",
    [
      [0, 0],
      [Math.log(2), 0.6],
      [-800, -1],
      [800, 1],
    ],
  ],
  [
    "hardSigmoid",
    [
      [-3, 0],
      [-4, 0],
      [0, 0.5],
      [1.5, 0.75],
      [3, 1],
      [4, 1],
    ],
  ],
  [
    "hardSwish",
    [
      [-4, 0],
      [-3, 0],
      [-1.5, -0.375],
      [0, 0],
      [1, 4 / 6],
      [3, 3],
      [5, 5],
    ],
  ],
  [
    "silu",
    [
      [0, 0],
      [Math.log(3), 0.75 * Math.log(3)],
      [-Math.log(3), -0.25 * Math.log(3)],
    ],
  ],
];

describe("on each element", () => {
  test.each(unary)("%s", (op, pairs) => {
    const found = evaluate(op, { x: row(...pairs.map(([x]) => x)) });
    expectTensor(
      found,
      [1, pairs.length],
      pairs.map(([, y]) => y),
    );
  });

  test("leakyRelu, scaleBy, rsqrt", () => {
    expectTensor(evaluate("leakyRelu", { x: row(-2, 0, 3) }, { negativeSlope: 0.1 }), [1, 3], [-0.2, 0, 3]);
    expectTensor(evaluate("scaleBy", { x: row(-2, 3) }, { factor: 0.5 }), [1, 2], [-1, 1.5]);
    expectTensor(evaluate("rsqrt", { x: vector(3, 0) }, { eps: 1 }), [2], [0.5, 1]);
  });

  test("add, sub, mul", () => {
    const [a, b] = [row(5, -2), row(3, 4)];
    expectTensor(evaluate("add", { a, b }), [1, 2], [8, 2]);
    expectTensor(evaluate("sub", { a, b }), [1, 2], [2, -6]);
    expectTensor(evaluate("mul", { a, b }), [1, 2], [15, -8]);
    expect(complaint("add", { a: f32("N", 2), b: f32("N", 3) })).toBe("the two shapes differ: f32[N, 2] and f32[N, 3]");
  });

  test("the slope of an op bounds how much it can stretch a difference", () => {
    const points = Array.from({ length: 401 }, (_, i) => (i - 200) / 20);
    for (const [name] of unary) {
      const y = evaluate(name, { x: row(...points) }).data;
      for (let i = 1; i < points.length; i++) {
        const slope = Math.abs(y[i]! - y[i - 1]!) / (points[i]! - points[i - 1]!);
        expect(slope, `${name} near ${points[i]}`).toBeLessThanOrEqual((ops[name] as { slope?: number }).slope! + 1e-9);
      }
    }
  });
});

describe("one operand for each channel", () => {
  const x = channels([[1, 2]], [[3, 4]]);

  test("addBias, affine", () => {
    expectTensor(evaluate("addBias", { x, bias: vector(10, 20) }), [1, 2, 1, 2], [11, 12, 23, 24]);
    expectTensor(
      evaluate("affine", { x, scale: vector(2, -1), shift: vector(0.5, 1) }),
      [1, 2, 1, 2],
      [2.5, 4.5, -2, -3],
    );
    expectTensor(evaluate("addBias", { x: row(1, 2), bias: vector(10, 20) }), [1, 2], [11, 22]);
    expect(complaint("addBias", { x: f32("N", 2, 1, 2), bias: f32(3) })).toBe("bias is f32[3], but x has 2 channels");
  });

  test("batchNorm: (x - mean) / sqrt(variance + eps) * weight + bias", () => {
    const statistics = { weight: vector(2, 3), bias: vector(1, -1), mean: vector(1, 2), variance: vector(3, 0) };
    // sqrt(3 + 1) = 2, sqrt(0 + 1) = 1.
    expectTensor(evaluate("batchNorm", { x, ...statistics }, { eps: 1 }), [1, 2, 1, 2], [1, 2, 2, 5]);
  });

  test("batchNorm with eps 0", () => {
    const statistics = { weight: vector(1, 1), bias: vector(0, 0), mean: vector(0, 3), variance: vector(4, 0.25) };
    expectTensor(evaluate("batchNorm", { x, ...statistics }, { eps: 0 }), [1, 2, 1, 2], [0.5, 1, 0, 2]);
    const types = Object.fromEntries(["weight", "bias", "mean", "variance"].map((name) => [name, f32(2)]));
    expect(complaint("batchNorm", { x: f32("N", 2, 1, 2), ...types }, { eps: -1 })).toMatch(/eps must not be negative/);
  });

  test("scaleChannels: every image has its own gates", () => {
    const two = tensor([2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const gate = tensor([2, 2], [1, 10, -1, 0]);
    expectTensor(evaluate("scaleChannels", { x: two, gate }), [2, 2, 1, 2], [1, 2, 30, 40, -5, -6, 0, 0]);
    expect(complaint("scaleChannels", { x: f32("N", 2, 1, 2), gate: f32("N", 3) })).toBe(
      "the gate is f32[N, 3], but the feature map has 2 channels",
    );
  });

  test("dense, with both forms of weights", () => {
    const weight = [1, 2, 3, 4, 5, 6];
    const input = tensor([2, 3], [1, 0, -1, 2, 2, 2]);
    expectTensor(evaluate("dense", { x: input, weight: tensor([2, 3], weight) }), [2, 2], [-2, -2, 12, 30]);
    expectTensor(evaluate("dense", { x: input, weight: tensor([2, 3, 1, 1], weight) }), [2, 2], [-2, -2, 12, 30]);
    expect(complaint("dense", { x: f32("N", 3), weight: f32(2, 4) })).toBe(
      "the weight is f32[2, 4], but x has 3 features",
    );
  });
});
