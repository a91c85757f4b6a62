import type { TensorType } from "../tensor/type.ts";
import { typeText } from "../tensor/type.ts";
import { defineOp, type Complaint } from "./op.ts";
import { outputExtent, slide, type Window } from "./window.ts";

/**
 * The squeeze of a convolution's output without the convolution:
 * mean over h,w of conv2d(x, W) = W reshaped to [O, I*kh*kw], times tapMeans(x).
 * Source: linearity of the mean; checked in ../shared's fusion rules and in test/ops.
 */

/** y[n, (c*kh + r)*kw + s] = sum over output positions (h,w) of x[n,c, h*stride + r*dilation - top, …] / (Ho * Wo) */
export const tapMeans = defineOp({
  doc: "For each channel and tap of a window: the mean, over the window's output positions, of what the tap sees.",
  inputs: ["x"],
  infer({ x }, attrs: Window): TensorType | Complaint {
    const size = slide(x, attrs);
    if ("complaint" in size) return size;
    return { dtype: x.dtype, shape: [x.shape[0]!, (x.shape[1] as number) * attrs.kernel[0] * attrs.kernel[1]] };
  },
  evaluate({ x }, attrs, y) {
    const [images, channels, height, width] = x.shape as [number, number, number, number];
    const outHeight = outputExtent(attrs, 0, height);
    const outWidth = outputExtent(attrs, 1, width);
    let to = 0;
    for (let plane = 0; plane < images * channels; plane++) {
      for (let r = 0; r < attrs.kernel[0]; r++) {
        for (let s = 0; s < attrs.kernel[1]; s++) {
          let sum = 0;
          for (let h = 0; h < outHeight; h++) {
            for (let w = 0; w < outWidth; w++) {
              const row = h * attrs.stride[0] + r * attrs.dilation[0] - attrs.padding[0];
              const column = w * attrs.stride[1] + s * attrs.dilation[1] - attrs.padding[1];
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              sum += x.data[(plane * height + row) * width + column]!;
            }
          }
          y.data[to++] = sum / (outHeight * outWidth);
        }
      }
    }
  },
});

/** How the pixels of a map fall into classes that every tap of a window sees as a whole or not at all. */
export interface TapClasses {
  /** For each row, the class of the rows that the same taps visit; -1 where no tap looks. Likewise columns. */
  readonly rowClass: readonly number[];
  readonly columnClass: readonly number[];
  readonly rowClasses: number;
  readonly columnClasses: number;
  /** tapSeesRow[r][row class]; the class of a pixel is rowClass * columnClasses + columnClass. */
  readonly tapSeesRow: readonly (readonly boolean[])[];
  readonly tapSeesColumn: readonly (readonly boolean[])[];
  /** Output positions: what the sums are divided by. */
  readonly positions: number;
}

/** The whole map is one class for a 1x1 window of stride 1; a 3x3 with padding 1 has nine (first, inner, last). */
export function tapClasses(window: Window, height: number, width: number): TapClasses {
  const rows = axisClasses(window, 0, height);
  const columns = axisClasses(window, 1, width);
  return {
    rowClass: rows.classOf,
    columnClass: columns.classOf,
    rowClasses: rows.count,
    columnClasses: columns.count,
    tapSeesRow: rows.tapSees,
    tapSeesColumn: columns.tapSees,
    positions: outputExtent(window, 0, height) * outputExtent(window, 1, width),
  };
}

function axisClasses(window: Window, axis: 0 | 1, size: number) {
  const extent = outputExtent(window, axis, size);
  const taps = Array.from({ length: window.kernel[axis] }, (_, tap) => tap);
  const sees = (tap: number, position: number) => {
    const shifted = position + window.padding[axis] - tap * window.dilation[axis];
    return shifted >= 0 && shifted % window.stride[axis] === 0 && shifted / window.stride[axis] < extent;
  };
  const keys: string[] = [];
  const classOf = Array.from({ length: size }, (_, position) => {
    const key = taps.map((tap) => (sees(tap, position) ? "1" : "0")).join("");
    if (!key.includes("1")) return -1;
    if (!keys.includes(key)) keys.push(key);
    return keys.indexOf(key);
  });
  return { classOf, count: keys.length, tapSees: taps.map((tap) => keys.map((key) => key[tap] === "1")) };
}

