import type { Span } from "../diagnostics.ts";
import type { SeInsertion } from "../ir/graph.ts";
import type { Arg, Definition, InsertStatement } from "../syntax/ast.ts";
import { defaults } from "./defaults.ts";
import { evaluateAs } from "./evaluate.ts";
import type { SourceUnit } from "./load.ts";
import { report, type Scope, type Session } from "./scope.ts";
import { hiddenWidth } from "./seBlock.ts";
import { didYouMean } from "../suggest.ts";
import { Act, bool, Gate, int, listOf, Placement, Rounding, Squeeze, type Type } from "./types.ts";
import type { Value } from "./values.ts";

/** `insert eca(…)`: a block that stands at the points in place of an SE block. Its arguments mean what they mean at the statement. */
export interface InsertedBlock {
  readonly definition: Definition;
  readonly home: SourceUnit;
  readonly args: readonly Arg[];
  readonly scope: Scope;
  readonly span: Span;
  /** Its arguments are wrong, which has been reported. */
  failed: boolean;
}

/** What `insert se(…)` says: which point of the units below carries an SE block, and of what form. */
export interface InsertContext {
  readonly at: PlacementWord;
  readonly ratio: number;
  readonly squeeze: SeInsertion["squeeze"];
  readonly gate: SeInsertion["gate"];
  readonly hidden: string;
  readonly bias: boolean;
  readonly rounding: string;
  /** The ratio divides the channels that the unit is given, not those that are gated: EfficientNet, RegNetY. */
  readonly ofInput: boolean;
  /** Undefined: every unit. */
  readonly stages: readonly number[] | undefined;
  /** What stands there in place of an SE block; `ratio` to `ofInput` are the SE block's. */
  readonly block: InsertedBlock | undefined;
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

type PlacementWord = SeInsertion["point"] | "none";

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

/** Sets the scope's insertion for the units below the statement. */
export function runInsert(statement: InsertStatement, scope: Scope): void {
  const values = new Map<string, Value>();
  const spans = new Map<string, Span>();
  let failed = false;
  const declared = statement.context.text === "se" ? undefined : scope.file.names.get(statement.context.text);
  const block = declared?.kind === "definition" ? declared : undefined;
  // Reported by resolve.ts.
  if (statement.context.text !== "se" && block?.definition.kind !== "block") failed = true;
  const ofBlock: Arg[] = [];
  for (const arg of statement.args) {
    const name = arg.name?.text ?? (arg === statement.args[0] ? "at" : undefined);
    if (statement.context.text !== "se" && name !== undefined && name !== "at" && name !== "in") {
      ofBlock.push(arg);
      continue;
    }
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
    const value = evaluateAs(arg.value, type, scope, `\`${name}\` of \`insert ${statement.context.text}\``);
    if (value.kind === "unknown") failed = true;
    values.set(name, value);
    spans.set(name, arg.value.span);
  }
  if (!values.has("at") && !failed) {
    report(scope, "SE0302", "error", statement.span, {
      message: `\`insert ${statement.context.text}\` needs \`at\`: the point of each unit`,
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
    squeeze: word<SeInsertion["squeeze"]>("squeeze", defaults.insert.squeeze),
    gate: word<SeInsertion["gate"]>("gate", defaults.insert.gate),
    hidden: word("hidden", defaults.insert.hidden),
    bias: flag("bias"),
    rounding: word("rounding", defaults.insert.rounding),
    ofInput: flag("of_input"),
    stages: stages?.kind === "list" ? stages.items.flatMap((item) => numberOf(item) ?? []) : undefined,
    block: block && { ...block, args: ofBlock, scope, span: statement.span, failed: false },
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
  // The rest is of interest only if nothing is wrong: behind an error, stages are missing that are there.
  if (session.problems.failed) return;
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

function numberOf(value: Value | undefined): number | undefined {
  return value?.kind === "int" ? value.value : undefined;
}
