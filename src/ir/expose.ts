import type { Graph, Node } from "./graph.ts";

/** The nodes that can become outputs: everything but parameters. */
export function exposable(graph: Graph): readonly Node[] {
  return graph.nodes.filter((node) => node.op !== "parameter");
}

/** The graph with more outputs, called like their nodes: done before any pass, so that passes keep their values. */
export function expose(graph: Graph, nodes: readonly Node[]): Graph {
  const named = new Set(graph.outputs.map((output) => output.name));
  const more = [...new Set(nodes)].filter((node) => !named.has(node.name));
  return { ...graph, outputs: [...graph.outputs, ...more.map((node) => ({ name: node.name, node }))] };
}
