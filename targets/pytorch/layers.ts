import type { NodeOf } from "../../src/ir/graph.ts";
import type { Layer } from "./calls.ts";
import { isPointConv, type Forms } from "./forms.ts";
import type { Hole, HoleKind, Part } from "./parts.ts";
import { isEven, operand, padWords, pair } from "./spelling.ts";

/** The constructor of a layer: `nn.Conv2d(64, 128, 3, stride=2, padding=1, bias=False)`. */
export function layerParts({ path, op, bias }: Layer, forms: Forms): Part[] {
  const label = path.slice(path.lastIndexOf(".") + 1);
  const hole = (kind: HoleKind, value: string | number, name: string): Hole => ({ kind, value: `${value}`, name });
  const optional = (word: string, kind: HoleKind, value: string | number, fallback: string): Part => ({
    before: `, ${word}=`,
    hole: hole(kind, value, word),
    fallback,
  });
  const inside = (value: number) => hole("channels", value, "in_channels");
  const outside = (value: number) => hole("channels", value, `${label}_channels`);
  const withoutBias = bias ? "" : ", bias=False";
  switch (op.op) {
    case "conv2d": {
      const { kernel, stride, padding, dilation, groups } = op.attrs;
      const sides = isEven(padding) ? pair([padding[0], padding[1]]) : "0";
      return [
        "nn.Conv2d(",
        inside(op.inputs.x.type.shape[1] as number),
        ", ",
        outside(op.type.shape[1] as number),
        ", ",
        hole("kernel", pair(kernel), "kernel_size"),
        optional("stride", "stride", pair(stride), "1"),
        optional("padding", "padding", sides, "0"),
        optional("dilation", "dilation", pair(dilation), "1"),
        optional("groups", "channels", groups, "1"),
        `${withoutBias})`,
      ];
    }
    case "dense": {
      const [outputs, inputs] = op.inputs.weight.type.shape as [number, number];
      const point = isPointConv(op);
      return [
        point ? "nn.Conv2d(" : "nn.Linear(",
        inside(inputs),
        ", ",
        outside(outputs),
        `${point ? ", 1" : ""}${withoutBias})`,
      ];
    }
    case "channelConv": {
      const length = op.inputs.weight.type.shape[2] as number;
      const padding = optional("padding", "padding", (length - 1) / 2, "0");
      return ["nn.Conv1d(1, 1, ", hole("kernel", length, "kernel_size"), padding, ", bias=False)"];
    }
    case "batchNorm": {
      const rank = forms.of(op) === "map" ? 2 : 1;
      return [
        `nn.BatchNorm${rank}d(`,
        outside(op.type.shape[1] as number),
        optional("eps", "number", op.attrs.eps, "0.00001"),
        ")",
      ];
    }
  }
}

/** The layer, applied. */
export function callText(access: string, x: string, { op }: Layer): string {
  switch (op.op) {
    case "conv2d":
      return `${access}(${paddedInput(x, op)})`;
    case "channelConv":
      return `${access}(${operand(x)}[:, None])[:, 0]`;
    case "dense":
    case "batchNorm":
      return `${access}(${x})`;
  }
}

/** A convolution pads the same before and after; anything else is done before it. */
function paddedInput(x: string, { attrs: { padding } }: NodeOf<"conv2d">): string {
  return isEven(padding) ? x : `F.pad(${x}, ${padWords(padding)})`;
}

/** Whether a layer is called with other attributes than those with which it is made: a chain may depend on what it is given. */
export function isFunctional(layer: Layer, made: Layer, forms: Forms): boolean {
  const attributes = ({ op, bias }: Layer) => JSON.stringify([op.attrs, bias, op.op === "batchNorm" && forms.of(op)]);
  return attributes(layer) !== attributes(made);
}

/** The same layer as a function of its parameters. */
export function functionalText(access: string, x: string, layer: Layer): string {
  const { op, bias } = layer;
  switch (op.op) {
    case "conv2d": {
      const { stride, padding, dilation, groups } = op.attrs;
      const sides = isEven(padding) ? pair([padding[0], padding[1]]) : "0";
      const words = `stride=${pair(stride)}, padding=${sides}, dilation=${pair(dilation)}, groups=${groups}`;
      return `F.conv2d(${paddedInput(x, op)}, ${access}.weight, ${bias ? `${access}.bias` : "None"}, ${words})`;
    }
    case "dense":
    case "channelConv":
      return callText(access, x, layer);
    case "batchNorm": {
      const statistics = `${access}.running_mean, ${access}.running_var`;
      return `F.batch_norm(${x}, ${statistics}, ${access}.weight, ${access}.bias, self.training, eps=${op.attrs.eps})`;
    }
  }
}
