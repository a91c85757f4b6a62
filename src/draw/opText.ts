import type { Node } from "../ir/graph.ts";
import type { Window } from "../ops/window.ts";
import type { TensorType } from "../tensor/type.ts";

/** An op in the words of the language: `conv 64, 7x7 / 2`. */
export function opText(node: Node): string {
  switch (node.op) {
    case "conv2d": {
      const [outputs, perGroup] = node.inputs.weight.type.shape as [number, number];
      const { groups } = node.attrs;
      const depthwise = groups > 1 && perGroup === 1 && outputs === groups;
      if (depthwise) return `dwconv ${windowText(node.attrs)}`;
      return `conv ${outputs}, ${windowText(node.attrs)}${groups > 1 ? `, groups: ${groups}` : ""}`;
    }
    case "dense":
      return `dense ${node.inputs.weight.type.shape[0]}`;
    case "scaleBy":
      return `× ${node.attrs.factor}`;
    case "channelConv":
      return `channel_conv ${node.inputs.weight.type.shape.at(-1)}`;
    case "maxPool":
    case "avgPool":
      return `${words[node.op]} ${windowText(node.attrs)}`;
    default:
      return words[node.op] ?? node.op;
  }
}

const words: Readonly<Record<string, string>> = {
  maxPool: "maxpool",
  avgPool: "avgpool",
  globalAvgPool: "mean over the map",
  globalMaxPool: "maximum over the map",
  batchNorm: "bn",
  affine: "bn",
  addBias: "+ bias",
  mul: "×",
  scaleChannels: "× gate",
  scalePixels: "× gate of pixels",
  leakyRelu: "leaky_relu",
  hardSigmoid: "hardsigmoid",
  hardSwish: "hardswish",
  sliceChannels: "slice",
  shuffleChannels: "shuffle",
  channelMean: "channel_mean",
  channelMax: "channel_max",
  tapMeans: "means under the taps",
  squeezeParts: "partial sums of the map",
  reduceParts: "dense of partial sums",
  squeezeFinish: "mean from partial sums",
};

function windowText({ kernel, stride, dilation }: Window): string {
  const strides = stride[0] === stride[1] ? `${stride[0]}` : stride.join("x");
  const slower = strides === "1" ? "" : ` / ${strides}`;
  const dilations = dilation[0] === dilation[1] ? `${dilation[0]}` : dilation.join("x");
  return `${kernel.join("x")}${slower}${dilations === "1" ? "" : `, dilation: ${dilations}`}`;
}

/** `64 x 56 x 56`: one image's result. */
export function shapeText({ shape }: TensorType): string {
  return shape.slice(1).join(" x ");
}
