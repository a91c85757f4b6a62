import { inputsOf, opDef, type Graph, type Node, type NodeOf } from "../ir/graph.ts";
import { zeros, type Tensor } from "../tensor/tensor.ts";
import { concreteShape } from "../tensor/type.ts";
import { roundings, type Rounding } from "../precision.ts";
import { interpret } from "./interpret.ts";

/** Half an ulp of 1 in f32: the relative error of one rounded operation. */
export const epsilon = roundings.f32.relative;

/** Where a graph is not computed in f32 throughout. */
export interface Arithmetic {
  /** How the operands of convolutions are rounded. */
  readonly operands: Rounding;
  /** How values are rounded as they are stored: what the graph reads, and its outputs, by name. */
  readonly stored: (name: string) => Rounding | undefined;
}

const onlyF32: Arithmetic = { operands: { relative: 0, least: 0 }, stored: () => undefined };

/**
 * The float64 values of a graph, and how far a correct f32 evaluation may lie from them, for each element of each wanted node: a
 * running error analysis with exact leaves. A sum of K products may be off by eps (2 sqrt(K) + 8) sum |w||x|; every
 * other op passes the errors of its inputs on, times how strongly it depends on them, and adds its own rounding.
 *
 * Operands that are rounded add the sum of |rounding of w||x| and |w||rounding of x|; they are exact where they were rounded
 * when they were stored.
 */
export function errorBounds(
  graph: Graph,
  leaves: ReadonlyMap<string, Tensor>,
  batch: number,
  wanted: readonly Node[],
  arithmetic: Arithmetic = onlyF32,
): { values: ReadonlyMap<Node, Tensor>; bounds: ReadonlyMap<Node, Tensor> } {
  const { operands, stored } = arithmetic;
  const { values, bounds } = propagate(graph, leaves, batch, wanted, epsilon, (node, values, errors) => {
    const rounding = node.op === "input" ? stored(node.name) : undefined;
    if (rounding) return roundingOf(values.get(node)!, rounding);
    if (node.op !== "conv2d" || operands.relative === 0) return undefined;
    const { x, weight } = node.inputs;
    const evaluate = (a: Tensor, b: Tensor) => {
      const result = zeros(values.get(node)!.shape);
      opDef("conv2d").evaluate({ x: a, weight: b }, node.attrs, result);
      return result;
    };
    const [sizeX, sizeW] = [magnitude(values.get(x)!), magnitude(values.get(weight)!)];
    const own = errorOf(node, values, errors, epsilon);
    const ofX = evaluate(roundingOf(sum(sizeX, errors.get(x)!), operands), sizeW);
    const ofW = evaluate(sizeX, roundingOf(sizeW, operands));
    return fill(own, (i) => own.data[i]! + ofX.data[i]! + ofW.data[i]!);
  });
  for (const { name, node } of graph.outputs) {
    const rounding = stored(name);
    const bound = bounds.get(node);
    if (!rounding || !bound) continue;
    const last = roundingOf(sum(magnitude(values.get(node)!), bound), rounding);
    bounds.set(
      node,
      fill(zeros(bound.shape), (i) => bound.data[i]! + last.data[i]!),
    );
  }
  return { values, bounds };
}

function roundingOf(tensor: Tensor, { relative, least }: Rounding): Tensor {
  return { shape: tensor.shape, data: tensor.data.map((x) => Math.max(Math.abs(x) * relative, least)) };
}

/**
 * What hoisting a squeeze may add to the error of its gate: the product A m of the folded matrix and the means has terms
 * that cancel, so eps sum |A||m| is added where it is computed, and passed on to the gate without further rounding.
 *
 * @param isFolded whether a parameter was made by passes, as A is
 * @param shares where the product was made by another launch: sum |A||m| of each of its shares, by their names
 */
export function hoistingAllowance(
  body: Graph,
  leaves: ReadonlyMap<string, Tensor>,
  batch: number,
  gate: Node,
  isFolded: (parameter: string) => boolean,
  shares: ReadonlyMap<string, Tensor>,
): Tensor {
  const values = interpret(body, leaves, batch, body.nodes);
  const seed = (node: Node) => {
    const terms = node.op === "squeezeFinish" ? shares.get(node.inputs.parts.name) : undefined;
    if (node.op === "squeezeFinish" && terms) {
      const sums = zeros(values.get(node)!.shape);
      opDef("squeezeFinish").evaluate({ parts: terms }, node.attrs, sums);
      return fill(sums, (i) => epsilon * sums.data[i]!);
    }
    if (node.op !== "dense" || !isFolded(node.inputs.weight.name)) return undefined;
    const size = (input: Node) => magnitude(values.get(input)!);
    const sums = zeros(values.get(node)!.shape);
    opDef("dense").evaluate({ x: size(node.inputs.x), weight: size(node.inputs.weight) }, {}, sums);
    return fill(sums, (i) => epsilon * sums.data[i]!);
  };
  return propagate(body, leaves, batch, [gate], 0, seed).bounds.get(gate)!;
}

