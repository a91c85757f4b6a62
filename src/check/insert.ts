import type { Span } from "../diagnostics.ts";
import type { Insertion, Node } from "../ir/graph.ts";
import { pointWindow } from "../ops/window.ts";
import type { Definition, InsertStatement, Name, Point, Statement, Step } from "../syntax/ast.ts";
import { typeText } from "../tensor/type.ts";
import { defaults } from "./defaults.ts";
import { evaluateAs } from "./evaluate.ts";
import { whence } from "./explain.ts";
import { makeDivisible } from "./functions.ts";
import { biased, channelsOf, layers } from "./layers.ts";
import { claim, join, make, report, weight, type Place, type Scope, type Session } from "./scope.ts";
import { didYouMean } from "./suggest.ts";
import { Act, bool, Gate, int, listOf, memberOf, Placement, Rounding, Squeeze, type Type } from "./types.ts";
import { unknown, type Value } from "./values.ts";

/** What `insert se(…)` says: which point of the units below carries an SE block, and of what form. */
export interface InsertContext {
  readonly at: PlacementWord;
  readonly ratio: number;
  readonly squeeze: Insertion["squeeze"];
  readonly gate: Insertion["gate"];
  readonly hidden: string;
  readonly bias: boolean;
  readonly rounding: string;
  /** The ratio divides the channels that the unit is given, not those that are gated: EfficientNet, RegNetY. */
  readonly ofInput: boolean;
  /** Undefined: every unit. */
  readonly stages: readonly number[] | undefined;
  readonly span: Span;
  /** Where each option was written; the whole statement where it was not. */
  readonly spans: ReadonlyMap<string, Span>;
  /** Whether any unit was below it. */
  reached: boolean;
  /** Channels that the ratio does not divide, and those that it exceeds. */
  readonly uneven: Set<number>;
  readonly exceeded: Set<number>;
  /** Units that have no skip to put the block on. */
  readonly withoutSkip: string[];
  /** Definitions that lack the point: each is reported once. */
  readonly lacking: Set<Definition>;
}

export type PlacementWord = Insertion["point"] | "none";

const options: Readonly<Record<string, Type>> = {
  at: Placement,
  ratio: int,
  squeeze: Squeeze,
  gate: Gate,
  hidden: Act,
  bias: bool,
  rounding: Rounding,
  of_input: bool,
  in: listOf(int),
};

// --- insert se(…) ------------------------------------------------------------------------------------------------

/** Sets the scope's insertion for the units below the statement. */
export function runInsert(statement: InsertStatement, scope: Scope): void {
  const values = new Map<string, Value>();
  const spans = new Map<string, Span>();
  let failed = false;
  if (statement.context.text !== "se") return;
  for (const arg of statement.args) {
    const name = arg.name?.text ?? (arg === statement.args[0] ? "at" : undefined);
    const type = name !== undefined && Object.hasOwn(options, name) ? options[name] : undefined;
    if (name === undefined || !type || !arg.value) {
      report(scope, "SE0303", "error", arg.name?.span ?? arg.span, {
        message: name === undefined ? "options of an insertion have names" : `an insertion has no option \`${name}\``,
        hint: (name && didYouMean(name, Object.keys(options))) ?? `it has ${Object.keys(options).join(", ")}`,
      });
      failed = true;
      continue;
    }
    if (values.has(name)) {
      report(scope, "SE0304", "error", arg.span, { message: `\`${name}\` is given twice` });
      continue;
    }
    const value = evaluateAs(arg.value, type, scope, `\`${name}\` of \`insert se\``);
    if (value.kind === "unknown") failed = true;
    values.set(name, value);
    spans.set(name, arg.value.span);
  }
  if (!values.has("at") && !failed) {
    report(scope, "SE0302", "error", statement.span, {
      message: "`insert se` needs `at`: the point of each unit",
      hint: `it is one of ${Placement.members.join(", ")}`,
    });
    failed = true;
  }
  const ratio = numberOf(values.get("ratio")) ?? defaults.insert.ratio;
  if (ratio < 1) {
    report(scope, "SE0504", "error", spans.get("ratio") ?? statement.span, {
      message: `the ratio must be at least 1, but it is ${ratio}`,
      hint: "the hidden width is channels / ratio; the paper has 16",
    });
    failed = true;
  }
  const word = <W extends string>(name: string, fallback: W): W => {
    const value = values.get(name);
    return value?.kind === "enum" ? (value.member as W) : fallback;
  };
  const flag = (name: "bias" | "of_input"): boolean => {
    const value = values.get(name);
    return value?.kind === "bool" ? value.value : defaults.insert[name];
  };
  const stages = values.get("in");
  const context: InsertContext = {
    at: failed ? "none" : word<PlacementWord>("at", "none"),
    ratio,
    squeeze: word<Insertion["squeeze"]>("squeeze", defaults.insert.squeeze),
    gate: word<Insertion["gate"]>("gate", defaults.insert.gate),
    hidden: word("hidden", defaults.insert.hidden),
    bias: flag("bias"),
    rounding: word("rounding", defaults.insert.rounding),
    ofInput: flag("of_input"),
    stages: stages?.kind === "list" ? stages.items.flatMap((item) => numberOf(item) ?? []) : undefined,
    span: statement.span,
    spans,
    // A wrong statement is not reported once more for what it does not reach.
    reached: failed,
    uneven: new Set(),
    exceeded: new Set(),
    withoutSkip: [],
    lacking: new Set(),
  };
  scope.insertion = context;
  scope.session.inserts.push(context);
}

