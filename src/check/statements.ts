import type { Span } from "../diagnostics.ts";
import { tryNode, type Node } from "../ir/graph.ts";
import type {
  Concat,
  Definition,
  ForStatement,
  InputStatement,
  OutputStatement,
  Pipeline,
  Repeat,
  Residual,
  Statement,
  Step,
  TensorTypeExpr,
} from "../syntax/ast.ts";
import { f32, sameShape, sameType, typeText, type Dim, type TensorType } from "../tensor/type.ts";
import { applyCallee } from "./apply.ts";
import { evaluate, evaluateAs, evaluateInt, truth } from "./evaluate.ts";
import { whence, whenceOf } from "./explain.ts";
import { readImage } from "./inputs.ts";
import { finishUnit, insertSe, isAt, runInsert, runPoint, writesPoint } from "./insert.ts";
import {
  bindLabel,
  bindLocal,
  claimFree,
  inner,
  join,
  labelled,
  lookUp,
  make,
  maxElements,
  maxNesting,
  report,
  spend,
  Stop,
  type Scope,
} from "./scope.ts";
import { Join } from "./types.ts";
import { describeValue, unknown, type Value } from "./values.ts";

/**
 * Runs statements one after the other on the current value.
 *
 * @param value what flows in; undefined at the top of a network, before its input
 */
export function runBody(body: readonly Statement[], scope: Scope, value: Value | undefined): Value | undefined {
  const { session } = scope;
  if (++session.depth > maxNesting) {
    const span = body[0]?.span ?? scope.calls[0]!.span;
    report({ ...scope, calls: [] }, "SE0314", "error", span, {
      message: `bodies are nested more than ${maxNesting} deep, with those of the blocks around`,
    });
    throw new Stop();
  }
  let current = value;
  for (const statement of body) current = runStatement(statement, scope, current);
  session.depth--;
  return current;
}

/** Runs a network's body and gives its outputs. */
export function runNetwork(definition: Definition, scope: Scope): NonNullable<Scope["outputs"]> {
  const outputs: NonNullable<Scope["outputs"]> = new Map();
  const body: Scope = { ...scope, unit: { definition, channels: undefined }, outputs };
  runBody(definition.body, body, undefined);
  finishUnit(body, definition.name.span);
  return outputs;
}

function runStatement(statement: Statement, scope: Scope, current: Value | undefined): Value | undefined {
  spend(scope, statement.span);
  switch (statement.kind) {
    case "input":
      return runInput(statement, scope);
    case "output":
      runOutput(statement, scope, current);
      return current;
    case "insert":
      runInsert(statement, scope);
      return current;
    case "let": {
      const { name, value } = statement;
      const bound: Value =
        value.kind === "chain"
          ? { kind: "chain", chain: { name: name.text, body: value.body, scope, span: value.span, weights: undefined } }
          : (runPipeline(value, scope, current) ?? unknown);
      bindLocal(scope, name.text, bound);
      return current;
    }
    case "flow":
      return runPipeline(statement.pipeline, scope, current, true);
    case "if": {
      const condition = truth(statement.condition, scope);
      if (condition === undefined) return unknown;
      return runBody(condition ? statement.then : statement.otherwise, scope, current);
    }
    case "for":
      return runFor(statement, scope, current);
    default:
      return statement satisfies never;
  }
}

/** Iteration i is a group of the name i: `0.conv`, `1.conv`. */
function runFor(statement: ForStatement, scope: Scope, value: Value | undefined): Value | undefined {
  const from = evaluateInt(statement.from, scope, "the start of a loop");
  const to = evaluateInt(statement.to, scope, "the end of a loop");
  if (from === undefined || to === undefined) return unknown;
  let current = value;
  for (let i = from; i < to; i++) {
    spend(scope, statement.span);
    const path = { path: join(scope.path, String(i)), weights: join(scope.weights, String(i)) };
    const body = inner(scope, path);
    bindLocal(body, statement.variable.text, { kind: "int", value: i });
    current = runBody(statement.body, body, current);
  }
  return current;
}

// --- pipelines ---------------------------------------------------------------------------------------------------

/**
 * @param isFlow a line on its own: must give a tensor, while a `let` may hold any value
 */
export function runPipeline(
  pipeline: Pipeline,
  scope: Scope,
  current: Value | undefined,
  isFlow = false,
): Value | undefined {
  let value = current;
  for (const step of pipeline.steps) {
    value = runStep(step, scope, value);
    if (step.label && value) bindLabel(scope, step.label.text, value);
  }
  if (isFlow && value && value.kind !== "tensor" && value.kind !== "unknown" && value.kind !== "outputs") {
    report(scope, "SE0301", "error", pipeline.span, {
      message: `a line of a network gives a tensor, but this gives ${describeValue(value)}`,
      hint: "`let name = …` names a value",
    });
    return unknown;
  }
  return value;
}

