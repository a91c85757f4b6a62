import { inputsOf, rewrite, type Graph, type Node } from "../ir/graph.ts";

/** The same network without its SE blocks, or what stands in their place: where each gave its result stands what it was given. */
export function withoutSe(graph: Graph): Graph {
  const results = new Map(graph.insertions.map(({ name }) => [resultOf(graph, name), `${name}.`]));
  const rewritten = rewrite(graph, (node, old) => {
    const prefix = results.get(old);
    return prefix === undefined ? undefined : givenTo(node, prefix);
  });
  return { ...rewritten, insertions: [] };
}

/** The last of the block's nodes: what it scaled. */
function resultOf(graph: Graph, block: string): Node | undefined {
  return graph.nodes.findLast((node) => node.name.startsWith(`${block}.`) && node.op !== "parameter");
}

/** The feature map from outside that the block is computed of. */
function givenTo(node: Node, prefix: string): Node | undefined {
  for (const input of inputsOf(node)) {
    if (input.op === "parameter") continue;
    const found = input.name.startsWith(prefix) ? givenTo(input, prefix) : input;
    if (found) return found;
  }
  return undefined;
}
