import { opDef } from "../ir/graph.ts";
import type { Launch, Plan } from "../plan/plan.ts";
import { foldedWeights } from "../reference/interpretPlan.ts";
import { zeros, type Tensor } from "../tensor/tensor.ts";
import { checkBarriers } from "../verify/barriers.ts";
import type { Runner } from "../verify/verify.ts";
import { restoredWeights } from "../weights/pack.ts";
import { wordsOf } from "../precision.ts";
import type { Storage } from "../weights/storage.ts";
import { KernelRunner, type Kernel } from "./kernelRunner.ts";

/** Runs a plan's launches one at a time, for verification. */
export function planRunner(
  runner: KernelRunner,
  plan: Plan,
  kernelOf: (launch: Launch) => Kernel,
  parameters: ReadonlyMap<string, Tensor>,
  storage: Storage = "f32",
): Runner {
  const sections = weightSections(plan, parameters, storage);
  const checked = new Set<string>();
  return {
    // A software adapter can hide a missing barrier.
    faults: (launch) => {
      const { text } = kernelOf(launch);
      if (checked.has(text)) return [];
      checked.add(text);
      return checkBarriers(text).map((race) => `line ${race.line} of its kernel: ${race.message}`);
    },
    run: (launch, reads, batch) => runner.run(launch, kernelOf(launch), reads, sections.get(launch), batch),
  };
}

/** The weights of each launch as its kernel reads them. */
export function weightSections(
  plan: Plan,
  parameters: ReadonlyMap<string, Tensor>,
  storage: Storage = "f32",
): Map<Launch, Float32Array> {
  const weights = restoredWeights(plan, storage, foldedWeights(plan, parameters));
  const sections = new Map<Launch, Float32Array>();
  for (const launch of plan.launches) {
    if (!launch.weights) continue;
    const floats = new Float32Array(launch.weights.byteLength / 4);
    for (const { parameter, packed, floatOffset, element } of launch.weights.tensors) {
      const [input] = Object.keys(packed.inputs);
      const out = zeros(packed.type.shape as number[]);
      opDef(packed.op).evaluate({ [input!]: weights.get(parameter)! }, packed.attrs, out);
      floats.set(wordsOf(Float32Array.from(out.data), element), floatOffset);
    }
    sections.set(launch, floats);
  }
  return sections;
}
