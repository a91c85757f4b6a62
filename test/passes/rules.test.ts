import { describe, expect, test } from "vitest";
import type { Graph, Node } from "../../src/ir/graph.ts";
import { structure } from "../../src/ir/print.ts";
import { floatScale } from "../../src/passes/floatScale.ts";
import { foldBatchNorm } from "../../src/passes/foldBatchNorm.ts";
import { foldPadding } from "../../src/passes/foldPadding.ts";
import { hoistSqueeze } from "../../src/passes/hoistSqueeze.ts";
import { O1 } from "../../src/passes/index.ts";
import { mergeDense } from "../../src/passes/mergeDense.ts";
import { runPasses, type Pass } from "../../src/passes/pass.ts";
import type { Window } from "../../src/ops/window.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { Build, expectSameOutputs, leavesOf, nodeNamed, relativeDifference, square, unit } from "../graphs.ts";

/**
 * The table of shared research/fusion-rules.md, row by row: what fires where it is legal, what must not where it is not,
 * and that the numbers of the whole list are right in both cases.
 */

/** Runs one pass, checks the numbers of it and of the whole list. */
function after(pass: Pass, graph: Graph): Graph {
  const result = runPasses(graph, [pass]);
  expectSameOutputs(graph, result);
  expectSameOutputs(graph, runPasses(graph, O1));
  return result;
}

/** The pass returns the very same graph; the whole list still computes the same. */
function expectLeft(pass: Pass, graph: Graph): void {
  expect(after(pass, graph) === graph, `${pass.name} must not fire`).toBe(true);
}

/** The operand of the squeeze that a gate starts with, after hoisting. */
function squeezedMap(graph: Graph): string {
  const squeezes = graph.nodes.filter((node) => node.op === "globalAvgPool" || node.op === "tapMeans");
  return squeezes.map((node) => (node.inputs as { x: Node }).x.name).join(", ");
}

/** conv (linear) -> SE -> addition with a residual: the shape of the standard point. */
function withSe(
  map: (b: Build, image: Node) => Node,
  options: { size?: number; dumps?: readonly string[] } = {},
): Graph {
  const b = new Build();
  const image = b.unary("relu", "image.relu", b.conv("stem", b.input("image", 4, options.size ?? 6), 4, { kernel: 3 }));
  const u = map(b, image);
  const [, channels, height, width] = u.type.shape as [unknown, number, number, number];
  const residual = b.input("residual", channels, height, width);
  const made = b.graph(b.unary("relu", "out", b.add("sum", b.se("se", u), residual)));
  return options.dumps ? dumping(made, options.dumps) : made;
}

function dumping(graph: Graph, names: readonly string[]): Graph {
  return { ...graph, outputs: [...graph.outputs, ...names.map((name) => ({ name, node: nodeNamed(graph, name) }))] };
}

