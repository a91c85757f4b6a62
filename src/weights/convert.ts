import type { Graph } from "../ir/graph.ts";
import type { Reading } from "./check.ts";
import { bfloatOf, halfOf } from "../tensor/halves.ts";
import { toFloat64, type StoredDType, type StoredTensor } from "./stored.ts";

export const floatTypes = ["f32", "f16", "bf16"] as const;
export type FloatType = (typeof floatTypes)[number];

export type Converted =
  | { readonly ok: true; readonly tensors: ReadonlyMap<string, StoredTensor> }
  | { readonly ok: false; readonly messages: readonly string[] };

/** The tensors that a network needs, under its names and with its shapes. */
export function renamed(
  graph: Graph,
  { names }: Reading,
  tensors: ReadonlyMap<string, StoredTensor>,
): ReadonlyMap<string, StoredTensor> {
  const parameters = graph.nodes.filter((node) => node.op === "parameter");
  return new Map(
    parameters.map(({ name, type }) => {
      return [name, { ...tensors.get(names.get(name)!)!, shape: type.shape as number[] }];
    }),
  );
}

/** Each value is rounded to the nearest, ties to even. Integers stay what they are. */
export function convert(tensors: ReadonlyMap<string, StoredTensor>, to: FloatType): Converted {
  const { dtype, encode } = encoders[to];
  const messages: string[] = [];
  const converted = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    if (tensor.dtype === dtype || !isFloat(tensor.dtype)) {
      converted.set(name, tensor);
      continue;
    }
    const values = toFloat64(tensor);
    const { bytes, read } = encode(values);
    const beyond = values.find((value, i) => Number.isFinite(value) && !Number.isFinite(read(i)));
    if (beyond !== undefined) messages.push(`${name} holds ${beyond}, beyond ${to}`);
    converted.set(name, { dtype, shape: tensor.shape, bytes });
  }
  return messages.length > 0 ? { ok: false, messages } : { ok: true, tensors: converted };
}

interface Encoder {
  readonly dtype: StoredDType;
  /** `read` gives at least whether an element is finite. */
  readonly encode: (values: Float64Array) => { readonly bytes: Uint8Array; readonly read: (i: number) => number };
}

const encoders: { readonly [K in FloatType]: Encoder } = {
  f32: {
    dtype: "F32",
    encode(values) {
      const floats = Float32Array.from(values);
      return { bytes: new Uint8Array(floats.buffer), read: (i) => floats[i]! };
    },
  },
  f16: { dtype: "F16", encode: (values) => halves(values, halfOf, 0x7c00) },
  bf16: { dtype: "BF16", encode: (values) => halves(values, bfloatOf, 0x7f80) },
};

/** @param infinity the bits of infinity without its sign: of what is not finite, none is less */
function halves(values: Float64Array, bitsOf: (value: number) => number, infinity: number) {
  const bits = Uint16Array.from(values, bitsOf);
  return { bytes: new Uint8Array(bits.buffer), read: (i: number) => ((bits[i]! & 0x7fff) < infinity ? 0 : NaN) };
}

function isFloat(dtype: StoredDType): boolean {
  return dtype.startsWith("F") || dtype === "BF16";
}
