import { graphOf, tryNode, type Graph, type Node, type Output } from "../ir/graph.ts";
import type { ParameterRole } from "../ops/leaves.ts";
import { ops, type OpName } from "../ops/index.ts";
import { f32 } from "../tensor/type.ts";

/**
 * The weight program as it stands in manifest.json: parameters are what a checkpoint must hold, the other nodes say how
 * the packed tensors follow from them. `sec pack` needs nothing else.
 */
export interface ProgramJson {
  /** Every node follows its inputs, which it calls by name. */
  readonly nodes: readonly ProgramNode[];
  /** The packed tensors, in the order of the file. */
  readonly outputs: readonly { readonly name: string; readonly node: string }[];
}

export type ProgramNode =
  | { readonly op: "parameter"; readonly name: string; readonly shape: readonly number[]; readonly role: ParameterRole }
  | {
      readonly op: string;
      readonly name: string;
      readonly inputs: Readonly<Record<string, string>>;
      readonly attrs?: Readonly<Record<string, unknown>>;
    };

export function programToJson(program: Graph): ProgramJson {
  const nodes = program.nodes.map((node): ProgramNode => {
    const { op, name, attrs } = node;
    if (op === "parameter") return { op, name, shape: node.type.shape as number[], role: attrs.role };
    const inputs = Object.fromEntries(Object.entries<Node>(node.inputs).map(([input, { name }]) => [input, name]));
    return Object.keys(attrs).length > 0 ? { op, name, inputs, attrs: { ...attrs } } : { op, name, inputs };
  });
  return { nodes, outputs: program.outputs.map(({ name, node }) => ({ name, node: node.name })) };
}

export type ReadProgram =
  { readonly ok: true; readonly program: Graph } | { readonly ok: false; readonly message: string };

/** The program of a manifest, which anybody may have edited: every type is inferred anew. */
export function programFromJson(name: string, json: unknown): ReadProgram {
  if (!isRecord(json) || !Array.isArray(json["nodes"]) || !Array.isArray(json["outputs"])) {
    return refuse("it should have nodes and outputs");
  }
  const made = new Map<string, Node>();
  for (const entry of json["nodes"] as unknown[]) {
    if (!isRecord(entry) || typeof entry["name"] !== "string") return refuse("a node has no name");
    const node = nodeOf(entry, entry["name"], made);
    if (typeof node === "string") return refuse(`${entry["name"]}: ${node}`);
    if (made.has(node.name)) return refuse(`two nodes are called ${node.name}`);
    made.set(node.name, node);
  }
  const outputs: Output[] = [];
  for (const entry of json["outputs"] as unknown[]) {
    const node = isRecord(entry) ? made.get(String(entry["node"])) : undefined;
    if (!node || !isRecord(entry) || typeof entry["name"] !== "string") return refuse("an output names no node");
    outputs.push({ name: entry["name"], node });
  }
  return { ok: true, program: graphOf(name, outputs, []) };
}

/** A node, or what is wrong with its entry. */
function nodeOf(entry: Record<string, unknown>, name: string, made: ReadonlyMap<string, Node>): Node | string {
  const { op, shape, role, attrs = {} } = entry;
  const origin = { name, span: { file: "manifest.json", start: 0, end: 0 } };
  if (op === "parameter") {
    if (!Array.isArray(shape) || !shape.every((extent) => Number.isSafeInteger(extent) && extent > 0)) {
      return "its shape should be a list of positive whole numbers";
    }
    return tryNode("parameter", origin, {}, { type: f32(...(shape as number[])), role: role as ParameterRole }) as Node;
  }
  if (typeof op !== "string" || op === "input" || !Object.hasOwn(ops, op)) return `there is no op ${String(op)}`;
  if (!isRecord(entry["inputs"]) || !isRecord(attrs)) return "it should have inputs, and its attrs be an object";
  const inputs: Record<string, Node> = {};
  const names = ops[op as OpName].inputs;
  for (const input of names === "variadic" ? Object.keys(entry["inputs"]) : names) {
    const node = made.get(String(entry["inputs"][input]));
    if (!node) return `its input ${input} is not a node before it`;
    inputs[input] = node;
  }
  try {
    const node = tryNode(op as OpName, origin, inputs as never, attrs as never);
    return "complaint" in node ? node.complaint : (node as Node);
  } catch {
    return `the attributes of ${op} are damaged`;
  }
}

function refuse(what: string): ReadProgram {
  return { ok: false, message: `the weight program of the manifest is damaged: ${what}` };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