describe("row: hoist avg squeeze over a 1x1 convolution", () => {
  test("legal: convolution", () => {
    const graph = withSe((b, v) => b.conv("u", v, 6));
    const result = after(hoistSqueeze, graph);
    expect(squeezedMap(result)).toBe("image.relu");
    expect(structure(runPasses(graph, O1))).toBe(
      "input 2, conv2d 2, relu 3, globalAvgPool 1, matmul 1, dense 2, addBias 2, sigmoid 1, scaleChannels 1, add 1",
    );
  });

  test("legal: bias, constant factor, affine", () => {
    const graph = withSe((b, v) => {
      const biased = b.conv("u", v, 6, { bias: true });
      const factored = b.op("scaleBy", "u.factor", { x: biased }, { factor: 0.17 });
      const vector = (name: string) => b.parameter(name, "bnWeight", 6);
      return b.op("affine", "u.affine", { x: factored, scale: vector("a"), shift: vector("b") }, {});
    });
    const result = after(hoistSqueeze, graph);
    expect(squeezedMap(result)).toBe("image.relu");
    expect(nodeNamed(result, "se.squeeze").op).toBe("affine");
  });

  test("legal: addition, if a sum of maps is scaled and then added again", () => {
    const graph = withSe((b, v) => b.add("u", b.conv("left", v, 6), b.conv("right", v, 6, { kernel: 3, bias: true })));
    // Two means of one map with different windows would need a second pass over it.
    expectLeft(hoistSqueeze, graph);
    const split = withSe((b, v) => {
      const other = b.unary("relu", "other", b.conv("other.conv", v, 5));
      return b.add("u", b.conv("left", v, 6), b.conv("right", other, 6, { bias: true }));
    });
    const result = after(hoistSqueeze, split);
    expect(squeezedMap(result)).toBe("image.relu, other");
    expect(structure(after(mergeDense, result))).toContain("matmul 2");
  });

  test("an addition whose scale is read by a convolution is left: its readers scale as they load", () => {
    const b = new Build();
    const image = b.unary("relu", "stem.relu", b.conv("stem", b.input("image", 4, 6), 4));
    const linear = b.add("u", b.conv("project", b.unary("relu", "v", b.conv("expand", image, 8)), 4), image);
    const graph = b.graph(b.conv("next", b.se("se", linear), 4));
    expectLeft(hoistSqueeze, graph);
  });

  test("legal: an addition of two nonlinear maps is left: it would become a launch of its own", () => {
    expectLeft(
      hoistSqueeze,
      withSe((b, v) =>
        b.add("u", b.unary("relu", "l", b.conv("left", v, 6)), b.unary("relu", "r", b.conv("right", v, 6))),
      ),
    );
  });

  test("a map added to itself is left: neither side can be the launch that adds the other", () => {
    expectLeft(
      hoistSqueeze,
      withSe((b, v) => {
        const conv = b.conv("conv", v, 6);
        return b.add("u", conv, conv);
      }),
    );
  });

  test("legal: concatenation of stored maps", () => {
    const graph = withSe((b, v) => {
      const [left, right] = [b.unary("relu", "l", b.conv("left", v, 2)), b.unary("relu", "r", b.conv("right", v, 4))];
      return b.op("concat", "u", { 0: left, 1: right }, {});
    });
    expect(squeezedMap(after(hoistSqueeze, graph))).toBe("l, r");
  });

  test("legal: slice", () => {
    const graph = withSe((b, v) => {
      const both = b.unary("relu", "both", b.conv("wide", v, 12));
      const first = b.op("sliceChannels", "u", { x: both }, { start: 3, size: 6 });
      return first;
    });
    expect(squeezedMap(after(hoistSqueeze, graph))).toBe("both");
  });

  test("legal: another channel gate, mean(s * v) = s * mean(v)", () => {
    const graph = withSe((b, v) => {
      const gate = b.unary("tanh", "g", b.dense("g.fc", b.squeeze("g.squeeze", v), 6));
      return b.scale("u", b.conv("conv", v, 6, { bias: true }), gate);
    });
    const result = after(hoistSqueeze, graph);
    expect(squeezedMap(result)).toBe("image.relu, image.relu");
    expect(nodeNamed(result, "se.squeeze").op).toBe("mul");
  });

  test("legal: 2x2 mean pooling on even sizes", () => {
    const graph = withSe((b, v) => b.conv("up", b.avgPool("pool", b.conv("u", v, 6), 2, 2), 6));
    expect(squeezedMap(after(hoistSqueeze, graph))).toBe("pool");
    const b = new Build();
    const v = b.unary("relu", "v", b.conv("stem", b.input("image", 4, 6), 4));
    const pooled = b.avgPool("pool", b.conv("u", v, 6), 2, 2);
    const direct = b.graph(b.unary("relu", "out", b.se("se", pooled)));
    expect(squeezedMap(after(hoistSqueeze, direct))).toBe("u");
  });

  test("illegal: mean pooling on odd sizes, padded, or overlapping", () => {
    const pooling = [
      [7, 2, 2, 0],
      [6, 2, 2, 1],
      [6, 3, 1, 0],
      [6, 2, 1, 0],
    ] as const;
    for (const [size, kernel, stride, padding] of pooling) {
      const b = new Build();
      const v = b.unary("relu", "v", b.conv("stem", b.input("image", 4, size), 4));
      const pooled = b.avgPool("pool", b.conv("u", v, 6), kernel, stride, padding);
      expectLeft(hoistSqueeze, b.graph(b.unary("relu", "out", b.se("se", pooled))));
    }
    const b = new Build();
    const v = b.unary("relu", "v", b.conv("stem", b.input("image", 4, 6), 4));
    const above = { ...square(2, 2, 0, 1), padding: [1, 1, 0, 0], rounding: "floor", countPadding: true } as const;
    const pooled = b.op("avgPool", "pool", { x: b.conv("u", v, 6) }, above);
    expectLeft(hoistSqueeze, b.graph(b.unary("relu", "out", b.se("se", pooled))));
  });

  test.each(["relu", "relu6", "hardSwish", "silu", "sigmoid", "tanh"] as const)(
    "illegal: activation between (%s): squeezed in its producer's epilogue",
    (activation) => {
      const graph = withSe((b, v) => b.unary(activation, "u", b.conv("conv", v, 6)));
      expectLeft(hoistSqueeze, graph);
    },
  );

  test("illegal: VGG and legacy_seresnet18 squeeze after the ReLU", () => {
    const b = new Build();
    const conv = b.batchNorm("bn", b.conv("conv", b.input("image", 3, 8), 4, { kernel: 3 }));
    const graph = b.graph(b.maxPool("pool", b.se("se", b.unary("relu", "relu", conv)), 2, 2));
    expectLeft(hoistSqueeze, graph);
  });

  test("not done: under a channel shuffle or a resize", () => {
    expectLeft(
      hoistSqueeze,
      withSe((b, v) => b.op("shuffleChannels", "u", { x: b.conv("conv", v, 6) }, { groups: 2 })),
    );
    expectLeft(
      hoistSqueeze,
      withSe((b, v) =>
        b.op("upsample", "u", { x: b.conv("conv", v, 6, { stride: 2 }) }, { height: 6, width: 6, mode: "nearest" }),
      ),
    );
  });

  test("not done: where the convolution reads an activation of an input, which is computed at the load", () => {
    const b = new Build();
    const u = b.conv("u", b.unary("relu", "active", b.input("image", 4, 6)), 6);
    expectLeft(hoistSqueeze, b.graph(b.add("sum", b.se("se", u), b.input("residual", 6, 6))));
  });

  test("not done: where the convolution reads a map that is computed at its load", () => {
    const b = new Build();
    const x = b.unary("relu", "x", b.conv("stem", b.input("image", 4, 6), 4));
    const start = b.unary("relu", "relu1", b.batchNorm("bn1", x));
    const u = b.conv("downsample", start, 6, { stride: 2 });
    const branch = b.conv("branch", start, 6, { stride: 2, kernel: 3 });
    const graph = b.graph(b.add("sum", b.se("se", u), branch), x);
    expectLeft(hoistSqueeze, foldBatchNorm.run(graph));
  });
});

