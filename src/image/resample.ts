/** One output pixel along one axis: `weights[k]` times the input pixel `first + k`, summed. The weights add up to 1. */
export interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

export type Resampling = "nearest" | "bilinear" | "bilinear antialiased";

/** The part of an axis that is wanted, after it was brought to another size: a crop that costs nothing. */
export interface Window {
  readonly start: number;
  readonly length: number;
}

/** A plane of `width` columns resampled, first along its rows, then along its columns, in double, without rounding. */
export function resample(plane: Float64Array, width: number, rows: readonly Taps[], columns: readonly Taps[]) {
  const height = plane.length / width;
  const narrow = new Float64Array(height * columns.length);
  for (let y = 0; y < height; y++) {
    columns.forEach(({ first, weights }, x) => {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * plane[y * width + first + k]!;
      narrow[y * columns.length + x] = sum;
    });
  }
  const out = new Float64Array(rows.length * columns.length);
  rows.forEach(({ first, weights }, y) => {
    for (let x = 0; x < columns.length; x++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * narrow[(first + k) * columns.length + x]!;
      out[y * columns.length + x] = sum;
    }
  });
  return out;
}

/**
 * Where the pixels of `window` come from, if an axis of `from` pixels is brought to `to`. Pixels are squares and their
 * centres lie at half: the centre of output pixel i is at (i + 0.5) * from / to of the input. As PyTorch with
 * align_corners=False; `nearest` is its nearest-exact.
 */
export function axisTaps(from: number, to: number, how: Resampling, window: Window): Taps[] {
  const step = from / to;
  return Array.from({ length: window.length }, (_, i) => tapsAt((window.start + i + 0.5) * step, step, from, how));
}

function tapsAt(center: number, step: number, from: number, how: Resampling): Taps {
  switch (how) {
    case "nearest":
      return { first: Math.min(Math.floor(center), from - 1), weights: [1] };

    case "bilinear": {
      const position = Math.max(center - 0.5, 0);
      const first = Math.min(Math.floor(position), from - 1);
      const right = position - first;
      return first === from - 1 ? { first, weights: [1] } : { first, weights: [1 - right, right] };
    }

    case "bilinear antialiased": {
      // A triangle as wide as the pixels that fall together; enlarging, it is the plain bilinear one.
      const reach = Math.max(step, 1);
      const first = Math.max(Math.trunc(center - reach + 0.5), 0);
      const end = Math.min(Math.trunc(center + reach + 0.5), from);
      const triangle = Array.from({ length: end - first }, (_, k) =>
        Math.max(0, 1 - Math.abs(first + k + 0.5 - center) / reach),
      );
      const total = triangle.reduce((sum, weight) => sum + weight, 0);
      return { first, weights: triangle.map((weight) => weight / total) };
    }

    default:
      return how satisfies never;
  }
}