export interface PartsAttrs {
  /** Whose squeeze this is: a point window for the mean or maximum of the whole map. */
  readonly window: Window;
  readonly reduce: "sum" | "max";
  /** Pixels in one part, in row-major order; a part never spans two images. */
  readonly tile: number;
  /** The map that was squeezed. */
  readonly height: number;
  readonly width: number;
}

/** y[n, t, k, c] = sum (or max) of x over the pixels of tile t that are of class k; 0 (or -inf) where there are none */
export const squeezeParts = defineOp({
  doc: "Partial sums (or maxima) of every channel, one for each tile of pixels and class of taps.",
  inputs: ["x"],
  infer({ x }, attrs: PartsAttrs) {
    if (x.shape.length !== 4 || x.shape[2] !== attrs.height || x.shape[3] !== attrs.width) {
      return {
        complaint: `x is ${typeText(x)}, but the parts are of a ${attrs.height}x${attrs.width} map`,
        about: ["x"],
      };
    }
    const { rowClasses, columnClasses } = tapClasses(attrs.window, attrs.height, attrs.width);
    const tiles = Math.ceil((attrs.height * attrs.width) / attrs.tile);
    return { dtype: x.dtype, shape: [x.shape[0]!, tiles, rowClasses * columnClasses, x.shape[1]!] };
  },
  evaluate({ x }, attrs, y) {
    const classes = tapClasses(attrs.window, attrs.height, attrs.width);
    const [, tiles, kinds, channels] = y.shape as [number, number, number, number];
    y.data.fill(attrs.reduce === "sum" ? 0 : -Infinity);
    const pixels = attrs.height * attrs.width;
    for (let plane = 0; plane < x.shape[0]! * channels; plane++) {
      const n = Math.floor(plane / channels);
      const c = plane % channels;
      for (let p = 0; p < pixels; p++) {
        const row = classes.rowClass[Math.floor(p / attrs.width)]!;
        const column = classes.columnClass[p % attrs.width]!;
        if (row < 0 || column < 0) continue;
        const kind = row * classes.columnClasses + column;
        const to = ((n * tiles + Math.floor(p / attrs.tile)) * kinds + kind) * channels + c;
        const value = x.data[plane * pixels + p]!;
        y.data[to] = attrs.reduce === "sum" ? y.data[to]! + value : Math.max(y.data[to]!, value);
      }
    }
  },
});

/** y[n, (c*kh + r)*kw + s] = sum over tiles and over the classes that tap (r,s) sees, divided by the output positions; or the maximum */
export const squeezeFinish = defineOp({
  doc: "Adds up partial sums in a fixed order and divides (or takes the maximum of partial maxima).",
  inputs: ["parts"],
  infer({ parts }, attrs: PartsAttrs) {
    const taps = attrs.window.kernel[0] * attrs.window.kernel[1];
    return { dtype: parts.dtype, shape: [parts.shape[0]!, (parts.shape[3] as number) * taps] };
  },
  evaluate({ parts }, attrs, y) {
    const classes = tapClasses(attrs.window, attrs.height, attrs.width);
    const [images, tiles, kinds, channels] = parts.shape as [number, number, number, number];
    let to = 0;
    for (let n = 0; n < images; n++) {
      for (let c = 0; c < channels; c++) {
        for (let r = 0; r < attrs.window.kernel[0]; r++) {
          for (let s = 0; s < attrs.window.kernel[1]; s++) {
            let result = attrs.reduce === "sum" ? 0 : -Infinity;
            for (let t = 0; t < tiles; t++) {
              for (let kind = 0; kind < kinds; kind++) {
                const row = Math.floor(kind / classes.columnClasses);
                if (!classes.tapSeesRow[r]![row] || !classes.tapSeesColumn[s]![kind % classes.columnClasses]) continue;
                const value = parts.data[((n * tiles + t) * kinds + kind) * channels + c]!;
                result = attrs.reduce === "sum" ? result + value : Math.max(result, value);
              }
            }
            y.data[to++] = attrs.reduce === "sum" ? result / classes.positions : result;
          }
        }
      }
    }
  },
});