describe("row: ... groups", () => {
  test.each([1, 2, 4, 8])("legal with %i groups: the matrix is block-diagonal", (groups) => {
    const graph = withSe((b, v) => b.conv("u", b.unary("relu", "v", b.conv("widen", v, 8)), 16, { groups, kernel: 3 }));
    const result = after(hoistSqueeze, graph);
    expect(squeezedMap(result)).toBe("v");
    expect(nodeNamed(result, `u.weight${groups > 1 ? ".expanded" : ""}.matrix`).type.shape).toEqual([16, 72]);
    expect(structure(result).includes("expandGroups")).toBe(groups > 1);
  });

  test("legal: depthwise", () => {
    const graph = withSe((b, v) => b.conv("u", v, 4, { groups: 4, kernel: 3, bias: true }));
    expect(squeezedMap(after(hoistSqueeze, graph))).toBe("image.relu");
  });
});

describe("row: ... strided convolution, also the strided projection at Identity", () => {
  test("legal: the mean of the visited phase, not of the whole map", () => {
    const graph = withSe((b, v) => b.conv("u", v, 6, { stride: 2 }));
    const result = after(hoistSqueeze, graph);
    const taps = nodeNamed(result, "se.squeeze.taps");
    expect(taps.attrs).toMatchObject({ kernel: [1, 1], stride: [2, 2] });

    const leaves = leavesOf(graph, 1, 2);
    const map = nodeNamed(result, "image.relu");
    const values = interpret(result, leaves, 2, [taps, map]);
    const wholeMean = Float64Array.from({ length: 8 }, (_, row) =>
      values
        .get(map)!
        .data.subarray(row * 36, row * 36 + 36)
        .reduce((a, b) => a + b / 36, 0),
    );
    // The shortcut of squeezing the whole map would be visibly wrong, so this comparison can fail.
    expect(relativeDifference(values.get(taps)!, { shape: [2, 4], data: wholeMean })).toBeGreaterThan(0.05);
  });

  test.each([1, 3] as const)("legal: Identity with a %ix%i projection of stride 2", (projection) => {
    const graph = foldBatchNorm.run(identity({ projection }));
    const result = after(hoistSqueeze, graph);
    expect(squeezedMap(result)).toBe("stem.relu");
    expect(nodeNamed(result, "a.se.squeeze.taps").attrs).toMatchObject({
      kernel: [projection, projection],
      stride: [2, 2],
    });
  });
});

function identity({ projection }: { projection: 1 | 3 }): Graph {
  const b = new Build();
  const x = b.unary("relu", "stem.relu", b.conv("stem", b.input("image", 3, 7), 6));
  return b.graph(
    unit(b, "a", x, { kind: "bottleneck", out: 8, width: 4, stride: 2, placement: "identity", projection }),
  );
}

