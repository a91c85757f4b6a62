import { describe, expect, test } from "vitest";
import type { Graph, Insertion } from "../../src/ir/graph.ts";
import { O1 } from "../../src/passes/index.ts";
import { runPasses } from "../../src/passes/pass.ts";
import { groupNodes } from "../../src/plan/group.ts";
import { hasNoGroups } from "../../src/plan/kernels/conv.ts";
import { Build, expectSameOutputs, unit, type UnitOptions } from "../graphs.ts";

/** What the whole list is for: with a mean as squeeze, no insertion point costs a pass over a feature map. */

const points = ["pre", "standard", "identity", "post", "3x3"] as const;
const gates = ["sigmoid", "tanh", "relu", "hardsigmoid"] as const;

function network(options: Omit<UnitOptions, "out" | "width">): Graph {
  const b = new Build();
  const stem = b.maxPool(
    "maxpool",
    b.unary("relu", "relu", b.batchNorm("bn1", b.conv("conv1", b.input("image", 3, 12), 8))),
    2,
    2,
  );
  let x = unit(b, "layer1.0", stem, { ...options, stride: 1, out: 16, width: 4 });
  x = unit(b, "layer1.1", x, { ...options, stride: 1, out: 16, width: 4 });
  x = unit(b, "layer2.0", x, { stride: 2, ...options, out: 24, width: 8 });
  return b.graph(b.dense("fc", b.squeeze("gap", x), 5));
}

/** Launches that only move a map through elementwise work, or only squeeze it: what fusion is to avoid. */
function extraPasses(graph: Graph): string[] {
  const { groups } = groupNodes(graph, true, hasNoGroups);
  return groups.filter((group) => group.kernel === "map" && !group.anchor).map((group) => group.root.name);
}

describe.each(points)("%s", (placement: Insertion["point"]) => {
  describe.each(["bottleneck", "basic", "mbconv", "preactivation", "shuffle"] as const)("%s", (kind) => {
    test.each(gates)("%s: no extra pass over a map, same numbers", (gate) => {
      const graph = network({ kind, placement, gate, groups: kind === "bottleneck" ? 2 : 1 });
      const after = runPasses(graph, O1);
      expectSameOutputs(graph, after);
      expect(extraPasses(after)).toEqual([]);
    });
  });

  test.each(["3x3", "1x1"] as const)("bottleneck with the stride on the %s", (strideOn) => {
    const graph = network({ kind: "bottleneck", placement, strideOn });
    const after = runPasses(graph, O1);
    expectSameOutputs(graph, after);
    expect(extraPasses(after)).toEqual([]);
  });

  test("bottleneck with a 3x3 projection of stride 2", () => {
    const graph = network({ kind: "bottleneck", placement, projection: 3 });
    const after = runPasses(graph, O1);
    expectSameOutputs(graph, after);
    expect(extraPasses(after)).toEqual([]);
  });
});

test.each(["conv", "bn", "relu"] as const)("3x3 point after the %s", (conv3x3At) => {
  const graph = network({ kind: "bottleneck", placement: "3x3", conv3x3At });
  const after = runPasses(graph, O1);
  expectSameOutputs(graph, after);
  expect(extraPasses(after)).toEqual([]);
});

test("the claim can fail: without hoisting, standard stores each map, scales it and stores it again", () => {
  const graph = network({ kind: "bottleneck", placement: "standard" });
  const after = runPasses(
    graph,
    O1.filter((pass) => pass.name !== "hoistSqueeze"),
  );
  expectSameOutputs(graph, after);
  expect(extraPasses(after)).toEqual(["layer1.1.relu"]);
});

test("a maximum cannot be hoisted: standard costs a pass over each map", () => {
  const graph = network({ kind: "bottleneck", placement: "standard", squeeze: "max" });
  const after = runPasses(graph, O1);
  expectSameOutputs(graph, after);
  expect(extraPasses(after)).toEqual(["layer1.1.relu"]);
});

test("without a squeeze, the product of two maps is the epilogue of the gate", () => {
  const graph = network({ kind: "bottleneck", placement: "standard", squeeze: "none" });
  const after = runPasses(graph, O1);
  expectSameOutputs(graph, after);
  expect(extraPasses(after)).toEqual([]);
});
