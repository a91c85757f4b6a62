import { Bug, type Span } from "../diagnostics.ts";
import { isComplaint, type Complaint, type OpDef } from "../ops/op.ts";
import { ops, type AttrsOf, type InputsOf, type OpName } from "../ops/index.ts";
import type { TensorType } from "../tensor/type.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** One immutable SSA graph. Parameters are nodes too: what depends on parameters alone is the weight program. */
export interface Graph {
  readonly name: string;
  /** Every node follows its inputs. */
  readonly nodes: readonly Node[];
  readonly outputs: readonly Output[];
  /** What was inserted at the points of units, in source order; passes leave this list alone. */
  readonly insertions: readonly Insertion[];
  /** The repeats, stages among them, in source order; passes leave this list alone, too. */
  readonly repeats: readonly Repeat[];
  /** Of a network as it is written: which block of the source made what is below a prefix. `layer1.0` -> `bottleneck`. */
  readonly blocks?: ReadonlyMap<string, string>;
}

export interface Output {
  readonly name: string;
  readonly node: Node;
}

export type Insertion = SeInsertion | BlockInsertion;

/** One SE block of the program. Its nodes are called `<name>.squeeze`, `.fc1`, `.fc2`, `.gate` and `.scale`. */
export interface SeInsertion {
  readonly name: string;
  readonly point: (typeof insertionWords.point)[number];
  readonly squeeze: (typeof insertionWords.squeeze)[number];
  readonly gate: (typeof insertionWords.gate)[number];
  readonly block?: undefined;
}

/** A block of the source that stands where an SE block would: `insert eca(…)`. All its nodes are called `<name>.…`. */
export interface BlockInsertion {
  readonly name: string;
  readonly point: SeInsertion["point"];
  readonly block: string;
  readonly squeeze?: undefined;
  readonly gate?: undefined;
}

/** `stage 2 layer1: 3 of bottleneck(64)`: what the layers' names tell of it. */
export interface Repeat {
  /** The label with its path; that of the place where it stands if it has none. */
  readonly name: string;
  /** The paper's number. */
  readonly stage: number | undefined;
  /** The block or op that is repeated. */
  readonly block: string;
  /** `layer1.0`, `layer1.1`, …: the layers of a unit are called so, or begin with it and a dot. */
  readonly units: readonly string[];
}

export const insertionWords = {
  point: ["pre", "standard", "identity", "post", "3x3"],
  squeeze: ["avg", "max", "none"],
  gate: ["sigmoid", "tanh", "relu", "hardsigmoid"],
} as const;

export type Node = { [K in OpName]: NodeOf<K> }[OpName];

export interface NodeOf<K extends OpName> {
  readonly op: K;
  /** From the source; unique in its graph; survives into the generated code. */
  readonly name: string;
  readonly inputs: Readonly<Record<InputsOf<K>, Node>>;
  readonly attrs: AttrsOf<K>;
  readonly type: TensorType;
  readonly span: Span;
}

/** What the maker of a node has to say about its place. */
export interface Origin {
  readonly name: string;
  readonly span: Span;
}

/** A node, or the op's complaint about its inputs. The front end turns the complaint into a diagnostic. */
export function tryNode<K extends OpName>(
  op: K,
  origin: Origin,
  inputs: Readonly<Record<InputsOf<K>, Node>>,
  attrs: AttrsOf<K>,
): NodeOf<K> | Complaint {
  const types: Record<string, TensorType> = {};
  for (const [name, input] of Object.entries<Node>(inputs)) types[name] = input.type;
  const type = opDef(op).infer(types, attrs);
  if (isComplaint(type)) return type;
  return { op, name: origin.name, inputs, attrs, type, span: origin.span };
}

/** The one constructor of nodes for passes and plans, where a complaint is a bug in sec. */
export function node<K extends OpName>(
  op: K,
  origin: Origin,
  inputs: Readonly<Record<InputsOf<K>, Node>>,
  attrs: AttrsOf<K>,
): NodeOf<K> {
  const made = tryNode(op, origin, inputs, attrs);
  if ("complaint" in made) throw new Bug(`${origin.name} = ${op}: ${made.complaint}`);
  return made;
}

/** The widening cast: looked up by name, an op accepts any inputs and attributes; its own node type has checked them. */
export function opDef(op: OpName): OpDef<string, unknown> {
  return ops[op] as unknown as OpDef<string, unknown>;
}

export function inputsOf(node: Node): readonly Node[] {
  return Object.values<Node>(node.inputs);
}

/** A node with the same op and attributes on other inputs; the same node if they are the same. */
export function withInputs(old: Node, inputs: Readonly<Record<string, Node>>): Node {
  const names = Object.keys(old.inputs);
  if (names.every((name) => (old.inputs as Record<string, Node>)[name] === inputs[name])) return old;
  return node(old.op, old, inputs as never, old.attrs as never) as Node;
}

/** A graph of everything that the outputs need, in an order where every node follows its inputs. */
export function graphOf(
  name: string,
  outputs: readonly Output[],
  insertions: readonly Insertion[],
  repeats: readonly Repeat[] = [],
): Graph {
  const nodes: Node[] = [];
  const seen = new Set<Node>();
  // An explicit stack: a network of ten thousand layers must not overflow the call stack.
  const visit = (root: Node) => {
    const stack: { node: Node; next: number }[] = [{ node: root, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      if (top.next === 0 && seen.has(top.node)) {
        stack.pop();
        continue;
      }
      const inputs = inputsOf(top.node);
      if (top.next < inputs.length) stack.push({ node: inputs[top.next++]!, next: 0 });
      else {
        stack.pop();
        if (seen.has(top.node)) continue;
        seen.add(top.node);
        nodes.push(top.node);
      }
    }
  };
  for (const output of outputs) visit(output.node);
  return { name, nodes, outputs, insertions, repeats };
}

/**
 * Rebuilds the graph from its leaves. `rule` sees each node with its inputs already rewritten and returns its replacement,
 * or undefined to keep it. Unchanged parts are shared; an unchanged graph is returned as it is.
 */
export function rewrite(graph: Graph, rule: (node: Node, old: Node) => Node | undefined): Graph {
  const replaced = new Map<Node, Node>();
  for (const old of graph.nodes) {
    const inputs: Record<string, Node> = {};
    for (const [name, input] of Object.entries<Node>(old.inputs)) inputs[name] = replaced.get(input)!;
    const current = withInputs(old, inputs);
    replaced.set(old, rule(current, old) ?? current);
  }
  if (graph.nodes.every((old) => replaced.get(old) === old)) return graph;
  const outputs = graph.outputs.map((output) => ({ name: output.name, node: replaced.get(output.node)! }));
  return graphOf(graph.name, outputs, graph.insertions, graph.repeats);
}

/** For each node, the nodes that read it (each once), in graph order. */
export function usersOf(graph: Graph): ReadonlyMap<Node, readonly Node[]> {
  const users = new Map<Node, Node[]>(graph.nodes.map((node) => [node, []]));
  for (const node of graph.nodes) {
    for (const input of new Set(inputsOf(node))) users.get(input)!.push(node);
  }
  return users;
}

/** The nodes that depend on parameters alone: the weight program. */
export function parameterOnly(graph: Graph): ReadonlySet<Node> {
  const result = new Set<Node>();
  for (const node of graph.nodes) {
    const inputs = inputsOf(node);
    if (node.op === "parameter" || (inputs.length > 0 && inputs.every((input) => result.has(input)))) result.add(node);
  }
  return result;
}

export type Values = ReadonlyMap<Node, Tensor>;