describe("row: ... k x k, padding, stride, dilation", () => {
  test.each([1, 2] as const)("legal: every k=3, p 0-2, s 1-2, H 1-8 with dilation %i is exact", (dilation) => {
    let combinations = 0;
    for (const padding of [0, 1, 2]) {
      for (const stride of [1, 2]) {
        for (let size = 1; size <= 8; size++) {
          if (size + 2 * padding < 2 * dilation + 1) continue;
          const b = new Build();
          const v = b.unary("relu", "v", b.conv("stem", b.input("image", 3, size, 9 - size), 3));
          if (9 - size + 2 * padding < 2 * dilation + 1) continue;
          const u = b.conv("u", v, 4, { kernel: 3, padding, stride, dilation });
          const graph = b.graph(b.unary("relu", "out", b.se("se", u)));
          const result = runPasses(graph, [hoistSqueeze]);
          expect(squeezedMap(result)).toBe("v");
          expectSameOutputs(graph, result);
          expectSameOutputs(graph, runPasses(graph, O1));
          combinations++;
        }
      }
    }
    expect(combinations).toBeGreaterThan(20);
  });

  test("padding is of zeros: a padded max pooling behind the map does not matter, a bias does not leak into the border", () => {
    const graph = withSe((b, v) =>
      b.conv("u", b.unary("relu", "v", b.conv("conv", v, 4, { bias: true })), 6, { kernel: 3 }),
    );
    expect(squeezedMap(after(hoistSqueeze, graph))).toBe("v");
  });
});

describe("row: ... BatchNorm between the convolution and SE", () => {
  const graph = withSe((b, v) => b.batchNorm("bn", b.conv("u", v, 6)));

  test("hoisting goes through the folded bias", () => {
    const folded = after(foldBatchNorm, graph);
    expect(structure(folded)).not.toContain("batchNorm");
    expect(squeezedMap(after(hoistSqueeze, folded))).toBe("image.relu");
  });

  test("not through a BatchNorm that is not folded", () => expectLeft(hoistSqueeze, graph));
});

describe("row: ... SE between the convolution and BatchNorm", () => {
  const b = new Build();
  const x = b.unary("relu", "x", b.conv("stem", b.input("image", 3, 6), 4));
  const scaled = b.se("se", b.conv("conv2", x, 5, { kernel: 3 }), { point: "3x3" });
  const graph = b.graph(b.conv("conv3", b.unary("relu", "relu2", b.batchNorm("bn2", scaled)), 6));

  test("the BatchNorm becomes affine at its place, not part of the weights before the gate", () => {
    const folded = after(foldBatchNorm, graph);
    expect(nodeNamed(folded, "bn2").op).toBe("affine");
    expect(nodeNamed(folded, "conv2").inputs).toHaveProperty("weight.name", "conv2.weight");
  });

  test("legal: hoisted from the convolution without BatchNorm", () => {
    const result = runPasses(graph, O1);
    expect(squeezedMap(result)).toBe("x");
    expect(nodeNamed(result, "se.fc1.weight.merged").inputs).toHaveProperty("b.name", "conv2.weight.matrix");
  });
});

describe("row: ... A merged with FC1", () => {
  test.each([true, false])("legal with biases: %s", (bias) => {
    const b = new Build();
    const x = b.unary("relu", "x", b.conv("stem", b.input("image", 3, 6), 4));
    const scaled = b.se("se", b.conv("u", x, 6, { bias }), { bias });
    const graph = b.graph(b.add("sum", scaled, b.conv("skip", x, 6)));
    const merged = after(mergeDense, hoistSqueeze.run(graph));
    expect(nodeNamed(merged, "se.fc1.weight.merged").type.shape).toEqual([2, 4]);
    expect(structure(merged)).toContain("dense 2");
    expect(structure(merged)).not.toContain("sub");
  });

  test("illegal where the gate does not start with a dense layer: the squeeze alone is hoisted, as a small dense", () => {
    const graph = bareGate(6, 8);
    const result = runPasses(graph, O1);
    expectSameOutputs(graph, result);
    expect(squeezedMap(result)).toBe("x");
    expect(structure(result)).toContain("dense 1");
    expect(structure(result)).not.toContain("matmul");
  });

  test("and is left where that matrix is larger than the map it saves", () => {
    expectLeft(hoistSqueeze, bareGate(64, 3));
  });

  test("likewise where another gate stands between the matrix and the layer, so that the two do not merge", () => {
    for (const [channels, size, hoisted] of [
      [64, 3, false],
      [6, 8, true],
    ] as const) {
      const b = new Build();
      const x = b.unary("relu", "x", b.conv("stem", b.input("image", 3, size), channels));
      const other = b.scale("other", b.conv("u", x, channels), b.vector("gate", channels));
      const graph = b.graph(b.add("sum", b.se("se", other), b.conv("skip", x, channels)));
      expect(after(hoistSqueeze, graph) !== graph).toBe(hoisted);
    }
  });

  test("illegal: CBAM's gate also needs the maximum, so the map is stored anyway", () => {
    const b = new Build();
    const x = b.unary("relu", "x", b.conv("stem", b.input("image", 3, 6), 4));
    const u = b.conv("u", x, 6);
    const sum = b.add("both", b.squeeze("mean", u), b.squeeze("max", u, "max"));
    const scaled = b.scale("scale", u, b.unary("sigmoid", "gate", b.dense("fc", sum, 6)));
    expectLeft(hoistSqueeze, b.graph(b.add("sum", scaled, b.conv("skip", x, 6))));
  });

  test("an activation between the two layers stops the merge", () => {
    const b = new Build();
    const hidden = b.unary("relu", "hidden", b.dense("fc1", b.vector("x", 6), 4));
    expectLeft(mergeDense, b.graph(b.dense("fc2", hidden, 3)));
  });
});

