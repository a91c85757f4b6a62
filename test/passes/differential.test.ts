import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { print } from "../../src/ir/print.ts";
import { verify } from "../../src/ir/verify.ts";
import { O1 } from "../../src/passes/index.ts";
import { runPasses } from "../../src/passes/pass.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { arbitraryGraph, dumps, networks, residualNetwork, steps, withDumps } from "../generated.ts";
import { channelsOf, leavesOf, relativeDifference } from "../graphs.ts";

/**
 * Generated networks: interpret(g) against interpret(pass(g)), for each pass alone, for each pass in its place in the
 * list, and for the whole list. On failure fast-check prints the seed and the smallest failing network.
 */

const numRuns = process.env["SEC_FULL"] ? 2000 : 60;
const passes = [...new Set(O1)];

describe("residual networks with SE at every point", () => {
  test("each pass, and the list", () => {
    fc.assert(
      fc.property(networks, (network) => check(residualNetwork(network), network.seed)),
      { numRuns },
    );
  });
});

describe("arbitrary graphs of the ops that passes know", () => {
  test("each pass, and the list", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 6 }), steps, dumps, (seed, size, steps, dumps) => {
        check(withDumps(arbitraryGraph(size, steps), dumps), seed);
      }),
      { numRuns: numRuns * 2 },
    );
  });
});

function check(graph: Graph, seed: number): void {
  const leaves = leavesOf(graph, seed, 2);
  for (const pass of passes) {
    const result = pass.run(graph);
    verify(result, pass.name);
    compare(graph, result, leaves, `${pass.name} alone`);
  }
  let before = graph;
  const scaled = new Set<string>();
  const result = runPasses(graph, O1, (pass, after) => {
    compare(before, after, leaves, `${pass.name} in the list`);
    for (const node of after.nodes) {
      const isProduct = node.op === "conv2d" || node.op === "dense";
      if (isProduct && node.inputs.weight.op === "scaleRows") scaled.add(node.name);
    }
    before = after;
  });
  compare(graph, result, leaves, "the list");
  keepsNamedValues(graph, result, leaves, scaled);
}

type Leaves = ReturnType<typeof leavesOf>;

function compare(before: Graph, after: Graph, leaves: Leaves, what: string): void {
  if (after === before) return;
  const [expected, found] = [interpret(before, leaves, 2), interpret(after, leaves, 2)];
  before.outputs.forEach(({ name, node }, index) => {
    const difference = relativeDifference(expected.get(node)!, found.get(after.outputs[index]!.node)!);
    if (!(difference <= 1e-12)) {
      throw new Error(`${what}: output ${name} differs by ${difference}\n${print(before)}\n${print(after)}`);
    }
  });
}

/**
 * A node under the name of the source has the value of the source, so that a plan's values can be compared with it. The
 * exception is the product inside a layer that took in its BatchNorm, which nobody reads but that layer's bias.
 */
function keepsNamedValues(before: Graph, after: Graph, leaves: Leaves, scaled: ReadonlySet<string>): void {
  const source = new Map(before.nodes.map((node) => [node.name, node]));
  const [expected, found] = [interpret(before, leaves, 2, before.nodes), interpret(after, leaves, 2, after.nodes)];
  for (const node of after.nodes) {
    const original = source.get(node.name);
    if (!original || scaled.has(node.name)) continue;
    expect(channelsOf(node)).toBe(channelsOf(original));
    expect(relativeDifference(expected.get(original)!, found.get(node)!), node.name).toBeLessThanOrEqual(1e-10);
  }
}
