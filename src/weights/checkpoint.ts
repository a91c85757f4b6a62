import type { Span } from "../diagnostics.ts";
import type { Graph } from "../ir/graph.ts";
import { tensor, type Tensor } from "../tensor/tensor.ts";
import { readNames, type Reading, type WeightFault } from "./check.ts";
import { nonFinite as countNonFinite, packWeights, type Packed, type WeightLayout } from "./pack.ts";
import { readSafetensors } from "./safetensors.ts";
import { toFloat64 } from "./stored.ts";

/** A checkpoint that fits a network, by the network's names; or all that is wrong with it, and then nothing of it. */
export type Checkpoint =
  | {
      readonly ok: true;
      readonly tensors: ReadonlyMap<string, Tensor>;
      readonly reading: Reading;
      /** What is no error: numbers that are none, a function that differs from the one that was trained. */
      readonly warnings: readonly string[];
      /** Tensors that hold NaN or infinities, by the network's names. */
      readonly nonFinite: readonly string[];
    }
  | {
      readonly ok: false;
      readonly messages: readonly string[];
      readonly faults: readonly WeightFault[];
      /** What may be behind it, and what to try. */
      readonly causes: readonly string[];
    };

export interface CheckpointOptions {
  /** The network as it was written, where the graph is only its weight program. */
  readonly written?: Graph | undefined;
  /** A span in words, so that messages say where a layer stands. */
  readonly place?: ((span: Span) => string) | undefined;
}

/** The parameters of a graph or of a weight program, from the bytes of a safetensors file that has exactly those. */
export function readCheckpoint(bytes: Uint8Array, graph: Graph, options: CheckpointOptions = {}): Checkpoint {
  const file = readSafetensors(bytes);
  if (!file.ok) return refused(file.message);
  const { written = graph, place } = options;
  const parameters = graph.nodes.filter((node) => node.op === "parameter");
  if (file.tensors.size === 0 && parameters.length > 0) return refused("the file is valid, but has no tensors");
  const reading = readNames(graph, new Map([...file.tensors].map(([name, { shape }]) => [name, shape])), place);
  const { faults, causes, names, map } = reading;
  if (faults.length > 0) return { ok: false, messages: faults.map(({ message }) => message), faults, causes };

  const tensors = new Map<string, Tensor>();
  const warnings: string[] = [];
  const nonFinite: string[] = [];
  const differs = map?.differs?.(written);
  if (differs !== undefined) warnings.push(differs);
  for (const { name, type } of parameters) {
    const stored = file.tensors.get(names.get(name)!)!;
    tensors.set(name, tensor(type.shape as number[], toFloat64(stored)));
    const odd = countNonFinite(name, tensors.get(name)!.data);
    warnings.push(...odd);
    if (odd.length > 0) nonFinite.push(name);
  }
  return { ok: true, tensors, reading, warnings, nonFinite };
}

export type PackedCheckpoint =
  | (Extract<Packed, { ok: true }> & Pick<Extract<Checkpoint, { ok: true }>, "reading" | "nonFinite">)
  | Extract<Checkpoint, { ok: false }>;

/** weights.bin, from the bytes of a safetensors file. */
export function packCheckpoint(
  layout: WeightLayout,
  bytes: Uint8Array,
  options: CheckpointOptions = {},
): PackedCheckpoint {
  const checkpoint = readCheckpoint(bytes, layout.program, options);
  if (!checkpoint.ok) return checkpoint;
  const packed = packWeights(layout, checkpoint.tensors);
  if (!packed.ok) return { ok: false, messages: packed.messages, faults: [], causes: [] };
  const { reading, nonFinite, warnings } = checkpoint;
  return { ...packed, warnings: [...new Set([...warnings, ...packed.warnings])], reading, nonFinite };
}

function refused(message: string): Checkpoint {
  return { ok: false, messages: [message], faults: [], causes: [] };
}
