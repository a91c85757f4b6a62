import type { Node } from "../ir/graph.ts";
import type { Window } from "../ops/window.ts";
import { defaults } from "./defaults.ts";
import { make, weight, type Place } from "./nodes.ts";
import { report } from "./scope.ts";
import {
  anotherTensor,
  count,
  flag,
  maybe,
  oneWord,
  pair,
  real,
  padding,
  sides,
  slidingWindow,
  type PaddingWord,
  type Sides,
  type Spec,
} from "./specs.ts";
import { Mode } from "./types.ts";
import type { WindowValue } from "./values.ts";

/** An op of the language: its arguments in order, and the nodes that it becomes. */
export interface Layer {
  readonly doc: string;
  readonly specs: Readonly<Record<string, Spec<unknown>>>;
  /** Takes any number of tensors: `concat(a, b)`. */
  readonly variadic?: boolean;
  lower(place: Place, x: readonly [Node, ...Node[]], args: Readonly<Record<string, unknown>>): Node | undefined;
}

type ArgsOf<S extends Readonly<Record<string, Spec<unknown>>>> = {
  readonly [K in keyof S]: S[K] extends Spec<infer T> ? T : never;
};

/** The one place that knows that `args` was read by `specs`. */
function layer<S extends Readonly<Record<string, Spec<unknown>>>>(
  doc: string,
  specs: S,
  lower: (place: Place, x: Node, args: ArgsOf<S>) => Node | undefined,
): Layer {
  return { doc, specs, lower: (place, [x], args) => lower(place, x, args as ArgsOf<S>) };
}

/** An op without arguments. */
function plain(doc: string, lower: (place: Place, x: Node) => Node | undefined): Layer {
  return layer(doc, {}, lower);
}

const conv = layer(
  "Convolution with zero padding. Weight `[channels, in / groups, kh, kw]`.",
  {
    channels: count(1),
    kernel: slidingWindow,
    pad: padding("centred"),
    groups: count(1, defaults.conv.groups),
    dilation: pair(defaults.conv.dilation),
    bias: flag(defaults.conv.bias),
  },
  (place, x, { channels, kernel, pad, groups, dilation, bias }) => {
    const window = sliding(place, x, kernel, pad, dilation);
    const perGroup = Math.max(1, Math.floor(channelsOf(x) / groups));
    const w = weight(place, "weight", [channels, perGroup, ...kernel.kernel], "weight");
    if (!window || !w) return undefined;
    const attrs = { ...window, groups };
    return biased(place, bias, (at) => make(at, "conv2d", { x, weight: w }, attrs));
  },
);

const dwconv = layer(
  "Depthwise convolution: every channel alone. Weight `[channels * multiplier, 1, kh, kw]`.",
  {
    kernel: slidingWindow,
    pad: padding("centred"),
    dilation: pair(defaults.dwconv.dilation),
    multiplier: count(1, defaults.dwconv.multiplier),
    bias: flag(defaults.dwconv.bias),
  },
  (place, x, { kernel, pad, dilation, multiplier, bias }) => {
    const window = sliding(place, x, kernel, pad, dilation);
    const groups = channelsOf(x);
    const w = weight(place, "weight", [groups * multiplier, 1, ...kernel.kernel], "weight");
    if (!window || !w) return undefined;
    const attrs = { ...window, groups };
    return biased(place, bias, (at) => make(at, "conv2d", { x, weight: w }, attrs));
  },
);

const dense = layer(
  "Fully connected layer on a vector. Weight `[features, in]`.",
  { features: count(1), bias: flag(defaults.dense.bias) },
  (place, x, { features, bias }) => {
    const w = weight(place, "weight", [features, channelsOf(x)], "weight");
    return w && biased(place, bias, (at) => make(at, "dense", { x, weight: w }, {}));
  },
);

const bn = layer(
  "BatchNorm with stored statistics. Weights `weight`, `bias`, `running_mean`, `running_var`.",
  { eps: real("a number from 0 on", (eps) => eps >= 0, defaults.bn.eps) },
  (place, x, { eps }) => {
    const shape = [channelsOf(x)];
    const w = weight(place, "weight", shape, "bnWeight");
    const bias = weight(place, "bias", shape, "bnBias");
    const mean = weight(place, "running_mean", shape, "bnMean");
    const variance = weight(place, "running_var", shape, "bnVariance");
    if (!w || !bias || !mean || !variance) return undefined;
    return make(place, "batchNorm", { x, weight: w, bias, mean, variance }, { eps });
  },
);

