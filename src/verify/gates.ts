import type { Launch, Plan } from "../plan/plan.ts";
import { hoistingAllowance } from "../reference/bound.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { tolerances } from "./tolerance.ts";

/**
 * The largest difference that a gate may have from the graph as written. A hoisted one may be off by what cancels in its folded product, too.
 *
 * @param leaves what the launch's body reads, parameters included
 */
export function gateToleranceIn(
  plan: Plan,
  launch: Launch,
  gate: string,
  leaves: ReadonlyMap<string, Tensor>,
  batch: number,
): number {
  const { gate: gateTolerance } = tolerances[plan.precision];
  const node = launch.body.nodes.find((candidate) => candidate.name === gate && candidate.op !== "input");
  if (!node) return gateTolerance;
  const checkpoint = new Set(plan.written.nodes.filter(({ op }) => op === "parameter").map(({ name }) => name));
  const allowance = hoistingAllowance(launch.body, leaves, batch, node, (parameter) => !checkpoint.has(parameter));
  return gateTolerance + allowance.data.reduce((a, b) => Math.max(a, b), 0);
}
