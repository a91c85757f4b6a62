import type { Graph } from "../ir/graph.ts";
import { tensor, type Tensor } from "../tensor/tensor.ts";
import { checkWeights } from "../weights/check.ts";
import { packWeights, type WeightLayout } from "../weights/pack.ts";
import { readSafetensors } from "../weights/safetensors.ts";
import { toFloat64 } from "../weights/stored.ts";
import { exit, Refusal, usage } from "./exit.ts";
import { maxWeightBytes, readBytes } from "./files.ts";
import type { Io } from "./io.ts";

/** The parameters of a graph or of a weight program, from a file that has exactly those. */
export function readWeights(path: string, program: Graph): ReadonlyMap<string, Tensor> {
  const read = readBytes(path, maxWeightBytes);
  if (!read.ok) throw usage(read.message);
  const file = readSafetensors(read.bytes);
  if (!file.ok) throw new Refusal(exit.wrong, `${path}: ${file.message}`);

  const faults = checkWeights(program, new Map([...file.tensors].map(([name, { shape }]) => [name, shape])));
  if (faults.length > 0) {
    const list = faults.map(({ message }) => `\n  ${message}`).join("");
    throw new Refusal(exit.wrong, `${path} does not fit ${program.name}:${list}`);
  }
  const tensors = new Map<string, Tensor>();
  for (const node of program.nodes) {
    if (node.op !== "parameter") continue;
    tensors.set(node.name, tensor(node.type.shape as number[], toFloat64(file.tensors.get(node.name)!)));
  }
  return tensors;
}

/** The bytes of weights.bin. What is odd about the weights is a warning. */
export function packedWeights(
  path: string,
  layout: WeightLayout,
  io: Io,
  { quiet }: { readonly quiet?: true },
): Uint8Array {
  const packed = packWeights(layout, readWeights(path, layout.program));
  if (!packed.ok) throw new Refusal(exit.wrong, `${path}: ${packed.messages.join("; ")}`);
  if (!quiet) for (const warning of packed.warnings) io.err(`warning: ${path}: ${warning}\n`);
  return packed.bytes;
}
