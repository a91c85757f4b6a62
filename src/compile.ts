import { check } from "./check/check.ts";
import { standardLibrary } from "./check/standardLibrary.ts";
import type { Problems, Span } from "./diagnostics.ts";
import type { Graph } from "./ir/graph.ts";
import { O0, O1 } from "./passes/index.ts";
import { runPasses, type Pass, type Trace } from "./passes/pass.ts";
import type { Plan, Vectors } from "./plan/plan.ts";
import type { Precision } from "./precision.ts";
import { schedule } from "./plan/schedule.ts";
import { unfitTilings, type Tilings } from "./plan/tilings.ts";
import type { TargetName } from "./supported.ts";
import { positionOf } from "./syntax/frame.ts";
import type { Storage } from "./weights/storage.ts";

/** What is compiled. */
export interface Source {
  /** The entry's path in the project, with `/`. */
  readonly entry: string;
  /** The text of a file of the project; undefined if there is none. */
  readonly load: (path: string) => string | undefined;
  /** Needed if the entry declares several networks. */
  readonly network?: string | undefined;
  /** Values of the network's parameters, as literals of the language. */
  readonly set?: ReadonlyMap<string, string> | undefined;
}

/** How it is compiled. */
export interface Options {
  readonly level: Level;
  /** An upper bound of one run's batch. */
  readonly maxBatch?: number | undefined;
  /** What kernels compute convolutions in; f32 if it is not said. */
  readonly precision?: Precision | undefined;
  /** How gates and dense layers are computed; the target's way if it is not said. */
  readonly vectors?: Vectors | undefined;
  /** How convolutions are cut, as `sec tune` measured it; as a model says where they are not among these. */
  readonly tilings?: Tilings | undefined;
  /** How weights.bin stores weights; f32 if it is not said. */
  readonly storage?: Storage | undefined;
  /** Sees the graph after each pass. */
  readonly trace?: Trace | undefined;
}

/** An optimisation level is a list of passes, and whether launches are fused. */
export interface Level {
  readonly passes: readonly Pass[];
  readonly fuse: boolean;
}

export const levels = { O0: { passes: O0, fuse: false }, O1: { passes: O1, fuse: true } } as const;

export interface Planned {
  /** As written, before passes. */
  readonly graph: Graph;
  readonly plan: Plan;
}

/** What the compiler writes for: devices, which run a plan, or another framework, which is given the network as written. */
export type Target = PlanTarget | GraphTarget;

export interface PlanTarget {
  readonly name: TargetName;
  readonly reads: "plan";
  /** How its packages compute gates and dense layers. */
  readonly vectors: Vectors;
  /** The plan as its files run it: with launches beside others, where its devices can do that. */
  arranged(plan: Plan): Plan;
  /** @param place a span as `file:line:column`, relative to the project's root */
  files(plan: Plan, place: (span: Span) => string, storage?: Storage): readonly OutputFile[];
}

export interface GraphTarget {
  readonly name: TargetName;
  readonly reads: "graph";
  files(graph: Graph, place: (span: Span) => string): readonly OutputFile[];
}

export interface OutputFile {
  /** Below the folder of the package, with `/`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface Compiled {
  readonly graph: Graph;
  /** Undefined for a target that needs none. */
  readonly plan: Plan | undefined;
  readonly files: readonly OutputFile[];
}

/** Source -> graph -> plan -> files; undefined if anything was wrong, which is then among the problems. */
export function compile(source: Source, target: Target, options: Options, problems: Problems): Compiled | undefined {
  const place = placeIn(source.load);
  if (target.reads === "graph") {
    const graph = check({ ...source, problems, training: true });
    return graph && { graph, plan: undefined, files: target.files(graph, place) };
  }
  const planned = planOf(source, { vectors: target.vectors, ...options }, problems);
  return planned && { ...planned, files: target.files(planned.plan, place, options.storage) };
}

/** Source -> graph -> plan. */
export function planOf(source: Source, options: Options, problems: Problems): Planned | undefined {
  const graph = check({ ...source, problems });
  if (!graph) return undefined;
  const plan = lower(graph, options, problems);
  return plan && { graph, plan };
}

/** Graph -> plan. */
export function lower(
  graph: Graph,
  { level, maxBatch, trace, precision = "f32", vectors, tilings }: Options,
  problems: Problems,
): Plan | undefined {
  const optimised = runPasses(graph, level.passes, trace);
  const unfit = tilings && unfitTilings(optimised, precision, tilings);
  if (unfit && unfit.length > 0) {
    for (const message of unfit) problems.report({ code: "SE0905", severity: "error", message, hint: "tune again" });
    return undefined;
  }
  const plan = schedule(optimised, { written: graph, fuse: level.fuse, maxBatch, precision, vectors, tilings });
  if (plan.maxBatch >= 1) return plan;
  const largest = plan.values.reduce((a, b) => (b.floatsPerImage > a.floatsPerImage ? b : a));
  problems.report({
    code: "SE0903",
    severity: "error",
    message: `\`${largest.name}\` takes ${4 * largest.floatsPerImage} bytes for one image; a kernel can bind 134217728`,
    hint: "lower the resolution or the number of channels",
  });
  return undefined;
}

/** Spans in words: `net.se:14:5`. */
export function placeIn(load: Source["load"]): (span: Span) => string {
  return ({ file, start }) => {
    const text = standardLibrary.get(file) ?? load(file);
    if (text === undefined) return file;
    const { line, column } = positionOf(text, start);
    return `${file}:${line}:${column}`;
  };
}
