import type { Node, NodeOf } from "../../src/ir/graph.ts";
import type { InputsOf } from "../../src/ops/index.ts";
import type { PoolAttrs } from "../../src/ops/pool.ts";
import type { PlainOp } from "./calls.ts";

/** How PyTorch says an op. Operands are expressions; `operand` puts brackets around one where it needs them. */
export interface Spelled<K extends PlainOp> {
  text(inputs: Readonly<Record<InputsOf<K>, string>>, node: NodeOf<K>): string;
  /** As a member of nn.Sequential; undefined where this one cannot be. */
  layer?(node: NodeOf<K>): string | undefined;
  /** Written around its operand where nothing else reads that: `F.relu(self.bn1(…))`. */
  readonly wraps?: true;
  /** So short that the layer that reads it is written around it: `self.fc(x.mean((2, 3)))`. */
  readonly brief?: true;
  /** A function of the file that `text` calls. */
  readonly helper?: keyof typeof helpers;
}

export const helpers = {
  channel_shuffle: `def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Reads the channels as [groups, C / groups] and puts them out as [C / groups, groups]."""
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)`,
  nearest: `def nearest(x: Tensor, height: int, width: int) -> Tensor:
    """y[h, w] = x[floor(h * H / height), floor(w * W / width)], in whole numbers."""
    rows = torch.arange(height, device=x.device) * x.shape[2] // height
    columns = torch.arange(width, device=x.device) * x.shape[3] // width
    return x[:, :, rows][:, :, :, columns]`,
} as const;

export const spelling: { readonly [K in PlainOp]: Spelled<K> } = {
  relu: activation("F.relu", "nn.ReLU()"),
  relu6: activation("F.relu6", "nn.ReLU6()"),
  leakyRelu: {
    text: ({ x }, { attrs }) => `F.leaky_relu(${x}, ${attrs.negativeSlope})`,
    layer: ({ attrs }) => `nn.LeakyReLU(${attrs.negativeSlope})`,
    wraps: true,
  },
  sigmoid: activation("torch.sigmoid", "nn.Sigmoid()"),
  tanh: activation("torch.tanh", "nn.Tanh()"),
  hardSigmoid: activation("F.hardsigmoid", "nn.Hardsigmoid()"),
  hardSwish: activation("F.hardswish", "nn.Hardswish()"),
  silu: activation("F.silu", "nn.SiLU()"),
  dropout: {
    text: ({ x }, { attrs }) => `F.dropout(${x}, ${attrs.rate}, self.training)`,
    layer: ({ attrs }) => `nn.Dropout(${attrs.rate})`,
    wraps: true,
    brief: true,
  },
  scaleBy: { text: ({ x }, { attrs }) => `${attrs.factor} * ${operand(x)}`, wraps: true },
  add: { text: ({ a, b }) => `${operand(a)} + ${operand(b)}` },
  sub: { text: ({ a, b }) => `${operand(a)} - ${operand(b)}` },
  mul: { text: ({ a, b }) => `${operand(a)} * ${operand(b)}` },
  scaleChannels: { text: ({ x, gate }) => `${operand(x)} * ${operand(gate)}` },
  scalePixels: { text: ({ x, gate }) => `${operand(x)} * ${operand(gate)}` },
  pad: { text: ({ x }, { attrs }) => `F.pad(${x}, ${padWords(attrs.padding)})`, brief: true },
  channelMean: { text: ({ x }) => `${operand(x)}.mean(1, keepdim=True)` },
  channelMax: { text: ({ x }) => `${operand(x)}.amax(1, keepdim=True)` },
  maxPool: {
    text: ({ x }, node) => (isOrdinary(node) ? `F.max_pool2d(${x}, ${poolWords(node.attrs)})` : paddedMax(x, node)),
    layer: (node) => (isOrdinary(node) ? `nn.MaxPool2d(${poolWords(node.attrs)})` : undefined),
  },
  avgPool: {
    text: ({ x }, node) =>
      isOrdinary(node) ? `F.avg_pool2d(${x}, ${poolWords(node.attrs)}${countWords(node)})` : paddedAverage(x, node),
    layer: (node) => (isOrdinary(node) ? `nn.AvgPool2d(${poolWords(node.attrs)}${countWords(node)})` : undefined),
  },
  // With keepdim where a map is wanted of it; `forward` says which.
  globalAvgPool: { text: ({ x }) => `${operand(x)}.mean((2, 3))`, brief: true },
  globalMaxPool: { text: ({ x }) => `${operand(x)}.amax((2, 3))`, brief: true },
  softmax: { text: ({ x }) => `torch.softmax(${x}, dim=1)`, layer: () => "nn.Softmax(dim=1)", wraps: true },
  concat: { text: (inputs) => `torch.cat((${Object.values(inputs).join(", ")}${single(inputs)}), dim=1)` },
  sliceChannels: {
    text: ({ x }, { attrs: { start, size }, inputs }) =>
      `${operand(x)}[:, ${start === 0 ? "" : start}:${start + size === inputs.x.type.shape[1] ? "" : start + size}]`,
  },
  shuffleChannels: {
    text: ({ x }, { attrs }) => `channel_shuffle(${x}, ${attrs.groups})`,
    wraps: true,
    helper: "channel_shuffle",
  },
  upsample: { text: ({ x }, node) => resized(x, node), helper: "nearest" },
  flatten: { text: ({ x }) => `${operand(x)}.flatten(1)`, layer: () => "nn.Flatten()", brief: true },
};

