import { rewrite, type Node } from "../ir/graph.ts";
import type { Pass } from "./pass.ts";

/**
 *     a = globalAvgPool(x)      a = globalAvgPool(x)
 *     b = globalAvgPool(x)  ->
 *     c = mul(b, g)             c = mul(a, g)
 *
 * Nodes are the same if op, inputs and attributes are; the first one stays, under its name. Inputs and parameters are
 * told apart by their names, so they are never shared. Operands are not reordered: add(a, b) and add(b, a) are two.
 */
export const shareCommon: Pass = {
  name: "shareCommon",
  doc: "Computes once what is computed twice, in the network and in the weight program.",
  run(graph) {
    const numbers = new Map<Node, number>();
    const first = new Map<string, Node>();
    return rewrite(graph, (node) => {
      numbers.set(node, numbers.size);
      if (node.op === "input" || node.op === "parameter") return undefined;
      const inputs = Object.entries<Node>(node.inputs).map(([name, input]) => [name, numbers.get(input)]);
      const key = JSON.stringify([node.op, inputs, canonical(node.attrs)]);
      const same = first.get(key);
      if (!same) first.set(key, node);
      return same;
    });
  },
};

/** Attributes in an order that does not depend on who wrote them; numbers as text, since JSON has no -0 or infinity. */
function canonical(value: unknown): unknown {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : `${value}`;
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, canonical(inner)] as const);
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
}
