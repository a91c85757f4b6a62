import { Bug } from "../../src/diagnostics.ts";
import type { Graph, Node } from "../../src/ir/graph.ts";
import { Namer } from "../names.ts";
import { isLayer, type Call, type Layer } from "./calls.ts";
import { isBelow, prefixesOf, relative, type Container, type Containers } from "./containers.ts";
import type { Forms } from "./forms.ts";
import { callText, functionalText, isFunctional } from "./layers.ts";
import { operand, spelling, type Spelled } from "./spelling.ts";
import { memberOf, pythonWords } from "./words.ts";

/** One line of a forward before it is written: a call, or a container that is called as a whole. */
export interface Step {
  /** Its name as seen from the body. */
  readonly name: string;
  readonly call: Call | undefined;
  readonly child: Container | undefined;
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
}

/** What is known of the whole network. */
export interface Network {
  readonly graph: Graph;
  readonly containers: Containers;
  readonly forms: Forms;
  /** By path: as its first call has it. */
  readonly layers: ReadonlyMap<string, Layer>;
  /** Containers that are an SE block or stand where one would, and what they are called. */
  readonly gates: ReadonlyMap<string, string>;
}

/** Two modules that need each other's results: none of them can be called as a whole. */
export class Entangled extends Error {
  readonly paths: readonly string[];

  constructor(paths: readonly string[]) {
    super(paths.join(", "));
    this.paths = paths;
  }
}

/** The steps of a container in an order in which every one follows those that it needs. Calls that no output needs come last. */
export function stepsOf(container: Container, { called }: Containers): Step[] {
  const children = new Map<string, Step>();
  const steps: Step[] = [];
  const made = new Map<Node, Step>();
  for (const call of container.calls) {
    const path = prefixesOf(call.node.name).find((prefix) => isBelow(prefix, container.path) && called.has(prefix));
    const child = path === undefined ? undefined : called.get(path)!;
    let step = child && children.get(child.path);
    if (!step) {
      step = child
        ? {
            name: relative(child.path, container.path),
            call: undefined,
            child,
            inputs: child.inputs,
            outputs: child.outputs,
          }
        : {
            name: relative(call.node.name, container.path),
            call,
            child: undefined,
            inputs: Object.values(call.inputs),
            outputs: [call.node],
          };
      if (child) children.set(child.path, step);
      steps.push(step);
    }
    for (const value of step.outputs) made.set(value, step);
  }

  const sorted: Step[] = [];
  const state = new Map<Step, "open" | "done">();
  const visit = (step: Step): void => {
    if (state.get(step) === "done") return;
    if (state.get(step) === "open") {
      throw new Entangled([...state].flatMap(([it, how]) => (how === "open" && it.child ? [it.child.path] : [])));
    }
    state.set(step, "open");
    for (const value of step.inputs) {
      const before = made.get(value);
      if (before) visit(before);
    }
    state.set(step, "done");
    sorted.push(step);
  };
  const isAlive = ({ call }: Step) => call === undefined || call.alive;
  steps.filter(isAlive).forEach(visit);
  return [...sorted, ...steps.filter((step) => !isAlive(step))];
}

/** The text of a step, with a mark for every value that it reads from a variable. */
interface Expression {
  readonly text: string;
  readonly reads: readonly Node[];
  readonly depth: number;
}

/** Calls in calls: conv, BatchNorm and activation are one line. */
const deepest = 3;
/** Of one expression that is written around another. */
const widest = 76;

/**
 * The lines of `forward`, its signature first.
 *
 * @param dropped a value in place of another: the forward as it would be without some submodules
 */
