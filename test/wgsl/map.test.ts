import { describe, test } from "vitest";
import { tensor } from "../../src/tensor/tensor.ts";
import { Build, square, type Activation } from "../graphs.ts";
import { expectRight, planOf, retiled, right, useDevice } from "./check.ts";

useDevice();

describe("elementwise", () => {
  const values = [
    -1e30, -100, -89, -20, -6, -3, -1, -0.5, -0.1, -1e-3, -1e-20, 0, 1e-20, 1e-3, 0.1, 0.6, 1, 2.9, 3, 6, 20, 89, 100,
    1e30,
  ];
  const leaves = new Map([["x", tensor([1, 6, 2, 2], values)]]);
  const activations: Activation[] = ["relu", "relu6", "hardSwish", "silu", "sigmoid", "tanh", "hardSigmoid"];
  for (const op of activations)
    right(
      op,
      () => {
        const b = new Build();
        return b.graph(b.unary(op, "y", b.input("x", 6, 2, 2)));
      },
      { batch: 1, leaves },
    );
  right(
    "leakyRelu, scaleBy",
    () => {
      const b = new Build();
      const leaky = b.op("leakyRelu", "leaky", { x: b.input("x", 6, 2, 2) }, { negativeSlope: 0.01 });
      return b.graph(b.op("scaleBy", "scaled", { x: leaky }, { factor: 0.3 }));
    },
    { batch: 1, leaves },
  );
  right("of two maps", () => {
    const b = new Build();
    const [x, r] = [b.input("x", 5, 3, 7), b.input("r", 5, 3, 7)];
    const sum = b.op("sub", "sub", { a: x, b: r }, {});
    return b.graph(b.op("mul", "mul", { a: sum, b: r }, {}), b.add("add", sum, sum));
  });
  right(
    "batchNorm without eps, gate",
    () => {
      const b = new Build();
      return b.graph(b.scale("scale", b.batchNorm("bn", b.input("x", 3, 5, 5), 0), b.vector("g", 3)));
    },
    { plain: true },
  );
});

describe("across channels", () => {
  for (const [channels, plain] of [
    [21, false],
    [8, true],
  ] as const)
    right(
      `CBAM's spatial gate of ${channels} channels${plain ? ", one launch for each node" : ""}`,
      () => {
        const b = new Build();
        const x = b.scale("s", b.input("x", channels, 5, 7), b.vector("g", channels));
        const pools = { 0: b.op("channelMax", "max", { x }, {}), 1: b.op("channelMean", "mean", { x }, {}) };
        const gate = b.unary("sigmoid", "gate", b.conv("conv", b.op("concat", "both", pools, {}), 1, { kernel: 7 }));
        const scaled = b.op("scalePixels", "scaled", { x, gate }, {});
        return b.graph(b.unary("relu", "relu", b.add("add", scaled, b.input("r", channels, 5, 7))));
      },
      { plain },
    );
  right("a gate of pixels that is not of the map, and whose activation is cheap", () => {
    const b = new Build();
    const gate = b.unary("relu", "gate", b.op("channelMean", "mean", { x: b.input("z", 6, 4, 6) }, {}));
    const x = b.conv("conv", b.input("x", 5, 4, 6), 9, { kernel: 3 });
    return b.graph(
      b.op("scalePixels", "scaled", { x, gate }, {}),
      b.squeeze("q", b.op("scalePixels", "again", { x: gate, gate }, {})),
    );
  });
});

describe("padding", () => {
  right("zeros on two sides, crops on the others, behind relu and before a pool", () => {
    const b = new Build();
    const x = b.op("pad", "pad", { x: b.batchNorm("bn", b.input("x", 6, 4, 7)) }, { padding: [2, -1, -1, 3] });
    return b.graph(b.unary("sigmoid", "s", x), b.maxPool("p", x, 3, 2, 1));
  });
});

describe("pooling", () => {
  for (const [kernel, stride, padding] of [
    [2, 2, 0],
    [3, 2, 1],
    [3, 1, 1],
  ] as const) {
    right(`maxPool ${kernel} ${stride} ${padding}, behind relu`, () => {
      const b = new Build();
      const x = b.batchNorm("bn", b.input("x", 6, 7, 9));
      return b.graph(
        b.unary("sigmoid", "s", b.maxPool("p", x, kernel, stride, padding)),
        b.maxPool("q", x, kernel, stride, padding),
      );
    });
    for (const countPadding of [true, false])
      right(`avgPool ${kernel} ${stride} ${padding} ${countPadding ? "counts" : "skips"} padding, ceil`, () => {
        const b = new Build();
        const attrs = { ...square(kernel, stride, padding, 1), rounding: "ceil" as const, countPadding };
        return b.graph(b.op("avgPool", "p", { x: b.input("x", 3, 8, 6) }, attrs));
      });
  }
});

