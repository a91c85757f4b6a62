import { describe } from "vitest";
import type { Node } from "../../src/ir/graph.ts";
import type { Window } from "../../src/ops/window.ts";
import { Build, square } from "../graphs.ts";
import { right, useDevice } from "./check.ts";

/** Partial sums in the epilogue of what makes the map, and the means that come of them. */

useDevice();

const windows: readonly (readonly [string, Window])[] = [
  ["1x1 stride 2", square(1, 2, 0, 1)],
  ["3x3", square(3, 1, 1, 1)],
  ["3x3 stride 2", square(3, 2, 1, 1)],
  ["3x3 without padding, dilation 2", square(3, 1, 0, 2)],
  ["5x5 stride 3, dilation 2", square(5, 3, 4, 2)],
];
const extents = [
  [1, 1],
  [2, 1],
  [2, 2],
  [5, 7],
  [8, 12],
] as const;

for (const [name, window] of windows)
  describe(name, () => {
    for (const [height, width] of extents) {
      if (height < 5 && window.padding[0] === 0 && window.kernel[0] > 1) continue;
      const tapsOf = (b: Build, x: Node) => b.graph(b.dense("fc", b.op("tapMeans", "taps", { x }, window), 3), x);
      right(`after a convolution, ${height}x${width}`, () => {
        const b = new Build();
        return tapsOf(b, b.conv("conv", b.input("x", 4, height, width), 6, { bias: true }));
      });
      if (width > 2)
        right(`after an elementwise map, ${height}x${width}`, () => {
          const b = new Build();
          return tapsOf(b, b.unary("relu", "r", b.input("x", 6, height, width)));
        });
    }
  });

describe("mean and maximum", () => {
  for (const squeeze of ["avg", "max"] as const) {
    right(`${squeeze} of a depthwise convolution`, () => {
      const b = new Build();
      const y = b.unary("hardSwish", "h", b.conv("c", b.input("x", 10, 9, 9), 10, { kernel: 3, groups: 10 }));
      return b.graph(b.squeeze("s", y, squeeze), y);
    });
    right(`${squeeze} of a strided convolution that is not stored`, () => {
      const b = new Build();
      return b.graph(b.squeeze("s", b.conv("c", b.input("x", 3, 21, 13), 33, { kernel: 3, stride: 2 }), squeeze));
    });
    right(`${squeeze} of an input`, () => {
      const b = new Build();
      return b.graph(b.squeeze("s", b.input("x", 3, 21, 13), squeeze));
    });
  }
});

describe("many tiles", () => {
  right(
    "3x3 taps of 40x40 pixels",
    () => {
      const b = new Build();
      const y = b.unary("relu", "r", b.input("x", 5, 40, 40));
      return b.graph(b.op("tapMeans", "taps", { x: y }, square(3, 1, 1, 1)), y);
    },
    { batch: 1 },
  );
});
