import { Bug } from "../diagnostics.ts";
import { graphOf, type Graph } from "../ir/graph.ts";
import { graphToJson } from "../ir/json.ts";
import type { Plan } from "../plan/plan.ts";
import { interpret } from "../reference/interpret.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { binLength, writeBinHeader } from "./binHeader.ts";
import { hash64 } from "./hash.ts";

/** Everything that decides the bytes of weights.bin, apart from the weights. The manifest holds it too. */
export interface WeightLayout {
  readonly network: string;
  readonly program: Graph;
  /** Sizes in bytes. */
  readonly buffers: readonly number[];
  /** Where each output of the program lies, in the same order. */
  readonly places: readonly Place[];
}

export interface Place {
  readonly buffer: number;
  readonly byteOffset: number;
}

export function weightLayout(plan: Plan): WeightLayout {
  const { program, buffers } = plan.weights;
  const places: Place[] = [];
  for (const { weights: section } of plan.launches) {
    for (const { packed, floatOffset } of section?.tensors ?? []) {
      if (program.outputs[places.length]?.node !== packed) throw new Bug(`${packed.name} is not where it is packed`);
      places.push({ buffer: section!.buffer, byteOffset: section!.byteOffset + 4 * floatOffset });
    }
  }
  return { network: plan.name, program, buffers, places };
}

/** The identity of a network's weights: another program or another place for a tensor makes another fingerprint. */
export function fingerprint({ network, program, buffers, places }: WeightLayout): string {
  return hash64(JSON.stringify([network, graphToJson(program), buffers, places]));
}

export type Packed =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly messages: readonly string[] };

/**
 * weights.bin: the program evaluated in float64 by the reference, each result rounded once to f32.
 *
 * @param tensors a checkpoint that `checkWeights` has accepted
 */
export function packWeights(layout: WeightLayout, tensors: ReadonlyMap<string, Tensor>): Packed {
  const { program, buffers, places } = layout;
  const missing = program.nodes.filter((node) => node.op === "parameter" && !tensors.has(node.name));
  if (missing.length > 0) return { ok: false, messages: missing.map(({ name }) => `${name} is missing`) };

  const warnings = program.nodes.flatMap((node) => {
    return node.op === "parameter" ? nonFinite(node.name, tensors.get(node.name)!.data) : [];
  });
  const bytes = new Uint8Array(binLength(buffers));
  writeBinHeader(bytes, { ...layout, fingerprint: fingerprint(layout) });
  for (const [index, output] of program.outputs.entries()) {
    const place = places[index]!;
    // One at a time: the whole program in float64 would take many times the memory of the file.
    const value = interpret(graphOf(output.name, [output], []), tensors, 1).get(output.node)!;
    const start = binLength(buffers.slice(0, place.buffer)) + place.byteOffset;
    const floats = new Float32Array(bytes.buffer, start, value.data.length);
    floats.set(value.data);
    if (warnings.length === 0) warnings.push(...nonFinite(`${output.name} (computed of finite weights)`, floats));
  }
  return { ok: true, bytes, warnings };
}

function nonFinite(name: string, values: ArrayLike<number>): string[] {
  let nan = 0;
  let infinite = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) nan++;
    else if (!Number.isFinite(values[i])) infinite++;
  }
  if (nan + infinite === 0) return [];
  return [`${name} holds ${nan} NaN and ${infinite} infinite values among ${values.length}`];
}