function activation(name: string, layer: string) {
  return { text: ({ x }: { readonly x: string }) => `${name}(${x})`, layer: () => layer, wraps: true } as const;
}

/** An expression that a method, an index or a product can follow. */
export function operand(text: string): string {
  let depth = 0;
  for (const letter of text) {
    if ("([{".includes(letter)) depth++;
    else if (")]}".includes(letter)) depth--;
    else if (letter === " " && depth === 0) return `(${text})`;
  }
  return text;
}

function single(inputs: object): string {
  return Object.keys(inputs).length === 1 ? "," : "";
}

// --- windows -----------------------------------------------------------------------------------------------------

/** A pair as PyTorch takes it: one number where both are the same. */
export function pair([height, width]: readonly [number, number]): string {
  return height === width ? `${height}` : `(${height}, ${width})`;
}

/** Of [top, left, bottom, right]: whether it is the same before and after. */
export function isEven([top, left, bottom, right]: readonly [number, number, number, number]): boolean {
  return top === bottom && left === right;
}

/** The padding of F.pad: left, right, top, bottom. */
export function padWords([top, left, bottom, right]: readonly [number, number, number, number]): string {
  return `(${left}, ${right}, ${top}, ${bottom})`;
}

/** PyTorch pads pools evenly, and by no more than half the window. */
function isOrdinary({ attrs }: { readonly attrs: PoolAttrs }): boolean {
  const { padding, kernel } = attrs;
  return isEven(padding) && 2 * padding[0] <= kernel[0] && 2 * padding[1] <= kernel[1];
}

function poolWords({ kernel, stride, padding, dilation, rounding }: PoolAttrs): string {
  const words = [pair(kernel), `stride=${pair(stride)}`];
  if (padding.some((side) => side > 0)) words.push(`padding=${pair([padding[0], padding[1]])}`);
  if (dilation.some((step) => step > 1)) words.push(`dilation=${pair(dilation)}`);
  if (rounding === "ceil") words.push("ceil_mode=True");
  return words.join(", ");
}

function countWords({ attrs: { countPadding, padding } }: NodeOf<"avgPool">): string {
  return countPadding || padding.every((side) => side === 0) ? "" : ", count_include_pad=False";
}

function paddedMax(x: string, node: NodeOf<"maxPool">): string {
  const { kernel, stride, dilation } = node.attrs;
  const words = [pair(kernel), `stride=${pair(stride)}`];
  if (dilation.some((step) => step > 1)) words.push(`dilation=${pair(dilation)}`);
  return `F.max_pool2d(F.pad(${x}, ${padWords(exactPadding(node))}, value=-math.inf), ${words.join(", ")})`;
}

/** The sum over the window by the number of positions that count, which a pool over ones gives. */
function paddedAverage(x: string, node: NodeOf<"avgPool">): string {
  const { kernel, stride, padding, countPadding } = node.attrs;
  const [height, width] = node.inputs.x.type.shape.slice(2) as [number, number];
  const [top, left, bottom, right] = padding;
  const window = `${pair(kernel)}, stride=${pair(stride)}`;
  const exact = exactPadding(node);
  const counted = countPadding ? [height + top + bottom, width + left + right] : [height, width];
  const around = countPadding ? ([0, 0, exact[2] - bottom, exact[3] - right] as const) : exact;
  const ones = `torch.ones(1, 1, ${counted.join(", ")}, dtype=${operand(x)}.dtype, device=${operand(x)}.device)`;
  return (
    `F.avg_pool2d(F.pad(${x}, ${padWords(exact)}), ${window})` +
    ` / F.avg_pool2d(F.pad(${ones}, ${padWords(around)}), ${window})`
  );
}

/** The padding with which a window that stops inside the map gives the result's extents; may cut off what no window sees. */
function exactPadding(node: NodeOf<"maxPool"> | NodeOf<"avgPool">): readonly [number, number, number, number] {
  const { kernel, stride, padding, dilation } = node.attrs;
  const after = ([0, 1] as const).map((axis) => {
    const size = node.inputs.x.type.shape[2 + axis] as number;
    const out = node.type.shape[2 + axis] as number;
    return (out - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1 - size - padding[axis];
  });
  return [padding[0], padding[1], after[0]!, after[1]!];
}

// --- resizing ----------------------------------------------------------------------------------------------------

function resized(x: string, node: NodeOf<"upsample">): string {
  const { height, width, mode } = node.attrs;
  const factor = wholeFactor(node);
  const size = factor === undefined ? `size=(${height}, ${width})` : `scale_factor=${factor}`;
  if (mode === "bilinear") return `F.interpolate(${x}, ${size}, mode="bilinear", align_corners=False)`;
  // F.interpolate finds the rows in f32, which may be one off.
  return factor === undefined ? `nearest(${x}, ${height}, ${width})` : `F.interpolate(${x}, ${size})`;
}

/** Undefined where the two sides differ or it is no whole number. */
function wholeFactor(node: NodeOf<"upsample">): number | undefined {
  const [height, width] = node.inputs.x.type.shape.slice(2) as [number, number];
  const factor = node.attrs.height / height;
  return Number.isInteger(factor) && node.attrs.width === factor * width ? factor : undefined;
}

/** Whether `text` of this node calls its row's helper. */
export function callsHelper(node: Node): boolean {
  return (
    node.op === "shuffleChannels" ||
    (node.op === "upsample" && node.attrs.mode === "nearest" && wholeFactor(node) === undefined)
  );
}