function runStep(step: Step, scope: Scope, current: Value | undefined): Value | undefined {
  const { action, label, span } = step;
  switch (action.kind) {
    case "apply":
      return applyCallee(scope, { callee: action.callee, args: action.args, label, span }, current);
    case "value":
      return evaluate(action.expr, scope, undefined, label);
    default:
      break;
  }
  if (!current) {
    report(scope, "SE0406", "error", span, { message: "nothing flows here yet", hint: "an `input` comes first" });
    return unknown;
  }
  if (current.kind === "unknown") return unknown;
  if (current.kind !== "tensor") {
    report(scope, "SE0301", "error", span, {
      message: `a tensor is needed here, but this is ${describeValue(current)}`,
    });
    return unknown;
  }
  switch (action.kind) {
    case "point":
      return runPoint(action, label, scope, current);
    case "group":
      return runBody(action.body, labelled(scope, label), current);
    case "repeat":
      return runRepeat(action, step, scope, current);
    case "residual":
      return runResidual(action, labelled(scope, label), current);
    case "concat":
      return runConcat(action, step, scope, current);
    default:
      return action satisfies never;
  }
}

/** Unit i is called `<label>.i`. */
function runRepeat(action: Repeat, step: Step, scope: Scope, value: Value): Value {
  const count = evaluateInt(action.count, scope, "the number of units");
  const stage = action.stage ? evaluateInt(action.stage, scope, "the number of a stage") : scope.stage;
  if (count === undefined || (action.stage && stage === undefined)) return unknown;
  if (count < 0) {
    report(scope, "SE0307", "error", action.count.span, { message: `there cannot be ${count} units` });
    return unknown;
  }
  if (action.stage) {
    const other = scope.session.stages.get(stage!);
    if (
      other &&
      scope.path === scope.weights &&
      (other.start !== action.span.start || other.file !== action.span.file)
    ) {
      report(scope, "SE0203", "error", action.stage.span, {
        message: `there are two stages ${stage}`,
        related: [{ span: other, message: "the other one is here" }],
      });
    }
    scope.session.stages.set(stage!, action.span);
  }
  const group = labelled(scope, step.label);
  let current: Value = value;
  for (let index = 0; index < count; index++) {
    spend(scope, action.span);
    const label = { text: String(index), span: action.unit.span };
    const unit = { ...group, stage, index };
    current = applyCallee(unit, { ...action.unit, label }, current) ?? unknown;
  }
  return current;
}

/** Every arm starts from the current value; their results are concatenated in order. */
function runConcat(action: Concat, step: Step, scope: Scope, value: Value): Value {
  const group = labelled(scope, step.label);
  const arms = action.arms.map((arm) => ({
    arm,
    value: runBody(arm.body, labelled(group, arm.label), value) ?? unknown,
  }));
  const nodes = arms.flatMap((it) => (it.value.kind === "tensor" ? [it.value.node] : []));
  if (nodes.length !== arms.length) return unknown;
  return concatenate(
    group,
    nodes,
    step.span,
    action.arms.map(({ label }, i) => (label ? `\`${label.text}\`` : `arm ${i + 1}`)),
  );
}

// --- residual units ----------------------------------------------------------------------------------------------

/**
 *   branch = standard(body(pre(x)))
 *   skip   = identity(projection(x))
 *   result = post(after(branch + skip))
 *
 * where each point is an SE block if the insertion names it and the text does not write it itself. Without its
 * condition (`when`) there is no skip: result = post(after(branch)).
 */
function runResidual(action: Residual, scope: Scope, x: Value): Value {
  if (scope.insertion) scope.insertion.reached = true;
  const implied = (point: string) =>
    isAt(scope, point) &&
    !writesPoint(action.branch, point) &&
    !(action.skip && writesPoint(action.skip.body, point)) &&
    !action.after?.steps.some((it) => it.action.kind === "point" && it.action.name === point);
  const at = (point: string, value: Value): Value =>
    value.kind === "tensor" && implied(point) ? insertSe(scope, value, headOf(action)) : value;

  const condition = action.when ? truth(action.when, scope) : true;
  const join = joinOf(action, scope);
  if (condition === undefined || join === undefined) return unknown;
  const branch = at("standard", runBody(action.branch, inner(scope), at("pre", x)) ?? unknown);

  let joined = branch;
  if (condition) {
    const needsNone = action.skip?.unlessSame && sameAs(branch, x);
    const projected = action.skip && !needsNone ? (runBody(action.skip.body, inner(scope), x) ?? unknown) : x;
    joined = joinOfBoth(action, scope, join, branch, at("identity", projected));
  } else if (implied("identity")) {
    scope.insertion!.withoutSkip.push(scope.path || scope.unit?.definition.name.text || "the network");
  }
  const after =
    action.after && joined.kind === "tensor" ? (runPipeline(action.after, scope, joined) ?? unknown) : joined;
  return at("post", after);
}

