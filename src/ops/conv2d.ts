import type { Tensor } from "../tensor/tensor.ts";
import { typeText } from "../tensor/type.ts";
import { defineOp } from "./op.ts";
import { slide, type Window } from "./window.ts";

export interface ConvAttrs extends Window {
  readonly groups: number;
}

/** y[n,o,h,w] = sum over i,r,s of x[n, group(o)*I + i, h*stride + r*dilation - top, w*stride + s*dilation - left] * weight[o,i,r,s] */
export const conv2d = defineOp({
  doc: "Convolution (cross-correlation) with zero padding, without bias.",
  inputs: ["x", "weight"],
  infer({ x, weight }, attrs: ConvAttrs) {
    const size = slide(x, attrs);
    if ("complaint" in size) return size;
    const channels = x.shape[1] as number;
    const [outputs, perGroup, height, width] = weight.shape;
    if (weight.shape.length !== 4 || height !== attrs.kernel[0] || width !== attrs.kernel[1]) {
      return {
        complaint: `the weight is ${typeText(weight)}, but the kernel is ${attrs.kernel.join("x")}`,
        about: ["weight"],
      };
    }
    if (channels % attrs.groups !== 0)
      return {
        complaint: `${channels} channels do not divide into ${attrs.groups} groups: ${channels} % ${attrs.groups} = ${channels % attrs.groups}`,
        about: ["x"],
      };
    if ((outputs as number) % attrs.groups !== 0)
      return {
        complaint: `${outputs} outputs do not divide into ${attrs.groups} groups: ${outputs} % ${attrs.groups} = ${(outputs as number) % attrs.groups}`,
      };
    if (perGroup !== channels / attrs.groups)
      return {
        complaint: `the weight is ${typeText(weight)}, but x has ${channels} channels in ${attrs.groups} group(s)`,
        about: ["x", "weight"],
      };
    return { dtype: x.dtype, shape: [x.shape[0]!, outputs!, ...size] };
  },
  evaluate({ x, weight }, attrs, y) {
    const [images, channels] = x.shape as [number, number];
    const [, outputs, outHeight, outWidth] = y.shape as [number, number, number, number];
    const inPerGroup = channels / attrs.groups;
    const outPerGroup = outputs / attrs.groups;
    const depth = weight.data.length / outputs;
    const pixels = outHeight * outWidth;
    const seen = new Float64Array(together * depth);
    const sums = new Float64Array(2 * together);
    for (let n = 0; n < images; n++) {
      for (let group = 0; group < attrs.groups; group++) {
        for (let pixel = 0; pixel < pixels; pixel += together) {
          const count = Math.min(together, pixels - pixel);
          for (let p = 0; p < count; p++) {
            const window = [Math.floor((pixel + p) / outWidth), (pixel + p) % outWidth] as const;
            gather(x, n * channels + group * inPerGroup, inPerGroup, attrs, window, seen, p);
          }
          for (let o = group * outPerGroup; o < (group + 1) * outPerGroup; o += 2) {
            const isPair = o + 1 < (group + 1) * outPerGroup;
            products(weight.data, o * depth, (isPair ? o + 1 : o) * depth, seen, depth, sums);
            const to = (n * outputs + o) * pixels + pixel;
            for (let p = 0; p < count; p++) {
              y.data[to + p] = sums[p]!;
              if (isPair) y.data[to + pixels + p] = sums[together + p]!;
            }
          }
        }
      }
    }
  },
});

/** How many pixels are multiplied with two rows of the weight at once, so that each number that is loaded is used again. */
const together = 4;

/** What the taps see of some channels where a window is, in the order of a row of the weight, as column `p` of `seen`. */
function gather(
  { shape, data }: Tensor,
  firstPlane: number,
  planes: number,
  { kernel, stride, padding, dilation }: ConvAttrs,
  window: readonly [number, number],
  seen: Float64Array,
  p: number,
): void {
  const [, , height, width] = shape as [number, number, number, number];
  const top = window[0] * stride[0] - padding[0];
  const left = window[1] * stride[1] - padding[1];
  const [bottom, right] = [top + kernel[0] * dilation[0], left + kernel[1] * dilation[1]];
  let to = p;
  for (let plane = firstPlane; plane < firstPlane + planes; plane++) {
    for (let row = top; row < bottom; row += dilation[0]) {
      const isInside = row >= 0 && row < height;
      const start = (plane * height + row) * width;
      for (let column = left; column < right; column += dilation[1], to += together)
        seen[to] = isInside && column >= 0 && column < width ? data[start + column]! : 0;
    }
  }
}

/** Two rows of the weight times four columns: sums[4 * i + p] = sum over k of row i at k times seen[4 * k + p], in the order of k. */
function products(
  weight: Float64Array,
  first: number,
  second: number,
  seen: Float64Array,
  depth: number,
  sums: Float64Array,
): void {
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  let b0 = 0;
  let b1 = 0;
  let b2 = 0;
  let b3 = 0;
  for (let k = 0, at = 0; k < depth; k++, at += together) {
    const a = weight[first + k]!;
    const b = weight[second + k]!;
    const x0 = seen[at]!;
    const x1 = seen[at + 1]!;
    const x2 = seen[at + 2]!;
    const x3 = seen[at + 3]!;
    a0 += a * x0;
    a1 += a * x1;
    a2 += a * x2;
    a3 += a * x3;
    b0 += b * x0;
    b1 += b * x1;
    b2 += b * x2;
    b3 += b * x3;
  }
  sums[0] = a0;
  sums[1] = a1;
  sums[2] = a2;
  sums[3] = a3;
  sums[4] = b0;
  sums[5] = b1;
  sums[6] = b2;
  sums[7] = b3;
}