/** A gate without layers: sigmoid(mean(u)). */
function bareGate(channels: number, size: number): Graph {
  const b = new Build();
  const x = b.unary("relu", "x", b.conv("stem", b.input("image", 3, size), channels));
  const u = b.conv("u", x, channels);
  const scaled = b.scale("scale", u, b.unary("sigmoid", "gate", b.squeeze("squeeze", u)));
  return b.graph(b.add("sum", scaled, b.conv("skip", x, channels)));
}

describe("row: ... V or U has other users, U is an output or dumped", () => {
  test("legal: V has other users", () => {
    const graph = withSe((b, v) => b.conv("u", v, 6), { dumps: ["image.relu"] });
    expect(squeezedMap(after(hoistSqueeze, graph))).toBe("image.relu");
  });

  test("not done: U is dumped, so it is stored anyway", () => {
    expectLeft(
      hoistSqueeze,
      withSe((b, v) => b.conv("u", v, 6), { dumps: ["u"] }),
    );
  });

  test("not done: U has another reader", () => {
    const b = new Build();
    const x = b.unary("relu", "x", b.conv("stem", b.input("image", 3, 6), 4));
    const u = b.conv("u", x, 6);
    const graph = b.graph(b.add("sum", b.se("se", u), b.conv("skip", u, 6)));
    expectLeft(hoistSqueeze, graph);
  });

  test("a value inside the path that is dumped stops the path", () => {
    expectLeft(
      hoistSqueeze,
      withSe((b, v) => b.conv("u", v, 6, { bias: true }), { dumps: ["u.product"] }),
    );
  });

  test("legal: the squeeze, fc1 or the gate is dumped; the dump keeps its value", () => {
    for (const name of ["se.squeeze", "se.fc1.product", "se.fc1", "se.gate", "se.scale"]) {
      const graph = withSe((b, v) => b.conv("u", v, 6, { bias: true }), { dumps: [name] });
      const result = runPasses(graph, O1);
      expectSameOutputs(graph, result);
      expect(squeezedMap(result)).toBe("image.relu");
      expect(result.outputs[1]!.node.name).toBe(name);
    }
  });

  test("a convolution that is dumped or read twice keeps its weights, and its BatchNorm becomes affine", () => {
    const b = new Build();
    const conv = b.conv("conv", b.input("image", 3, 6), 4);
    const normal = b.batchNorm("bn", conv);
    expect(structure(after(foldBatchNorm, b.graph(normal, conv)))).toContain("affine 1");
    const twice = b.graph(b.add("sum", normal, conv));
    expect(structure(after(foldBatchNorm, twice))).toContain("affine 1");
    const biased = b.conv("biased", conv, 4, { bias: true });
    const last = b.batchNorm("bn2", biased);
    for (const name of ["biased", "biased.product"]) {
      const dumped = dumping(b.graph(last), [name]);
      expect(structure(after(foldBatchNorm, dumped))).toContain("affine 1");
    }
  });
});

