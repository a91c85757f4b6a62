import type { Tensor } from "../tensor/tensor.ts";
import { typeText, type TensorType } from "../tensor/type.ts";
import { defineOp, type Complaint, type None } from "./op.ts";

/** Ops that look across the channels: CBAM's spatial gate is made of the first two, ECA's gate of the third. */

/** y[n,0,h,w] = sum over c of x[n,c,h,w] / C */
export const channelMean = defineOp({
  doc: "Mean over the channels of a map: a map of one channel.",
  inputs: ["x"],
  infer: ({ x }, _attrs: None) => oneChannel(x),
  evaluate({ x }, _attrs, y) {
    const channels = x.shape[1]!;
    eachPixel(x, y, (values) => values.reduce((a, b) => a + b, 0) / channels);
  },
});

/** y[n,0,h,w] = max over c of x[n,c,h,w] */
export const channelMax = defineOp({
  doc: "Maximum over the channels of a map: a map of one channel.",
  inputs: ["x"],
  infer: ({ x }, _attrs: None) => oneChannel(x),
  evaluate({ x }, _attrs, y) {
    eachPixel(x, y, (values) => values.reduce((a, b) => Math.max(a, b), -Infinity));
  },
});

/** y[n,c] = sum over s of x[n, c + s - (k - 1) / 2] * weight[0,0,s], zeros beyond the first and the last channel */
export const channelConv = defineOp({
  doc: "A 1-d convolution along the channels of a vector: one filter of odd length, zero padding, no bias.",
  inputs: ["x", "weight"],
  infer({ x, weight }, _attrs: None) {
    if (x.shape.length !== 2)
      return {
        complaint: `a convolution along the channels needs a vector per image, f32[N, channels], but x is ${typeText(x)}`,
        about: ["x"],
      };
    const [outputs, inputs, length] = weight.shape as number[];
    if (weight.shape.length !== 3 || outputs !== 1 || inputs !== 1 || length! % 2 === 0) {
      return {
        complaint: `the filter must be f32[1, 1, k] with an odd k, but it is ${typeText(weight)}`,
        about: ["weight"],
      };
    }
    return x;
  },
  evaluate({ x, weight }, _attrs, y) {
    const channels = x.shape[1]!;
    const length = weight.data.length;
    for (let n = 0; n < x.shape[0]!; n++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let s = 0; s < length; s++) {
          const from = c + s - (length - 1) / 2;
          if (from >= 0 && from < channels) sum += x.data[n * channels + from]! * weight.data[s]!;
        }
        y.data[n * channels + c] = sum;
      }
    }
  },
});

function oneChannel(x: TensorType): TensorType | Complaint {
  if (x.shape.length !== 4)
    return {
      complaint: `only a feature map of rank 4 has channels at each pixel, but x is ${typeText(x)}`,
      about: ["x"],
    };
  return { dtype: x.dtype, shape: [x.shape[0]!, 1, x.shape[2]!, x.shape[3]!] };
}

/** `reduce` gets the values of all channels at one pixel. */
function eachPixel(x: Tensor, y: Tensor, reduce: (values: number[]) => number): void {
  const [images, channels] = x.shape as [number, number];
  const pixels = y.data.length / images;
  for (let n = 0; n < images; n++) {
    for (let p = 0; p < pixels; p++) {
      const values = Array.from({ length: channels }, (_, c) => x.data[(n * channels + c) * pixels + p]!);
      y.data[n * pixels + p] = reduce(values);
    }
  }
}
