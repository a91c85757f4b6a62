import { bfloatOf, halfOf, numberOf, roundToEven } from "../tensor/halves.ts";

/**
 * How weights.bin stores weights. On the device they are f32 always: net.js makes f32 of them as it loads.
 *
 * - `f32`: as they are packed; the others are made of these f32 values.
 * - `f16`: convolution and dense weights in IEEE half precision, rounded to nearest, ties to even.
 * - `int8`: convolution and dense weights as code * scale, with one f32 scale for each output channel, max |w| / 127, and
 *   codes from -127 to 127, rounded to nearest, ties to even.
 *
 * Vectors (biases, shifts, scales) are small and stay f32.
 */
export const storages = ["f32", "f16", "int8"] as const;
export type Storage = (typeof storages)[number];

export function isStorage(word: unknown): word is Storage {
  return (storages as readonly unknown[]).includes(word);
}

/** The bytes of one element. */
export const elementBytes = { f32: 4, f16: 2, int8: 1 } as const satisfies Record<Storage, number>;

export type Encoded =
  { readonly ok: true; readonly bytes: Uint8Array<ArrayBuffer> } | { readonly ok: false; readonly message: string };

/**
 * The bytes of a tensor; of int8 first the scales, then the codes.
 *
 * @param columns how many output channels; element i belongs to channel i % columns
 */
export function encode(values: ArrayLike<number>, columns: number, storage: Storage): Encoded {
  if (storage === "f32") return { ok: true, bytes: new Uint8Array(Float32Array.from(values).buffer) };
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) return refuse(`holds ${values[i]}, which ${storage} cannot store`);
  }
  if (storage === "f16") return encodeHalves(values, storage);
  const scales = scalesOf(values, columns, (i) => i % columns);
  const bytes = new Uint8Array(4 * columns + values.length);
  new Float32Array(bytes.buffer, 0, columns).set(scales);
  const codes = new Int8Array(bytes.buffer, 4 * columns);
  for (let i = 0; i < values.length; i++) codes[i] = codeOf(values[i]!, scales[i % columns]!);
  return { ok: true, bytes };
}

/** As kernels of half precision read them. */
export function encodeHalves(values: ArrayLike<number>, element: "f16" | "bf16"): Encoded {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    halves[i] = element === "f16" ? halfOf(values[i]!) : bfloatOf(values[i]!);
    if (element === "f16" && (halves[i]! & 0x7fff) === 0x7c00)
      return refuse(`holds ${values[i]}, beyond f16, whose largest is 65504`);
  }
  return { ok: true, bytes: new Uint8Array(halves.buffer) };
}

/**
 * What the device is given for a weight [outputs, …]: each value as its stored form says it, in f32.
 *
 * @param values in f32
 */
export function restored(values: Float64Array, outputs: number, storage: Storage): Float64Array {
  if (storage === "f32") return values.map(Math.fround);
  if (storage === "f16") return values.map((value) => numberOf(halfOf(value)));
  const row = values.length / outputs;
  const scales = scalesOf(values, outputs, (i) => Math.floor(i / row));
  return values.map((value, i) => {
    const scale = scales[Math.floor(i / row)]!;
    return Math.fround(codeOf(value, scale) * scale);
  });
}

function scalesOf(values: ArrayLike<number>, channels: number, channelOf: (i: number) => number): Float32Array {
  const scales = new Float32Array(channels);
  for (let i = 0; i < values.length; i++) {
    const channel = channelOf(i);
    scales[channel] = Math.max(scales[channel]!, Math.abs(values[i]!) / 127);
  }
  return scales;
}

function codeOf(value: number, scale: number): number {
  return scale === 0 ? 0 : Math.max(-127, Math.min(127, roundToEven(value / scale)));
}

function refuse(message: string): Encoded {
  return { ok: false, message };
}
