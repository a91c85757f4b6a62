import { Bug, type Problems, type Severity, type Span } from "../diagnostics.ts";
import type { Code } from "../codes.ts";
import { tryNode, type Insertion, type Node } from "../ir/graph.ts";
import type { AttrsOf, InputsOf, OpName } from "../ops/index.ts";
import type { ParameterRole } from "../ops/leaves.ts";
import type { Definition, Name, Statement } from "../syntax/ast.ts";
import { elementsPerImage, f32, sameType, typeText } from "../tensor/type.ts";
import { layerName, whence } from "./explain.ts";
import type { InsertContext } from "./insert.ts";
import type { SourceUnit } from "./load.ts";
import type { EnumType } from "./types.ts";
import type { Value } from "./values.ts";

/** What one run over a network has made so far. */
export interface Session {
  readonly problems: Problems;
  /** Every enum of the program: what a word could be a member of. */
  readonly enums: readonly EnumType[];
  /** Taken names by their lower-case form: files and folders may be named after them. */
  readonly names: Map<string, { readonly name: string; readonly span: Span }>;
  /** The last number given to a path whose name was taken: `layer1.0.relu` -> 3. */
  readonly counts: Map<string, number>;
  readonly parameters: Map<string, Node>;
  readonly inputs: Map<string, Node>;
  /** Every node but parameters and inputs, in order. */
  readonly made: Node[];
  readonly insertions: Insertion[];
  /** The `.scale` nodes, to notice two SE blocks at one point. */
  readonly scaled: Set<Node>;
  /** Calls of blocks whose names were taken already. */
  readonly clashed: Set<Call>;
  readonly inserts: InsertContext[];
  /** Blocks that use se and were not told: each is reported once. */
  readonly untold: Set<Definition>;
  /** The stages met, by number. */
  readonly stages: Map<number, Span>;
  /** Which items of a list were read, and which lists were read as a whole. */
  readonly readItems: Map<readonly Value[], Set<number>>;
  readonly readWhole: Set<readonly Value[]>;
  /** Statements that may still run: loops in loops must end while someone is watching. */
  budget: number;
  /** How many bodies are being run, one inside the other. */
  depth: number;
}

/** Where a statement stands: what its names mean, and what the things it makes are called. */
export interface Scope {
  readonly session: Session;
  readonly file: SourceUnit;
  readonly locals: Locals;
  /** Dotted prefix of the nodes made here; "" at the top of a network. */
  readonly path: string;
  /** Prefix of the weights: differs from `path` in the second call of a chain. */
  readonly weights: string;
  /** The instance whose points these are. */
  readonly unit: Unit | undefined;
  /** What the last `insert se(…)` above says. A body that holds one sees it from there on. */
  insertion: InsertContext | undefined;
  /** Where `output` puts its value; undefined in a block. */
  readonly outputs: Map<string, { readonly value: Value; readonly span: Span }> | undefined;
  readonly stage: number | undefined;
  /** Which unit of a repeat this is: decides `2 then 1`. */
  readonly index: number | undefined;
  /** The block instances around, innermost first. */
  readonly calls: readonly Call[];
}

export interface Unit {
  readonly definition: Definition;
  /** Of what it is given; undefined for a network. */
  readonly channels: number | undefined;
}

export interface Call {
  readonly name: string;
  readonly path: string;
  readonly span: Span;
}

/** `chain { … }` with the names that were visible where it stands. */
export interface Chain {
  readonly name: string;
  readonly body: readonly Statement[];
  readonly scope: Scope;
  readonly span: Span;
  /** Where its weights are, from the first call on. */
  weights: string | undefined;
}

/** Names and their values. A label names its step's result for the lines below it, and yields to any other name. */
export interface Locals {
  readonly values: Map<string, { readonly value: Value; readonly isLabel: boolean }>;
  readonly outer: Locals | undefined;
}

export const maxLayers = 10_000;
export const maxStatements = 100_000;
export const maxDepth = 64;
/** Of bodies in bodies, through all the blocks around: the checker recurses. */
export const maxNesting = 500;
export const maxElements = 2 ** 31;

