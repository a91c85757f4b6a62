import { expect, test } from "vitest";
import { interpret } from "../../src/reference/interpret.ts";
import { interpretPlan } from "../../src/reference/interpretPlan.ts";
import { structure } from "../../src/ir/print.ts";
import { splitForLimits } from "../../src/plan/split.ts";
import { Build, expectSameOutputs, leavesOf, relativeDifference } from "../graphs.ts";
import { planOf } from "../networks.ts";

test("a dense layer over 128 MiB is cut at output rows, into bindings that fit", () => {
  const b = new Build();
  const graph = b.graph(b.unary("relu", "relu", b.dense("fc", b.vector("x", 16384), 2100, true)));
  const plan = planOf(graph);
  const sections = plan.launches.flatMap((launch) => launch.weights?.byteLength ?? []);
  expect(sections.filter((bytes) => bytes > 1e6).length).toBe(2);
  for (const bytes of [...sections, ...plan.weights.buffers]) expect(bytes).toBeLessThanOrEqual(128 * 1024 * 1024);
});

test("the slices of a dense layer put together are the layer", () => {
  const b = new Build();
  const graph = b.graph(b.dense("fc", b.vector("x", 10), 13, true));
  const cut = splitForLimits(graph, 4 * 12 * 4);
  expect(structure(cut).split(", ").sort()).toEqual(["addBias 1", "concat 1", "dense 4", "input 1", "sliceRows 4"]);
  expectSameOutputs(graph, cut);
});

test("a concatenation of more values than a launch binds becomes a tree, with the same numbers", () => {
  const b = new Build();
  const image = b.input("image", 3, 4);
  const arms = Array.from({ length: 15 }, (_, index) => b.conv(`arm${index}`, image, 2 + (index % 3), { kernel: 1 }));
  const graph = b.graph(b.op("concat", "all", Object.fromEntries(arms.entries()), {}));
  for (const fuse of [true, false]) {
    const plan = planOf(graph, { fuse });
    for (const { reads, writes, weights } of plan.launches)
      expect(reads.length + writes.length + (weights ? 1 : 0)).toBeLessThanOrEqual(8);
    const leaves = leavesOf(graph, 1, 2);
    const expected = interpret(graph, leaves, 2).get(graph.outputs[0]!.node)!;
    const found = interpretPlan(plan, leaves, leaves, 2).get(graph.outputs[0]!.name)!;
    expect(relativeDifference(expected, found)).toBeLessThan(1e-6);
  }
});
