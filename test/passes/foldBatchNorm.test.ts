import { expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { print, structure } from "../../src/ir/print.ts";
import { foldBatchNorm } from "../../src/passes/foldBatchNorm.ts";
import { runPasses } from "../../src/passes/pass.ts";
import { Build, expectSameOutputs, nodeNamed } from "../graphs.ts";

const fold = (graph: Graph) => {
  const result = runPasses(graph, [foldBatchNorm]);
  expectSameOutputs(graph, result);
  return result;
};

test("after a convolution: weights and bias are arithmetic on parameters", () => {
  const b = new Build();
  const graph = b.graph(b.batchNorm("bn1", b.conv("conv1", b.input("image", 3, 5), 4, { kernel: 3 }), 0.001));
  expect(print(fold(graph))).toMatchInlineSnapshot(`
    "graph test
      image = input()                                                                                       : f32[N, 3, 5, 5]
      conv1.weight = parameter(role: weight)                                                                : f32[4, 3, 3, 3]
      bn1.weight = parameter(role: bnWeight)                                                                : f32[4]
      bn1.running_var = parameter(role: bnVariance)                                                         : f32[4]
      bn1.inverseDeviation = rsqrt(bn1.running_var, eps: 0.001)                                             : f32[4]
      bn1.scale = mul(bn1.weight, bn1.inverseDeviation)                                                     : f32[4]
      conv1.weight.folded = scaleRows(conv1.weight, bn1.scale)                                              : f32[4, 3, 3, 3]
      conv1 = conv2d(image, conv1.weight.folded, kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1)  : f32[N, 4, 5, 5]
      bn1.bias = parameter(role: bnBias)                                                                    : f32[4]
      bn1.running_mean = parameter(role: bnMean)                                                            : f32[4]
      bn1.scaledMean = mul(bn1.running_mean, bn1.scale)                                                     : f32[4]
      bn1.shift = sub(bn1.bias, bn1.scaledMean)                                                             : f32[4]
      bn1 = addBias(conv1, bn1.shift)                                                                       : f32[N, 4, 5, 5]
      output y = bn1
    "
  `);
});

test("after a convolution with bias, a dense layer, a dense layer with bias", () => {
  const b = new Build();
  const map = b.batchNorm("bn1", b.conv("conv", b.input("image", 3, 5), 4, { kernel: 3, bias: true, groups: 1 }));
  const first = b.batchNorm("bn2", b.dense("fc1", b.squeeze("gap", map), 6, false));
  const graph = b.graph(b.batchNorm("bn3", b.dense("fc2", b.unary("relu", "relu", first), 5)));
  const result = fold(graph);
  expect(structure(result)).not.toMatch(/batchNorm|affine/);
  expect(structure(result)).toContain("scaleRows 3");
  expect(nodeNamed(result, "conv.product").inputs).toHaveProperty("weight.name", "conv.weight.folded");
  expect(nodeNamed(result, "bn1").inputs).toHaveProperty("bias.name", "conv.bias.folded");
});

test("grouped and depthwise convolutions", () => {
  const b = new Build();
  const grouped = b.batchNorm("bn1", b.conv("grouped", b.input("image", 4, 5), 8, { kernel: 3, groups: 2 }));
  const graph = b.graph(b.batchNorm("bn2", b.conv("depthwise", grouped, 8, { kernel: 3, groups: 8 })));
  expect(structure(fold(graph))).toContain("scaleRows 2");
});

test("a pre-activation, a BatchNorm after an addition or on the input becomes affine", () => {
  const b = new Build();
  const image = b.batchNorm("data", b.input("image", 3, 5));
  const sum = b.add("sum", b.conv("left", image, 4), b.conv("right", image, 4));
  const graph = b.graph(b.conv("next", b.unary("relu", "relu", b.batchNorm("bn", sum)), 4, { kernel: 3 }));
  expect(structure(fold(graph))).toContain("affine 2");
});

test("two BatchNorms in a row: the first is folded, the second is affine", () => {
  const b = new Build();
  const graph = b.graph(b.batchNorm("second", b.batchNorm("first", b.conv("conv", b.input("image", 3, 5), 4))));
  const result = fold(graph);
  expect(nodeNamed(result, "first").op).toBe("addBias");
  expect(nodeNamed(result, "second").op).toBe("affine");
});

test("shared weights with two BatchNorms are folded twice, under two names", () => {
  const b = new Build();
  const image = b.input("image", 4, 5);
  const weight = b.parameter("shared.weight", "weight", 4, 4, 1, 1);
  const window = { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 } as const;
  const first = b.batchNorm("bn1", b.op("conv2d", "once", { x: image, weight }, window));
  const graph = b.graph(b.batchNorm("bn2", b.op("conv2d", "twice", { x: first, weight }, window)));
  const result = fold(graph);
  expect(nodeNamed(result, "once").inputs).toHaveProperty("weight.name", "shared.weight.folded");
  expect(nodeNamed(result, "twice").inputs).toHaveProperty("weight.name", "shared.weight.folded_2");
});

test("a graph without BatchNorm is returned as it is", () => {
  const b = new Build();
  const graph = b.graph(b.conv("conv", b.input("image", 3, 5), 4));
  expect(foldBatchNorm.run(graph)).toBe(graph);
});
