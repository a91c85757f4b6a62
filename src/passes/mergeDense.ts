import { node, type Graph, type Node, type NodeOf, type Origin } from "../ir/graph.ts";
import { matching, replaceNodes, untilStable, type Matching } from "./matching.ts";
import type { Pass } from "./pass.ts";

/**
 *     z = addBias(dense(m, Wc), bc)
 *     h = addBias(dense(z, W1), b1)    ->    h = addBias(dense(m, W1 Wc), W1 bc + b1)
 *
 * for an inner layer that nobody else reads, also through constant factors and sums of several such layers: the gate of a
 * hoisted squeeze never computes the squeeze. Done where the product has no more elements than its factors: W1 is [h, C],
 * Wc [C, K], so a classifier that was factorised to be small stays so. Products and sums are float64 arithmetic on
 * parameters, rounded once when packed.
 *
 * Not through an activation, a gate, or a concatenation. An inner value that is an output stays.
 */
export const mergeDense: Pass = {
  name: "mergeDense",
  doc: "Multiplies two dense layers in a row into one, and adds up two biases in a row.",
  run: (graph) => untilStable(graph, step),
};

function step(graph: Graph): Graph {
  const match = matching(graph);
  return replaceNodes(graph, (old, now) => {
    if (old.op === "dense") return mergedDense(old, now, match);
    if (old.op === "addBias") return mergedBias(old, now, match);
    return undefined;
  });
}

/** addBias(addBias(x, b), c) = addBias(x, b + c) */
function mergedBias(outer: NodeOf<"addBias">, now: (old: Node) => Node, match: Matching): Node | undefined {
  const inner = outer.inputs.x;
  if (inner.op !== "addBias" || !match.isPrivate(inner)) return undefined;
  const origin = { name: match.name(`${outer.inputs.bias.name}.merged`), span: outer.span };
  const bias = node("add", origin, { a: now(inner.inputs.bias), b: now(outer.inputs.bias) }, {});
  return node("addBias", outer, { x: now(inner.inputs.x), bias }, {});
}

function mergedDense(outer: NodeOf<"dense">, now: (old: Node) => Node, match: Matching): Node | undefined {
  const part = (suffix: string): Origin => ({ name: match.name(`${outer.name}.${suffix}`), span: outer.span });
  const sum = asSum(outer.inputs.x, { now, match, part });
  if (!pays(outer, sum)) return undefined;

  const weight = now(outer.inputs.weight);
  const mergedWeight = (matrix: Node) => {
    const origin = { name: match.name(`${outer.inputs.weight.name}.merged`), span: outer.span };
    return node("matmul", origin, { a: weight, b: matrix }, {});
  };
  const products: Node[] = sum.terms.map(({ x, matrix }) => {
    const isWhole = sum.terms.length === 1 && !sum.bias;
    const origin = isWhole ? outer : part("merged");
    return node("dense", origin, { x, weight: matrix ? mergedWeight(matrix) : weight }, {});
  });
  const total = products.reduce((a, b, index) => {
    const isWhole = index === products.length - 1 && !sum.bias;
    return node("add", isWhole ? outer : part("sum"), { a, b }, {});
  });
  if (!sum.bias) return total;
  const bias = node("matvec", part("bias"), { matrix: weight, vector: sum.bias }, {});
  return node("addBias", outer, { x: total, bias }, {});
}

/** A vector as the sum of matrix x over the terms, plus a bias. */
interface Sum {
  readonly terms: readonly Term[];
  readonly bias: Node | undefined;
}

/** A term without a matrix is a vector as it is. */
interface Term {
  readonly x: Node;
  readonly matrix: Node | undefined;
}

interface Place {
  readonly match: Matching;
  readonly now: (old: Node) => Node;
  readonly part: (suffix: string) => Origin;
}

function asSum(vector: Node, place: Place): Sum {
  const { now, part } = place;
  const plain: Sum = { terms: [{ x: now(vector), matrix: undefined }], bias: undefined };
  if (!place.match.isPrivate(vector)) return plain;
  switch (vector.op) {
    case "dense":
      return { terms: [{ x: now(vector.inputs.x), matrix: now(vector.inputs.weight) }], bias: undefined };
    case "addBias": {
      const { terms, bias } = asSum(vector.inputs.x, place);
      return { terms, bias: added(bias, now(vector.inputs.bias), part) };
    }
    case "scaleBy": {
      const { terms, bias } = asSum(vector.inputs.x, place);
      const scaled = (x: Node) => node("scaleBy", part("scaled"), { x }, vector.attrs);
      return {
        terms: terms.map(({ x, matrix }) => (matrix ? { x, matrix: scaled(matrix) } : { x: scaled(x), matrix })),
        bias: bias && scaled(bias),
      };
    }
    case "add": {
      const [a, b] = [asSum(vector.inputs.a, place), asSum(vector.inputs.b, place)];
      return { terms: [...a.terms, ...b.terms], bias: b.bias ? added(a.bias, b.bias, part) : a.bias };
    }
    default:
      return plain;
  }
}

function added(a: Node | undefined, b: Node, part: Place["part"]): Node {
  return a ? node("add", part("bias.sum"), { a, b }, {}) : b;
}

/** At least two layers become one, and the elements of their matrices no more. */
function pays(outer: NodeOf<"dense">, { terms }: Sum): boolean {
  const [outputs, features] = [outer.type.shape[1] as number, outer.inputs.x.type.shape[1] as number];
  const matrices = terms.filter((term) => term.matrix);
  const inner = matrices.reduce((sum, { x }) => sum + features * (x.type.shape[1] as number), 0);
  const after = terms.reduce((sum, { x }) => sum + outputs * (x.type.shape[1] as number), 0);
  return matrices.length > 0 && after <= inner + outputs * features;
}
