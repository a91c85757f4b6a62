import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, test } from "vitest";
import { KernelRunner } from "../../src/device/kernelRunner.ts";
import { DeviceAbsent, openDevice, type OpenDevice } from "../../src/device/node.ts";
import { planRunner } from "../../src/device/planRunner.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { print } from "../../src/ir/print.ts";
import { printPlan } from "../../src/plan/print.ts";
import { verifyPlanOn } from "../../src/verify/verify.ts";
import { renderKernels } from "../../targets/wgsl/kernels.ts";
import { arbitraryGraph, dumps, networks, residualNetwork, steps, withDumps } from "../generated.ts";
import { leavesOf } from "../graphs.ts";
import { planOf } from "../networks.ts";

/** Generated networks: every launch on a device against its body, and what it adds up to against the graph as written. */

const numRuns = process.env["SEC_FULL"] ? 150 : 6;

let open: OpenDevice | undefined;
let runner: KernelRunner;
let absent = "";
beforeAll(async () => {
  try {
    open = await openDevice();
    runner = new KernelRunner(open.device);
  } catch (error) {
    if (!(error instanceof DeviceAbsent)) throw error;
    absent = error.message;
  }
});
beforeEach(({ skip }) => skip(open === undefined, absent));
afterAll(() => open?.close());

async function check(graph: Graph, seed: number, fuse: boolean): Promise<void> {
  const leaves = new Map(
    [...leavesOf(graph, seed, 2)].map(([name, value]) => [name, { ...value, data: value.data.map(Math.fround) }]),
  );
  const plan = planOf(graph, { fuse });
  const kernels = new Map(
    renderKernels(plan, ({ file }) => file).flatMap(({ name, text, grid, launches }) =>
      launches.map((index) => [plan.launches[index]!, { text, entryPoint: name, grid }] as const),
    ),
  );
  const inputs = new Map(plan.inputs.map(({ name }) => [name, leaves.get(name)!]));
  const { findings } = await verifyPlanOn(
    planRunner(runner, plan, (launch) => kernels.get(launch)!, leaves),
    graph,
    plan,
    inputs,
    leaves,
    2,
  );
  if (findings.length > 0)
    throw new Error(
      `${findings.map(({ launch, message }) => `${launch}: ${message}`).join("\n")}\n${print(graph)}\n${printPlan(plan)}`,
    );
}

test("residual networks with SE at every point", async () => {
  await fc.assert(
    fc.asyncProperty(networks, fc.boolean(), (network, fuse) => check(residualNetwork(network), network.seed, fuse)),
    { numRuns },
  );
}, 3_000_000);

test("arbitrary graphs", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(1_000_000),
      fc.integer({ min: 1, max: 6 }),
      steps,
      dumps,
      fc.boolean(),
      (seed, size, steps, dumps, fuse) => check(withDumps(arbitraryGraph(size, steps), dumps), seed, fuse),
    ),
    { numRuns: 2 * numRuns },
  );
}, 3_000_000);
