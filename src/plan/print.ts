import { typeText } from "../tensor/type.ts";
import type { Plan, Value } from "./plan.ts";

/** One line for each launch: what it runs, reads and writes. `--emit plan`, goldens and failing tests show it. */
export function printPlan(plan: Plan): string {
  const lines = plan.launches.map((launch) => {
    const ops = launch.body.nodes
      .filter((node) => node.op !== "input" && node.op !== "parameter")
      .map((node) => node.op);
    const left = `${launch.kernel.padEnd(7)} ${launch.name}`;
    return `  ${left.padEnd(36)} ${launch.reads.map(valueText).join(", ")} -> ${launch.writes.map(valueText).join(", ")}   (${ops.join(", ")})`;
  });
  const slots = plan.slots.map((slot, index) => `${index}: ${slot.floatsPerImage * 4}`);
  return [
    `plan ${plan.name}`,
    ...lines,
    `  slots, bytes per image: ${slots.join(", ")}`,
    `  weights, bytes: ${plan.weights.buffers.join(", ")}`,
    "",
  ].join("\n");
}

function valueText(value: Value): string {
  return `${value.name}@${value.slot}: ${typeText(value.type)}`;
}