/** One statement or one round of a loop. */
export function spend(scope: Scope, span: Span): void {
  if (--scope.session.budget >= 0) return;
  report(scope, "SE0315", "error", span, { message: `the program runs more than ${maxStatements} statements` });
  throw new Stop();
}

/** Thrown after the report of an error that makes going on pointless; caught by `check`. */
export class Stop extends Error {}

export function newLocals(outer?: Locals): Locals {
  return { values: new Map(), outer };
}

export function lookUp(locals: Locals, name: string): Value | undefined {
  for (let at: Locals | undefined = locals; at; at = at.outer) {
    const found = at.values.get(name);
    if (found) return found.value;
  }
  return undefined;
}

export function bindLocal(scope: Scope, name: string, value: Value): void {
  scope.locals.values.set(name, { value, isLabel: false });
}

export function bindLabel(scope: Scope, name: string, value: Value): void {
  for (let at: Locals | undefined = scope.locals; at; at = at.outer) {
    if (at.values.get(name)?.isLabel === false) return;
  }
  scope.locals.values.set(name, { value, isLabel: true });
}

export function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** A body of its own: its names end with it. */
export function inner(scope: Scope, changes: Partial<Pick<Scope, "path" | "weights" | "stage" | "index">> = {}): Scope {
  return { ...scope, locals: newLocals(scope.locals), ...changes };
}

/** The body of a labelled group; of the scope itself without a label. */
export function labelled(scope: Scope, label: Name | undefined): Scope {
  if (!label) return inner(scope);
  const name = claimLabel(scope, label);
  return inner(scope, { path: join(scope.path, name), weights: join(scope.weights, name) });
}

// --- names -------------------------------------------------------------------------------------------------------

/** The name of a step, relative to the scope: its label, or the op's name, numbered from the second on. */
export function claim(scope: Scope, label: Name | undefined, op: string, span: Span): string {
  return label ? claimLabel(scope, label) : claimFree(scope, op, span);
}

function claimLabel(scope: Scope, label: Name): string {
  const name = join(scope.path, label.text);
  const taken = scope.session.names.get(name.toLowerCase());
  if (!taken) {
    take(scope, name, label.span);
    return label.text;
  }
  const call = scope.calls[0];
  if (call && taken.span.start === label.span.start && taken.span.file === label.span.file) {
    clash(scope, call, label);
    return claimFree(scope, label.text, label.span);
  }
  const same = taken.name === name;
  report(scope, same ? "SE0212" : "SE0213", "error", label.span, {
    message: same
      ? `two layers are called \`${name}\``
      : `\`${name}\` and \`${taken.name}\` differ only in upper and lower case`,
    related: [{ span: taken.span, message: `\`${taken.name}\` is here` }],
    hint: same
      ? "labels are names of weights: give one of them another label, or put each into a labelled group or block"
      : "names become file names, and some file systems do not tell the two apart",
  });
  return claimFree(scope, label.text, label.span);
}

/** One line of a block made twice under one name: the block is applied twice without a label. One report a call. */
function clash(scope: Scope, call: Call, label: Name): void {
  if (scope.session.clashed.has(call)) return;
  scope.session.clashed.add(call);
  report({ ...scope, calls: scope.calls.slice(1) }, "SE0212", "error", call.span, {
    message: `two layers are called \`${join(scope.path, label.text)}\`: \`${call.name}\` stands here twice without a label`,
    related: [{ span: label.span, message: "the layer that would be made twice" }],
    hint: `write \`second: ${call.name}(…)\`: its layers are then called \`second.${label.text}\``,
  });
}

export function claimFree(scope: Scope, base: string, span: Span): string {
  const { names, counts } = scope.session;
  const path = join(scope.path, base);
  let count = counts.get(path) ?? 0;
  let name: string;
  do name = ++count === 1 ? base : `${base}_${count}`;
  while (names.has(join(scope.path, name).toLowerCase()));
  counts.set(path, count);
  take(scope, join(scope.path, name), span);
  return name;
}

function take(scope: Scope, name: string, span: Span): void {
  scope.session.names.set(name.toLowerCase(), { name, span });
}

// --- nodes -------------------------------------------------------------------------------------------------------

/** A step's name, relative to its scope, and where it was written. */
export interface Place {
  readonly scope: Scope;
  readonly name: string;
  readonly span: Span;
}

