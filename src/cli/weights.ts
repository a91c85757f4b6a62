import type { Graph } from "../ir/graph.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { packCheckpoint, readCheckpoint } from "../weights/checkpoint.ts";
import { seedWeights } from "../weights/seed.ts";
import type { WeightLayout } from "../weights/pack.ts";
import { GENERATED } from "../marker.ts";
import { writeSafetensors } from "../weights/safetensors.ts";
import { storeFloat32 } from "../weights/stored.ts";
import { exit, Refusal, usage } from "./exit.ts";
import { maxWeightBytes, readBytes } from "./files.ts";
import type { Io } from "./io.ts";
import { inOnePiece } from "./signals.ts";

/** Flags that say where parameters come from. */
export interface ParameterFlags {
  readonly weights?: string;
  readonly seed?: number;
  readonly quiet?: true;
}

/** The parameters of a network: from a file, or made up from a seed, which is said. */
export function parametersOf(
  graph: Graph,
  { weights, seed = 0, quiet }: ParameterFlags,
  io: Io,
): ReadonlyMap<string, Tensor> {
  if (weights !== undefined) return readWeights(weights, graph);
  if (!quiet) io.err(`note: no --weights: they are made up, seed ${seed}\n`);
  return inOnePiece(() => seedWeights(graph, seed));
}

/** The parameters of a network, from a file that has exactly those. */
export function readWeights(path: string, graph: Graph): ReadonlyMap<string, Tensor> {
  const checkpoint = readCheckpoint(bytesOf(path), graph);
  if (!checkpoint.ok) throw refusal(path, graph.name, checkpoint.messages);
  return checkpoint.tensors;
}

/** Tensors as a safetensors file of sec's. */
export function tensorsFile(tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  const stored = new Map([...tensors].map(([name, { shape, data }]) => [name, storeFloat32(shape, data)]));
  return writeSafetensors(stored, new Map([["generator", GENERATED]]));
}

/** The bytes of weights.bin. What is odd about the weights is a warning. */
export function packedWeights(
  path: string,
  layout: WeightLayout,
  io: Io,
  { quiet }: { readonly quiet?: true },
): Uint8Array {
  const packed = inOnePiece(() => packCheckpoint(layout, bytesOf(path)));
  if (!packed.ok) throw refusal(path, layout.network, packed.messages);
  if (!quiet) for (const warning of packed.warnings) io.err(`warning: ${path}: ${warning}\n`);
  return packed.bytes;
}

function bytesOf(path: string): Uint8Array {
  const read = readBytes(path, maxWeightBytes);
  if (!read.ok) throw usage(read.message);
  return read.bytes;
}

/** All that is wrong, not only the first. */
function refusal(path: string, network: string, messages: readonly string[]): Refusal {
  const [only, ...more] = messages;
  const list = messages.map((message) => `\n  ${message}`).join("");
  const message = more.length === 0 ? `${path}: ${only}` : `${path} does not fit ${network}:${list}`;
  return new Refusal(exit.wrong, message, undefined, { messages });
}
