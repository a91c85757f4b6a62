import fc from "fast-check";
import { describe } from "vitest";
import type { Node } from "../../src/ir/graph.ts";
import type { Window } from "../../src/ops/window.ts";
import { arbitraryGraph, dumps, networks, residualNetwork, steps, withDumps } from "../generated.ts";
import { Build, channelsOf, keptMap, keptPlan, square } from "../graphs.ts";
import { casesInOneProgram, cut, type Case } from "./emulated.ts";

/** Every family of kernels at the shapes where they are easily wrong, and generated networks. */

const cases: Case[] = [];

function add(
  name: string,
  make: (b: Build) => Node | readonly Node[],
  options: Pick<Case, "batch" | "plain"> = {},
): void {
  const b = new Build();
  const made = make(b);
  cases.push({ name, graph: b.graph(...(Array.isArray(made) ? (made as Node[]) : [made as Node])), ...options });
}

function convolution(b: Build, x: Node, outputs: number, window: Partial<Window>, groups = 1): Node {
  const full: Window = { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], ...window };
  const weight = b.parameter("conv.weight", "weight", outputs, channelsOf(x) / groups, ...full.kernel);
  return b.bias("conv.bias", b.op("conv2d", "conv", { x, weight }, { ...full, groups }));
}

// Maps of one pixel and of prime extents; channels below, at and beyond multiples of 4 and 8; batches of 1, 3 and 17.
for (const [batch, channels, height, width, outputs, window] of [
  [1, 1, 1, 1, 1, square(1, 1, 0, 1)],
  [17, 3, 1, 1, 5, square(3, 1, 1, 1)],
  [3, 5, 13, 11, 36, square(3, 1, 1, 1)],
  [1, 17, 7, 5, 8, square(1, 2, 0, 1)],
  [3, 6, 9, 17, 68, square(3, 2, 1, 1)],
  [1, 3, 19, 23, 31, square(7, 2, 3, 1)],
  [1, 2, 13, 11, 9, square(8, 1, 4, 1)],
  // Channels that fill steps: all taps of some, then of the next.
  [3, 64, 7, 5, 20, square(3, 2, 1, 1)],
  [1, 32, 9, 6, 12, { kernel: [1, 5], padding: [0, 2, 0, 2] }],
  [1, 32, 11, 12, 8, square(9, 1, 4, 1)],
  [2, 9, 11, 13, 20, square(9, 2, 4, 1)],
  [1, 12, 31, 37, 67, { kernel: [1, 3], padding: [0, 1, 0, 1] }],
  [2, 5, 9, 7, 6, { kernel: [3, 2], stride: [1, 3], padding: [0, 2, 3, 0], dilation: [2, 1] }],
] as const)
  add(
    `convolution ${window.kernel.join("x")} of ${channels} x ${height} x ${width} -> ${outputs}, batch ${batch}`,
    (b) => convolution(b, b.input("x", channels, height, width), outputs, window),
    { batch },
  );

for (const [batch, channels, outputs, groups, size, window] of [
  [3, 10, 10, 10, 9, square(3, 1, 1, 1)],
  [1, 13, 13, 13, 7, square(5, 2, 2, 1)],
  [17, 8, 8, 8, 1, square(3, 1, 1, 1)],
  [2, 8, 16, 2, 6, square(3, 1, 1, 1)],
  [3, 6, 9, 3, 5, square(3, 1, 1, 1)],
  [1, 24, 24, 6, 8, square(3, 2, 1, 1)],
  // On tensor cores: slices of 32 channels, of which the last may be ragged, and groups as large as one.
  [3, 128, 128, 32, 6, square(3, 1, 1, 1)],
  [1, 40, 40, 5, 7, square(3, 2, 1, 1)],
  [2, 80, 80, 5, 5, square(3, 1, 2, 2)],
  [1, 64, 64, 2, 3, square(5, 1, 2, 1)],
  [2, 48, 48, 6, 9, square(1, 1, 0, 1)],
  [17, 12, 12, 3, 1, square(1, 1, 0, 1)],
] as const)
  add(
    `convolution of ${channels} -> ${outputs} channels in ${groups} groups, batch ${batch}`,
    (b) => convolution(b, b.input("x", channels, size, size + 1), outputs, window, groups),
    { batch },
  );

for (const [kernel, stride, padding] of [
  [3, 2, 1],
  [2, 2, 0],
] as const) {
  add(`maximum pooling ${kernel}x${kernel}`, (b) => b.maxPool("p", b.input("x", 5, 11, 7), kernel, stride, padding), {
    batch: 3,
  });
  add(`mean pooling ${kernel}x${kernel}`, (b) => b.avgPool("p", b.input("x", 7, 11, 7), kernel, stride, padding), {
    batch: 1,
  });
}
for (const mode of ["nearest", "bilinear"] as const)
  add(`upsampling, ${mode}`, (b) =>
    b.op("upsample", "u", { x: b.input("x", 5, 3, 7) }, { height: 7, width: 11, mode }),
  );
for (const classes of [1, 10, 1000])
  add(`softmax of ${classes}`, (b) => b.op("softmax", "s", { x: b.vector("x", classes) }, {}), { batch: 3 });