describe("row: ... V has a squeeze of another kind: hoisting would be a second pass over it", () => {
  test("a maximum", () => {
    expectLeft(
      hoistSqueeze,
      withSe((b, v) => b.conv("u", b.se("v.se", v, { squeeze: "max", point: "3x3" }), 6)),
    );
    const graph = withSe((b, v) => {
      const gate = b.dense("gate", b.squeeze("max", v, "max"), 6);
      return b.scale("u", b.conv("conv", v, 6), gate);
    });
    expectLeft(hoistSqueeze, graph);
  });

  test("means of another window; of the same window it is shared", () => {
    for (const [kernel, hoisted] of [
      [3, false],
      [1, true],
    ] as const) {
      const graph = withSe((b, v) => {
        const means = b.op("tapMeans", "means", { x: v }, square(kernel, 2, kernel === 3 ? 1 : 0, 1));
        return b.scale("u", b.conv("conv", v, 6, { stride: 2 }), b.dense("gate", means, 6));
      });
      expect(after(hoistSqueeze, graph) !== graph).toBe(hoisted);
    }
  });
});

describe("row: squeeze max", () => {
  test("illegal: never over a convolution", () => {
    const b = new Build();
    const x = b.unary("relu", "x", b.conv("stem", b.input("image", 3, 6), 4));
    const graph = b.graph(b.add("sum", b.se("se", b.conv("u", x, 6), { squeeze: "max" }), b.conv("skip", x, 6)));
    expectLeft(hoistSqueeze, graph);
    expectLeft(floatScale, graph);
    expect(structure(runPasses(graph, O1))).toContain("globalMaxPool 1");
  });
});

describe("row: squeeze none", () => {
  test("illegal: the gate is a map; no rule for channel gates applies", () => {
    const b = new Build();
    const x = b.unary("relu", "x", b.conv("stem", b.input("image", 3, 6), 4));
    const gated = b.se("se", b.conv("u", x, 6), { squeeze: "none" });
    const graph = b.graph(b.squeeze("gap", gated));
    for (const pass of [hoistSqueeze, floatScale, mergeDense]) expectLeft(pass, graph);
  });
});

/** POST: the map is squeezed and stored, its readers apply the gate. */
function lazy(
  gate: "sigmoid" | "tanh" | "relu" | "hardsigmoid",
  read: (b: Build, scaled: Node) => Node,
  squeeze: "avg" | "max" = "avg",
): Graph {
  const b = new Build();
  const x = b.unary("relu", "x", b.conv("stem", b.input("image", 3, 7), 6));
  const y = b.unary("relu", "y", b.add("sum", b.conv("u", x, 6), x));
  return b.graph(read(b, b.se("se", y, { gate, squeeze, point: "post" })));
}

const gates = ["sigmoid", "tanh", "relu", "hardsigmoid"] as const;

describe("row: avg squeeze of a lazy pair", () => {
  test.each(gates)("legal for any sign (%s): mean(s * y) = s * mean(y)", (gate) => {
    const graph = lazy(gate, (b, s) => b.conv("next", b.se("next.se", s, { point: "pre" }), 4));
    const result = after(floatScale, graph);
    expect(squeezedMap(result)).toBe("y, y");
    expect(nodeNamed(result, "next.se.squeeze").op).toBe("mul");
  });

  test.each(gates)("illegal: max squeeze of a lazy pair (%s) is taken of the scaled map", (gate) => {
    expectLeft(
      floatScale,
      lazy(gate, (b, s) => b.conv("next", b.se("next.se", s, { squeeze: "max", point: "pre" }), 4)),
    );
  });

  test("not where the scale is an epilogue, so that the scaled map is what is stored", () => {
    const b = new Build();
    const x = b.unary("relu", "x", b.conv("stem", b.input("image", 3, 7), 6));
    const gate = b.unary("sigmoid", "gate", b.dense("fc", b.squeeze("squeeze", x), 6));
    const scaled = b.scale("scaled", b.conv("u", x, 6), gate);
    expectLeft(floatScale, b.graph(b.squeeze("gap", scaled), b.conv("next", scaled, 4)));
  });

  test("a strided 1x1 over a lazy pair: s times the means of the phase", () => {
    const b = new Build();
    const y = b.unary("relu", "y", b.conv("stem", b.input("image", 3, 7), 6));
    const scaled = b.scale("scaled", y, b.unary("tanh", "gate", b.dense("fc", b.vector("condition", 5), 6)));
    const down = b.se("se", b.conv("down", scaled, 4, { stride: 2 }), { point: "identity" });
    const graph = b.graph(b.add("out", b.conv("branch", y, 4, { stride: 2, kernel: 3 }), down));
    const hoisted = after(hoistSqueeze, graph);
    expect(nodeNamed(hoisted, "se.squeeze.taps").op).toBe("tapMeans");
    const result = after(floatScale, hoisted);
    expect(nodeNamed(result, "se.squeeze.taps").op).toBe("mul");
    expect(nodeNamed(result, "se.squeeze.taps.unscaled").inputs).toHaveProperty("x.name", "y");
  });

  test("not where the map already has a squeeze of another kind: that would be a second pass over it", () => {
    const graph = lazy("tanh", (b, s) => {
      const branch = b.conv("branch", s, 4, { stride: 2, kernel: 3 });
      return b.add("out", branch, b.se("next.se", b.conv("down", s, 4, { stride: 2 }), { point: "identity" }));
    });
    expectLeft(hoistSqueeze, graph);
  });

  test("a 3x3 over a lazy pair is not hoisted: its means would have to be taken of the scaled map", () => {
    const b = new Build();
    const y = b.unary("relu", "y", b.conv("stem", b.input("image", 3, 7), 6));
    const scaled = b.scale("scaled", y, b.unary("tanh", "gate", b.dense("fc", b.vector("condition", 5), 6)));
    const down = b.se("se", b.conv("down", scaled, 4, { stride: 2, kernel: 3 }), { point: "identity" });
    expectLeft(hoistSqueeze, b.graph(b.add("out", b.conv("branch", y, 4, { stride: 2, kernel: 3 }), down)));
  });

  test("nor are the means of a 3x3 floated", () => {
    const b = new Build();
    const y = b.unary("relu", "y", b.conv("stem", b.input("image", 3, 7), 6));
    const scaled = b.scale("scaled", y, b.vector("gate", 6));
    const means = b.op("tapMeans", "means", { x: scaled }, square(3, 1, 1, 1));
    expectLeft(floatScale, b.graph(b.conv("next", scaled, 4), y, means));
  });
});

