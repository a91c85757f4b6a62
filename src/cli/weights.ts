import type { Graph } from "../ir/graph.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Reading } from "../weights/check.ts";
import { packCheckpoint, readCheckpoint, type Checkpoint, type CheckpointOptions } from "../weights/checkpoint.ts";
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
export interface ParameterFlags extends Omit<WeightFlags, "weights"> {
  readonly weights?: string;
  readonly seed?: number;
}

/** The parameters of a network: from a file, or made up from a seed, which is said. */
export function parametersOf(
  graph: Graph,
  { weights, seed = 0, quiet, denyNan }: ParameterFlags,
  io: Io,
  options: CheckpointOptions,
): { readonly tensors: ReadonlyMap<string, Tensor>; readonly json?: WeightsJson } {
  if (weights !== undefined) return readWeights({ weights, quiet, denyNan }, graph, io, options);
  if (!quiet) io.err(`note: no --weights: they are made up, seed ${seed}\n`);
  return { tensors: inOnePiece(() => seedWeights(graph, seed)) };
}

export interface WeightFlags {
  readonly weights: string;
  /** NaN and infinities are an error, not a warning. */
  readonly denyNan?: true | undefined;
  readonly quiet?: true | undefined;
}

/** Tensors as a safetensors file of sec's. */
export function tensorsFile(tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  const stored = new Map([...tensors].map(([name, { shape, data }]) => [name, storeFloat32(shape, data)]));
  return writeSafetensors(stored, new Map([["generator", GENERATED]]));
}

/** How the names of a file were read, for the document of `--json`. */
export interface WeightsJson {
  readonly file: string;
  /** The layout whose names were translated; null: the network's own. */
  readonly layout: string | null;
  /** What stood before every name and was left out. */
  readonly prefix: string;
  readonly warnings: readonly string[];
}

/** The parameters of a network, from a file that has exactly those. What was translated, and what is odd, is said. */
export function readWeights(
  flags: WeightFlags,
  graph: Graph,
  io: Io,
  options: CheckpointOptions,
): { readonly tensors: ReadonlyMap<string, Tensor>; readonly reading: Reading; readonly json: WeightsJson } {
  const path = flags.weights;
  const checkpoint = inOnePiece(() => readCheckpoint(bytesOf(path), graph, options));
  if (!checkpoint.ok) throw refusal(path, graph.name, checkpoint);
  const { tensors, reading } = checkpoint;
  return { tensors, reading, json: told(flags, checkpoint, io) };
}

/** The bytes of weights.bin. */
export function packedWeights(
  flags: WeightFlags,
  layout: WeightLayout,
  io: Io,
  options: CheckpointOptions,
): { readonly bytes: Uint8Array; readonly json: WeightsJson } {
  const path = flags.weights;
  const packed = inOnePiece(() => packCheckpoint(layout, bytesOf(path), options));
  if (!packed.ok) throw refusal(path, layout.network, packed);
  return { bytes: packed.bytes, json: told(flags, packed, io) };
}

export function bytesOf(path: string): Uint8Array {
  const read = readBytes(path, maxWeightBytes);
  if (!read.ok) throw usage(read.message);
  return read.bytes;
}

/** `read as timm's names of VGG, without "module."`; undefined if the names are the network's own. */
export function readingText({ map, prefix }: Reading): string | undefined {
  if (!map && prefix === "") return undefined;
  return [map ? `read as ${map.title}` : "read", ...(prefix === "" ? [] : [`without "${prefix}"`])].join(
    map ? ", " : " ",
  );
}

function told(
  { weights: file, quiet, denyNan }: WeightFlags,
  { reading, warnings, nonFinite }: Pick<Extract<Checkpoint, { ok: true }>, "reading" | "warnings" | "nonFinite">,
  io: Io,
): WeightsJson {
  if (denyNan && nonFinite.length > 0) {
    throw new Refusal(exit.wrong, `${file}: ${warnings.join("; ")}`, undefined, { messages: warnings });
  }
  const text = readingText(reading);
  if (!quiet && text !== undefined) io.err(`note: ${file}: ${text}\n`);
  if (!quiet) for (const warning of warnings) io.err(`warning: ${file}: ${warning}\n`);
  return { file, layout: reading.map?.id ?? null, prefix: reading.prefix, warnings };
}

/** All that is wrong, not only the first. */
export function refusal(
  path: string,
  network: string,
  { messages, faults, causes }: Extract<Checkpoint, { ok: false }>,
): Refusal {
  const [only, ...more] = messages;
  const list = messages.map((message) => `\n  ${message}`).join("");
  const message = more.length === 0 ? `${path}: ${only}` : `${path} does not fit ${network}:${list}`;
  return new Refusal(exit.wrong, message, causes.length === 0 ? undefined : causes.join("\n  "), {
    messages,
    faults,
    causes,
  });
}
