import type { Element } from "../precision.ts";
import { bfloatOf, halfOf, numberOf } from "./storage.ts";

/** Numbers as they lie in memory, in words of 4 bytes, and back. */

export function wordsOf(values: Float32Array, element: Element): Float32Array {
  if (element === "f32") return values;
  const bits = element === "f16" ? halfOf : bfloatOf;
  return new Float32Array(Uint16Array.from(values, bits).buffer);
}

export function numbersOf(words: Float32Array, element: Element): Float32Array {
  if (element === "f32") return words;
  const halves = new Uint16Array(words.buffer, words.byteOffset, words.byteLength / 2);
  if (element === "f16") return Float32Array.from(halves, numberOf);
  return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
}