/** After the whole network: what only then is known of its insertions. */
export function finishInsertions(session: Session, scope: Scope): void {
  for (const insert of session.inserts) {
    const at = (name: string) => insert.spans.get(name) ?? insert.span;
    const there = [...session.stages.keys()].sort((a, b) => a - b);
    for (const stage of insert.stages ?? []) {
      if (session.stages.has(stage)) continue;
      report(scope, "SE0503", "error", at("in"), {
        message: `there is no stage ${stage}`,
        hint: there.length > 0 ? `its stages are ${there.join(", ")}` : "the network has no stages: write `stage 2 …`",
      });
    }
    // The rest is of interest only if nothing is wrong.
    if (session.problems.failed) continue;
    if (insert.at !== "none" && !insert.reached) {
      report(scope, "SE0511", "warning", insert.span, { message: "no unit below this insertion takes part in it" });
    }
    if (insert.uneven.size > 0) {
      const channels = [...insert.uneven].sort((a, b) => a - b);
      report(scope, "SE0505", "note", at("ratio"), {
        message:
          `the ratio ${insert.ratio} does not divide ${channels.join(", ")} channels: ` +
          `the hidden width is ${channels.map((c) => hiddenWidth(c, insert)).join(", ")}`,
        hint: "`rounding: floor` rounds down; 8 and 4 round to multiples",
      });
    }
    if (insert.exceeded.size > 0) {
      const channels = [...insert.exceeded].sort((a, b) => a - b);
      report(scope, "SE0506", "warning", at("ratio"), {
        message:
          `the ratio ${insert.ratio} is greater than ${channels.join(", ")} channels: ` +
          `the hidden width is ${channels.map((c) => hiddenWidth(c, insert)).join(", ")}`,
      });
    }
    if (insert.withoutSkip.length > 0) {
      const units = insert.withoutSkip;
      report(scope, "SE0512", "note", at("at"), {
        message:
          units.length === 1
            ? `\`${units[0]}\` has no skip and gets no SE block`
            : `${units.length} units have no skip and get no SE block: ${units.join(", ")}`,
      });
    }
  }
}

