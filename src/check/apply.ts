import type { Span } from "../diagnostics.ts";
import type { Arg, Definition, Name, Param } from "../syntax/ast.ts";
import { evaluate, evaluateAs, givesTensor } from "./evaluate.ts";
import { functions } from "./functions.ts";
import { claimUnit, finishUnit, passInsertion } from "./points.ts";
import type { InsertedBlock } from "./insert.ts";
import { isLayer, layers, type Layer } from "./layers.ts";
import { missing, type SourceUnit } from "./load.ts";
import { bindLocal, inner, join, lookUp, maxDepth, newLocals, report, Stop, type Chain, type Scope } from "./scope.ts";
import { claim, claimFree, labelled } from "./names.ts";
import { readSpec } from "./specs.ts";
import { runBody, runNetwork } from "./statements.ts";
import { didYouMean } from "../suggest.ts";
import { Act, tensor, typeOf, type Type } from "./types.ts";
import { describeValue, unknown, type Value } from "./values.ts";

/** An op, a block, a network, a chain or a value, applied: `conv 64, 3x3`, `bottleneck(64)`, `mlp(gap(x))`. */
export interface Application {
  readonly callee: Name;
  readonly args: readonly Arg[];
  readonly label: Name | undefined;
  readonly span: Span;
  /** Whether `->` stands before it: only then a value is meant to flow in. */
  readonly piped: boolean;
}

/**
 * Tensors that stand first among the arguments are what the callee is applied to, else the current value is.
 *
 * @param current undefined where nothing flows: inside an expression, at the top of a network
 */
export function applyCallee(scope: Scope, application: Application, current: Value | undefined): Value | undefined {
  const { callee, span } = application;
  const name = callee.text;
  if (Object.hasOwn(functions, name)) return evaluate({ kind: "call", callee, args: application.args, span }, scope);
  if (isLayer(name)) return applyLayer(scope, application, layers[name]!, current);

  const local = lookUp(scope.locals, name);
  if (local) return applyValue(scope, application, local, current);
  const declared = scope.file.names.get(name);
  if (!declared || declared === missing) return unknown;
  if (declared.kind === "enum") {
    report(scope, "SE0202", "error", callee.span, { message: `\`${name}\` is an enum: it cannot be applied` });
    return unknown;
  }
  const { tensors, rest } = split(scope, application.args);
  if (tensors.some(({ kind }) => kind === "unknown")) return unknown;
  const { definition, home } = declared;
  if (definition.kind === "network") return instantiateNetwork(scope, application, definition, home);
  const input = tensors.length > 0 ? tensors[0] : current;
  if (tensors.length > 1) {
    report(scope, "SE0304", "error", span, {
      message: `a block is applied to one value, but here are ${tensors.length}`,
    });
    return unknown;
  }
  return instantiate(scope, { ...application, args: rest }, definition, home, input);
}

// --- ops ---------------------------------------------------------------------------------------------------------

function applyLayer(scope: Scope, application: Application, layer: Layer, current: Value | undefined): Value {
  const { callee, span, label } = application;
  const { tensors, rest } = split(scope, application.args, layer.variadic === true);
  // It may have been meant as any argument: what is missing without it cannot be told.
  if (tensors.some(({ kind }) => kind === "unknown")) return unknown;
  const inputs = tensors.length > 0 ? tensors : current ? [current] : [];
  const specs = layer.specs;
  const matched = match(scope, callee.text, Object.keys(specs), rest, span, (name) => "fallback" in specs[name]!);

  const args: Record<string, unknown> = {};
  let known = matched !== undefined;
  for (const [name, spec] of Object.entries(specs)) {
    const arg = matched?.get(name);
    if (!arg?.value) {
      args[name] = spec.fallback?.value;
      continue;
    }
    const value = evaluateAs(arg.value, spec.type, scope, `\`${name}\` of \`${callee.text}\``);
    if (value.kind === "unknown") {
      known = false;
      continue;
    }
    const read = readSpec(spec, value);
    if ("fault" in read) {
      report(scope, "SE0307", "error", arg.value.span, { message: `\`${name}\` ${read.fault}` });
      known = false;
    } else args[name] = read.value;
  }
  const nodes = inputs.flatMap((value) => (value.kind === "tensor" ? [value.node] : []));
  const [first, ...others] = nodes;
  if (inputs.some((value) => value.kind === "unknown") || !known) return unknown;
  if (!first || nodes.length !== inputs.length || (others.length > 0 && !layer.variadic)) {
    return notOne(scope, application, inputs);
  }
  // Dropout is a node in training only: its name must not be one that a layer might have.
  const name = callee.text === "dropout" ? claimFree(scope, "~dropout", span) : claim(scope, label, callee.text, span);
  const node = layer.lower({ scope, name, span }, [first, ...others], args);
  return node ? { kind: "tensor", node } : unknown;
}