add("concatenation of ragged channels, then a slice and a shuffle", (b) => {
  const parts = { 0: b.input("a", 3, 5, 5), 1: b.input("b", 6, 5, 5), 2: b.input("c", 7, 5, 5) };
  const all = b.op("concat", "cat", parts, {});
  return b.op(
    "shuffleChannels",
    "sh",
    { x: b.op("sliceChannels", "s", { x: all }, { start: 3, size: 10 }) },
    { groups: 5 },
  );
});
add("every activation", (b) => {
  const x = b.conv("c", b.input("x", 4, 3, 3), 6);
  const ops = ["relu", "relu6", "hardSwish", "silu", "sigmoid", "tanh", "hardSigmoid"] as const;
  return [...ops.map((op) => b.unary(op, op, x)), b.op("leakyRelu", "leaky", { x }, { negativeSlope: 0.1 })];
});
for (const squeeze of ["avg", "max"] as const)
  add(
    `a dense layer of 2048 x 1000 after the ${squeeze} of a map`,
    (b) => b.dense("fc", b.squeeze("s", b.unary("relu", "r", b.input("x", 2048, 3, 3)), squeeze), 1000),
    { batch: 1 },
  );
for (const [name, window] of [
  ["3x3", square(3, 1, 1, 1)],
  ["5x5 stride 3, dilation 2", square(5, 3, 4, 2)],
] as const)
  for (const [height, width] of [
    [1, 1],
    [5, 7],
    [12, 13],
  ] as const)
    add(`means of the taps of a window of ${name} in ${height}x${width}`, (b) => {
      const x = b.conv("conv", b.input("x", 4, height, width), 6, { bias: true });
      return [b.dense("fc", b.op("tapMeans", "taps", { x }, window), 3), x];
    });
// In large batches dense layers go through the images tile by tile; every kernel is right for every batch.
for (const [batch, features, outputs] of [
  [1, 128, 68],
  [35, 90, 101],
] as const)
  add(
    `a dense layer of ${features} x ${outputs} of a vector, batch ${batch}`,
    (b) => b.unary("silu", "a", b.dense("fc", b.unary("tanh", "t", b.vector("x", features)), outputs)),
    { batch },
  );
// Excitation by batch: shares of the first layer where the squeeze is, and the gate in the convolution that it scales.
for (const [batch, narrow, height, width, outputs, hidden, kernel] of [
  [1, 4, 1, 1, 8, 1, 1],
  [17, 9, 5, 7, 12, 3, 3],
  [3, 68, 9, 17, 67, 21, 1],
  [2, 33, 13, 11, 132, 48, 1],
] as const)
  add(
    `convolution ${kernel}x${kernel} of ${narrow} x ${height} x ${width}, then one of ${outputs} with an SE block of ${hidden}, batch ${batch}`,
    (b) => {
      const inner = b.conv("inner", b.input("x", 3, height, width), narrow, { kernel, bias: true });
      const outer = b.conv("outer", b.unary("relu", "r", inner), outputs, { bias: true });
      return b.unary("relu", "y", b.se("se", outer, { hidden }));
    },
    { batch },
  );
// An operand that is computed as it is read, and sums of what comes out.
for (const [channels, groups, size] of [
  [36, 9, 7],
  [64, 4, 5],
  [64, 1, 5],
] as const)
  add(`a gated map of ${channels} channels, convolved in ${groups} groups and gated`, (b) => {
    const x = b.unary("relu", "r", b.conv("first", b.input("x", 5, size, size), channels, { bias: true }));
    const gated = b.se("before.se", x, { hidden: 3 });
    const y = b.unary("relu", "y", b.conv("conv", gated, channels, { kernel: 3, groups, bias: true }));
    return b.conv("last", b.se("after.se", y, { hidden: 4 }), 6);
  });
for (const [channels, height, width, outputs, slices] of [
  [20, 9, 7, 136, 1],
  [5, 1, 3, 4, 1],
  [260, 3, 5, 300, 3],
] as const) {
  const graph = keptMap(channels, height, width, outputs);
  cases.push({
    name: `${channels} channels, convolved to ${outputs} in ${slices} slices and stored as they are read`,
    graph,
    plan: (precision) => cut(keptPlan(graph, precision), slices),
  });
}
add(
  "values of NCHW that are taken apart and written",
  (b) => {
    const x = b.input("x", 7, 5, 3);
    return [b.op("flatten", "f", { x }, {}), x];
  },
  { batch: 3 },
);

const full = process.env.SEC_FULL !== undefined;
const count = full ? 40 : 2;
for (const [index, [size, list, dumped]] of fc
  .sample(fc.tuple(fc.integer({ min: 1, max: 5 }), steps, dumps), { numRuns: count, seed: 4 })
  .entries())
  cases.push({
    name: `generated graph ${index}`,
    graph: withDumps(arbitraryGraph(size, list), dumped),
    plain: index % 2 === 1,
  });
for (const [index, network] of fc.sample(networks, { numRuns: count, seed: 4 }).entries())
  cases.push({ name: `generated network ${index}`, graph: residualNetwork(network), batch: 1 + (index % 3) });

/** What a precision other than f32 changes: convolutions, and how maps are read and written. */
const short = cases.filter(({ name }) =>
  /^(convolution|260 channels|maximum|upsampling, nearest|every|generated network)/.test(name),
);

describe("f32", () => casesInOneProgram(cases, full ? "addresses" : undefined));
describe("f16", () => casesInOneProgram(full ? cases : short, full ? "addresses" : undefined, "f16"));
describe.runIf(full)("tf32", () => casesInOneProgram(cases, "addresses", "tf32"));
describe.runIf(full)("bf16", () => casesInOneProgram(cases, "addresses", "bf16"));
// Not optimised, and slower by far.
const few = cases.filter(({ name }) => !/^generated .* \d\d$/.test(name));
describe.runIf(full).each(["f32", "tf32", "f16", "bf16"] as const)("%s, uses of what nobody has written", (precision) =>
  casesInOneProgram(few, "memory", precision),
);
