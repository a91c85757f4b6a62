import type { Graph, NodeOf } from "../ir/graph.ts";
import type { Precision } from "../precision.ts";
import { convTilings } from "./kernels/conv.ts";
import { channelsAtOnce, groupedSlice, runsOnTensorCores, tensorSteps, tensorTilings } from "./kernels/tensorConv.ts";
import type { Tiling } from "./plan.ts";

/** What measurements chose, for convolutions by their `shapeName`. */
export type Tilings = ReadonlyMap<string, Tiling>;

/** `3x3/2, 56x56x128 to 28x28x128`: convolutions of one name are the same product, whatever is fused around them. */
export function shapeName({ inputs, attrs, type }: NodeOf<"conv2d">): string {
  const map = ([, channels, height, width]: readonly unknown[]) => `${height}x${width}x${channels}`;
  const pair = ([vertical, horizontal]: readonly [number, number]) =>
    vertical === horizontal ? `${vertical}` : `${vertical}x${horizontal}`;
  const stride = pair(attrs.stride);
  const dilation = pair(attrs.dilation);
  return [
    `${attrs.kernel.join("x")}${stride === "1" ? "" : `/${stride}`}`,
    ...(dilation === "1" ? [] : [`dilated ${dilation}`]),
    ...(attrs.groups === 1 ? [] : [`${attrs.groups} groups`]),
    `${map(inputs.x.type.shape)} to ${map(type.shape)}`,
  ].join(", ");
}

/** How a convolution can be cut, the best ways first by what the models of its kernels say. */
export function tilingsOf(convolution: NodeOf<"conv2d">, precision: Precision): readonly Tiling[] {
  const [, channels, height, width] = convolution.type.shape as [unknown, number, number, number];
  const pixels = height * width;
  if (precision === "f32") return convTilings(pixels, channels);
  const steps = tensorSteps(convolution, precision);
  const { groups, kernel, stride } = convolution.attrs;
  const isKept = groups > 1 || channelsAtOnce(convolution, precision) !== undefined;
  // By how much windows overlap: each pixel is in so many of them.
  const windows = Math.max(1, (kernel[0] * kernel[1]) / (stride[0] * stride[1]));
  return tensorTilings({
    ...{ pixels, channels, steps },
    tileChannels: groups > 1 ? groupedSlice : undefined,
    copies: isKept ? windows : 1,
  });
}

/** What is wrong with tilings that somebody edited: slices without steps. Those of shapes that a graph lacks are not looked at. */
export function unfitTilings(graph: Graph, precision: Precision, tilings: Tilings): readonly string[] {
  const messages = graph.nodes.flatMap((node) => {
    if (node.op !== "conv2d" || !runsOnTensorCores(node)) return [];
    const slices = tilings.get(shapeName(node))?.split?.slices ?? 1;
    const steps = tensorSteps(node, precision);
    return slices > steps ? [`the tuning cuts ${shapeName(node)} into ${slices} slices, which has ${steps} steps`] : [];
  });
  return [...new Set(messages)];
}
