import { hash64 } from "./hash.ts";

export type Distribution =
  /** Normal around 0. */
  | { readonly deviation: number }
  /** Even, between the two. */
  | { readonly from: number; readonly to: number };

/**
 * Fills an array with random numbers that depend on a seed and a name alone, so that two networks that share a tensor's
 * name share its values; each is rounded to f32, as a checkpoint would be. The generator is sfc32 (Doty-Humphrey's small
 * fast counting generator), started with the 64-bit hash of seed and name; normal numbers come from Marsaglia's polar
 * method, two at a time.
 */
export function fillRandom(data: Float64Array, seed: number, name: string, distribution: Distribution): void {
  const hash = hash64(`${seed} ${name}`);
  // Local variables of one function: tens of millions of numbers are drawn.
  let a = Number.parseInt(hash.slice(0, 8), 16) | 0;
  let b = Number.parseInt(hash.slice(8), 16) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  /** Between 0 and 1, both excluded. */
  const uniform = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return ((sum >>> 0) + 0.5) / 2 ** 32;
  };
  // The first numbers still show the hash.
  for (let i = 0; i < 12; i++) uniform();

  if ("from" in distribution) {
    const { from, to } = distribution;
    for (let i = 0; i < data.length; i++) data[i] = Math.fround(from + (to - from) * uniform());
    return;
  }
  for (let i = 0; i < data.length;) {
    const x = 2 * uniform() - 1;
    const y = 2 * uniform() - 1;
    const square = x * x + y * y;
    if (square >= 1) continue;
    const factor = distribution.deviation * Math.sqrt((-2 * Math.log(square)) / square);
    data[i++] = Math.fround(x * factor);
    if (i < data.length) data[i++] = Math.fround(y * factor);
  }
}
