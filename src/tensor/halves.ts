/** Numbers in half precision, as their bits. */

/** The nearest half, ties to even; what is beyond 65504 by half a step or more is infinite. NaN stays NaN. */
export function halfOf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  // 65520 is in the middle between 65504 and what would be 65536.
  if (size >= 65520) return sign | 0x7c00;
  // Below 2^-14 the steps are 2^-24. A carry out of the fraction makes the next exponent, as it should.
  if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24);
  let exponent = Math.floor(Math.log2(size));
  if (2 ** exponent > size) exponent--;
  else if (2 ** (exponent + 1) <= size) exponent++;
  return sign | (((exponent + 15) << 10) + roundToEven((size / 2 ** exponent - 1) * 1024));
}

/** IEEE half precision: 1 sign, 5 exponent and 10 fraction bits. */
export function numberOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** One buffer, because millions of numbers are rounded. */
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
