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
    const [images, channels, inHeight, inWidth] = x.shape as [number, number, number, number];
    const [, outputs, outHeight, outWidth] = y.shape as [number, number, number, number];
    const [kernelHeight, kernelWidth] = attrs.kernel;
    const [strideY, strideX] = attrs.stride;
    const [top, left] = attrs.padding;
    const inPerGroup = channels / attrs.groups;
    const outPerGroup = outputs / attrs.groups;
    y.data.fill(0);
    for (let n = 0; n < images; n++) {
      for (let o = 0; o < outputs; o++) {
        const group = Math.floor(o / outPerGroup);
        for (let i = 0; i < inPerGroup; i++) {
          for (let r = 0; r < kernelHeight; r++) {
            for (let s = 0; s < kernelWidth; s++) {
              const w = weight.data[((o * inPerGroup + i) * kernelHeight + r) * kernelWidth + s]!;
              const shift = s * attrs.dilation[1] - left;
              // The columns whose tap lies inside the map: 0 <= column * strideX + shift < inWidth.
              const first = Math.max(0, Math.ceil(-shift / strideX));
              const last = Math.min(outWidth - 1, Math.floor((inWidth - 1 - shift) / strideX));
              for (let h = 0; h < outHeight; h++) {
                const row = h * strideY + r * attrs.dilation[0] - top;
                if (row < 0 || row >= inHeight) continue;
                const from = ((n * channels + group * inPerGroup + i) * inHeight + row) * inWidth + shift;
                const to = ((n * outputs + o) * outHeight + h) * outWidth;
                for (let column = first; column <= last; column++)
                  y.data[to + column]! += w * x.data[from + column * strideX]!;
              }
            }
          }
        }
      }
    }
  },
});
