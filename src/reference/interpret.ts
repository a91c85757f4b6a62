import { Bug } from "../diagnostics.ts";
import { inputsOf, opDef, type Graph, type Node } from "../ir/graph.ts";
import { zeros, type Tensor } from "../tensor/tensor.ts";
import { concreteShape } from "../tensor/type.ts";

/**
 * The reference: runs a graph on the CPU in float64, with each op's own `evaluate`. Knows no pass and no target.
 *
 * @param leaves values of the graph's inputs and parameters, by name; activations dense NCHW, parameters as PyTorch's
 * @param batch what "N" stands for
 * @param keep the nodes whose values are wanted; the others are dropped after their last use
 * @param change what becomes of each value as it is made: how coarser arithmetic is tried
 */
export function interpret(
  graph: Graph,
  leaves: ReadonlyMap<string, Tensor>,
  batch: number,
  keep: Iterable<Node> = graph.outputs.map((output) => output.node),
  change: (node: Node, value: Tensor) => Tensor = (_, value) => value,
): Map<Node, Tensor> {
  const kept = new Set(keep);
  const lastUse = new Map<Node, Node>();
  for (const node of graph.nodes) for (const input of inputsOf(node)) lastUse.set(input, node);
  const values = new Map<Node, Tensor>();
  for (const node of graph.nodes) {
    values.set(node, change(node, valueOf(node, values, leaves, batch)));
    for (const input of inputsOf(node)) if (lastUse.get(input) === node && !kept.has(input)) values.delete(input);
    if (!lastUse.has(node) && !kept.has(node)) values.delete(node);
  }
  return values;
}

function valueOf(
  node: Node,
  values: ReadonlyMap<Node, Tensor>,
  leaves: ReadonlyMap<string, Tensor>,
  batch: number,
): Tensor {
  const shape = concreteShape(node.type, batch);
  if (node.op === "input" || node.op === "parameter") {
    const given = leaves.get(node.name);
    if (!given) throw new Bug(`the interpreter was given no value for ${node.name}`);
    if (given.data.length !== shape.reduce((a, b) => a * b, 1)) {
      throw new Bug(
        `${node.name} must be [${shape.join(", ")}], but the interpreter was given [${given.shape.join(", ")}]`,
      );
    }
    return { shape, data: given.data };
  }
  const inputs: Record<string, Tensor> = {};
  for (const [name, input] of Object.entries<Node>(node.inputs)) inputs[name] = values.get(input)!;
  const out = zeros(shape);
  opDef(node.op).evaluate(inputs, node.attrs, out);
  return out;
}