// --- units -------------------------------------------------------------------------------------------------------

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
export function pointsOf(body: readonly Statement[]): readonly string[] {
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

export function eachStep(body: readonly Statement[], visit: (step: Step) => void): void {
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

// --- points ------------------------------------------------------------------------------------------------------

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
  return name !== undefined && isAt(scope, name) ? insertSe(scope, value, point.span, label) : value;
}

/** Whether the units here carry an SE block at this point. */
export function isAt(scope: Scope, point: string): boolean {
  return isActive(scope) && scope.insertion!.at === point;
}

function isActive({ insertion, stage }: Scope): boolean {
  if (!insertion || insertion.at === "none") return false;
  return insertion.stages === undefined || (stage !== undefined && insertion.stages.includes(stage));
}

/**
 *   squeeze = mean(x)              f32[N, C]
 *   gate = sigmoid(fc2(relu(fc1(squeeze))))
 *   scale = x * gate, channel by channel
 *
 * Without a squeeze, fc1 and fc2 are 1x1 convolutions and the product is of two maps. Weights are [hidden, C, 1, 1] and
 * [C, hidden, 1, 1] in both cases, as checkpoints have them.
 */
export function insertSe(scope: Scope, value: Value, span: Span, label?: Name): Value {
  const { insertion, session, unit } = scope;
  if (value.kind !== "tensor" || !insertion || insertion.at === "none") return unknown;
  const x = value.node;
  if (x.type.shape.length !== 4) {
    report(scope, "SE0507", "error", span, {
      message: `an SE block scales the channels of a feature map, but here is ${typeText(x.type)}`,
      related: [whence(x), { span: insertion.span, message: "the insertion is asked for here" }],
    });
    return unknown;
  }
  if (session.scaled.has(x)) {
    report(scope, "SE0508", "warning", span, {
      message: "two SE blocks stand at one point",
      related: [{ span: x.span, message: "the other one is here" }],
    });
  }

  const name = claim(scope, label, "se", span);
  const part = (last: string): Place => ({ scope, name: `${name}.${last}`, span });
  const channels = channelsOf(x);
  const divided = insertion.ofInput ? (unit?.channels ?? channels) : channels;
  const hidden = hiddenWidth(divided, insertion);
  if (insertion.ratio > divided) insertion.exceeded.add(divided);
  else if (insertion.rounding === "floor" && divided % insertion.ratio !== 0) insertion.uneven.add(divided);

  const layer = (last: string, input: Node | undefined, outputs: number): Node | undefined => {
    const w = input && weight(part(last), "weight", [outputs, channelsOf(input), 1, 1], "weight");
    if (!w) return undefined;
    return biased(part(last), insertion.bias, (place) =>
      insertion.squeeze === "none"
        ? make(place, "conv2d", { x: input, weight: w }, { ...pointWindow, groups: 1 })
        : make(place, "dense", { x: input, weight: w }, {}),
    );
  };
  const activation = (last: string, input: Node | undefined, kind: string): Node | undefined =>
    input && (kind === "none" ? input : layers[kind]!.lower(part(last), [input], defaultsOf(kind)));

  const squeezed = insertion.squeeze === "none" ? x : make(part("squeeze"), squeezeOps[insertion.squeeze], { x }, {});
  const fc1 = layer("fc1", squeezed, hidden);
  const fc2 = layer("fc2", activation(insertion.hidden, fc1, insertion.hidden), channels);
  const gate = activation("gate", fc2, insertion.gate);
  if (!gate) return unknown;
  const scaled =
    insertion.squeeze === "none"
      ? make(part("scale"), "mul", { a: x, b: gate }, {})
      : make(part("scale"), "scaleChannels", { x, gate }, {});
  if (!scaled) return unknown;
  session.scaled.add(scaled);
  const { squeeze, gate: gateKind, at } = insertion;
  session.insertions.push({ name: join(scope.path, name), point: at, squeeze, gate: gateKind });
  return { kind: "tensor", node: scaled };
}

const squeezeOps = { avg: "globalAvgPool", max: "globalMaxPool" } as const;

/** floor: max(1, C / r rounded down); 8: timm's rule; div8: MobileNetV3's; 4: GhostNet's. */
export function hiddenWidth(channels: number, { ratio, rounding }: Pick<InsertContext, "ratio" | "rounding">): number {
  if (rounding === "8") return makeDivisible(channels / ratio, 8, 0);
  if (rounding === "div8") return makeDivisible(channels / ratio, 8, 0.9);
  if (rounding === "4") return makeDivisible(channels / ratio, 4, 0.9);
  return Math.max(1, Math.floor(channels / ratio));
}

function defaultsOf(kind: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(layers[kind]!.specs).map(([name, spec]) => [name, spec.fallback?.value]));
}

function numberOf(value: Value | undefined): number | undefined {
  return value?.kind === "int" ? value.value : undefined;
}