describe("row: POST's final pool", () => {
  test.each(gates)("legal (%s): GAP(out) = s * m, where m is the squeeze itself", (gate) => {
    const result = runPasses(
      lazy(gate, (b, s) => b.dense("fc", b.squeeze("gap", s), 3)),
      O1,
    );
    expect(structure(result)).toContain("globalAvgPool 1");
    expect(structure(result)).not.toContain("scaleChannels");
    expect(squeezedMap(result)).toBe("y");
    expect(nodeNamed(result, "se.squeeze").op).toBe("globalAvgPool");
  });

  test("illegal with squeeze max: a mean is kept apart", () => {
    const result = after(
      floatScale,
      lazy("sigmoid", (b, s) => b.squeeze("gap", s), "max"),
    );
    expect(structure(result)).toContain("globalAvgPool 1");
    expect(structure(result)).toContain("globalMaxPool 1");
  });
});

/** The rest of the table is about who applies a lazy scale. Passes never move it: scaling at the load is always right. */
describe("rows: lazy (y, s) through a reader", () => {
  const readers: Record<string, (b: Build, s: Node) => Node> = {
    "1x1 convolution": (b, s) => b.conv("r", s, 4),
    "3x3 convolution": (b, s) => b.conv("r", s, 4, { kernel: 3 }),
    "grouped convolution": (b, s) => b.conv("r", s, 4, { groups: 2 }),
    "strided projection": (b, s) => b.conv("r", s, 4, { stride: 2, bias: true }),
    "depthwise convolution with bias": (b, s) => b.conv("r", s, 6, { kernel: 3, groups: 6, bias: true }),
    "residual addition": (b, s) => b.add("r", b.conv("c", s, 6), s),
    "addition of two lazy maps": (b, s) => b.add("r", b.se("again", b.unary("relu", "c.relu", b.conv("c", s, 6))), s),
    "max pooling": (b, s) => b.maxPool("r", s, 3, 2, 1),
    relu: (b, s) => b.unary("relu", "r", s),
    "leaky relu": (b, s) => b.op("leakyRelu", "r", { x: s }, { negativeSlope: 0.1 }),
    relu6: (b, s) => b.unary("relu6", "r", s),
    hardSwish: (b, s) => b.unary("hardSwish", "r", s),
    silu: (b, s) => b.unary("silu", "r", s),
    sigmoid: (b, s) => b.unary("sigmoid", "r", s),
    softmax: (b, s) => b.op("softmax", "r", { x: b.op("flatten", "f", { x: s }, {}) }, {}),
    "mean pooling": (b, s) => b.avgPool("r", s, 2, 2),
    "bilinear upsampling": (b, s) => b.op("upsample", "r", { x: s }, { height: 9, width: 10, mode: "bilinear" }),
    shuffle: (b, s) => b.op("shuffleChannels", "r", { x: s }, { groups: 3 }),
    slice: (b, s) => b.op("sliceChannels", "r", { x: s }, { start: 1, size: 3 }),
    "concatenation with an unscaled map": (b, s) => b.op("concat", "r", { 0: s, 1: b.conv("c", s, 2) }, {}),
    "an output": (_, s) => s,
    "two gates that meet": (b, s) => b.se("again", s),
  };
  for (const [name, read] of Object.entries(readers)) {
    test.each(gates)(`${name}, %s: the scale stays where it was written`, (gate) => {
      for (const squeeze of ["avg", "max"] as const) {
        const graph = lazy(gate, read, squeeze);
        expectSameOutputs(graph, runPasses(graph, O1));
        expectLeft(hoistSqueeze, graph);
        const floated = after(floatScale, graph);
        expect(nodeNamed(floated, "se.scale").inputs).toHaveProperty("x.name", "y");
        if (name !== "two gates that meet") expect(floated === graph).toBe(true);
      }
    });
  }
});

