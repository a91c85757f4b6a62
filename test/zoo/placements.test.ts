import { describe, expect, test } from "vitest";
import { fusionNotes } from "../../src/plan/fusion.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { interpretPlan } from "../../src/reference/interpretPlan.ts";
import { relativeDifference } from "../../src/verify/compare.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { networkGraph, planOf } from "../networks.ts";

/** SE blocks of the network as published, and those of `identity`: units without a skip have none. */
const blocks: Readonly<Record<string, readonly [all: number, withSkip: number]>> = {
  "mobilenetv3-large": [8, 5],
  "mobilenetv3-small": [9, 5],
  efficientnet: [16, 9],
  regnety: [16, 16],
  "mnasnet-a1": [8, 5],
  ghostnet: [7, 7],
};

test.each(Object.entries(blocks))("%s: the block moves by one word", (name, [all, withSkip]) => {
  const inserted = (se: string) => networkGraph(`examples/${name}.se`, { se }).insertions.map(({ point }) => point);
  expect(inserted("none")).toEqual([]);
  for (const se of ["standard", "pre", "post", "3x3"]) expect(inserted(se)).toEqual(Array(all).fill(se));
  expect(inserted("identity")).toEqual(Array(withSkip).fill("identity"));
});

test.each(Object.keys(blocks))("%s: as published, no SE block has a launch beside its gate", (name) => {
  const plan = planOf(networkGraph(`examples/${name}.se`));
  const notes = fusionNotes(plan, plan.graph.insertions);
  for (const { launches } of notes) expect(launches).toHaveLength(1);
});

describe.each([
  ["regnety", { rows: "(mf400, [1, 1, 2, 0], [8, 16, 24, 8], 8)" }],
  ["ghostnet", { rows: "[(3x3, 16, 16, true, 1)], [(5x5, 24, 20, true, 2), (3x3, 40, 20, true, 1)]", width: "0.5" }],
])("%s: the plan means what the graph does", (name, set) => {
  test.each(["standard", "pre", "post", "identity", "3x3"])("%s", (se) => {
    const graph = networkGraph(`examples/${name}.se`, { ...set, se, classes: "5", resolution: "17" });
    const weights = seedWeights(graph, 1);
    const shape = [2, 3, 17, 17];
    const image = { shape, data: Float64Array.from({ length: 2 * 3 * 17 * 17 }, (_, i) => Math.sin(i * i)) };
    const inputs = new Map([["image", image]]);
    const written = interpret(graph, new Map([...weights, ...inputs]), 2);
    const planned = interpretPlan(planOf(graph), inputs, weights, 2);
    const [{ name: output, node }] = graph.outputs as [(typeof graph.outputs)[0]];
    expect(relativeDifference(planned.get(output)!, written.get(node)!).relative).toBeLessThan(1e-6);
  });
});
