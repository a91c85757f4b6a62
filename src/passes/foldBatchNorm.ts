import { node, type Node, type NodeOf } from "../ir/graph.ts";
import { matching, replaceNodes, type Matching } from "./matching.ts";
import type { Pass } from "./pass.ts";

/**
 *     conv1 = conv2d(x, W)                          conv1 = conv2d(x, scaleRows(W, a))
 *     bn1 = batchNorm(conv1, g, b, mean, var)  ->   bn1 = addBias(conv1, b - mean * a)
 *                                                   with a = g * rsqrt(var + eps)
 *
 * Likewise after conv + addBias, dense, and dense + addBias. Where the layer before has other readers, is an output, or is
 * something else (an addition before a pre-activation, a gate between convolution and BatchNorm), the BatchNorm becomes
 * affine(x, a, b - mean * a) at its place.
 *
 * It never folds a BatchNorm into the layer behind it: a padded convolution pads after the BatchNorm, with zeros.
 * The convolution keeps its name, although its value is now scaled: nobody but the bias reads it.
 */
export const foldBatchNorm: Pass = {
  name: "foldBatchNorm",
  doc: "Multiplies every BatchNorm into the weights before it, or makes it one multiplication and addition.",
  run(graph) {
    const match = matching(graph);
    return replaceNodes(graph, (old, now) => {
      if (old.op !== "batchNorm") return undefined;
      const affine = scaleAndShift(old, now, match);
      const layer = layerBefore(old, match);
      if (!layer) return node("affine", old, { x: now(old.inputs.x), ...affine }, {});

      const origin = { name: match.name(`${layer.product.inputs.weight.name}.folded`), span: layer.product.span };
      const weight = node("scaleRows", origin, { weight: now(layer.product.inputs.weight), scale: affine.scale }, {});
      const product = remade(layer.product, now(layer.product.inputs.x), weight);
      const bias = layer.bias ? foldedBias(now(layer.bias), affine, old, match) : affine.shift;
      return node("addBias", old, { x: product, bias }, {});
    });
  },
};

type Product = NodeOf<"conv2d"> | NodeOf<"dense">;

/** The convolution or dense layer that nobody but this BatchNorm reads, with its bias if it has one. */
function layerBefore(
  batchNorm: NodeOf<"batchNorm">,
  match: Matching,
): { readonly product: Product; readonly bias: Node | undefined } | undefined {
  const { x } = batchNorm.inputs;
  const biased = x.op === "addBias";
  const product = biased ? x.inputs.x : x;
  if (product.op !== "conv2d" && product.op !== "dense") return undefined;
  if (!match.isPrivate(x) || !match.isPrivate(product)) return undefined;
  return { product, bias: biased ? x.inputs.bias : undefined };
}

interface Affine {
  readonly scale: Node;
  readonly shift: Node;
}

/** a = weight / sqrt(variance + eps) and bias - mean * a. */
function scaleAndShift(batchNorm: NodeOf<"batchNorm">, now: (old: Node) => Node, match: Matching): Affine {
  const { name, span } = batchNorm;
  const part = (suffix: string) => ({ name: match.name(`${name}.${suffix}`), span });
  const { weight, bias, mean, variance } = batchNorm.inputs;
  const inverse = node("rsqrt", part("inverseDeviation"), { x: now(variance) }, { eps: batchNorm.attrs.eps });
  const scale = node("mul", part("scale"), { a: now(weight), b: inverse }, {});
  const moved = node("mul", part("scaledMean"), { a: now(mean), b: scale }, {});
  const shift = node("sub", part("shift"), { a: now(bias), b: moved }, {});
  return { scale, shift };
}

/** bias * a + shift */
function foldedBias(bias: Node, { scale, shift }: Affine, batchNorm: Node, match: Matching): Node {
  const part = (suffix: string) => ({ name: match.name(`${bias.name}.${suffix}`), span: batchNorm.span });
  const scaled = node("mul", part("scaled"), { a: bias, b: scale }, {});
  return node("add", part("folded"), { a: scaled, b: shift }, {});
}

function remade(product: Product, x: Node, weight: Node): Node {
  return product.op === "conv2d"
    ? node("conv2d", product, { x, weight }, product.attrs)
    : node("dense", product, { x, weight }, product.attrs);
}