function notOne(scope: Scope, { callee, span }: Application, inputs: readonly Value[]): Value {
  const wrong = inputs.find((value) => value.kind !== "tensor");
  const name = callee.text;
  if (inputs.length === 0) {
    report(scope, "SE0406", "error", span, {
      message: `there is no value that \`${name}\` could be applied to`,
      hint: `an \`input\` comes first; inside an expression the value is the first argument: \`${name}(x)\``,
    });
  } else {
    report(scope, "SE0301", "error", span, {
      message: wrong
        ? `\`${name}\` is applied to a tensor, but here is ${describeValue(wrong)}`
        : `\`${name}\` is applied to one tensor, but here are ${inputs.length}`,
    });
  }
  return unknown;
}

// --- values ------------------------------------------------------------------------------------------------------

function applyValue(scope: Scope, application: Application, value: Value, current: Value | undefined): Value {
  const { callee, args, span, piped } = application;
  const isFunction = value.kind === "chain" || (value.kind === "enum" && value.type === Act);
  // `let half = width`
  if (args.length === 0 && !piped && !isFunction) return value;
  switch (value.kind) {
    case "unknown":
      return value;
    case "tensor":
    case "outputs":
      if (args.length === 0) return value;
      break;
    case "chain": {
      const { tensors, rest } = split(scope, args);
      if (rest.some(({ value: given }) => given && evaluate(given, scope).kind === "unknown")) return unknown;
      if (rest.length > 0 || tensors.length > 1) break;
      return runChain(scope, application, value.chain, tensors.length > 0 ? tensors[0] : current);
    }
    case "enum": {
      if (value.type !== Act) break;
      const { tensors, rest } = split(scope, args);
      if (rest.length > 0) break;
      if (value.member === "none") return tensors[0] ?? current ?? unknown;
      return applyLayer(
        scope,
        { ...application, callee: { ...callee, text: value.member }, args: tensors.length > 0 ? args : [] },
        layers[value.member]!,
        current,
      );
    }
    default:
      break;
  }
  report(scope, "SE0202", "error", span, {
    message: `\`${callee.text}\` is ${describeValue(value)}: it cannot be applied${args.length > 0 ? " to these arguments" : ""}`,
  });
  return unknown;
}

function runChain(scope: Scope, { callee, span }: Application, chain: Chain, input: Value | undefined): Value {
  if (!input) {
    report(scope, "SE0406", "error", span, {
      message: `there is no value that \`${callee.text}\` could be applied to`,
    });
    return unknown;
  }
  if (input.kind === "unknown") return unknown;
  deeper(scope, callee.text, span);
  const home = chain.scope;
  const name = claimFree(home, chain.name, span);
  chain.weights ??= join(home.weights, name);
  const calls = [{ name: chain.name, path: join(home.path, name), span }, ...scope.calls];
  const body: Scope = {
    ...inner(home, { path: join(home.path, name), weights: chain.weights }),
    calls,
  };
  bindLocal(body, "x", input);
  return runBody(chain.body, body, input) ?? unknown;
}

// --- blocks and networks -----------------------------------------------------------------------------------------