describe("row: lazy (y, s) through BatchNorm and ReLU (pre-activation)", () => {
  test("illegal: a BatchNorm before a padded convolution is never folded forward", () => {
    const graph = lazy("sigmoid", (b, s) =>
      b.conv("conv", b.unary("relu", "relu1", b.batchNorm("bn", s)), 4, { kernel: 3 }),
    );
    const folded = after(foldBatchNorm, graph);
    expect(nodeNamed(folded, "bn").op).toBe("affine");
    expect(nodeNamed(folded, "conv").inputs).toHaveProperty("weight.op", "parameter");
  });

  test("illegal also without a ReLU between", () => {
    const graph = lazy("sigmoid", (b, s) => b.conv("conv", b.batchNorm("bn", s), 4, { kernel: 3 }));
    const folded = after(foldBatchNorm, graph);
    expect(nodeNamed(folded, "bn").op).toBe("affine");
    expect(nodeNamed(folded, "conv").inputs).toHaveProperty("weight.op", "parameter");
  });
});

describe("row: PRE", () => {
  test.each(["1x1", "3x3"] as const)(
    "stride on the %s: the squeeze is of all of X, skip and projection read it unscaled",
    (strideOn) => {
      const b = new Build();
      const x = b.unary("relu", "x", b.conv("stem", b.input("image", 3, 7), 6));
      const graph = b.graph(
        unit(b, "a", x, { kind: "bottleneck", out: 8, width: 4, stride: 2, strideOn, placement: "pre" }),
      );
      const result = runPasses(graph, O1);
      expectSameOutputs(graph, result);
      expect(nodeNamed(result, "a.se.squeeze")).toMatchObject({ op: "globalAvgPool", inputs: { x: { name: "x" } } });
      expect(nodeNamed(result, "a.downsample.0").inputs).toHaveProperty("x.name", "x");
      expect(nodeNamed(result, "a.conv1").inputs).toHaveProperty("x.name", "a.se.scale");
    },
  );
});

describe("row: Identity with projection", () => {
  test("the gate scales the projection with its bias, (acc + b) * s", () => {
    const result = runPasses(identity({ projection: 1 }), O1);
    expect(nodeNamed(result, "a.se.scale").inputs).toHaveProperty("x.name", "a.downsample.1");
    expect(nodeNamed(result, "a.downsample.1").op).toBe("addBias");
  });
});

/**
 * Rows without a test here: "f16 K-dim scale" is about a precision, "distributed excitation" about launches; passes decide
 * neither. The conditioning of a hoisted gate is tested in conditioning.test.ts.
 */

describe("row: a convolution pads for itself", () => {
  const padded = (padding: readonly [number, number, number, number], own: number) => {
    const b = new Build();
    const x = b.op("pad", "pad", { x: b.input("image", 3, 5, 6) }, { padding });
    return b.graph(b.conv("conv", x, 4, { kernel: 3, stride: 2, padding: own }), b.maxPool("pool", x, 2, 1, 0));
  };
  test("legal: zeros beside zeros, a crop where the convolution pads nothing", () => {
    for (const [sides, own, expected] of [
      [[0, 1, 2, 3], 1, "1,2,3,4"],
      [[1, 1, -1, -2], 0, "1,1,-1,-2"],
    ] as const) {
      const conv = nodeNamed(after(foldPadding, padded(sides, own)), "conv");
      expect(String((conv.attrs as Window).padding)).toBe(expected);
      expect((conv.inputs as { x: Node }).x.name).toBe("image");
    }
  });
  test("illegal: the convolution pads what was cropped", () => expectLeft(foldPadding, padded([1, 1, -1, 0], 1)));
});
