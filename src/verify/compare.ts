import type { Tensor } from "../tensor/tensor.ts";

export interface Difference {
  /** The largest |actual - expected| / allowed; over 1 is wrong. */
  readonly share: number;
  /** Where. */
  readonly index: readonly number[];
  readonly actual: number;
  readonly expected: number;
  readonly allowed: number;
}

/** The element that is furthest outside what its own bound allows. NaN and infinities are never within a bound. */
export function compareWithin(actual: Tensor, expected: Tensor, bound: Tensor): Difference {
  let worst = { share: 0, at: 0 };
  for (let at = 0; at < expected.data.length; at++) {
    const share = shareOf(actual.data[at]!, expected.data[at]!, bound.data[at]!);
    if (share > worst.share) worst = { share, at };
  }
  const { share, at } = worst;
  return {
    share,
    index: indexOf(at, expected.shape),
    actual: actual.data[at] ?? NaN,
    expected: expected.data[at] ?? NaN,
    allowed: allowedBy(bound.data[at] ?? 0),
  };
}

/** Per image: |actual - expected|_2 / |expected|_2 and max |d| / max |y|, the worst image of each; and max |d|. */
export function relativeDifference(
  actual: Tensor,
  expected: Tensor,
): { relative: number; ofMaximum: number; absolute: number } {
  const images = expected.shape[0]!;
  const size = expected.data.length / images;
  const worst = { relative: 0, ofMaximum: 0, absolute: 0 };
  for (let n = 0; n < images; n++) {
    let [squares, norm, largest, range] = [0, 0, 0, 0];
    for (let at = n * size; at < (n + 1) * size; at++) {
      const difference = Math.abs(actual.data[at]! - expected.data[at]!);
      squares += difference * difference;
      norm += expected.data[at]! * expected.data[at]!;
      largest = worse(largest, difference);
      range = Math.max(range, Math.abs(expected.data[at]!));
    }
    worst.relative = worse(worst.relative, ratio(Math.sqrt(squares), Math.sqrt(norm)));
    worst.ofMaximum = worse(worst.ofMaximum, ratio(largest, range));
    worst.absolute = worse(worst.absolute, largest);
  }
  return worst;
}

function shareOf(actual: number, expected: number, bound: number): number {
  if (actual === expected) return 0;
  // Partial maxima of an empty class: the device has the most negative f32 where the reference has -inf.
  if (expected === -Infinity && actual <= -3.4e38) return 0;
  const share = Math.abs(actual - expected) / allowedBy(bound);
  return Number.isNaN(share) ? Infinity : share;
}

/** A device may flush numbers below the smallest normal f32 to zero. */
function allowedBy(bound: number): number {
  return bound + 2 ** -126;
}

/** Math.max that lets NaN win. */
function worse(a: number, b: number): number {
  return b > a || Number.isNaN(b) ? b : a;
}

function ratio(difference: number, size: number): number {
  return difference === 0 ? 0 : difference / size;
}

function indexOf(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (const extent of shape.toReversed()) {
    index.unshift(flat % extent);
    flat = Math.floor(flat / extent);
  }
  return index;
}
