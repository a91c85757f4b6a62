import type { Problems, Severity, Span } from "../diagnostics.ts";
import type { Code } from "../codes.ts";
import type { Insertion, Node, Repeat } from "../ir/graph.ts";
import type { Definition, Statement } from "../syntax/ast.ts";
import type { InsertContext } from "./insert.ts";
import type { SourceUnit } from "./load.ts";
import type { EnumType } from "./types.ts";
import type { Value } from "./values.ts";

/** What one run over a network has made so far. */
export interface Session {
  readonly problems: Problems;
  /** Whether dropout makes a node. */
  readonly training: boolean;
  /** Every enum of the program: what a word could be a member of. */
  readonly enums: readonly EnumType[];
  /** Taken names by their lower-case form: files and folders may be named after them. */
  readonly names: Map<string, { readonly name: string; readonly span: Span }>;
  /** The labelled groups, by their paths. */
  readonly groups: Set<string>;
  /** The last number given to a path whose name was taken: `layer1.0.relu` -> 3. */
  readonly counts: Map<string, number>;
  readonly parameters: Map<string, Node>;
  readonly inputs: Map<string, Node>;
  /** Every node but parameters and inputs, in order. */
  readonly made: Node[];
  readonly insertions: Insertion[];
  readonly repeats: Repeat[];
  /** By prefix: the block that was applied there; the first, where several stand in one place. */
  readonly blocks: Map<string, string>;
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
