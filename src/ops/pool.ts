import type { Tensor } from "../tensor/tensor.ts";
import { typeText, type TensorType } from "../tensor/type.ts";
import { defineOp, type Complaint, type None } from "./op.ts";
import { slide, type Rounding, type Window } from "./window.ts";

export interface PoolAttrs extends Window {
  readonly rounding: Rounding;
}

/** The largest value inside the map under each window; padding never wins. */
export const maxPool = defineOp({
  doc: "Maximum over each window; padded positions do not take part.",
  inputs: ["x"],
  infer: ({ x }, attrs: PoolAttrs) => pooled(x, attrs),
  evaluate({ x }, attrs, y) {
    eachWindow(x, attrs, y, (values) => values.reduce((a, b) => Math.max(a, b), -Infinity));
  },
});

/** The mean over each window; with countPadding the zeros of the padding count, as in PyTorch's count_include_pad. */
export const avgPool = defineOp({
  doc: "Mean over each window.",
  inputs: ["x"],
  infer: ({ x }, attrs: PoolAttrs & { readonly countPadding: boolean }) => pooled(x, attrs),
  evaluate({ x }, attrs, y) {
    eachWindow(x, attrs, y, (values, padded) => {
      const sum = values.reduce((a, b) => a + b, 0);
      return sum / (attrs.countPadding ? padded : values.length);
    });
  },
});

/** y[n,c] = sum over h,w of x[n,c,h,w] / (H * W): the squeeze of SE, and the head of most networks */
export const globalAvgPool = defineOp({
  doc: "Mean over the whole map.",
  inputs: ["x"],
  infer: ({ x }, _attrs: None) => squeezed(x),
  evaluate({ x }, _attrs, y) {
    const pixels = x.shape[2]! * x.shape[3]!;
    for (let row = 0; row < y.data.length; row++) {
      let sum = 0;
      for (let p = 0; p < pixels; p++) sum += x.data[row * pixels + p]!;
      y.data[row] = sum / pixels;
    }
  },
});

/** y[n,c] = max over h,w of x[n,c,h,w] */
export const globalMaxPool = defineOp({
  doc: "Maximum over the whole map.",
  inputs: ["x"],
  infer: ({ x }, _attrs: None) => squeezed(x),
  evaluate({ x }, _attrs, y) {
    const pixels = x.shape[2]! * x.shape[3]!;
    for (let row = 0; row < y.data.length; row++) {
      let largest = -Infinity;
      for (let p = 0; p < pixels; p++) largest = Math.max(largest, x.data[row * pixels + p]!);
      y.data[row] = largest;
    }
  },
});

function pooled(x: TensorType, attrs: PoolAttrs): TensorType | Complaint {
  const size = slide(x, attrs, attrs.rounding);
  if ("complaint" in size) return size;
  for (const axis of [0, 1] as const) {
    if (attrs.padding[axis] >= attrs.kernel[axis] || attrs.padding[axis + 2]! >= attrs.kernel[axis]) {
      return {
        complaint: `the padding (${attrs.padding.join(", ")}) must be smaller than the window ${attrs.kernel.join("x")}`,
      };
    }
  }
  return { dtype: x.dtype, shape: [x.shape[0]!, x.shape[1]!, ...size] };
}

function squeezed(x: TensorType): TensorType | Complaint {
  if (x.shape.length !== 4)
    return { complaint: `only a feature map of rank 4 can be squeezed, but x is ${typeText(x)}`, about: ["x"] };
  return { dtype: x.dtype, shape: [x.shape[0]!, x.shape[1]!] };
}

/** `reduce` gets the values inside the map, and how many positions of the window lie inside the padded map. */
function eachWindow(
  x: Tensor,
  attrs: PoolAttrs,
  y: Tensor,
  reduce: (values: number[], padded: number) => number,
): void {
  const [, , inHeight, inWidth] = x.shape as [number, number, number, number];
  const [images, channels, outHeight, outWidth] = y.shape as [number, number, number, number];
  const [top, left, bottom, right] = attrs.padding;
  let to = 0;
  for (let plane = 0; plane < images * channels; plane++) {
    for (let h = 0; h < outHeight; h++) {
      for (let w = 0; w < outWidth; w++) {
        const values: number[] = [];
        let padded = 0;
        for (let r = 0; r < attrs.kernel[0]; r++) {
          for (let s = 0; s < attrs.kernel[1]; s++) {
            const row = h * attrs.stride[0] + r * attrs.dilation[0] - top;
            const column = w * attrs.stride[1] + s * attrs.dilation[1] - left;
            if (row < inHeight + bottom && column < inWidth + right) padded++;
            if (row < 0 || row >= inHeight || column < 0 || column >= inWidth) continue;
            values.push(x.data[(plane * inHeight + row) * inWidth + column]!);
          }
        }
        y.data[to++] = reduce(values, padded);
      }
    }
  }
}
