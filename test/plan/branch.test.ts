import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { withBranches } from "../../src/plan/branch.ts";
import type { Branch, Plan } from "../../src/plan/plan.ts";
import { printPlan } from "../../src/plan/print.ts";
import { schedule } from "../../src/plan/schedule.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { interpretPlan } from "../../src/reference/interpretPlan.ts";
import { arbitraryGraph, networks, residualNetwork, steps } from "../generated.ts";
import { leavesOf, relativeDifference } from "../graphs.ts";
import { networkGraph, planOf } from "../networks.ts";

const resnet = planOf(networkGraph("examples/se-resnet50.se", { width: "0.125", resolution: "33", classes: "10" }));

function beside({ launches, branches }: Plan): string[] {
  return branches.map(({ launch, fork, join }) => {
    const others = launches.slice(fork, join).filter((other) => other !== launches[launch]);
    return `${launches[launch]!.name} beside ${others.map(({ name }) => name).join(", ")}`;
  });
}

describe("which launches run beside others", () => {
  test("the convolution of a stage's skip, beside all of its first block but the end", () => {
    expect(beside(withBranches(resnet))).toEqual(
      [1, 2, 3, 4].map((stage) => {
        const block = `layer${stage}.0`;
        return `${block}.downsample.0 beside ${block}.conv1, ${block}.conv2, ${block}.se`;
      }),
    );
  });

  test("of two ways as long as each other, one", () => {
    const plan = planOf(networkGraph("examples/se-resnet18.se", { se: "none" }));
    expect(beside(withBranches(plan))).toEqual(
      [2, 3, 4].map((stage) => `layer${stage}.0.downsample.0 beside layer${stage}.0.conv1`),
    );
  });

  test("none where each needs the one before it", () => {
    expect(beside(withBranches(planOf(networkGraph("examples/mobilenetv3-small.se"))))).toEqual([]);
  });

  test("one at a time, and those that join first", () => {
    const inception = withBranches(planOf(networkGraph("examples/se-bn-inception.se")));
    expect(beside(inception).slice(0, 2)).toEqual([
      "inception_3a.conv_3x3_reduce beside inception_3a.conv_1x1",
      "inception_3a.avgpool beside inception_3a.conv_3x3, inception_3a.double_3x3_reduce, inception_3a.double_3x3_1, inception_3a.double_3x3_2",
    ]);
  });
});

describe("memory", () => {
  /** Every launch on a branch as soon as its fork, or as late as its join, allows. */
  function reordered(plan: Plan, place: (branch: Branch) => number): Plan {
    const others = plan.launches.map((launch, index) => ({ launch, at: index + 0.5 }));
    for (const branch of plan.branches) others[branch.launch]!.at = place(branch);
    return { ...plan, launches: others.toSorted((a, b) => a.at - b.at).map(({ launch }) => launch) };
  }

  function check(graph: Graph, seed: number): number {
    const leaves = leavesOf(graph, seed, 2);
    const serial = schedule(graph, { fuse: true, vectors: "byBatch" });
    const expected = interpretPlan(serial, leaves, leaves, 2);
    const plan = withBranches(serial);
    const earliest = reordered(plan, ({ fork }) => fork);
    const latest = reordered(plan, ({ join }) => join);
    for (const order of [plan, earliest, latest]) {
      const found = interpretPlan(order, leaves, leaves, 2);
      for (const [name, tensor] of expected)
        if (relativeDifference(tensor, found.get(name)!) !== 0) throw new Error(`${name} differs\n${printPlan(order)}`);
    }
    return plan.branches.length;
  }

  const numRuns = process.env["SEC_FULL"] ? 1000 : 40;
  test("generated networks compute the same in either order", () => {
    let branches = 0;
    fc.assert(
      fc.property(networks, fc.integer({ min: 1, max: 6 }), steps, (network, size, steps) => {
        branches += check(residualNetwork(network), network.seed);
        branches += check(arbitraryGraph(size, steps), network.seed);
      }),
      { numRuns },
    );
    expect(branches).toBeGreaterThan(numRuns / 4);
  });
});

describe("the verifier", () => {
  const plan = withBranches(resnet);
  const [first, second] = plan.branches as [Branch, Branch];
  const refused = (branches: readonly Branch[]) => expect(() => verifyPlan({ ...plan, branches }));

  test("accepts what is planned", () => {
    expect(() => verifyPlan(plan)).not.toThrow();
  });

  test("slots that were given for one launch after the other", () => {
    expect(() => verifyPlan({ ...resnet, branches: plan.branches })).toThrow(
      "layer1.0.downsample.0 and layer1.0.conv1 may run at the same time, but one writes a slot of the other",
    );
  });

  test("a fork before what is needed, a join after it", () => {
    refused([{ ...first, fork: first.fork - 1 }]).toThrow("layer1.0.downsample.0 and maxpool may run at the same time");
    refused([{ ...first, join: first.join + 1 }]).toThrow("layer1.0.downsample.0 and layer1.0.conv3 may run");
  });

  test("branches that overlap, or lie elsewhere than their launch", () => {
    refused([second, first]).toThrow("layer1.0.downsample.0 is on a branch from 3 to 7");
    refused([{ ...first, fork: first.launch + 1 }]).toThrow("is on a branch");
    refused([{ ...first, join: first.launch }]).toThrow("is on a branch");
  });
});
