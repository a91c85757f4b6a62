import { rewrite, type Graph, type Node } from "../ir/graph.ts";

/** The same network without its SE blocks: what each of them would have scaled stands where the scaled value stood. */
export function withoutSe(graph: Graph): Graph {
  const scales = new Set(graph.insertions.map(({ name }) => `${name}.scale`));
  return { ...rewrite(graph, (node) => (scales.has(node.name) ? unscaled(node) : undefined)), insertions: [] };
}

/** The map of a scale: its other operand is the gate, a vector or (without a squeeze) a map called `<block>.gate`. */
function unscaled(node: Node): Node | undefined {
  const gate = node.name.replace(/\.scale$/, ".gate");
  return Object.values<Node>(node.inputs).find((operand) => operand.name !== gate && operand.type.shape.length === 4);
}
