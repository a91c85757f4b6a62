import { numberOf } from "../tensor/halves.ts";

/** A tensor as it lies in a file: little-endian, dense, row-major. Nothing is converted until somebody asks. */
export interface StoredTensor {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * The element types that sec reads, by the names that safetensors gives them. The order is the writer's: tensors are
 * laid out from the last to the first, so that each starts at a multiple of its element's size.
 */
export const storedDTypes = {
  BOOL: { bytes: 1, decode: (b: Uint8Array) => b },
  U8: { bytes: 1, decode: (b: Uint8Array) => b },
  I8: { bytes: 1, decode: (b: Uint8Array) => new Int8Array(b.buffer, b.byteOffset, b.length) },
  I16: { bytes: 2, decode: (b: Uint8Array) => new Int16Array(...aligned(b, 2)) },
  U16: { bytes: 2, decode: (b: Uint8Array) => new Uint16Array(...aligned(b, 2)) },
  F16: { bytes: 2, decode: (b: Uint8Array) => halvesToFloat32(new Uint16Array(...aligned(b, 2))) },
  BF16: { bytes: 2, decode: (b: Uint8Array) => bfloatToFloat32(new Uint16Array(...aligned(b, 2))) },
  I32: { bytes: 4, decode: (b: Uint8Array) => new Int32Array(...aligned(b, 4)) },
  U32: { bytes: 4, decode: (b: Uint8Array) => new Uint32Array(...aligned(b, 4)) },
  F32: { bytes: 4, decode: (b: Uint8Array) => new Float32Array(...aligned(b, 4)) },
  F64: { bytes: 8, decode: (b: Uint8Array) => new Float64Array(...aligned(b, 8)) },
  I64: { bytes: 8, decode: (b: Uint8Array) => Float64Array.from(new BigInt64Array(...aligned(b, 8)), Number) },
  U64: { bytes: 8, decode: (b: Uint8Array) => Float64Array.from(new BigUint64Array(...aligned(b, 8)), Number) },
} as const satisfies Record<string, { bytes: number; decode: (bytes: Uint8Array) => ArrayLike<number> }>;

export type StoredDType = keyof typeof storedDTypes;

export function isStoredDType(name: string): name is StoredDType {
  return Object.hasOwn(storedDTypes, name);
}

/** The elements, each rounded once to f32. May share the file's bytes: read it, do not write to it. */
export function toFloat32(tensor: StoredTensor): Float32Array {
  const values = storedDTypes[tensor.dtype].decode(tensor.bytes);
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

/** The elements, exactly; only integers beyond 2^53 are rounded. May share the file's bytes: do not write to it. */
export function toFloat64(tensor: StoredTensor): Float64Array {
  const values = storedDTypes[tensor.dtype].decode(tensor.bytes);
  return values instanceof Float64Array ? values : Float64Array.from(values);
}

/** A tensor to be written: f32, with the values rounded to it. */
export function storeFloat32(shape: readonly number[], values: ArrayLike<number>): StoredTensor {
  const data = Float32Array.from(values);
  return { dtype: "F32", shape, bytes: new Uint8Array(data.buffer) };
}

/** How many elements are not numbers, and how many are infinite. Integer types have neither. */
export function countNonFinite(tensor: StoredTensor): { readonly nan: number; readonly infinite: number } {
  let nan = 0;
  let infinite = 0;
  for (const value of toFloat64(tensor)) {
    if (Number.isNaN(value)) nan++;
    else if (!Number.isFinite(value)) infinite++;
  }
  return { nan, infinite };
}

/**
 * What a typed array's constructor wants: the bytes where they lie if they are aligned there, else a copy. Every host
 * that sec knows is little-endian, as the file is.
 */
function aligned(bytes: Uint8Array, size: number): [ArrayBufferLike, number, number] {
  const at = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return [at.buffer, at.byteOffset, Math.floor(at.length / size)];
}

function halvesToFloat32(halves: Uint16Array): Float32Array {
  return new Float32Array(halves.length).map((_, i) => numberOf(halves[i]!));
}

/** bfloat16 is the upper half of an f32. */
function bfloatToFloat32(halves: Uint16Array): Float32Array {
  return new Float32Array(new Uint32Array(halves.length).map((_, i) => halves[i]! << 16).buffer);
}
