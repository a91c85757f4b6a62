import type { Span } from "../diagnostics.ts";
import { ops, type OpName } from "../ops/index.ts";
import { tryNode, type Graph, type Insertion, type Node } from "./graph.ts";

/**
 * A graph as plain JSON, for the manifest: the weight program, and the network as it was written. Types are not stored;
 * reading infers them again, so a file that was tampered with is refused instead of believed.
 */
export interface GraphJson {
  readonly name: string;
  readonly nodes: readonly NodeJson[];
  /** Output name -> index of its node. */
  readonly outputs: readonly (readonly [string, number])[];
  readonly insertions: readonly Insertion[];
}

interface NodeJson {
  readonly op: string;
  readonly name: string;
  /** Input name -> index of an earlier node. */
  readonly inputs: Readonly<Record<string, number>>;
  readonly attrs: object;
  readonly span: readonly [string, number, number];
}

export function graphToJson(graph: Graph): GraphJson {
  const index = new Map(graph.nodes.map((node, position) => [node, position]));
  return {
    name: graph.name,
    nodes: graph.nodes.map((node) => ({
      op: node.op,
      name: node.name,
      inputs: Object.fromEntries(Object.entries<Node>(node.inputs).map(([name, input]) => [name, index.get(input)!])),
      attrs: node.attrs,
      span: [node.span.file, node.span.start, node.span.end],
    })),
    outputs: graph.outputs.map((output) => [output.name, index.get(output.node)!]),
    insertions: graph.insertions,
  };
}

/** The graph, or what is wrong with the JSON. */
export function graphFromJson(json: GraphJson): Graph | { readonly message: string } {
  const nodes: Node[] = [];
  for (const entry of json.nodes) {
    const bad = (message: string) => ({ message: `node ${JSON.stringify(entry.name)}: ${message}` });
    if (typeof entry.name !== "string" || !Object.hasOwn(ops, entry.op))
      return bad(`there is no op ${JSON.stringify(entry.op)}`);
    const inputs: Record<string, Node> = {};
    for (const [name, position] of Object.entries(entry.inputs)) {
      const input = nodes[position];
      if (!input) return bad(`input ${name} is node ${position}, which does not come before it`);
      inputs[name] = input;
    }
    const expected = ops[entry.op as OpName].inputs;
    if (expected !== "variadic" && expected.join() !== Object.keys(inputs).join())
      return bad(`${entry.op} reads (${expected.join(", ")})`);
    const [file, start, end] = entry.span;
    const span: Span = { file, start, end };
    // Attributes are checked by the op's own inference as far as the type depends on them.
    const made = tryNode(entry.op as OpName, { name: entry.name, span }, inputs as never, entry.attrs as never);
    if ("complaint" in made) return bad(made.complaint);
    nodes.push(made as Node);
  }
  const outputs: { name: string; node: Node }[] = [];
  for (const [name, position] of json.outputs) {
    const node = nodes[position];
    if (!node) return { message: `output ${JSON.stringify(name)} is node ${position}, which is not there` };
    outputs.push({ name, node });
  }
  return { name: json.name, nodes, outputs, insertions: json.insertions };
}
