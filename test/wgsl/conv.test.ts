import { describe, test } from "vitest";
import type { Node } from "../../src/ir/graph.ts";
import { convTiles } from "../../src/plan/kernels/conv.ts";
import type { Window } from "../../src/ops/window.ts";
import { Build, channelsOf, keptMap, keptPlan } from "../graphs.ts";
import { expectRight, planOf, retiled, right, useDevice } from "./check.ts";

useDevice();

const windows: readonly (readonly [string, Partial<Window>])[] = [
  ["1x1", {}],
  ["1x1 stride 2", { stride: [2, 2] }],
  ["3x3 same", { kernel: [3, 3], padding: [1, 1, 1, 1] }],
  ["3x3 stride 2", { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] }],
  [
    "3x2 stride 1x3, padding on one side, dilation 2x1",
    { kernel: [3, 2], stride: [1, 3], padding: [0, 2, 3, 0], dilation: [2, 1] },
  ],
  ["1x1 stride 2, moved down and to the left", { stride: [2, 2], padding: [1, -1, -1, 1] }],
  ["7x7 stride 2", { kernel: [7, 7], stride: [2, 2], padding: [3, 3, 3, 3] }],
];

function convolution(b: Build, x: Node, outputs: number, window: Partial<Window>): Node {
  const full: Window = { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], ...window };
  const weight = b.parameter("conv.weight", "weight", outputs, channelsOf(x), ...full.kernel);
  return b.bias("conv.bias", b.op("conv2d", "conv", { x, weight }, { ...full, groups: 1 }));
}

describe("windows", () => {
  for (const [name, window] of windows)
    right(name, () => {
      const b = new Build();
      return b.graph(convolution(b, b.input("x", 5, 9, 7), 6, window));
    });
});

describe("channels and extents", () => {
  for (const [channels, height, width, outputs] of [
    [1, 1, 1, 1],
    [3, 13, 11, 36],
    [36, 5, 1, 3],
    [17, 2, 3, 8],
    [64, 3, 3, 8],
  ] as const)
    right(
      `${channels} x ${height} x ${width} -> ${outputs}`,
      () => {
        const b = new Build();
        return b.graph(convolution(b, b.input("x", channels, height, width), outputs, windows[2]![1]));
      },
      { batch: 3 },
    );
});

describe("what is computed as it is read, and stored", () => {
  for (const [channels, height, width, outputs] of [
    [20, 9, 7, 72],
    [5, 1, 3, 4],
    [64, 8, 8, 132],
  ] as const)
    test(`${channels} x ${height} x ${width}, and a convolution of it -> ${outputs}`, async () => {
      const graph = keptMap(channels, height, width, outputs);
      await expectRight(graph, keptPlan(graph), { batch: 3 });
    });
});

describe("tiles", () => {
  for (const tile of convTiles)
    test(`${tile.pixels} x ${tile.channels}`, async () => {
      const b = new Build();
      const y = convolution(b, b.input("x", 6, 9, 17), 68, { kernel: [1, 3], padding: [0, 1, 0, 1] });
      const graph = b.graph(y, b.squeeze("s", y));
      await expectRight(graph, retiled(planOf(graph), tile), { batch: 1 });
    });
});

describe("fused", () => {
  right("batchNorm, gate, residual, relu after it", () => {
    const b = new Build();
    const x = b.input("x", 8, 6, 5);
    const y = b.batchNorm("bn", b.conv("conv", x, 12, { kernel: 3 }));
    const scaled = b.scale("scale", y, b.vector("g", 12));
    return b.graph(b.unary("relu", "relu", b.add("add", scaled, b.input("r", 12, 6, 5))));
  });
  right("a residual that is scaled as it is read", () => {
    const b = new Build();
    const x = b.input("x", 8, 6, 5);
    const skip = b.scale("scale", b.input("r", 8, 6, 5), b.vector("g", 8));
    return b.graph(b.add("add", b.conv("conv", x, 8), skip), b.add("add2", b.conv("conv2", x, 8), skip));
  });
  right("the same map twice after it", () => {
    const b = new Build();
    const r = b.input("r", 5, 4, 4);
    const y = b.add("add", b.conv("conv", b.input("x", 3, 4, 4), 5), r);
    return b.graph(b.op("mul", "mul", { a: b.unary("sigmoid", "sig", y), b: r }, {}));
  });
  right("gate and batchNorm before it, zeros in the padding", () => {
    const b = new Build();
    const x = b.input("x", 6, 5, 5);
    const scaled = b.unary("relu", "relu", b.batchNorm("bn", b.scale("scale", x, b.vector("g", 6))));
    return b.graph(b.conv("conv", scaled, 9, { kernel: 3 }), b.conv("conv2", scaled, 4));
  });
});
