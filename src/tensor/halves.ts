/** Numbers in half precision, as their bits. */

/** One buffer, because millions of numbers are rounded. Of a float64 the upper word has sign, exponent and 20 bits of the fraction. */
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const [lower, upper] = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? [0, 1] : [1, 0];

/** The nearest half, ties to even; what is beyond 65504 by half a step or more is infinite. NaN stays NaN. */
export function halfOf(value: number): number {
  double[0] = value;
  const word = words[upper]!;
  const sign = (word >>> 16) & 0x8000;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  // 65520 is in the middle between 65504 and what would be 65536.
  if (size >= 65520) return sign | 0x7c00;
  // Below 2^-14 the steps are 2^-24.
  if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24);
  const rest = word & 0x3ff;
  const isMore = rest > 0x200 || (rest === 0x200 && (words[lower] !== 0 || (word & 0x400) !== 0));
  // A carry out of the fraction makes the next exponent, as it should. The exponents' zeros are 1023 and 15.
  return sign | ((((word & 0x7fffffff) >>> 10) - ((1023 - 15) << 10) + (isMore ? 1 : 0)) & 0x7fff);
}

/** IEEE half precision: 1 sign, 5 exponent and 10 fraction bits. */
export function numberOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  words[lower] = 0;
  words[upper] = ((exponent + 1023 - 15) << 20) | (fraction << 10);
  return sign * double[0]!;
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The bits of the nearest f32. */
export function bitsOf(value: number): number {
  float[0] = value;
  return word[0]!;
}

/** The f32 of these bits. */
export function floatOf(bits: number): number {
  word[0] = bits;
  return float[0]!;
}

/** The nearest bfloat16 of an f32, ties to even: the upper half of its bits. NaN stays NaN. */
export function bfloatOf(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  const bits = bitsOf(value);
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export function roundToEven(value: number): number {
  const down = Math.floor(value);
  const above = value - down;
  if (above !== 0.5) return above < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}