/** sum |A||m| of each share of a layer: what cancels in them at most. */
export function sizeOfShares(
  body: Graph,
  leaves: ReadonlyMap<string, Tensor>,
  batch: number,
  { inputs, attrs, type }: NodeOf<"reduceParts">,
): Tensor {
  const values = interpret(body, leaves, batch, [inputs.parts, inputs.weight]);
  const sizes = zeros(concreteShape(type, batch));
  const size = (input: Node) => magnitude(values.get(input)!);
  opDef("reduceParts").evaluate({ parts: size(inputs.parts), weight: size(inputs.weight) }, attrs, sizes);
  return sizes;
}

/** Passes errors from inputs to outputs; `eps` is what each op adds of its own, `seed` an error that is given instead. */
function propagate(
  graph: Graph,
  leaves: ReadonlyMap<string, Tensor>,
  batch: number,
  wanted: readonly Node[],
  eps: number,
  seed: (node: Node, values: ReadonlyMap<Node, Tensor>, errors: ReadonlyMap<Node, Tensor>) => Tensor | undefined,
): { values: ReadonlyMap<Node, Tensor>; bounds: Map<Node, Tensor> } {
  const values = interpret(graph, leaves, batch, graph.nodes);
  const errors = new Map<Node, Tensor>();
  for (const node of graph.nodes) errors.set(node, seed(node, values, errors) ?? errorOf(node, values, errors, eps));
  return { values, bounds: new Map(wanted.map((node) => [node, errors.get(node)!])) };
}