const maxpool = layer(
  "The largest value under each window; padding never wins.",
  {
    kernel: slidingWindow,
    pad: padding(evenly(defaults.maxpool.pad)),
    dilation: pair(defaults.maxpool.dilation),
    ceil: flag(defaults.maxpool.ceil),
  },
  (place, x, { kernel, pad, dilation, ceil }) => {
    const window = sliding(place, x, kernel, pad, dilation);
    return window && make(place, "maxPool", { x }, { ...window, rounding: ceil ? "ceil" : "floor" });
  },
);

const avgpool = layer(
  "The mean under each window; `count_pad` counts the zeros of the padding.",
  {
    kernel: slidingWindow,
    pad: padding(evenly(defaults.avgpool.pad)),
    ceil: flag(defaults.avgpool.ceil),
    count_pad: flag(defaults.avgpool.count_pad),
  },
  (place, x, { kernel, pad, ceil, count_pad }) => {
    const window = sliding(place, x, kernel, pad, [1, 1]);
    const attrs = { rounding: ceil ? "ceil" : "floor", countPadding: count_pad } as const;
    return window && make(place, "avgPool", { x }, { ...window, ...attrs });
  },
);

const upsample = layer(
  "Resizes a map: by a whole factor, or to the extents of another.",
  {
    factor: maybe(count(1)),
    like: anotherTensor,
    mode: oneWord<"nearest" | "bilinear">(Mode, defaults.upsample.mode),
  },
  (place, x, { factor, like, mode }) => {
    if ((factor === undefined) === (like === undefined)) {
      report(place.scope, "SE0302", "error", place.span, {
        message: "`upsample` takes a factor or `like:`, one of the two",
      });
      return undefined;
    }
    const [height, width] = like
      ? [extent(like, 2), extent(like, 3)]
      : [extent(x, 2) * factor!, extent(x, 3) * factor!];
    return make(place, "upsample", { x }, { height, width, mode });
  },
);

const concat: Layer = {
  doc: "Puts the channels of several values one after the other.",
  specs: {},
  variadic: true,
  lower(place, tensors) {
    const inputs = Object.fromEntries(tensors.map((node, i) => [String(i), node]));
    return make(place, "concat", inputs, {});
  },
};

/** The length of a filter that has a middle. */
const odd: Spec<number> = {
  ...count(1),
  range: "an odd whole number",
  read(value) {
    const length = count(1).read(value);
    return length !== undefined && length % 2 === 1 ? length : undefined;
  },
};

