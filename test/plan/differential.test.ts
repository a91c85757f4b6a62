import fc from "fast-check";
import { expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { printPlan } from "../../src/plan/print.ts";
import { largeBatch, launchesOf, type Plan } from "../../src/plan/plan.ts";
import { schedule } from "../../src/plan/schedule.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { interpretPlan } from "../../src/reference/interpretPlan.ts";
import { arbitraryGraph, dumps, networks, residualNetwork, steps, withDumps } from "../generated.ts";
import { leavesOf, relativeDifference } from "../graphs.ts";
import { cudaPlanOf, planOf } from "../networks.ts";

/**
 * Generated networks: interpret(graph) against interpret(plan), launch by launch over planned buffers. Without passes the
 * plan computes the same numbers, fused or not; with them, weights are folded and rounded to f32.
 */

const numRuns = process.env["SEC_FULL"] ? 2000 : 80;

function check(graph: Graph, seed: number): void {
  const leaves = new Map(
    [...leavesOf(graph, seed, 2)].map(([name, value]) => [name, { ...value, data: value.data.map(Math.fround) }]),
  );
  compare(graph, schedule(graph, { fuse: false }), leaves, 1e-12);
  compare(graph, schedule(graph, { fuse: true }), leaves, 1e-12);
  compare(graph, planOf(graph), leaves, 1e-4);
  // Either way to a gate computes the same.
  const plan = cudaPlanOf(graph);
  for (const batch of [1, largeBatch]) compare(graph, { ...plan, launches: launchesOf(plan, batch) }, leaves, 1e-4);
}

function compare(graph: Graph, plan: Plan, leaves: ReturnType<typeof leavesOf>, allowed: number): void {
  const expected = interpret(graph, leaves, 2);
  const found = interpretPlan(plan, leaves, leaves, 2);
  for (const { name, node } of graph.outputs) {
    const difference = relativeDifference(expected.get(node)!, found.get(name)!);
    if (!(difference <= allowed)) throw new Error(`output ${name} differs by ${difference}\n${printPlan(plan)}`);
  }
}

test("residual networks with SE at every point", () => {
  fc.assert(
    fc.property(networks, (network) => check(residualNetwork(network), network.seed)),
    { numRuns },
  );
});

test("arbitrary graphs", () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 6 }), steps, dumps, (seed, size, steps, dumps) => {
      check(withDumps(arbitraryGraph(size, steps), dumps), seed);
    }),
    { numRuns: 2 * numRuns },
  );
});

test("a plan that reads an overwritten slot is caught", () => {
  const graph = residualNetwork({ seed: 1, height: 4, width: 4, units: [], dumps: [] });
  const plan = schedule(graph, { fuse: false });
  const broken = {
    ...plan,
    launches: plan.launches.map((launch, index) => (index === 1 ? plan.launches[0]! : launch)),
  };
  expect(() => compare(graph, broken, leavesOf(graph, 1, 2), 1)).toThrow("reads");
});