function errorOf(
  node: Node,
  values: ReadonlyMap<Node, Tensor>,
  errors: ReadonlyMap<Node, Tensor>,
  eps: number,
): Tensor {
  const value = values.get(node)!;
  const out = zeros(value.shape);
  const def = opDef(node.op);
  const evaluate = (inputs: Record<string, Tensor>) => {
    const result = zeros(value.shape);
    def.evaluate(inputs, node.attrs, result);
    return result;
  };
  const inputs = (pick: (input: Node) => Tensor) =>
    Object.fromEntries(Object.entries<Node>(node.inputs).map(([name, input]) => [name, pick(input)]));
  const size = (input: Node) => magnitude(values.get(input)!);
  const error = (input: Node) => errors.get(input)!;

  switch (node.op) {
    case "input":
    case "parameter":
      return out;

    case "conv2d":
    case "dense":
    case "channelConv": {
      const { x, weight } = node.inputs;
      const terms = values.get(weight)!.data.length / values.get(weight)!.shape[0]!;
      const sums = evaluate({ x: size(x), weight: size(weight) });
      const isExact = error(x).data.every((e) => e === 0);
      const passed = isExact ? zeros(value.shape) : evaluate({ x: error(x), weight: size(weight) });
      return fill(out, (i) => eps * factor(terms) * sums.data[i]! + passed.data[i]!);
    }

    case "reduceParts": {
      const { parts, weight } = node.inputs;
      const sums = evaluate({ parts: size(parts), weight: size(weight) });
      const passed = evaluate({ parts: error(parts), weight: size(weight) });
      return fill(out, (i) => eps * factor(node.attrs.slice) * sums.data[i]! + passed.data[i]!);
    }

    case "globalAvgPool":
    case "avgPool":
    case "tapMeans":
    case "squeezeFinish":
    case "squeezeParts": {
      const [operand] = inputsOf(node) as [Node];
      const largest = "reduce" in node.attrs && node.attrs.reduce === "max";
      if (largest) return everywhere(out, greatest(error(operand)));
      // Partial sums are unbounded only where a class is empty; the magnitudes are those of what is summed.
      const terms = values.get(operand)!.data.length / value.shape[0]! / value.shape[1]!;
      const sums = evaluate({ [Object.keys(node.inputs)[0]!]: size(operand) });
      const passed = evaluate({ [Object.keys(node.inputs)[0]!]: error(operand) });
      return fill(out, (i) => eps * factor(terms) * sums.data[i]! + passed.data[i]!);
    }

    case "upsample": {
      // Bilinear: a sum of four products.
      const sums = evaluate(inputs(size));
      const passed = evaluate(inputs(error));
      return fill(out, (i) => eps * factor(4) * sums.data[i]! + passed.data[i]!);
    }

    case "channelMean": {
      const sums = evaluate(inputs(size));
      const passed = evaluate(inputs(error));
      const terms = node.inputs.x.type.shape[1] as number;
      return fill(out, (i) => eps * factor(terms) * sums.data[i]! + passed.data[i]!);
    }

    case "maxPool":
    case "channelMax":
    case "globalMaxPool":
      return everywhere(out, greatest(error(inputsOf(node)[0]!)));

    case "softmax": {
      const spread = greatest(error(node.inputs.x));
      return fill(out, (i) => value.data[i]! * (2 * spread + 64 * eps) + eps);
    }

    case "add":
    case "sub":
    case "addBias":
    case "concat":
    case "sliceChannels":
    case "shuffleChannels":
    case "flatten":
    case "pad": {
      const positive = node.op === "sub" ? opDef("add") : def;
      const passed = zeros(value.shape);
      positive.evaluate(inputs(error), node.attrs, passed);
      const sizes = zeros(value.shape);
      positive.evaluate(inputs(size), node.attrs, sizes);
      return fill(out, (i) => passed.data[i]! + 4 * eps * sizes.data[i]!);
    }

    case "mul":
    case "scaleChannels":
    case "scalePixels":
    case "affine":
    case "scaleBy":
    case "leakyRelu": {
      // |f(x + e) - f(x)| <= f(|x| + |e|) - f(|x|) for products and sums of magnitudes.
      const absolute = absoluteAttrs(node);
      const moved = zeros(value.shape);
      def.evaluate(
        inputs((input) => sum(size(input), error(input))),
        absolute,
        moved,
      );
      const still = zeros(value.shape);
      def.evaluate(inputs(size), absolute, still);
      return fill(out, (i) => moved.data[i]! - still.data[i]! + 4 * eps * moved.data[i]!);
    }

    case "batchNorm": {
      const { x, weight, bias, mean, variance } = node.inputs;
      const scale = {
        ...values.get(weight)!,
        data: values
          .get(weight)!
          .data.map((w, c) => Math.abs(w) / Math.sqrt(values.get(variance)!.data[c]! + node.attrs.eps)),
      };
      const shift = {
        ...scale,
        data: scale.data.map((s, c) => s * Math.abs(values.get(mean)!.data[c]!) + Math.abs(values.get(bias)!.data[c]!)),
      };
      const none = { ...scale, data: scale.data.map(() => 0) };
      const sizes = zeros(value.shape);
      opDef("affine").evaluate({ x: size(x), scale, shift }, {}, sizes);
      const passed = zeros(value.shape);
      opDef("affine").evaluate({ x: error(x), scale, shift: none }, {}, passed);
      return fill(out, (i) => passed.data[i]! + 8 * eps * sizes.data[i]!);
    }

    default: {
      // A function of one element: its slope, its own rounding, and a device's exp and tanh, good to a few ulp of 1.
      const slope = def.slope ?? 1;
      const [operand] = inputsOf(node) as [Node];
      const smooth = node.op === "relu" || node.op === "relu6" ? 0 : 16 * eps;
      return fill(out, (i) => slope * error(operand).data[i]! + smooth * (1 + Math.abs(value.data[i]!)));
    }
  }
}

/** 2 sqrt(K) + 8, K the number of terms. */
function factor(terms: number): number {
  return 2 * Math.sqrt(terms) + 8;
}

function magnitude(tensor: Tensor): Tensor {
  // An empty class of partial maxima is -inf: it never wins, so it counts as nothing.
  return { shape: tensor.shape, data: tensor.data.map((x) => (Number.isFinite(x) ? Math.abs(x) : 0)) };
}

function sum(a: Tensor, b: Tensor): Tensor {
  return { shape: a.shape, data: a.data.map((x, i) => x + b.data[i]!) };
}

function greatest(tensor: Tensor): number {
  return tensor.data.reduce((a, b) => Math.max(a, b), 0);
}

function fill(out: Tensor, f: (index: number) => number): Tensor {
  for (let i = 0; i < out.data.length; i++) out.data[i] = f(i);
  return out;
}

function everywhere(out: Tensor, value: number): Tensor {
  out.data.fill(value);
  return out;
}

function absoluteAttrs(node: Node): unknown {
  if (node.op === "scaleBy") return { factor: Math.abs(node.attrs.factor) };
  if (node.op === "leakyRelu") return { negativeSlope: Math.abs(node.attrs.negativeSlope) };
  return node.attrs;
}
