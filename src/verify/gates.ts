import type { Launch, Plan } from "../plan/plan.ts";
import { hoistingAllowance, sizeOfShares } from "../reference/bound.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { tolerances } from "./tolerance.ts";

/**
 * The largest difference that a gate may have from the graph as written. A hoisted one may be off by what cancels in its folded product, too.
 *
 * @param leavesOf what a launch's body reads, parameters included
 */
export function gateToleranceIn(
  plan: Plan,
  launch: Launch,
  gate: string,
  leavesOf: (launch: Launch) => ReadonlyMap<string, Tensor>,
  batch: number,
): number {
  const { gate: gateTolerance } = tolerances[plan.precision];
  const node = launch.body.nodes.find((candidate) => candidate.name === gate && candidate.op !== "input");
  if (!node) return gateTolerance;
  const checkpoint = new Set(plan.written.nodes.filter(({ op }) => op === "parameter").map(({ name }) => name));
  const isFolded = (parameter: string) => !checkpoint.has(parameter);
  const shares = new Map<string, Tensor>();
  for (const { name } of launch.reads) {
    const maker = plan.launches.find(({ writes }) => writes.some((value) => value.name === name));
    const made = maker?.body.outputs.find((output) => output.name === name)?.node;
    if (maker && made?.op === "reduceParts" && isFolded(made.inputs.weight.name))
      shares.set(name, sizeOfShares(maker.body, leavesOf(maker), batch, made));
  }
  const allowance = hoistingAllowance(launch.body, leavesOf(launch), batch, node, isFolded, shares);
  return gateTolerance + allowance.data.reduce((a, b) => Math.max(a, b), 0);
}
