import { graphOf, inputsOf, type Graph, type Node } from "../ir/graph.ts";
import { graphToJson } from "../ir/json.ts";
import type { Plan, WeightPlace } from "../plan/plan.ts";
import { interpret } from "../reference/interpret.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { binHeader, writeBinHeader } from "./binHeader.ts";
import { hash64 } from "./hash.ts";
import { elementBytes, encode, encodeHalves, restored, type Storage } from "./storage.ts";

/** Everything that decides the bytes of weights.bin, apart from the weights. The manifest holds it too. */
export interface WeightLayout {
  readonly network: string;
  readonly program: Graph;
  /** Sizes in bytes. */
  readonly buffers: readonly number[];
  /** Where each output of the program lies, in the same order. */
  readonly places: readonly WeightPlace[];
  readonly storage: Storage;
}

/** One tensor of weights.bin: the file has them one after the other behind its header. */
export interface Segment extends WeightPlace {
  readonly form: Storage;
  /** How many elements, and how many output channels, which lie innermost. */
  readonly floats: number;
  readonly columns: number;
}

export function weightLayout(
  { name, weights }: Pick<Plan, "name" | "weights">,
  storage: Storage = "f32",
): WeightLayout {
  return { network: name, ...weights, storage };
}

/** The identity of a network's weights: another program or another place for a tensor makes another fingerprint. */
export function fingerprint({ network, program, buffers, places, storage }: WeightLayout): string {
  const identity = [network, graphToJson(program), buffers, places];
  return hash64(JSON.stringify(storage === "f32" ? identity : [...identity, storage]));
}

/**
 * The tensors in file order. Stored as f32 the file is an image of the buffers instead, with their gaps: then there is one
 * segment for each buffer.
 */
export function segmentsOf({ program, buffers, places, storage }: WeightLayout): Segment[] {
  if (storage === "f32") {
    return buffers.map((bytes, buffer) => ({ form: "f32", buffer, byteOffset: 0, floats: bytes / 4, columns: 1 }));
  }
  return program.outputs.map(({ node }, index) => {
    const shape = node.type.shape as number[];
    return {
      ...places[index]!,
      form: formOf(node, storage),
      floats: shape.reduce((a, b) => a * b, 1),
      columns: shape.at(-1)!,
    };
  });
}

/** Of weights.bin, with its header. */
export function packedLength(layout: WeightLayout): number {
  return segmentsOf(layout).reduce<number>((sum, segment) => sum + segmentBytes(segment), binHeader.bytes);
}

function segmentBytes({ form, floats, columns }: Segment): number {
  return floats * elementBytes[form] + (form === "int8" ? 4 * columns : 0);
}

/** Vectors stay f32; so does what has more scales than net.js reads at once. */
function formOf({ op, type }: Node, storage: Storage): Storage {
  const isMatrix = op === "packConv" || op === "packDepthwise";
  return isMatrix && (type.shape.at(-1) as number) <= 1 << 18 ? storage : "f32";
}

/** The weights that a plan's launches compute with, unpacked, where they are not stored as f32: by their names in the bodies. */
export function restoredWeights(
  plan: Plan,
  storage: Storage,
  folded: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  const stored = new Map(folded);
  for (const { weights } of plan.launches) {
    for (const { parameter, packed } of weights?.tensors ?? []) {
      const { shape, data } = folded.get(parameter)!;
      const form = formOf(packed, storage);
      if (form !== "f32") stored.set(parameter, { shape, data: restored(data, shape[0]!, form) });
    }
  }
  return stored;
}

export type Packed =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly messages: readonly string[] };

/**
 * weights.bin: the program evaluated in float64 by the reference, each result rounded to f32, then as it is stored.
 *
 * @param tensors a checkpoint that `checkWeights` has accepted
 */
export function packWeights(layout: WeightLayout, tensors: ReadonlyMap<string, Tensor>): Packed {
  const { program, buffers, places, storage } = layout;
  const missing = program.nodes.filter((node) => node.op === "parameter" && !tensors.has(node.name));
  if (missing.length > 0) return { ok: false, messages: missing.map(({ name }) => `${name} is missing`) };

  const warnings = program.nodes.flatMap((node) => {
    return node.op === "parameter" ? nonFinite(node.name, tensors.get(node.name)!.data) : [];
  });
  const bytes = new Uint8Array(packedLength(layout));
  writeBinHeader(bytes, { ...layout, fingerprint: fingerprint(layout) });
  let at: number = binHeader.bytes;
  const starts = buffers.map((_, buffer) => buffers.slice(0, buffer).reduce((a, b) => a + b, binHeader.bytes));
  const segments = segmentsOf(layout);
  for (const [index, output] of program.outputs.entries()) {
    const place = places[index]!;
    // One at a time: the whole program in float64 would take many times the memory of the file.
    const { data } = interpret(graphOf(output.name, [output], []), tensors, 1).get(output.node)!;
    const { form, columns } = storage === "f32" ? { form: storage, columns: 1 } : segments[index]!;
    const floats = Float32Array.from(data);
    const encoded = place.element ? encodeHalves(floats, place.element) : encode(floats, columns, form);
    if (!encoded.ok) {
      const [packed] = inputsOf(output.node);
      const hint = place.element === "f16" ? "; --precision bf16 has the range of f32" : "";
      return { ok: false, messages: [`${packed!.name} ${encoded.message}${hint}`] };
    }
    bytes.set(encoded.bytes, storage === "f32" ? starts[place.buffer]! + place.byteOffset : at);
    at += encoded.bytes.length;
    if (warnings.length === 0) {
      warnings.push(...nonFinite(`${output.name} (computed of finite weights)`, floats));
    }
  }
  return { ok: true, bytes, warnings };
}

/** A warning if some values are no finite numbers. */
export function nonFinite(name: string, values: ArrayLike<number>): string[] {
  let nan = 0;
  let infinite = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) nan++;
    else if (!Number.isFinite(values[i])) infinite++;
  }
  if (nan + infinite === 0) return [];
  return [`${name} holds ${nan} NaN and ${infinite} infinite values among ${values.length}`];
}
