import type { Graph } from "../ir/graph.ts";
import { tensor, type Tensor } from "../tensor/tensor.ts";
import { checkWeights } from "./check.ts";
import { packWeights, type Packed, type WeightLayout } from "./pack.ts";
import { readSafetensors } from "./safetensors.ts";
import { toFloat64 } from "./stored.ts";

export type Checkpoint =
  | { readonly ok: true; readonly tensors: ReadonlyMap<string, Tensor> }
  | { readonly ok: false; readonly messages: readonly string[] };

/** The parameters of a graph or of a weight program, from the bytes of a safetensors file that has exactly those. */
export function readCheckpoint(bytes: Uint8Array, program: Graph): Checkpoint {
  const file = readSafetensors(bytes);
  if (!file.ok) return { ok: false, messages: [file.message] };
  const faults = checkWeights(program, new Map([...file.tensors].map(([name, { shape }]) => [name, shape])));
  if (faults.length > 0) return { ok: false, messages: faults.map(({ message }) => message) };
  const tensors = new Map<string, Tensor>();
  for (const node of program.nodes) {
    if (node.op !== "parameter") continue;
    tensors.set(node.name, tensor(node.type.shape as number[], toFloat64(file.tensors.get(node.name)!)));
  }
  return { ok: true, tensors };
}

/** weights.bin, from the bytes of a safetensors file. */
export function packCheckpoint(layout: WeightLayout, bytes: Uint8Array): Packed {
  const checkpoint = readCheckpoint(bytes, layout.program);
  return checkpoint.ok ? packWeights(layout, checkpoint.tensors) : checkpoint;
}