describe("convolutions", () => {
  for (const [channels, groups, outputs] of [
    [8, 8, 8],
    [5, 5, 5],
    [36, 36, 36],
    [16, 4, 16],
    [8, 2, 16],
    [6, 3, 9],
    [6, 2, 10],
    [3, 3, 6],
    [12, 2, 12],
  ] as const)
    for (const stride of [1, 2])
      right(
        `${channels} -> ${outputs} in ${groups} groups, stride ${stride}`,
        () => {
          const b = new Build();
          const x = b.input("x", channels, 6, 7);
          return b.graph(
            b.unary("relu6", "r", b.batchNorm("bn", b.conv("c", x, outputs, { kernel: 3, stride, groups }))),
          );
        },
        { batch: stride === 1 ? 3 : 1 },
      );
  right("5x5 depthwise with dilation, gated input", () => {
    const b = new Build();
    const x = b.scale("s", b.input("x", 8, 8, 8), b.vector("g", 8));
    return b.graph(
      b.conv("c", x, 8, { kernel: 5, groups: 8, dilation: 2, padding: 4 }),
      b.conv("d", x, 8, { kernel: 3, groups: 8 }),
    );
  });
  right(
    "one thread for each output, groups 1",
    () => {
      const b = new Build();
      return b.graph(b.conv("c", b.input("x", 5, 6, 5), 7, { kernel: 3, stride: 2 }));
    },
    { plain: true },
  );
});

describe("runs of pixels", () => {
  const run = (channels: number, groups: number, stride: number, kernel: number) => {
    const b = new Build();
    const y = b.batchNorm("bn", b.conv("c", b.input("x", channels, 8, 12), channels, { kernel, stride, groups }));
    return b.graph(y, b.squeeze("s", y, "max"));
  };
  for (const [channels, groups, stride, kernel, pixels] of [
    [64, 64, 1, 3, 32],
    [64, 64, 2, 5, 24],
    [64, 16, 1, 3, 24],
    [64, 8, 2, 3, 12],
  ] as const)
    test(`${channels} channels in ${groups} groups, ${kernel}x${kernel} stride ${stride}, tiles of ${pixels} pixels`, async () => {
      const graph = run(channels, groups, stride, kernel);
      await expectRight(graph, retiled(planOf(graph), { pixels, channels: 64 }));
    });
});

describe("channels", () => {
  for (const sizes of [
    [4, 8, 3],
    [3, 5],
    [1, 1, 1, 1, 1],
    [8, 4],
  ])
    right(`concat ${sizes.join(" ")}`, () => {
      const b = new Build();
      const inputs = Object.fromEntries(sizes.map((size, index) => [index, b.input(`x${index}`, size, 3, 5)]));
      return b.graph(b.unary("relu", "r", b.op("concat", "c", inputs as never, {})));
    });
  for (const [start, size] of [
    [0, 3],
    [4, 4],
    [3, 6],
    [9, 1],
  ] as const)
    right(`slice ${start} ${size}`, () => {
      const b = new Build();
      return b.graph(b.op("sliceChannels", "s", { x: b.unary("relu", "r", b.input("x", 10, 3, 5)) }, { start, size }));
    });
  for (const [channels, groups] of [
    [8, 2],
    [6, 3],
    [9, 3],
  ] as const)
    right(`shuffle ${channels} in ${groups}`, () => {
      const b = new Build();
      return b.graph(b.op("shuffleChannels", "s", { x: b.input("x", channels, 3, 5) }, { groups }));
    });
  for (const mode of ["nearest", "bilinear"] as const)
    for (const [height, width] of [
      [6, 10],
      [7, 4],
      [2, 1],
    ] as const)
      right(`upsample ${mode} to ${height}x${width}`, () => {
        const b = new Build();
        return b.graph(b.op("upsample", "u", { x: b.input("x", 5, 3, 5) }, { height, width, mode }));
      });
  right("flatten", () => {
    const b = new Build();
    return b.graph(b.dense("fc", b.op("flatten", "f", { x: b.unary("relu", "r", b.input("x", 3, 3, 5)) }, {}), 4));
  });
});
