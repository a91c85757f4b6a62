import { describe } from "vitest";
import { Build, type SeOptions } from "../graphs.ts";
import { right, useDevice } from "./check.ts";

useDevice();

describe("squeeze, excite", () => {
  const cases: readonly (readonly [number, number, SeOptions])[] = [
    [16, 4, {}],
    [5, 1, { gate: "tanh", bias: false }],
    [36, 9, { gate: "hardsigmoid", squeeze: "max" }],
    [3, 2, { gate: "relu", squeeze: "max" }],
  ];
  for (const [channels, hidden, options] of cases) {
    const name = `${channels} -> ${hidden} ${JSON.stringify(options)}`;
    for (const plain of [false, true])
      right(
        `${name}${plain ? ", one launch for each node" : ""}`,
        () => {
          const b = new Build();
          const x = b.unary("relu", "r", b.input("x", channels, 11, 13));
          return b.graph(b.se("se", x, { ...options, hidden, point: "post" }));
        },
        { plain, batch: plain ? 1 : 3 },
      );
  }
});

describe("dense", () => {
  for (const [features, outputs] of [
    [1, 1],
    [7, 5],
    [300, 70],
    [3, 1100],
    [520, 1000],
  ] as const)
    right(
      `${features} -> ${outputs}`,
      () => {
        const b = new Build();
        return b.graph(b.unary("relu", "r", b.dense("fc", b.vector("x", features), outputs)));
      },
      { batch: 3 },
    );
  right("pool and classify in several workgroups", () => {
    const b = new Build();
    return b.graph(b.dense("fc", b.squeeze("pool", b.input("x", 200, 4, 4)), 1000));
  });
});

describe("a filter along the channels", () => {
  for (const [channels, length, plain] of [
    [37, 5, false],
    [2, 9, true],
    [300, 7, true],
  ] as const)
    right(
      `${length} of ${channels}${plain ? ", one launch for each node" : ""}`,
      () => {
        const b = new Build();
        const x = b.unary("relu", "r", b.conv("c", b.input("x", 6, 3, 4), channels));
        const weight = b.parameter("weight", "weight", 1, 1, length);
        const convolved = b.op("channelConv", "convolved", { x: b.squeeze("q", x), weight }, {});
        return b.graph(b.scale("scaled", x, b.unary("sigmoid", "gate", convolved)));
      },
      { plain },
    );
});

describe("vectors", () => {
  right("two branches that meet", () => {
    const b = new Build();
    const x = b.vector("x", 20);
    const [one, two] = [
      b.dense("a", x, 7),
      b.unary("sigmoid", "s", b.dense("b", b.unary("relu", "r", b.dense("c", x, 9)), 7)),
    ];
    return b.graph(b.op("mul", "m", { a: b.add("add", one, two), b: one }, {}), b.unary("tanh", "t", one));
  });
  right("concat and slice", () => {
    const b = new Build();
    const [x, y] = [b.vector("x", 5), b.vector("y", 6)];
    const joined = b.op("concat", "c", { 0: b.unary("relu", "r", x), 1: y, 2: x } as never, {});
    return b.graph(b.op("sliceChannels", "s", { x: joined }, { start: 3, size: 9 }), b.dense("fc", joined, 3));
  });
  right("of different lengths, element by element", () => {
    const b = new Build();
    return b.graph(b.unary("relu", "r", b.vector("x", 5)), b.unary("silu", "s", b.vector("y", 600)));
  });
  for (const classes of [1, 5, 10, 1000])
    right(`softmax of ${classes}`, () => {
      const b = new Build();
      return b.graph(
        b.op("softmax", "s", { x: b.op("scaleBy", "k", { x: b.vector("x", classes) }, { factor: 30 }) }, {}),
      );
    });
});
