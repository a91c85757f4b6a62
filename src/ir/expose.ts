import type { Graph, Node } from "./graph.ts";

/** The nodes that can become outputs: everything but parameters. */
export function exposable(graph: Graph): readonly Node[] {
  return graph.nodes.filter((node) => node.op !== "parameter");
}

/** The graph with more outputs, called like their nodes: done before any pass, so that passes keep their values. */
export function expose(graph: Graph, nodes: readonly Node[]): Graph {
  const known = new Set(graph.outputs.map((output) => output.name));
  const more = nodes.filter((node) => !known.has(node.name)).map((node) => ({ name: node.name, node }));
  return { ...graph, outputs: [...graph.outputs, ...more] };
}
