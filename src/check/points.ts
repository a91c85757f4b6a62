import type { Span } from "../diagnostics.ts";
import type { Definition, Name, Point, Statement, Step } from "../syntax/ast.ts";
import type { InsertContext } from "./insert.ts";
import { channelsOf } from "./layers.ts";
import { report, type Scope } from "./scope.ts";
import { insertAt } from "./seBlock.ts";
import { memberOf, Placement } from "./types.ts";
import type { Value } from "./values.ts";

/** Units, their points, and which of them the insertion asks for. */

/** A block sees the insertion around it only if it says `uses se`. One that says so must be told. */
export function passInsertion(scope: Scope, definition: Definition, span: Span): InsertContext | undefined {
  if (!definition.uses.some((name) => name.text === "se")) return undefined;
  if (scope.insertion) return scope.insertion;
  if (scope.session.untold.has(definition)) return undefined;
  scope.session.untold.add(definition);
  const around = scope.calls[0];
  report(scope, "SE0501", "error", span, {
    message: `\`${definition.name.text}\` uses se, but nothing says where it stands`,
    related: [{ span: definition.name.span, message: "it takes part in insertions" }],
    hint: around
      ? `\`block ${around.name}(…) uses se\` passes the insertion on`
      : "write `insert se(at: standard, …)` above it, or `at: none` for a network without",
  });
  return undefined;
}

export function claimUnit(scope: Scope, definition: Definition, input: Value): Scope {
  return { ...scope, unit: { definition, channels: input.kind === "tensor" ? channelsOf(input.node) : undefined } };
}

/** A unit that lacks the point asked for is an error that lists those it has. */
export function finishUnit(scope: Scope, span: Span): void {
  const { unit, insertion } = scope;
  if (!unit || !insertion) return;
  const points = pointsOf(unit.definition.body);
  if (points.length === 0) return;
  insertion.reached = true;
  if (!isActive(scope) || points.includes(insertion.at) || insertion.lacking.has(unit.definition)) return;
  insertion.lacking.add(unit.definition);
  const name = unit.definition.name.text;
  report({ ...scope, calls: scope.calls.slice(1) }, "SE0502", "error", span, {
    message: `\`${name}\` has no point \`${insertion.at}\``,
    related: [{ span: insertion.spans.get("at") ?? insertion.span, message: `\`${insertion.at}\` is asked for here` }],
    hint: `it has ${points.join(", ")}`,
  });
}

const pointsMemo = new WeakMap<readonly Statement[], readonly string[]>();

/** The points that a body writes or implies, in the order of the language; those of the blocks that it calls are theirs. */
function pointsOf(body: readonly Statement[]): readonly string[] {
  const known = pointsMemo.get(body);
  if (known) return known;
  const found = new Set<string>();
  eachStep(body, ({ action }) => {
    if (action.kind === "point") found.add(memberOf(Placement, action.name) ?? "none");
    if (action.kind === "residual") for (const implied of ["pre", "standard", "identity", "post"]) found.add(implied);
  });
  // With a point that is none, reported by resolve.ts, it is not known what was meant.
  const points = found.has("none") ? [] : Placement.members.filter((member) => found.has(member));
  pointsMemo.set(body, points);
  return points;
}

/** Whether a residual's text places this point itself. */
export function writesPoint(body: readonly Statement[], point: string): boolean {
  let found = false;
  eachStep(body, ({ action }) => {
    if (action.kind === "point" && memberOf(Placement, action.name) === point) found = true;
  });
  return found;
}

function eachStep(body: readonly Statement[], visit: (step: Step) => void): void {
  for (const statement of body) {
    const bodies: (readonly Statement[])[] = [];
    const pipelines = [];
    if (statement.kind === "flow") pipelines.push(statement.pipeline);
    if (statement.kind === "let" && statement.value.kind === "pipeline") pipelines.push(statement.value);
    if (statement.kind === "output" && statement.value) pipelines.push(statement.value);
    if (statement.kind === "if") bodies.push(statement.then, statement.otherwise);
    if (statement.kind === "for") bodies.push(statement.body);
    for (const step of pipelines.flatMap((pipeline) => pipeline.steps)) {
      visit(step);
      const { action } = step;
      if (action.kind === "group") bodies.push(action.body);
      if (action.kind === "concat") bodies.push(...action.arms.map((arm) => arm.body));
      if (action.kind === "residual") {
        bodies.push(action.branch);
        if (action.skip) bodies.push(action.skip.body);
        if (action.after) action.after.steps.forEach(visit);
      }
    }
    for (const inner of bodies) eachStep(inner, visit);
  }
}

/** `@3x3`, `@standard`; a label names the SE block, for checkpoints that do not call it `se`. */
export function runPoint(point: Point, label: Name | undefined, scope: Scope, value: Value): Value {
  const name = memberOf(Placement, point.name);
  if (!scope.insertion) {
    // A block that does not use se is reported by resolve.ts; one that does, by the call that does not tell it.
    if (scope.calls.length === 0) {
      report(scope, "SE0501", "error", point.span, {
        message: "nothing says where SE blocks stand",
        hint: "write `insert se(at: standard, …)` above, or `at: none` for a network without",
      });
    }
    return value;
  }
  scope.insertion.reached = true;
  return name !== undefined && isAt(scope, name) ? insertAt(scope, value, point.span, label) : value;
}

/** Whether the units here carry an SE block at this point. */
export function isAt(scope: Scope, point: string): boolean {
  return isActive(scope) && scope.insertion!.at === point;
}

function isActive({ insertion, stage }: Scope): boolean {
  if (!insertion || insertion.at === "none") return false;
  return insertion.stages === undefined || (stage !== undefined && insertion.stages.includes(stage));
}
