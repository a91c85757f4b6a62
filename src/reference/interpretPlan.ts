import { Bug } from "../diagnostics.ts";
import type { Launch, Plan, Value } from "../plan/plan.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { interpret } from "./interpret.ts";

/**
 * Runs a plan as the device would, launch by launch, with the bodies' meaning: so fusion, order and buffer reuse are
 * checked without a device. Slots hold one value at a time; reading one that has been overwritten is a bug.
 *
 * @param parameters the checkpoint's tensors, by name
 * @param observe is called with what each launch read and wrote
 * @param weights the unpacked tensors that bodies name, if they are not simply folded of the parameters
 * @returns the outputs by the user's names
 */
export function interpretPlan(
  plan: Plan,
  inputs: ReadonlyMap<string, Tensor>,
  parameters: ReadonlyMap<string, Tensor>,
  batch: number,
  observe: (
    launch: Launch,
    leaves: ReadonlyMap<string, Tensor>,
    written: ReadonlyMap<string, Tensor>,
  ) => void = () => {},
  weights: ReadonlyMap<string, Tensor> = foldedWeights(plan, parameters),
): Map<string, Tensor> {
  const slots = new Map<number, { value: Value; tensor: Tensor }>();
  for (const { name, value } of plan.inputs) slots.set(value.slot, { value, tensor: inputs.get(name)! });
  for (const launch of plan.launches) {
    const leaves = new Map(weights);
    for (const value of launch.reads) leaves.set(value.name, held(slots, value, launch.name));
    const results = interpret(launch.body, leaves, batch);
    const written = new Map<string, Tensor>();
    for (const value of launch.writes) {
      const output = launch.body.outputs.find((candidate) => candidate.name === value.name)!;
      const tensor = results.get(output.node)!;
      slots.set(value.slot, { value, tensor });
      written.set(value.name, tensor);
    }
    observe(launch, leaves, written);
  }
  return new Map(plan.outputs.map(({ name, value }) => [name, held(slots, value, `output ${name}`)]));
}

/** The unpacked tensors that bodies name, folded in float64 and rounded once to f32, as packing does. */
export function foldedWeights(plan: Plan, parameters: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const wanted = new Set(
    plan.launches.flatMap((launch) => launch.weights?.tensors.map((tensor) => tensor.parameter) ?? []),
  );
  const nodes = plan.weights.program.nodes.filter((node) => wanted.has(node.name));
  const values = interpret(plan.weights.program, parameters, 1, nodes);
  return new Map(
    nodes.map((node) => {
      const { shape, data } = values.get(node)!;
      return [node.name, { shape, data: data.map(Math.fround) }];
    }),
  );
}

function held(slots: ReadonlyMap<number, { value: Value; tensor: Tensor }>, value: Value, reader: string): Tensor {
  const slot = slots.get(value.slot);
  if (slot?.value !== value)
    throw new Bug(`${reader} reads ${value.name}, but slot ${value.slot} holds ${slot?.value.name ?? "nothing"}`);
  return slot.tensor;
}
