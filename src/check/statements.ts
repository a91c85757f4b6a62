import type { Span } from "../diagnostics.ts";
import type { Definition, ForStatement, Name, Pipeline, Repeat, Statement, Step } from "../syntax/ast.ts";
import { applyCallee } from "./apply.ts";
import { evaluate, evaluateInt, truth } from "./evaluate.ts";
import { runInsert } from "./insert.ts";
import { runConcat, runResidual } from "./joins.ts";
import { group, labelled } from "./names.ts";
import { finishUnit, runPoint } from "./points.ts";
import { runInput, runOutput } from "./ports.ts";
import { bindLabel, bindLocal, inner, join, maxNesting, report, spend, Stop, type Scope } from "./scope.ts";
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
      const { names, value } = statement;
      const name = names[0]!.text;
      const bound: Value =
        value.kind === "chain"
          ? { kind: "chain", chain: { name, body: value.body, scope, span: value.span, weights: undefined } }
          : (runPipeline(value, scope, current) ?? unknown);
      bindNames(names, bound, value.span, scope);
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

/** Iteration i is a group of the name i: `0.conv`, `1.conv`; over a list, i counts its items. */
function runFor(statement: ForStatement, scope: Scope, value: Value | undefined): Value | undefined {
  const { names, over } = statement;
  const place = over.kind === "range" ? over.from.span : over.span;
  let current = value;
  const round = (i: number, item: Value): boolean => {
    spend(scope, statement.span);
    const path = { path: join(scope.path, String(i)), weights: join(scope.weights, String(i)) };
    const body = inner(scope, path);
    if (!bindNames(names, item, place, body)) return false;
    current = runBody(statement.body, body, current);
    return true;
  };
  if (over.kind === "range") {
    const from = evaluateInt(over.from, scope, "the start of a loop");
    const to = evaluateInt(over.to, scope, "the end of a loop");
    if (from === undefined || to === undefined) return unknown;
    for (let i = from; i < to; i++) if (!round(i, { kind: "int", value: i })) return unknown;
    return current;
  }
  const list = evaluate(over, scope);
  if (list.kind === "list") return list.items.every((item, i) => round(i, item)) ? current : unknown;
  if (list.kind !== "unknown") {
    report(scope, "SE0301", "error", over.span, {
      message: `a loop runs over a list or a range, but this is ${describeValue(list)}`,
      hint: "`0..n` counts from 0 to n - 1",
    });
  }
  return unknown;
}

/** One name is bound to the value, several to the items of a tuple; false after a report. */
function bindNames(names: readonly Name[], value: Value, span: Span, scope: Scope): boolean {
  const [only, ...more] = names;
  if (more.length === 0) {
    bindLocal(scope, only!.text, value);
    return true;
  }
  const fits = value.kind === "tuple" && value.items.length === names.length;
  names.forEach(({ text }, i) => bindLocal(scope, text, fits ? value.items[i]! : unknown));
  if (fits || value.kind === "unknown") return fits;
  report(scope, "SE0301", "error", span, {
    message: `${names.length} names need a tuple of ${names.length} items, but here is ${describeValue(value)}`,
  });
  return false;
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
    value = runStep(step, scope, value, step !== pipeline.steps[0]);
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

function runStep(step: Step, scope: Scope, current: Value | undefined, piped: boolean): Value | undefined {
  const { action, label, span } = step;
  switch (action.kind) {
    case "apply":
      return applyCallee(scope, { callee: action.callee, args: action.args, label, span, piped }, current);
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
      return runBody(action.body, group(scope, label), current);
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

/** Unit i is called `<label>.i`; with `b1..`, b1, b2 and so on. */
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
  const body = labelled(scope, step.label);
  const [, word, first] = /^(.*?)(\d+)$/.exec(action.counting?.text ?? "0") ?? [];
  const units = Array.from({ length: count }, (_, index) => `${word}${Number(first) + index}`);
  const block = action.unit.callee.text;
  scope.session.repeats.push({
    name: body.path,
    stage: action.stage && stage,
    block,
    units: units.map((unit) => join(body.path, unit)),
  });
  let current: Value = value;
  for (let index = 0; index < count; index++) {
    spend(scope, action.span);
    const label = { text: units[index]!, span: action.counting?.span ?? action.unit.span };
    const unit = { ...body, stage, index };
    current = applyCallee(unit, { ...action.unit, label, piped: false }, current) ?? unknown;
  }
  return current;
}