/** Every op of the language, by the name that the source writes. */
export const layers: Readonly<Record<string, Layer>> = {
  conv,
  dwconv,
  dense,
  bn,
  relu: plain("max(x, 0)", (place, x) => make(place, "relu", { x }, {})),
  relu6: plain("min(max(x, 0), 6)", (place, x) => make(place, "relu6", { x }, {})),
  leaky_relu: layer(
    "x where x > 0, else slope * x",
    { slope: real("a number from 0 to 1", (slope) => slope >= 0 && slope <= 1, defaults.leaky_relu.slope) },
    (place, x, { slope }) => make(place, "leakyRelu", { x }, { negativeSlope: slope }),
  ),
  sigmoid: plain("1 / (1 + e^-x)", (place, x) => make(place, "sigmoid", { x }, {})),
  tanh: plain("the hyperbolic tangent", (place, x) => make(place, "tanh", { x }, {})),
  hardsigmoid: plain("min(max(x + 3, 0), 6) / 6", (place, x) => make(place, "hardSigmoid", { x }, {})),
  hardswish: plain("x * hardsigmoid(x)", (place, x) => make(place, "hardSwish", { x }, {})),
  silu: plain("x * sigmoid(x)", (place, x) => make(place, "silu", { x }, {})),
  maxpool,
  avgpool,
  gap: plain("The mean over the whole map: a vector.", (place, x) => make(place, "globalAvgPool", { x }, {})),
  gmp: plain("The maximum over the whole map: a vector.", (place, x) => make(place, "globalMaxPool", { x }, {})),
  flatten: plain("The map as a vector, in the order c, h, w.", (place, x) => make(place, "flatten", { x }, {})),
  softmax: plain("Softmax over the features of a vector.", (place, x) => make(place, "softmax", { x }, {})),
  concat,
  shuffle: layer(
    "ShuffleNet's channel shuffle: reads [groups, C / groups] as [C / groups, groups].",
    { groups: count(1) },
    (place, x, { groups }) => make(place, "shuffleChannels", { x }, { groups }),
  ),
  upsample,
  slice: layer("`size` channels from `start` on.", { start: count(0), size: count(1) }, (place, x, { start, size }) =>
    make(place, "sliceChannels", { x }, { start, size }),
  ),
  scale: layer("x times a number.", { factor: real("a number", Number.isFinite) }, (place, x, { factor }) =>
    make(place, "scaleBy", { x }, { factor }),
  ),
  pad: layer("Zeros around a map; a negative side leaves rows or columns out.", { sides }, (place, x, args) =>
    make(place, "pad", { x }, { padding: args.sides }),
  ),
  channel_mean: plain("The mean over the channels at each pixel: a map of one channel.", (place, x) =>
    make(place, "channelMean", { x }, {}),
  ),
  channel_max: plain("The maximum over the channels at each pixel: a map of one channel.", (place, x) =>
    make(place, "channelMax", { x }, {}),
  ),
  channel_conv: layer(
    "1-d convolution along the channels of a vector, with zeros beyond both ends. Weight `[1, 1, length]`.",
    { length: odd },
    (place, x, { length }) => {
      const w = weight(place, "weight", [1, 1, length], "weight");
      return w && make(place, "channelConv", { x, weight: w }, {});
    },
  ),
  dropout: layer(
    "Nothing: dropout acts in training only.",
    { rate: real("a number from 0 to 1", (rate) => rate >= 0 && rate <= 1) },
    (place, x, { rate }) => (place.scope.session.training ? make(place, "dropout", { x }, { rate }) : x),
  ),
};

export function isLayer(name: string): boolean {
  return Object.hasOwn(layers, name);
}

/** With a bias, the product is called `<name>.product` and the sum has the name. */
export function biased(place: Place, bias: boolean, product: (place: Place) => Node | undefined): Node | undefined {
  if (!bias) return product(place);
  const x = product({ ...place, name: `${place.name}.product` });
  const b = x && weight(place, "bias", [channelsOf(x)], "bias");
  return b && make(place, "addBias", { x, bias: b }, {});
}

/** Extent 1: the channels of a map, the features of a vector. */
export function channelsOf(node: Node): number {
  return extent(node, 1);
}

function extent(node: Node, axis: number): number {
  const dim = node.type.shape[axis];
  return typeof dim === "number" ? dim : 1;
}

function evenly(pad: number): Sides {
  return [pad, pad, pad, pad];
}

function sliding(
  place: Place,
  x: Node,
  window: WindowValue,
  pad: Sides | PaddingWord,
  dilation: readonly [number, number],
): Window | undefined {
  const { kernel, stride } = window;
  if (pad !== "same") {
    const sides = pad === "centred" ? centred(place, window, dilation) : pad;
    return sides && { kernel, stride, padding: sides, dilation };
  }
  const [[top, bottom], [left, right]] = ([0, 1] as const).map((axis) => {
    const size = extent(x, 2 + axis);
    const span = (Math.ceil(size / stride[axis]) - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1;
    const missing = Math.max(0, span - size);
    return [Math.floor(missing / 2), Math.ceil(missing / 2)] as const;
  }) as [readonly [number, number], readonly [number, number]];
  return { kernel, stride, padding: [top, left, bottom, right], dilation };
}

/** The padding that keeps the extents at stride 1; an even kernel has none that is the same on both sides. */
function centred(place: Place, window: WindowValue, dilation: readonly [number, number]): Sides | undefined {
  const [h, w] = [dilation[0] * (window.kernel[0] - 1), dilation[1] * (window.kernel[1] - 1)];
  if (h % 2 === 0 && w % 2 === 0) return [h / 2, w / 2, h / 2, w / 2];
  report(place.scope, "SE0410", "error", place.span, {
    message: `a ${window.kernel.join("x")} kernel cannot be padded the same on both sides: write \`pad:\``,
    hint: "`pad: 0` pads nothing; `pad: [0, 0, 1, 1]` pads below and to the right (top, left, bottom, right)",
  });
  return undefined;
}