function sameAs(a: Value, b: Value): boolean {
  return a.kind === "tensor" && b.kind === "tensor" && sameShape(a.node.type.shape, b.node.type.shape);
}

function joinOf(action: Residual, scope: Scope): string | undefined {
  let join = "add";
  for (const option of action.options) {
    if (option.name?.text !== "join" || !option.value) {
      report(scope, "SE0303", "error", option.span, {
        message: `a residual has no option \`${option.name?.text ?? ""}\``,
        hint: "it has `join: add` and `join: concat`",
      });
      return undefined;
    }
    const value = evaluateAs(option.value, Join, scope, "`join`");
    if (value.kind !== "enum") return undefined;
    join = value.member;
  }
  return join;
}

function joinOfBoth(action: Residual, scope: Scope, join: string, branch: Value, skip: Value): Value {
  if (branch.kind !== "tensor" || skip.kind !== "tensor") return unknown;
  const span = headOf(action);
  if (join === "concat") return concatenate(scope, [skip.node, branch.node], span, ["the skip", "the branch"]);
  if (!sameType(branch.node.type, skip.node.type)) {
    report(scope, "SE0402", "error", span, {
      message: `the branch gives ${typeText(branch.node.type)}, the skip ${typeText(skip.node.type)}: they cannot be added`,
      related: [whenceOf(branch.node, skip.node.type, "the branch"), whenceOf(skip.node, branch.node.type, "the skip")],
      hint: skipHint(action, branch.node.type, skip.node.type),
    });
    return unknown;
  }
  const place = { scope, name: claimFree(scope, "add", span), span };
  const node = make(place, "add", { a: branch.node, b: skip.node }, {});
  return node ? { kind: "tensor", node } : unknown;
}

function skipHint(action: Residual, branch: TensorType, skip: TensorType): string | undefined {
  const [channels, height] = branch.shape.slice(1);
  const before = skip.shape[2];
  if (action.skip || branch.shape.length !== 4 || skip.shape.length !== 4) return undefined;
  const stride = typeof height === "number" && typeof before === "number" ? Math.round(before / height) : 1;
  const window = stride > 1 ? `1x1 / ${stride}` : "1x1";
  return `\`skip unless same { downsample { 0: conv ${channels}, ${window} -> 1: bn } }\` brings the skip to the branch's shape`;
}

function concatenate(scope: Scope, nodes: readonly Node[], span: Span, roles: readonly string[]): Value {
  const first = nodes[0];
  const wrong = nodes.findIndex((node) => !first || !sameBut(first.type, node.type));
  if (first && wrong > 0) {
    const other = nodes[wrong]!;
    report(scope, "SE0403", "error", span, {
      message: `${roles[0]} gives ${typeText(first.type)}, ${roles[wrong]} ${typeText(other.type)}: only their channels may differ`,
      related: [
        whenceOf(first, withChannelsOf(other.type, first.type), roles[0]!),
        whenceOf(other, withChannelsOf(first.type, other.type), roles[wrong]!),
      ],
    });
    return unknown;
  }
  const inputs = Object.fromEntries(nodes.map((node, i) => [String(i), node]));
  const node = make({ scope, name: claimFree(scope, "concat", span), span }, "concat", inputs, {});
  return node ? { kind: "tensor", node } : unknown;
}

function sameBut(a: TensorType, b: TensorType): boolean {
  return sameShape(withChannelsOf(a, b).shape, b.shape);
}

/** The type with the other's channels: what remains different is not the channels. */
function withChannelsOf(type: TensorType, other: TensorType): TensorType {
  return { ...type, shape: type.shape.map((dim, axis) => (axis === 1 ? (other.shape[1] ?? dim) : dim)) };
}

/** The word `residual` and what stands before its brace would be enough; the span's start is what kernels show. */
function headOf(action: Residual): Span {
  return { ...action.span, end: Math.min(action.span.end, action.span.start + "residual".length) };
}

// --- inputs and outputs ------------------------------------------------------------------------------------------

function runInput(statement: InputStatement, scope: Scope): Value {
  const { name } = statement;
  const type = tensorType(statement.type, scope);
  const image = type && readImage(statement, type, scope);
  const value: Value = type && image ? inputNode(statement, scope, type, image.declaration) : unknown;
  bindLocal(scope, name.text, value);
  return value;
}