function instantiate(
  scope: Scope,
  application: Application,
  definition: Definition,
  home: SourceUnit,
  input: Value | undefined,
): Value {
  const { callee, args, span } = application;
  if (!input) {
    report(scope, "SE0406", "error", span, {
      message: `there is no value that \`${callee.text}\` could be applied to`,
      hint: "an `input` comes first",
    });
    return unknown;
  }
  const body: Scope = {
    ...bodyScope(scope, application, home),
    insertion: passInsertion(scope, definition, span),
    outputs: undefined,
  };
  const complete = bindParams(definition, args, scope, body, span);
  bindLocal(body, "x", input);
  if (!complete || input.kind === "unknown") return unknown;
  remember(body, application, definition);
  const unit = claimUnit(body, definition, input);
  const result = runBody(definition.body, unit, input);
  finishUnit(unit, span);
  return result ?? unknown;
}

/** The block that an insertion names, applied at a point: its layers are called `<name>.…`. */
export function instantiateInserted(scope: Scope, block: InsertedBlock, name: string, value: Value): Value {
  const { definition, home, args, span } = block;
  if (block.failed) return unknown;
  const place = inner(scope, { path: join(scope.path, name), weights: join(scope.weights, name) });
  const application = { callee: definition.name, args, label: undefined, span, piped: true };
  const body: Scope = { ...bodyScope(place, application, home), outputs: undefined };
  block.failed = !bindParams(definition, args, block.scope, body, span);
  bindLocal(body, "x", value);
  return block.failed ? unknown : (runBody(definition.body, body, value) ?? unknown);
}

function instantiateNetwork(scope: Scope, application: Application, definition: Definition, home: SourceUnit): Value {
  const { callee, args, span } = application;
  if (application.piped) {
    report(scope, "SE0304", "error", span, {
      message: `\`${callee.text}\` is a network: it has inputs of its own, and takes no value`,
      hint: `\`let body = ${callee.text}()\` calls it; a block takes the value that flows in`,
    });
    return unknown;
  }
  const body = bodyScope(scope, application, home);
  if (!bindParams(definition, args, scope, body, span)) return unknown;
  remember(body, application, definition);
  const outputs = new Map([...runNetwork(definition, body)].map(([name, { value }]) => [name, value]));
  const [only, ...more] = outputs.values();
  if (only && more.length === 0) return only;
  return { kind: "outputs", network: callee.text, outputs };
}

/** What a prefix is an instance of: its label's, or that of the unit or the round of a loop in which it stands first. */
function remember({ session, path }: Scope, { label }: Application, { name }: Definition): void {
  const isItsOwn = label !== undefined || /(^|\.)\d+$/.test(path);
  if (isItsOwn && !session.blocks.has(path)) session.blocks.set(path, name.text);
}

/** Where the body of what is applied stands: around it is what `scope` says, inside nothing is known yet. */
function bodyScope(scope: Scope, { callee, label, span }: Application, home: SourceUnit): Scope {
  deeper(scope, callee.text, span);
  const named = labelled(scope, label);
  return {
    ...named,
    file: home,
    locals: newLocals(),
    calls: [{ name: callee.text, path: named.path, span }, ...scope.calls],
    insertion: undefined,
    index: undefined,
    unit: undefined,
  };
}

