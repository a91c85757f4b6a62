import { bfloatOf, bitsOf, floatOf, halfOf, numberOf } from "./tensor/halves.ts";

/**
 * What kernels compute convolutions in, and store feature maps and their filters as. Sums, vectors (gates, pooled
 * features), biases and what users see are f32 always.
 *
 * - `f32`: everything in f32.
 * - `tf32`: stored as f32; the products of convolutions take operands that are rounded to tf32 (10 bits of fraction).
 * - `f16`, `bf16`: feature maps and filters of convolutions are stored so; products are exact, sums f32.
 */
export const precisions = ["f32", "tf32", "f16", "bf16"] as const;
export type Precision = (typeof precisions)[number];

/** How a number lies in memory. */
export type Element = "f32" | "f16" | "bf16";

export const elementBytes = { f32: 4, f16: 2, bf16: 2 } as const satisfies Record<Element, number>;

/** What feature maps and filters are stored as. */
export function storedAs(precision: Precision): Element {
  return precision === "tf32" ? "f32" : precision;
}

/** Numbers as they lie in memory, in words of 4 bytes. */
export function wordsOf(values: Float32Array, element: Element): Float32Array {
  if (element === "f32") return values;
  const bits = element === "f16" ? halfOf : bfloatOf;
  return new Float32Array(new Uint16Array(values.length).map((_, i) => bits(values[i]!)).buffer);
}

/** And back. */
export function numbersOf(words: Float32Array, element: Element): Float32Array {
  if (element === "f32") return words;
  const halves = new Uint16Array(words.buffer, words.byteOffset, words.byteLength / 2);
  const value = element === "f16" ? numberOf : (bits: number) => floatOf(bits << 16);
  return new Float32Array(halves.length).map((_, i) => value(halves[i]!));
}

/** How far a number moves when it is rounded: |x| times `relative`, but no less than `least` where it is tiny. */
export interface Rounding {
  readonly relative: number;
  readonly least: number;
}

/** The nearest number that a precision knows. */
export function roundTo(value: number, precision: Precision): number {
  switch (precision) {
    case "f32":
      return Math.fround(value);
    case "tf32":
      return floatOf((bitsOf(value) + 0x1000) & 0xffffe000);
    case "f16":
      return numberOf(halfOf(value));
    case "bf16":
      return floatOf(bfloatOf(value) << 16);
    default:
      return precision satisfies never;
  }
}

/** Half a step of the fraction; of f16 also half a step below 2^-14, where steps get no smaller. */
export const roundings = {
  f32: { relative: 2 ** -24, least: 0 },
  tf32: { relative: 2 ** -11, least: 0 },
  f16: { relative: 2 ** -11, least: 2 ** -25 },
  bf16: { relative: 2 ** -8, least: 0 },
} as const satisfies Record<Precision, Rounding>;
