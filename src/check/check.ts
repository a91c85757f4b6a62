import { Bug, Problems } from "../diagnostics.ts";
import { graphOf, inputsOf, type Graph, type Node } from "../ir/graph.ts";
import { verify } from "../ir/verify.ts";
import type { Definition, Expr } from "../syntax/ast.ts";
import { parseLiteral } from "../syntax/parse.ts";
import { bindParams, paramType } from "./apply.ts";
import { evaluateAs } from "./evaluate.ts";
import { finishInsertions } from "./insert.ts";
import { load, type Program, type SourceUnit } from "./load.ts";
import { enumsOf, resolve } from "./resolve.ts";
import { lookUp, maxStatements, newLocals, report, Stop, type Scope, type Session } from "./scope.ts";
import { runNetwork } from "./statements.ts";
import { didYouMean } from "../suggest.ts";
import type { Type } from "./types.ts";
import { unknown, type Value } from "./values.ts";

export interface CheckOptions {
  /** Path of the entry, relative to the project root, POSIX. */
  readonly entry: string;
  /** The text of a file of the project, or undefined if there is none. The library `std/…` is not asked for. */
  readonly load: (path: string) => string | undefined;
  /** Needed if the entry declares several networks. */
  readonly network?: string | undefined;
  /** Values of the network's parameters, as literals of the language: `ratio` -> `8`. */
  readonly set?: ReadonlyMap<string, string> | Readonly<Record<string, string>> | undefined;
  readonly problems: Problems;
  /** Also make what acts in training only: dropout. */
  readonly training?: boolean;
}

/** From source to graph: files, names, then one run over the network. Undefined if anything was wrong. */
export function check(options: CheckOptions): Graph | undefined {
  const { problems } = options;
  const program = load(options.entry, options.load, problems);
  if (!program) return undefined;
  const unused = resolve(program, problems);
  const definition = choose(program, options.network, problems);
  const graph = definition && elaborate(program, definition, options);
  // Where something is wrong, other things seem unused.
  if (graph) for (const warning of unused) problems.report(warning);
  return graph;
}

/** What tools ask about a file before they compile it. */
export interface Outline {
  readonly networks: readonly NetworkOutline[];
  /** Every file that was read, with its text; `std/…` among them. */
  readonly files: ReadonlyMap<string, string>;
}

export interface NetworkOutline {
  readonly name: string;
  readonly doc: readonly string[];
  readonly params: readonly {
    readonly name: string;
    readonly doc: readonly string[];
    readonly type: string;
    /** As written; undefined if it must be given. */
    readonly default: string | undefined;
  }[];
}

export function outline({ entry, load: read, problems }: Pick<CheckOptions, "entry" | "load" | "problems">): Outline {
  const program = load(entry, read, problems);
  if (!program) return { networks: [], files: new Map() };
  const text = ({ start, end }: { start: number; end: number }) => program.entry.source.slice(start, end);
  const networks = networksOf(program.entry).map(({ name, doc, params }) => ({
    name: name.text,
    doc,
    params: params.map((param) => ({
      name: param.name.text,
      doc: param.doc,
      type: text(param.type.span),
      default: param.default && text(param.default.span),
    })),
  }));
  return { networks, files: new Map([...program.files].map(([path, unit]) => [path, unit.source])) };
}

function networksOf(unit: SourceUnit): readonly Definition[] {
  return unit.file.declarations.flatMap((it) => (it.kind === "network" ? [it] : []));
}

function choose(program: Program, wanted: string | undefined, problems: Problems): Definition | undefined {
  const networks = networksOf(program.entry);
  const names = networks.map((network) => network.name.text);
  const found = wanted === undefined ? undefined : networks.find((network) => network.name.text === wanted);
  if (found) return found;
  const [only] = networks;
  if (only && networks.length === 1 && wanted === undefined) return only;
  const { path } = program.entry;
  if (networks.length === 0) {
    // That nothing at all is declared has been said.
    if (program.entry.file.declarations.length === 0) return undefined;
    problems.report({
      code: "SE0209",
      severity: "error",
      message: `${path} declares no network`,
      span: { file: path, start: 0, end: 0 },
      hint: "write `network Name() { … }`; blocks alone cannot be compiled",
    });
  } else if (wanted === undefined) {
    // Two of one name cannot be told apart by naming one; that they clash has been said.
    if (new Set(names).size < names.length) return undefined;
    problems.report({
      code: "SE0210",
      severity: "error",
      message: `${path} declares ${networks.length} networks: ${names.join(", ")}`,
      hint: `choose one with \`--network ${names[0]}\``,
    });
  } else {
    problems.report({
      code: "SE0210",
      severity: "error",
      message: `${path} declares no network \`${wanted}\``,
      hint: didYouMean(wanted, names) ?? `it declares ${names.join(", ")}`,
    });
  }
  return undefined;
}