/** A block that instantiates itself must end by a condition; this one has not so far. */
function deeper(scope: Scope, name: string, span: Span): void {
  if (scope.calls.length < maxDepth) return;
  const around = [...new Set(scope.calls.map((call) => call.name))];
  report({ ...scope, calls: [] }, "SE0314", "error", span, {
    message: `\`${name}\` is instantiated more than ${maxDepth} deep, inside ${around.map((it) => `\`${it}\``).join(", ")}`,
    hint: "a block that contains itself needs a condition that ends it; for repetition there are `3 of …` and `for`",
  });
  throw new Stop();
}

/** Binds the parameters in `body`; arguments mean what they mean in `scope`. False if one of them is not known. */
export function bindParams(
  definition: Definition,
  args: readonly Arg[],
  scope: Scope,
  body: Scope,
  span: Span,
  given: ReadonlyMap<string, Value> = new Map(),
): boolean {
  const { params, name } = definition;
  const names = params.map((param) => param.name.text);
  const matched = match(
    scope,
    name.text,
    names,
    args,
    span,
    (it) => given.has(it) || paramNamed(params, it).default !== undefined,
  );
  let complete = matched !== undefined;
  for (const param of params) {
    const type = paramType(param, body.file);
    const what = `\`${param.name.text}\` of \`${name.text}\``;
    const arg = matched?.get(param.name.text);
    let value: Value = given.get(param.name.text) ?? unknown;
    if (value.kind !== "unknown") {
      bindLocal(body, param.name.text, value);
      continue;
    }
    if (type && arg?.value) value = evaluateAs(arg.value, type, scope, what);
    else if (type && matched && param.default) value = evaluateAs(param.default, type, body, what);
    if (value.kind === "unknown") complete = false;
    bindLocal(body, param.name.text, value);
  }
  return complete;
}

export function paramType(param: Param, file: SourceUnit): Type | undefined {
  return typeOf(param.type, (name) => {
    const declared = file.names.get(name);
    return declared?.kind === "enum" ? declared.type : undefined;
  });
}

function paramNamed(params: readonly Param[], name: string): Param {
  return params.find((param) => param.name.text === name)!;
}

// --- arguments ---------------------------------------------------------------------------------------------------

/** The leading positional arguments that are tensors, evaluated, and the other arguments. */
function split(scope: Scope, args: readonly Arg[], all = false): { tensors: Value[]; rest: readonly Arg[] } {
  const tensors: Value[] = [];
  let i = 0;
  for (; i < args.length; i++) {
    const { name, value } = args[i]!;
    if (name || !value || !(all || givesTensor(value, scope))) break;
    tensors.push(evaluateAs(value, tensor, scope, "this argument"));
  }
  return { tensors, rest: args.slice(i) };
}

const argumentsElsewhere: ReadonlyMap<string, string> = new Map([
  ["stride", "a stride stands beside its window: `3x3 / 2`"],
  ["strides", "a stride stands beside its window: `3x3 / 2`"],
  ["activation", "an activation is a step of its own: `conv 64, 3x3 -> relu`"],
]);

/** Which argument goes to which parameter: first those in order, then those with a name. */
function match(
  scope: Scope,
  callee: string,
  names: readonly string[],
  args: readonly Arg[],
  span: Span,
  mayBeMissing: (name: string) => boolean,
): Map<string, Arg> | undefined {
  const matched = new Map<string, Arg>();
  const expects = names.length === 0 ? `\`${callee}\` takes none` : `\`${callee}\` takes ${names.join(", ")}`;
  let failed = false;
  const fail = (code: "SE0302" | "SE0303" | "SE0304", at: Span, message: string, hint: string) => {
    failed = true;
    report(scope, code, "error", at, { message, hint });
  };
  args.forEach((arg, position) => {
    const name = arg.name?.text ?? names[position];
    if (name === undefined) {
      return fail("SE0304", arg.span, `\`${callee}\` has an argument too many`, expects);
    }
    if (!names.includes(name)) {
      return fail(
        "SE0303",
        arg.name!.span,
        `\`${callee}\` has no argument \`${name}\``,
        argumentsElsewhere.get(name) ?? didYouMean(name, names) ?? expects,
      );
    }
    const earlier = matched.get(name);
    if (earlier) return fail("SE0304", arg.span, `\`${name}\` is given twice`, expects);
    if (!arg.value) return fail("SE0302", arg.span, `\`${name}\` needs a value`, `write \`${name}: …\``);
    matched.set(name, arg);
  });
  for (const name of names) {
    if (!matched.has(name) && !mayBeMissing(name) && !failed)
      fail("SE0302", span, `\`${callee}\` needs \`${name}\``, expects);
  }
  return failed ? undefined : matched;
}