export function forwardOf(
  container: Container,
  steps: readonly Step[],
  network: Network,
  dropped: ReadonlyMap<Node, Node> = new Map(),
): string[] {
  const { forms, graph } = network;
  const isRoot = container.path === "";
  const actual = (value: Node): Node => {
    let at = value;
    while (dropped.has(at)) at = dropped.get(at)!;
    return at;
  };
  const alive = steps.filter(
    ({ call, outputs }) => (call === undefined || call.alive) && !outputs.some((it) => dropped.has(it)),
  );
  const results = container.outputs.map(actual);

  const uses = new Map<Node, number>();
  const use = (value: Node) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const step of alive) step.inputs.forEach((value) => use(actual(value)));
  results.forEach(use);

  // What is written around what: expressions that are read once wait for their reader.
  const waiting = new Map<Node, { readonly expression: Expression; readonly step: Step }>();
  const statements: { readonly outputs: readonly Node[]; readonly step: Step; readonly expression: Expression }[] = [];
  const marks: Node[] = [];
  const markOf = (value: Node): string => {
    if (!marks.includes(value)) marks.push(value);
    return `\u0001${marks.indexOf(value)}\u0002`;
  };
  const settle = (value: Node): Expression => {
    const pending = waiting.get(value);
    if (pending) {
      waiting.delete(value);
      statements.push({ outputs: [value], ...pending });
    }
    return { text: markOf(value), reads: [value], depth: 0 };
  };
  for (const step of alive) {
    const inputs = step.inputs.map(actual);
    const parts = inputs.map((value, index): Expression => {
      const pending = waiting.get(value);
      if (index === 0 && pending && mayWrap(step, pending, inputs)) {
        waiting.delete(value);
        return pending.expression;
      }
      return settle(value);
    });
    const expression: Expression = {
      text: textOf(
        step,
        parts.map(({ text }) => text),
        inputs,
      ),
      reads: parts.flatMap(({ reads }) => reads),
      depth: 1 + Math.max(0, ...parts.map(({ depth }) => depth)),
    };
    const [only, ...more] = step.outputs;
    if (only && more.length === 0 && uses.get(only) === 1) waiting.set(only, { expression, step });
    else statements.push({ outputs: step.outputs, step, expression });
  }
  const [result, ...others] = results;
  const returned = others.length === 0 ? waiting.get(result!) : undefined;
  if (returned) waiting.delete(result!);
  for (const value of [...waiting.keys()]) settle(value);

  return written();

  function mayWrap(
    step: Step,
    pending: { readonly expression: Expression; readonly step: Step },
    inputs: readonly Node[],
  ): boolean {
    const { expression } = pending;
    if (!step.call || inputs.length !== 1 || expression.depth >= deepest || lengthOf(expression.text) > widest)
      return false;
    const { op } = step.call;
    if (op.op === "batchNorm" || (!isLayer(op) && spelling[op.op].wraps === true)) return true;
    const before = pending.step.call?.op;
    return isLayer(op) && before !== undefined && !isLayer(before) && spelling[before.op].brief === true;
  }

  function textOf({ call, child }: Step, texts: readonly string[], inputs: readonly Node[]): string {
    if (child) return `${accessOf(child.module, container.module)}(${texts.join(", ")})`;
    const { op, layer } = call!;
    const formed = texts.map((text, index) => {
      const value = Object.values(call!.inputs)[index]!;
      return inForm(text, forms.of(inputs[index]!), forms.wanted(op, value));
    });
    if (layer) {
      const access = accessOf(layer.path, container.module);
      const first = network.layers.get(layer.path)!;
      return isFunctional(layer, first, forms)
        ? functionalText(access, formed[0]!, layer)
        : callText(access, formed[0]!, layer);
    }
    const names = Object.keys(call!.inputs);
    const named = Object.fromEntries(names.map((name, index) => [name, formed[index]!]));
    // The cast: a row spells the op that it is looked up for.
    const text = (spelling[op.op as keyof typeof spelling] as unknown as Spelled<"relu">).text(
      named as never,
      op as never,
    );
    const squeezes = op.op === "globalAvgPool" || op.op === "globalMaxPool";
    return squeezes && forms.of(op) === "map" ? text.replace(/\)$/, ", keepdim=True)") : text;
  }

  /** Names for the values: a variable goes on to the next value where its own is read for the last time. */
  function written(): string[] {
    const namer = new Namer(pythonWords, variables);
    const names = new Map<Node, string>();
    const outputName = new Map(graph.outputs.map(({ name, node }) => [node, name]));
    container.inputs.forEach((value, index) =>
      names.set(value, isRoot ? namer.name(value.name) : (["x", "y", "z"][index] ?? namer.name(`value_${index + 1}`))),
    );
    const last = new Map<Node, number>();
    statements.forEach(({ expression }, index) => expression.reads.forEach((value) => last.set(value, index)));
    returned?.expression.reads.forEach((value) => last.set(value, statements.length));
    if (!returned) results.forEach((value) => last.set(value, statements.length + 1));

    const lines: string[] = [];
    const parameters = container.inputs.map((value) => `${names.get(value)!}: Tensor`);
    const inUse = (index: number) =>
      new Set([...names].flatMap(([value, name]) => ((last.get(value) ?? -1) > index ? [name] : [])));
    const fill = (text: string) =>
      text.replace(/\u0001(\d+)\u0002/g, (_, mark: string) => names.get(marks[Number(mark)]!)!);
    statements.forEach(({ outputs, step, expression }, index) => {
      const text = fill(expression.text);
      const taken = inUse(index);
      const reads = expression.reads.map((value) => names.get(value)!);
      const pool = network.gates.has(container.path) ? ["x", "gate"] : variables;
      const chosen = outputs.map((value): string => {
        if (isRoot && graph.outputs.length > 1 && outputName.has(value)) return namer.name(outputName.get(value)!);
        if (outputs.length === 1) {
          const own = reads.find((name) => pool.includes(name) && !taken.has(name));
          const free = own ?? pool.find((name) => !taken.has(name));
          if (free !== undefined) return free;
        }
        const path = relative(value.name, step.child && outputs.length > 1 ? step.child.path : container.path);
        return namer.name(path.split(".")[0]!);
      });
      outputs.forEach((value, at) => {
        for (const [other, name] of names) if (name === chosen[at]) names.delete(other);
        names.set(value, chosen[at]!);
      });
      lines.push(`${chosen.join(", ")} = ${text}`);
    });
    const kind =
      isRoot && graph.outputs.length > 1 ? "dict[str, Tensor]" : others.length > 0 ? "tuple[Tensor, ...]" : "Tensor";
    return [`def forward(self, ${parameters.join(", ")}) -> ${kind}:`, ...lines, `return ${returnedText(fill, names)}`];
  }

  function returnedText(fill: (text: string) => string, names: ReadonlyMap<Node, string>): string {
    const flat = (text: string, value: Node) =>
      isRoot && value.type.shape.length === 2 ? inForm(text, forms.of(value), "vector") : text;
    if (returned) return flat(fill(returned.expression.text), result!);
    if (isRoot && graph.outputs.length > 1) {
      const members = graph.outputs.map(({ name, node }) => `${JSON.stringify(name)}: ${flat(names.get(node)!, node)}`);
      return `{${members.join(", ")}}`;
    }
    return results.map((value) => flat(names.get(value)!, value)).join(", ");
  }
}

/** Variables that come and go, in the order in which they are taken. */
const variables = ["x", "out", "y", "z"];

function lengthOf(text: string): number {
  return text.replace(/\u0001\d+\u0002/g, "out").length;
}

function inForm(text: string, is: "map" | "vector", wanted: "map" | "vector"): string {
  if (is === wanted) return text;
  return wanted === "map" ? `${operand(text)}[:, :, None, None]` : `${operand(text)}.flatten(1)`;
}

/** `self.layer1` , or by way of groups `self.left["0"]`. */
function accessOf(path: string, module: string): string {
  if (!isBelow(path, module)) throw new Bug(`${path} is not in ${module}`);
  const [first, ...rest] = relative(path, module).split(".");
  return memberOf(first!) + rest.map((label) => `[${JSON.stringify(label)}]`).join("");
}