function elaborate(
  program: Program,
  definition: Definition,
  { set, problems, training = false }: CheckOptions,
): Graph | undefined {
  const session: Session = {
    problems,
    training,
    enums: enumsOf(program),
    names: new Map(),
    counts: new Map(),
    parameters: new Map(),
    inputs: new Map(),
    made: [],
    insertions: [],
    repeats: [],
    blocks: new Map(),
    scaled: new Set(),
    clashed: new Set(),
    groups: new Set(),
    inserts: [],
    untold: new Set(),
    stages: new Map(),
    readItems: new Map(),
    readWhole: new Set(),
    budget: maxStatements,
    depth: 0,
  };
  const scope: Scope = {
    session,
    file: program.entry,
    locals: newLocals(),
    path: "",
    weights: "",
    unit: undefined,
    insertion: undefined,
    outputs: undefined,
    stage: undefined,
    index: undefined,
    calls: [],
  };
  try {
    const given = readSet(definition, set, scope);
    if (!given || !bindParams(definition, [], scope, scope, definition.name.span, given)) return undefined;
    const outputs = runNetwork(definition, scope);
    finishInsertions(session, scope);
    if (outputs.size === 0) {
      report(scope, "SE0408", "error", definition.name.span, {
        message: `the network \`${definition.name.text}\` has no output`,
        hint: "write `output logits: f32[N, classes]` where the value is complete",
      });
    }
    if (problems.failed) return undefined;

    const made = [...outputs].map(([name, { value }]) => {
      if (value.kind !== "tensor") throw new Bug(`the output ${name} is unknown, and nothing was reported`);
      return { name, node: value.node };
    });
    const graph = graphOf(definition.name.text, made, session.insertions, session.repeats);
    warnOfUnused(graph, session, scope);
    warnOfUnreadItems(definition, scope);
    verify(graph, "check");
    const names = new Set(graph.nodes.map((node) => node.name));
    const insertions = graph.insertions.filter((it) => names.has(`${it.name}.scale`));
    return { ...graph, insertions, blocks: session.blocks };
  } catch (stop) {
    if (stop instanceof Stop) return undefined;
    throw stop;
  }
}

/** `blocks[0]` to `blocks[3]` of a list of five: the fifth was meant for something. */
function warnOfUnreadItems(definition: Definition, scope: Scope): void {
  const { readItems, readWhole } = scope.session;
  for (const { name } of definition.params) {
    const value = lookUp(scope.locals, name.text);
    const read = value?.kind === "list" ? readItems.get(value.items) : undefined;
    if (value?.kind !== "list" || !read || readWhole.has(value.items) || read.size === value.items.length) continue;
    const unread = value.items.findIndex((_, index) => !read.has(index));
    report(scope, "SE0216", "warning", name.span, {
      message: `\`${name.text}\` has ${value.items.length} items, but item ${unread} is never read`,
      hint: "items are numbered from 0",
    });
  }
}

/** The values of `--set`, or undefined after a report. */
function readSet(
  definition: Definition,
  set: CheckOptions["set"],
  scope: Scope,
): ReadonlyMap<string, Value> | undefined {
  const { problems } = scope.session;
  const given = new Map<string, Value>();
  const entries = set instanceof Map ? [...(set as ReadonlyMap<string, string>)] : Object.entries(set ?? {});
  const names = definition.params.map((param) => param.name.text);
  let failed = false;
  for (const [name, text] of entries) {
    const param = definition.params.find((it) => it.name.text === name);
    const type = param && paramType(param, scope.file);
    if (!param) {
      const all = names.length > 0 ? `it has ${names.join(", ")}` : "it has none";
      const near = didYouMean(name, names);
      problems.report({
        code: "SE0310",
        severity: "error",
        message: `\`${definition.name.text}\` has no parameter \`${name}\``,
        hint: near ? `${near} ${all}` : all,
      });
      failed = true;
    }
    // A parameter of an unknown type is reported where it is declared.
    if (!type) continue;
    const value = readLiteral(text, type, `\`${name}\` of \`${definition.name.text}\``, scope);
    if (value.kind === "unknown") failed = true;
    given.set(name, value);
  }
  return failed ? undefined : given;
}

/** What was given from outside has no place in a file: its errors have words only. */
function readLiteral(text: string, type: Type, what: string, scope: Scope): Value {
  const { problems } = scope.session;
  const own = new Problems();
  const literal = parseLiteral(text, own);
  if (!literal) {
    problems.report({
      code: "SE0311",
      severity: "error",
      message: `\`${text}\` is no value for ${what}: ${own.list[0]?.message ?? "it is not a literal"}`,
      hint: "a value is written as in the source: `16`, `0.5`, `true`, `standard`, `3x3`, `[3, 4]`",
    });
    return unknown;
  }
  const isItem = type.kind === "list" && literal.kind !== "list";
  const expr: Expr = isItem ? { kind: "list", items: [literal], span: literal.span } : literal;
  const value = evaluateAs(expr, type, { ...scope, session: { ...scope.session, problems: own } }, what);
  for (const { code, severity, message, hint } of own.list) {
    const words = message.includes(what) ? message : `${what}: ${message}`;
    problems.report({ code, severity, message: words, ...(hint === undefined ? {} : { hint }) });
  }
  return value;
}

/** Layers that no output needs: of each unused part only its last layers. */
function warnOfUnused(graph: Graph, session: Session, scope: Scope): void {
  const needed = new Set(graph.nodes);
  const read = new Set<Node>();
  for (const node of session.made) for (const input of inputsOf(node)) read.add(input);
  for (const input of session.inputs.values()) {
    if (!needed.has(input) && !read.has(input)) {
      report(scope, "SE0407", "warning", input.span, { message: `the input \`${input.name}\` is not used` });
    }
  }
  for (const node of session.made) {
    if (needed.has(node) || read.has(node)) continue;
    report(scope, "SE0407", "warning", node.span, { message: `no output needs \`${node.name}\`` });
  }
}
