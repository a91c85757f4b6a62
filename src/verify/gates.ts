import type { Launch, Plan } from "../plan/plan.ts";
import { hoistingAllowance } from "../reference/bound.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The largest difference that a gate may have from the graph as written, where its squeeze was not hoisted. */
export const gateTolerance = 1e-5;

/**
 * The same for the gate of a launch: a hoisted one may be off by what cancels in its folded product, too.
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
  const node = launch.body.nodes.find((candidate) => candidate.name === gate && candidate.op !== "input");
  if (!node) return gateTolerance;
  const checkpoint = new Set(plan.written.nodes.filter(({ op }) => op === "parameter").map(({ name }) => name));
  const allowance = hoistingAllowance(launch.body, leaves, batch, node, (parameter) => !checkpoint.has(parameter));
  return gateTolerance + allowance.data.reduce((a, b) => Math.max(a, b), 0);
}