/** The node, or undefined after a report of the op's complaint. */
export function make<K extends OpName>(
  place: Place,
  op: K,
  inputs: Readonly<Record<InputsOf<K>, Node>>,
  attrs: AttrsOf<K>,
): Node | undefined {
  const { scope, span } = place;
  const name = join(scope.path, place.name);
  const made = tryNode(op, { name, span }, inputs, attrs);
  if ("complaint" in made) {
    const named = inputs as Readonly<Record<string, Node>>;
    report(scope, "SE0401", "error", span, {
      message: `\`${layerName(name)}\`: ${made.complaint}`,
      related: (made.about ?? []).flatMap((input) => {
        const node = named[input];
        return node && node.op !== "parameter" ? [whence(node, roleOf(input))] : [];
      }),
      hint: hintFor(op, named),
    });
    return undefined;
  }
  if (elementsPerImage(made.type) > maxElements) {
    report(scope, "SE0404", "error", span, {
      message: `\`${name}\` would be ${typeText(made.type)}: more than 2^31 elements`,
      related: Object.values<Node>(inputs)
        .filter((input) => input.op !== "parameter")
        .map((input) => whence(input)),
    });
    return undefined;
  }
  const node = made as Node;
  scope.session.made.push(node);
  if (scope.session.made.length > maxLayers) {
    report(scope, "SE0315", "error", span, { message: `the network has more than ${maxLayers} layers` });
    throw new Stop();
  }
  return node;
}

/** The trained tensor `<step>.<key>`; in a later call of a chain, the one that the first call made. */
export function weight(place: Place, key: string, shape: readonly number[], role: ParameterRole): Node | undefined {
  const { scope, span } = place;
  const name = join(join(scope.weights, place.name), key);
  const type = f32(...shape);
  const made = scope.session.parameters.get(name);
  if (made) {
    if (scope.weights === scope.path) throw new Bug(`two parameters are called ${name}`);
    if (sameType(made.type, type)) return made;
    report(scope, "SE0409", "error", span, {
      message: `\`${name}\` is shared: the first call made it ${typeText(made.type)}, this one needs ${typeText(type)}`,
      related: [{ span: made.span, message: "made here" }],
      hint: "every call of a chain must be given values with the same number of channels",
    });
    return undefined;
  }
  if (elementsPerImage(type) > maxElements) {
    report(scope, "SE0404", "error", span, {
      message: `the weight \`${name}\` would be ${typeText(type)}: more than 2^31 elements`,
    });
    return undefined;
  }
  const node = tryNode("parameter", { name, span }, {}, { type, role });
  if ("complaint" in node) throw new Bug(node.complaint);
  scope.session.parameters.set(name, node);
  return node;
}

function roleOf(input: string): string | undefined {
  if (input === "x") return undefined;
  return /^\d+$/.test(input) ? `value ${Number(input) + 1}` : input;
}

function hintFor(op: OpName, inputs: Readonly<Record<string, Node>>): string | undefined {
  if (op === "dense" && inputs["x"]?.type.shape.length === 4) {
    return "`gap` (the mean over the map) or `flatten` before it makes a vector";
  }
  if ((op === "globalAvgPool" || op === "globalMaxPool") && inputs["x"]?.type.shape.length === 2) {
    return "the map is already squeezed";
  }
  return undefined;
}

// --- reports -----------------------------------------------------------------------------------------------------

export interface Words {
  readonly message: string;
  readonly related?: readonly { readonly span: Span; readonly message: string }[];
  readonly hint?: string | undefined;
}

/** Reports with the block instance in which it happened, if any. */
export function report(scope: Scope, code: Code, severity: Severity, span: Span, words: Words): void {
  const calls = scope.calls
    .slice(0, 2)
    .map((call) => ({ span: call.span, message: `in \`${call.path || call.name}\`, an instance of \`${call.name}\`` }));
  const related = [...(words.related ?? []), ...calls];
  scope.session.problems.report({
    code,
    severity,
    span,
    message: words.message,
    ...(related.length > 0 ? { related } : {}),
    ...(words.hint === undefined ? {} : { hint: words.hint }),
  });
}
