import type { TensorType } from "../tensor/type.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { typeText } from "../tensor/type.ts";
import { defineOp, type Complaint, type None } from "./op.ts";

/** Elementwise on a feature map or a vector, with one operand for each channel. */

/** y[n,c,…] = x[n,c,…] + bias[c] */
export const addBias = defineOp({
  doc: "Adds to every channel its bias.",
  inputs: ["x", "bias"],
  elementwise: true,
  infer: ({ x, bias }) => onePerChannel(x, { bias }) ?? x,
  evaluate({ x, bias }, _attrs: None, out) {
    eachChannel(x, (i, c) => (out.data[i] = x.data[i]! + bias.data[c]!));
  },
});

/** y[n,c,…] = x[n,c,…] * scale[c] + shift[c] */
export const affine = defineOp({
  doc: "Multiplies every channel by its scale and adds its shift: a folded BatchNorm.",
  inputs: ["x", "scale", "shift"],
  elementwise: true,
  infer: ({ x, scale, shift }) => onePerChannel(x, { scale, shift }) ?? x,
  evaluate({ x, scale, shift }, _attrs: None, out) {
    eachChannel(x, (i, c) => (out.data[i] = x.data[i]! * scale.data[c]! + shift.data[c]!));
  },
});

/** y[n,c,…] = (x[n,c,…] - mean[c]) / sqrt(variance[c] + eps) * weight[c] + bias[c] */
export const batchNorm = defineOp({
  doc: "BatchNorm with the stored statistics (inference).",
  inputs: ["x", "weight", "bias", "mean", "variance"],
  elementwise: true,
  infer({ x, weight, bias, mean, variance }, attrs: { readonly eps: number }) {
    if (!(attrs.eps >= 0)) return { complaint: `eps must not be negative, but it is ${attrs.eps}` };
    return onePerChannel(x, { weight, bias, mean, variance }) ?? x;
  },
  evaluate({ x, weight, bias, mean, variance }, attrs, out) {
    eachChannel(x, (i, c) => {
      const normal = (x.data[i]! - mean.data[c]!) / Math.sqrt(variance.data[c]! + attrs.eps);
      out.data[i] = normal * weight.data[c]! + bias.data[c]!;
    });
  },
});

/** y[n,c,h,w] = x[n,c,h,w] * gate[n,c] */
export const scaleChannels = defineOp({
  doc: "Multiplies every channel of a feature map by its gate.",
  inputs: ["x", "gate"],
  elementwise: true,
  infer({ x, gate }) {
    if (x.shape.length !== 4)
      return { complaint: `a gate scales a feature map of rank 4, but x is ${typeText(x)}`, about: ["x"] };
    if (gate.shape.length !== 2 || gate.shape[0] !== x.shape[0] || gate.shape[1] !== x.shape[1]) {
      return {
        complaint: `the gate is ${typeText(gate)}, but the feature map has ${x.shape[1]} channels`,
        about: ["x", "gate"],
      };
    }
    return x;
  },
  evaluate({ x, gate }, _attrs: None, out) {
    const pixels = x.shape[2]! * x.shape[3]!;
    for (let i = 0; i < out.data.length; i++) out.data[i] = x.data[i]! * gate.data[Math.floor(i / pixels)]!;
  },
});

/** y[n,c,h,w] = x[n,c,h,w] * gate[n,0,h,w] */
export const scalePixels = defineOp({
  doc: "Multiplies every channel of a feature map by a map of one channel.",
  inputs: ["x", "gate"],
  elementwise: true,
  infer({ x, gate }) {
    const [images, channels, ...extents] = gate.shape;
    if (x.shape.length !== 4 || gate.shape.length !== 4)
      return {
        complaint: `a map scales a map, but here are ${typeText(x)} and ${typeText(gate)}`,
        about: ["x", "gate"],
      };
    if (channels !== 1 || images !== x.shape[0] || extents.join() !== x.shape.slice(2).join()) {
      return {
        complaint: `the gate is ${typeText(gate)}, but a gate for the pixels of ${typeText(x)} has one channel and the same extents`,
        about: ["x", "gate"],
      };
    }
    return x;
  },
  evaluate({ x, gate }, _attrs: None, out) {
    const pixels = x.shape[2]! * x.shape[3]!;
    const image = pixels * x.shape[1]!;
    for (let i = 0; i < out.data.length; i++)
      out.data[i] = x.data[i]! * gate.data[Math.floor(i / image) * pixels + (i % pixels)]!;
  },
});

function onePerChannel(x: TensorType, vectors: Record<string, TensorType>): Complaint | undefined {
  if (x.shape.length < 2) return { complaint: `x has no channel axis: ${typeText(x)}`, about: ["x"] };
  for (const [name, vector] of Object.entries(vectors)) {
    if (vector.shape.length !== 1 || vector.shape[0] !== x.shape[1]) {
      return { complaint: `${name} is ${typeText(vector)}, but x has ${x.shape[1]} channels`, about: ["x", name] };
    }
  }
  return undefined;
}

/** Calls `visit(flat index, channel)` for every element of x. */
function eachChannel(x: Tensor, visit: (index: number, channel: number) => void): void {
  const channels = x.shape[1]!;
  const pixels = x.data.length / (x.shape[0]! * channels);
  let index = 0;
  for (let image = 0; image < x.shape[0]!; image++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++) visit(index++, c);
    }
  }
}