function inputNode(
  { name, span }: InputStatement,
  scope: Scope,
  type: TensorType,
  image: NonNullable<ReturnType<typeof readImage>>["declaration"],
): Value {
  const known = scope.session.inputs.get(name.text);
  if (known) {
    // Two networks called by one may share an input.
    if (scope.calls.length > 0 && sameType(known.type, type)) return { kind: "tensor", node: known };
    // Two in one network are reported by resolve.ts, but for one in a loop.
    if (scope.calls.length === 0 && known.span.start !== span.start) return unknown;
    report(scope, "SE0203", "error", name.span, {
      message: `there are two inputs called \`${name.text}\``,
      related: [{ span: known.span, message: "the other one is here" }],
    });
    return unknown;
  }
  const node = tryNode("input", { name: name.text, span }, {}, { type, image });
  if ("complaint" in node) return unknown;
  const taken = scope.session.names.get(name.text.toLowerCase());
  if (taken) {
    report(scope, "SE0212", "error", name.span, {
      message: `\`${name.text}\` is the name of a layer already`,
      related: [{ span: taken.span, message: "here" }],
    });
  } else scope.session.names.set(name.text.toLowerCase(), { name: name.text, span: name.span });
  scope.session.inputs.set(name.text, node);
  return { kind: "tensor", node };
}

function runOutput(statement: OutputStatement, scope: Scope, current: Value | undefined): void {
  const { name, span, type: written } = statement;
  if (!scope.outputs) return;
  const other = scope.outputs.get(name.text);
  if (other) {
    report(scope, "SE0203", "error", name.span, {
      message: `there are two outputs called \`${name.text}\``,
      related: [{ span: other.span, message: "the other one is here" }],
    });
    return;
  }
  const value = outputValue(statement, scope, current);
  const type = written && tensorType(written, scope);
  scope.outputs.set(name.text, { value, span: name.span });
  if (value.kind === "tensor" && type && !sameType(value.node.type, type)) {
    report(scope, "SE0405", "error", written.span, {
      message: `the output \`${name.text}\` is declared as ${typeText(type)}, but it is ${typeText(value.node.type)}`,
      related: [whence(value.node)],
    });
  } else if (value.kind !== "tensor" && value.kind !== "unknown") {
    report(scope, "SE0301", "error", span, { message: `an output is a tensor, but this is ${describeValue(value)}` });
  }
}

function outputValue({ name, span, value }: OutputStatement, scope: Scope, current: Value | undefined): Value {
  if (value) return runPipeline(value, scope, current) ?? unknown;
  const namesake = lookUp(scope.locals, name.text);
  if (namesake?.kind === "tensor" && !(current?.kind === "tensor" && current.node === namesake.node)) {
    report(scope, "SE0412", "error", name.span, {
      message: `the output is the current value, which is not the one called \`${name.text}\``,
      hint: `write \`output ${name.text}: ${name.text}\` for that one, or give the output another name`,
    });
    return unknown;
  }
  if (current) return current;
  report(scope, "SE0406", "error", span, { message: `nothing flows into the output \`${name.text}\`` });
  return unknown;
}

function tensorType(written: TensorTypeExpr, scope: Scope): TensorType | undefined {
  if (written.dtype.text !== "f32") {
    report(scope, "SE0319", "error", written.dtype.span, {
      message: `${written.dtype.text} is not supported yet: values are f32`,
      hint: "write f32; `--precision` decides what kernels compute with",
    });
    return undefined;
  }
  const dims: Dim[] = [];
  for (const [axis, expr] of written.dims.entries()) {
    const isBatch = expr.kind === "name" && expr.text === "N";
    if (isBatch !== (axis === 0)) {
      report(scope, "SE0411", "error", expr.span, {
        message: isBatch ? "the batch N is the first extent, and only that" : "the first extent is the batch, N",
      });
      return undefined;
    }
    const extent = isBatch ? "N" : evaluateInt(expr, scope, "an extent");
    if (extent === undefined) return undefined;
    if (extent !== "N" && (extent < 1 || extent > 2 ** 31 - 1)) {
      report(scope, "SE0307", "error", expr.span, {
        message: `an extent is a whole number from 1 on, but this is ${extent}`,
      });
      return undefined;
    }
    dims.push(extent);
  }
  const elements = dims.reduce<number>((product, dim) => product * (dim === "N" ? 1 : dim), 1);
  if (dims.length < 2 || dims.length > 8 || elements > maxElements) {
    report(scope, "SE0411", "error", written.span, {
      message:
        elements > maxElements
          ? "an image has more than 2^31 elements"
          : "a tensor has 2 to 8 extents: f32[N, channels, height, width] or f32[N, features]",
    });
    return undefined;
  }
  return f32(...dims);
}
