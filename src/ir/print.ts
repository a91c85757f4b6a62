import { typeText } from "../tensor/type.ts";
import type { Graph, Node } from "./graph.ts";

/**
 * One line for each node, aligned: `layer1.0.se.gate = sigmoid(layer1.0.se.fc2)  : f32[N, 64]`.
 * The same text is `--emit graph`, `--print-after` and what failing tests show.
 */
export function print(graph: Graph): string {
  const lines = graph.nodes.map((node) => [`${node.name} = ${expression(node)}`, typeText(node.type)] as const);
  const width = Math.min(100, Math.max(0, ...lines.map(([left]) => left.length)));
  const outputs = graph.outputs.map((output) => `  output ${output.name} = ${output.node.name}`);
  return [
    `graph ${graph.name}`,
    ...lines.map(([left, type]) => `  ${left.padEnd(width)}  : ${type}`),
    ...outputs,
    "",
  ].join("\n");
}

function expression(node: Node): string {
  const inputs = Object.entries<Node>(node.inputs).map(([, input]) => input.name);
  const attrs = Object.entries(node.attrs).flatMap(([name, value]) => {
    if (name === "type" || name === "image" || value === undefined) return [];
    return [`${name}: ${attributeText(value)}`];
  });
  return `${node.op}(${[...inputs, ...attrs].join(", ")})`;
}

function attributeText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(attributeText).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{ ${Object.entries(value)
      .map(([name, inner]) => `${name}: ${attributeText(inner)}`)
      .join(", ")} }`;
  }
  return String(value);
}

/** How many nodes of each op, in the order of first appearance: `conv2d 2, relu 1`. What tests of fusion claim. */
export function structure(graph: Graph): string {
  const counts = new Map<string, number>();
  for (const node of graph.nodes) {
    if (node.op === "parameter") continue;
    counts.set(node.op, (counts.get(node.op) ?? 0) + 1);
  }
  return [...counts].map(([op, count]) => `${op} ${count}`).join(", ");
}
