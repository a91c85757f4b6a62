import { typeText } from "../tensor/type.ts";
import type { Launch, Plan, Value } from "./plan.ts";

/** One line for each launch: what it runs, reads and writes. `--emit plan`, goldens and failing tests show it. */
export function printPlan(plan: Plan): string {
  const lines = plan.launches.map((launch, index) => {
    const ops = launch.body.nodes
      .filter((node) => node.op !== "input" && node.op !== "parameter")
      .map((node) => node.op);
    const left = `${launch.kernel.padEnd(7)} ${launch.name}`;
    return `  ${left.padEnd(36)} ${launch.reads.map(valueText).join(", ")} -> ${launch.writes.map(valueText).join(", ")}   (${ops.join(", ")})${notesOf(plan, launch, index)}`;
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

/** What else there is to say: in which batches it runs, how its sums are cut, beside what it may run. */
function notesOf({ launches, branches }: Plan, { batches, split }: Launch, index: number): string {
  const branch = branches.find(({ launch }) => launch === index);
  const beside = branch && launches.slice(branch.fork, branch.join).filter((_, at) => branch.fork + at !== index);
  const notes = [
    ...(batches === "all" ? [] : [`${batches} batches`]),
    ...(split ? [`${split.slices} slices, apart up to a batch of ${split.apartUpTo}`] : []),
    ...(beside ? [`beside ${beside.map(({ name }) => name).join(", ")}`] : []),
  ];
  return notes.map((note) => `  [${note}]`).join("");
}

function valueText(value: Value): string {
  return `${value.name}@${value.slot}: ${typeText(value.type).replace(/^f32/, value.element)}`;
}
