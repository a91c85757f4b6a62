import type { Span } from "../diagnostics.ts";
import type { Node } from "../ir/graph.ts";
import type { Concat, Residual, Step } from "../syntax/ast.ts";
import { sameShape, sameType, typeText, type TensorType } from "../tensor/type.ts";
import { evaluateAs, truth } from "./evaluate.ts";
import { whenceOf } from "./explain.ts";
import { isAt, writesPoint } from "./points.ts";
import { claimFree, labelled } from "./names.ts";
import { make } from "./nodes.ts";
import { inner, report, type Scope } from "./scope.ts";
import { insertAt } from "./seBlock.ts";
import { runBody, runPipeline } from "./statements.ts";
import { Join } from "./types.ts";
import { unknown, type Value } from "./values.ts";

/**
 *   branch = standard(body(pre(x)))
 *   skip   = identity(projection(x))
 *   result = post(after(branch + skip))
 *
 * where each point is an SE block if the insertion names it and the text does not write it itself. Without its
 * condition (`when`) there is no skip: result = post(after(branch)).
 */
export function runResidual(action: Residual, scope: Scope, x: Value): Value {
  if (scope.insertion) scope.insertion.reached = true;
  const implied = (point: string) =>
    isAt(scope, point) &&
    !writesPoint(action.branch, point) &&
    !(action.skip && writesPoint(action.skip.body, point)) &&
    !action.after?.steps.some((it) => it.action.kind === "point" && it.action.name === point);
  const at = (point: string, value: Value): Value =>
    value.kind === "tensor" && implied(point) ? insertAt(scope, value, headOf(action)) : value;

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

/** Every arm starts from the current value; their results are concatenated in order. */
export function runConcat(action: Concat, step: Step, scope: Scope, value: Value): Value {
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

/** The word `residual` alone: the whole unit under marks would hide what matters. */
function headOf(action: Residual): Span {
  return { ...action.span, end: Math.min(action.span.end, action.span.start + "residual".length) };
}
