import type { InputDeclaration } from "../image/declaration.ts";
import { ops, type OpName } from "../ops/index.ts";
import { parameterRoles, type ParameterRole } from "../ops/leaves.ts";
import { f32, type Dim } from "../tensor/type.ts";
import { insertionWords, tryNode, type Graph, type Insertion, type Node, type Output } from "./graph.ts";

/** A graph as it stands in manifest.json: the weight program, and the network as it was written. Names tie it together. */
export interface GraphJson {
  /** Every node follows its inputs, which it calls by name. */
  readonly nodes: readonly NodeJson[];
  readonly outputs: readonly { readonly name: string; readonly node: string }[];
  /** Left out where there are none. */
  readonly insertions?: readonly Insertion[];
}

export type NodeJson =
  | { readonly op: "input"; readonly name: string; readonly shape: readonly Dim[]; readonly image?: InputDeclaration }
  | { readonly op: "parameter"; readonly name: string; readonly shape: readonly Dim[]; readonly role: ParameterRole }
  | {
      readonly op: string;
      readonly name: string;
      readonly inputs: Readonly<Record<string, string>>;
      /** Left out where there are none. */
      readonly attrs?: Readonly<Record<string, unknown>>;
    };

export type ReadGraph = { readonly ok: true; readonly graph: Graph } | { readonly ok: false; readonly message: string };

/** Neither types, which reading infers again, nor spans and repeats, which only reports need: the same network in another file is the same JSON. */
export function graphToJson({ nodes, outputs, insertions }: Graph): GraphJson {
  const json = { nodes: nodes.map(nodeToJson), outputs: outputs.map(({ name, node }) => ({ name, node: node.name })) };
  return insertions.length > 0 ? { ...json, insertions } : json;
}

function nodeToJson(node: Node): NodeJson {
  const { op, name, attrs } = node;
  if (op === "parameter") return { op, name, shape: node.type.shape, role: attrs.role };
  if (op === "input") {
    return attrs.image
      ? { op, name, shape: node.type.shape, image: attrs.image }
      : { op, name, shape: node.type.shape };
  }
  const inputs = Object.fromEntries(Object.entries<Node>(node.inputs).map(([input, { name }]) => [input, name]));
  return Object.keys(attrs).length > 0 ? { op, name, inputs, attrs: { ...attrs } } : { op, name, inputs };
}

/** The graph of a manifest, which anybody may have edited: nothing is believed, every type is inferred anew. */
export function graphFromJson(name: string, json: unknown): ReadGraph {
  if (!isRecord(json) || !Array.isArray(json["nodes"]) || !Array.isArray(json["outputs"])) {
    return refuse("it should have nodes and outputs");
  }
  const made = new Map<string, Node>();
  for (const entry of json["nodes"] as unknown[]) {
    if (!isRecord(entry) || typeof entry["name"] !== "string") return refuse("a node has no name");
    const node = nodeFromJson(entry, entry["name"], made);
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
  const { insertions = [] } = json;
  if (!Array.isArray(insertions) || !insertions.every(isInsertion)) return refuse("its insertions are damaged");
  return { ok: true, graph: { name, nodes: [...made.values()], outputs, insertions, repeats: [] } };
}

/** A node, or what is wrong with its entry. */
function nodeFromJson(
  entry: Readonly<Record<string, unknown>>,
  name: string,
  made: ReadonlyMap<string, Node>,
): Node | string {
  const { op, attrs = {} } = entry;
  if (op === "input" || op === "parameter") return leafFromJson(op, entry, name);
  if (typeof op !== "string" || !Object.hasOwn(ops, op)) return `there is no op ${String(op)}`;
  if (!isRecord(entry["inputs"]) || !isRecord(attrs)) return "it should have inputs, and its attrs be an object";
  const given = entry["inputs"];
  const expected = ops[op as OpName].inputs;
  const names = expected === "variadic" ? Object.keys(given).map((_, index) => `${index}`) : expected;
  const inputs: Record<string, Node> = {};
  for (const input of names) {
    const node = Object.hasOwn(given, input) ? made.get(String(given[input])) : undefined;
    if (!node) return `its input ${input} is not a node before it`;
    inputs[input] = node;
  }
  return nodeOf(op as OpName, name, inputs, attrs);
}

function leafFromJson(
  op: "input" | "parameter",
  { shape, role, image }: Readonly<Record<string, unknown>>,
  name: string,
): Node | string {
  const isDim = (extent: unknown, axis: number) =>
    op === "input" && axis === 0 ? extent === "N" : Number.isSafeInteger(extent) && (extent as number) > 0;
  if (!Array.isArray(shape) || !shape.every(isDim)) {
    return `its shape should be a list of positive whole numbers${op === "input" ? " after N" : ""}`;
  }
  const type = f32(...(shape as Dim[]));
  if (op === "parameter") {
    if (!isOneOf(parameterRoles, role)) return `there is no role ${String(role)}`;
    return nodeOf(op, name, {}, { type, role });
  }
  if (image !== undefined && !isDeclaration(image)) return "its image is damaged";
  return nodeOf(op, name, {}, { type, image });
}

/** The casts: `tryNode` infers from whatever stands there, and damaged attributes are a complaint or an exception. */
function nodeOf(op: OpName, name: string, inputs: Readonly<Record<string, Node>>, attrs: object): Node | string {
  try {
    const span = { file: "manifest.json", start: 0, end: 0 };
    const node = tryNode(op, { name, span }, inputs as never, attrs as never);
    return "complaint" in node ? node.complaint : (node as Node);
  } catch {
    return `the attributes of ${op} are damaged`;
  }
}

function isInsertion(value: unknown): value is Insertion {
  if (!isRecord(value) || typeof value["name"] !== "string") return false;
  if ("block" in value) return typeof value["block"] === "string" && isOneOf(insertionWords.point, value["point"]);
  return Object.entries(insertionWords).every(([field, words]) => isOneOf(words, value[field]));
}

function isDeclaration(value: unknown): value is InputDeclaration {
  if (!isRecord(value)) return false;
  const { order, scale, mean, std, resize, antialias, crop } = value;
  return (
    isOneOf(["rgb", "bgr", "grey"], order) &&
    isOneOf(["bilinear", "nearest", "none"], resize) &&
    [scale, mean, std].flat().every((number) => typeof number === "number") &&
    typeof scale === "number" &&
    Array.isArray(mean) &&
    Array.isArray(std) &&
    typeof antialias === "boolean" &&
    (crop === "none" || (isRecord(crop) && typeof crop["resizeShortSideTo"] === "number" && crop["center"] === true))
  );
}

function isOneOf<const T extends string>(words: readonly T[], value: unknown): value is T {
  return (words as readonly unknown[]).includes(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(message: string): ReadGraph {
  return { ok: false, message };
}
