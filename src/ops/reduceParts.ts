import { typeText, type Dim, type TensorType } from "../tensor/type.ts";
import { defineOp, type Complaint } from "./op.ts";

/**
 * The first dense layer of an excitation, applied to partial sums where they are made: a sum and a matrix product commute.
 * dense(squeezeFinish(parts), W) = squeezeFinish(reduceParts(parts, W))
 *
 * y[n, t*S + s, 0, r] = sum over the channels c of slice s of parts[n, t, 0, c] * weight[r, c], with S slices
 */
export const reduceParts = defineOp({
  doc: "A dense layer of partial sums: for each tile of pixels and slice of channels, what these add to the layer's results.",
  inputs: ["parts", "weight"],
  infer({ parts, weight }, { slice }: { readonly slice: number }): TensorType | Complaint {
    const [images, tiles, kinds, channels] = parts.shape as [Dim, number, number, number];
    if (parts.shape.length !== 4 || kinds !== 1)
      return { complaint: `parts are ${typeText(parts)}, but sums of whole maps are needed`, about: ["parts"] };
    const [outputs, features, ...rest] = weight.shape;
    if (outputs === undefined || features !== channels || rest.some((extent) => extent !== 1))
      return {
        complaint: `the weight is ${typeText(weight)}, but the parts have ${channels} channels`,
        about: ["weight"],
      };
    return { dtype: parts.dtype, shape: [images, tiles * Math.ceil(channels / slice), 1, outputs] };
  },
  evaluate({ parts, weight }, { slice }, y) {
    const [images, tiles, , channels] = parts.shape as [number, number, number, number];
    const outputs = y.shape[3]!;
    const slices = Math.ceil(channels / slice);
    for (let row = 0; row < images * tiles * slices; row++) {
      const tile = Math.floor(row / slices);
      const start = (row % slices) * slice;
      for (let r = 0; r < outputs; r++) {
        let sum = 0;
        for (let c = start; c < Math.min(start + slice, channels); c++)
          sum += parts.data[tile * channels + c]! * weight.data[r * channels + c]!;
        y.data[row * outputs + r] = sum;
      }
    }
  },
});
