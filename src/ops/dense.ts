import { typeText } from "../tensor/type.ts";
import { defineOp, type None } from "./op.ts";

/** y[n,o] = sum over i of x[n,i] * weight[o,i] */
export const dense = defineOp({
  doc: "A fully connected layer without bias. The weight is [out, in], or [out, in, 1, 1] as checkpoints of SE layers have it.",
  inputs: ["x", "weight"],
  infer({ x, weight }, _attrs: None) {
    if (x.shape.length !== 2)
      return {
        complaint: `a dense layer needs a vector per image, f32[N, features], but x is ${typeText(x)}`,
        about: ["x"],
      };
    const [outputs, features, ...rest] = weight.shape;
    if (outputs === undefined || features !== x.shape[1] || rest.some((extent) => extent !== 1)) {
      return {
        complaint: `the weight is ${typeText(weight)}, but x has ${x.shape[1]} features`,
        about: ["x", "weight"],
      };
    }
    return { dtype: x.dtype, shape: [x.shape[0]!, outputs] };
  },
  evaluate({ x, weight }, _attrs, y) {
    const features = x.shape[1]!;
    const outputs = y.shape[1]!;
    for (let n = 0; n < y.shape[0]!; n++) {
      for (let o = 0; o < outputs; o++) {
        let sum = 0;
        for (let i = 0; i < features; i++) sum += x.data[n * features + i]! * weight.data[o * features + i]!;
        y.data[n * outputs + o] = sum;
      }
    }
  },
});
