/**
 * The library: the compiler as functions from text to files. It touches no file and no device, and runs in Node, in a worker
 * and in a page. What is wrong with a program is among the diagnostics; an exception is a bug in sec.
 */
import { check as checkSource } from "./check/check.ts";
import { standardLibrary } from "./check/standardLibrary.ts";
import { compile as compileSource, levels, lower, planOf, type OutputFile, type Source } from "./compile.ts";
import { Problems, Unreadable, type Diagnostic } from "./diagnostics.ts";
import { details, graphFormats, type Detail, type GraphFormat } from "./draw/drawing.ts";
import { formats } from "./draw/formats.ts";
import { networkDrawing } from "./draw/network.ts";
import { planDrawing } from "./draw/plan.ts";
import { layoutOfManifest } from "./manifest.ts";
import { reportOf, type Report } from "./report/report.ts";
import { pointsOf, sweepRow, type SweepRow } from "./report/sweep.ts";
import { literalText, textsOf, type SetValue } from "./settings.ts";
import { precisions, type Precision } from "./precision.ts";
import { tilingsIn } from "./tune/tuning.ts";
import { targetNames, unsupported, type TargetName } from "./supported.ts";
import { format as formatSource } from "./syntax/format.ts";
import { formatDiagnostics as formatList } from "./syntax/frame.ts";
import { packCheckpoint } from "./weights/checkpoint.ts";
import { storages, type Storage } from "./weights/storage.ts";
import { targets } from "../targets/index.ts";

export type { OutputFile } from "./compile.ts";
export type { Diagnostic, Severity, Span } from "./diagnostics.ts";
export type { Detail, GraphFormat } from "./draw/drawing.ts";
export type { SweepRow } from "./report/sweep.ts";
export type { Report } from "./report/report.ts";
export type { SetValue } from "./settings.ts";
export type { Storage } from "./weights/storage.ts";
export type { Precision } from "./precision.ts";
export type { TargetName } from "./supported.ts";
export { codes, type Code, type CodeEntry } from "./codes.ts";
export { version } from "./version.ts";

export interface CheckOptions {
  /** The path of the source in its project, relative, with `/`. */
  readonly entry: string;
  /** The text of a file of the project, undefined if there is none; asked for the entry and for what it imports. */
  readonly load: (path: string) => string | undefined;
  /** Needed if the entry declares several networks. */
  readonly network?: string;
  /** Values of the network's parameters. A string is a literal of the language: `{ se: "pre", ratio: 8 }`. */
  readonly set?: Readonly<Record<string, SetValue>>;
}

export interface CompileOptions extends CheckOptions {
  readonly target: TargetName;
  readonly precision?: Precision;
  /** An upper bound of one run's batch. */
  readonly maxBatch?: number;
  /** The text of a tuning file, which `sec tune` measured for this precision; for cuda. */
  readonly tuning?: string;
  /** How weights.bin stores weights; net.js makes f32 of them. */
  readonly weightsAs?: Storage;
  /** Which list of passes; O0 also fuses nothing. */
  readonly passes?: keyof typeof levels;
}

export interface CompileResult {
  readonly ok: boolean;
  /** Empty unless ok. The same bytes for the same input, on every machine. */
  readonly files: readonly OutputFile[];
  readonly diagnostics: readonly Diagnostic[];
  /** Of a target that has kernels. */
  readonly report?: Report;
}

export function compile(options: CompileOptions): CompileResult {
  const { target, precision = "f32", maxBatch, passes = "O1", weightsAs = "f32", tuning } = options;
  const problems = new Problems();
  oneOf("target", target, targetNames, problems);
  oneOf("precision", precision, precisions, problems);
  oneOf("weightsAs", weightsAs, storages, problems);
  if (weightsAs !== "f32" && target !== "wgsl") wrongOption(`weightsAs is for wgsl; ${target} is given f32`, problems);
  oneOf("passes", passes, Object.keys(levels), problems);
  if (maxBatch !== undefined && !(Number.isSafeInteger(maxBatch) && maxBatch >= 1)) {
    wrongOption(`maxBatch should be a whole number from 1, got ${maxBatch}`, problems);
  }
  if (tuning !== undefined && target !== "cuda") wrongOption(`tuning is for cuda; ${target} has none`, problems);
  const source = sourceOf(options, problems);
  if (!problems.failed) unsupported(target, precision, "compile").forEach((diagnostic) => problems.report(diagnostic));
  const tilings =
    tuning === undefined || problems.failed ? undefined : tilingsIn(tuning, "tuning", precision, problems);
  if (!source || problems.failed) return { ok: false, files: [], diagnostics: problems.list };

  const compiled = compileSource(
    source,
    targets.get(target)!,
    { level: levels[passes], maxBatch, storage: weightsAs, precision, tilings },
    problems,
  );
  if (!compiled) return { ok: false, files: [], diagnostics: problems.list };
  const { files, graph, plan } = compiled;
  return { ok: true, files, diagnostics: problems.list, ...(plan && { report: reportOf(graph, plan) }) };
}

/** What compile would find fault with, without its work. */
export function check(options: CheckOptions): { readonly ok: boolean; readonly diagnostics: readonly Diagnostic[] } {
  const problems = new Problems();
  const source = sourceOf(options, problems);
  if (source) checkSource({ ...source, problems });
  return { ok: !problems.failed, diagnostics: problems.list };
}

export interface SweepOptions extends CheckOptions {
  /** Parameters with the values that each takes: `{ se: ["pre", "post"], stages: [[2], [3, 4]] }`. */
  readonly over: Readonly<Record<string, readonly SetValue[]>>;
}

export interface SweepResult {
  readonly ok: boolean;
  /** One for each combination, the last parameter fastest; empty unless all are ok. */
  readonly rows: readonly SweepRow[];
  readonly diagnostics: readonly Diagnostic[];
}

/** What a network costs at every combination of some parameters' values. */
export function sweep(options: SweepOptions): SweepResult {
  const problems = new Problems();
  const source = sourceOf(options, problems);
  if (!source) return { ok: false, rows: [], diagnostics: problems.list };
  const axes = Object.entries(options.over).map(([name, values]) => ({ name, values: values.map(literalText) }));
  const rows = pointsOf(axes).flatMap((point) => {
    const set = new Map([...source.set!, ...Object.entries(point)]);
    const planned = planOf({ ...source, set }, { level: levels.O1 }, problems);
    return planned ? [sweepRow(point, planned.graph, planned.plan)] : [];
  });
  return { ok: !problems.failed, rows: problems.failed ? [] : rows, diagnostics: problems.list };
}

export interface DrawOptions extends CheckOptions {
  readonly format: GraphFormat;
  /** A box for every repeat, for units of which like ones stand once, or for every layer. */
  readonly detail?: Detail;
  /** The kernels of the optimised plan, and what is fused into each, in place of the network as written. */
  readonly plan?: boolean;
}

export interface DrawResult {
  readonly ok: boolean;
  /** SVG, DOT or Mermaid; undefined unless ok. */
  readonly text: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** A picture of a network, with its SE blocks marked. */
export function draw(options: DrawOptions): DrawResult {
  const { format, detail = "units", plan = false } = options;
  const problems = new Problems();
  oneOf("format", format, graphFormats, problems);
  oneOf("detail", detail, details, problems);
  const source = sourceOf(options, problems);
  const graph = source && checkSource({ ...source, problems });
  const launches = graph && plan ? lower(graph, { level: levels.O1 }, problems) : undefined;
  if (!graph || problems.failed) return { ok: false, text: undefined, diagnostics: problems.list };
  const drawing = launches ? planDrawing(launches, detail) : networkDrawing(graph, detail);
  return { ok: true, text: formats[format](drawing), diagnostics: problems.list };
}

export type FormatResult =
  | { readonly ok: true; readonly text: string; readonly diagnostics: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** The canonical form of a source. */
export function format(source: string, path: string = "source.se"): FormatResult {
  const problems = new Problems();
  const text = formatSource(source, path, problems);
  return text === undefined
    ? { ok: false, diagnostics: problems.list }
    : { ok: true, text, diagnostics: problems.list };
}

export interface MessageOptions {
  /** As for compile: with it, messages show the source. */
  readonly load?: CheckOptions["load"];
  readonly color?: boolean;
  /** Columns; longer lines of source are shown in part. */
  readonly width?: number;
}

/** Diagnostics as text with code frames. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[], options: MessageOptions = {}): string {
  const { load = () => undefined, color = false, width = 100 } = options;
  return formatList(diagnostics, { source: (file) => standardLibrary.get(file) ?? load(file), color, width });
}

export type PackResult =
  | {
      readonly ok: true;
      readonly file: OutputFile;
      readonly warnings: readonly string[];
      /** The public layout whose names were translated; undefined: the network's own names. */
      readonly layout: string | undefined;
    }
  | {
      readonly ok: false;
      readonly messages: readonly string[];
      /** What may be behind them, and what to try. */
      readonly causes: readonly string[];
    };

/**
 * weights.bin for a compiled package, from its manifest alone.
 *
 * @param manifest the text of manifest.json
 * @param weights the bytes of a safetensors file
 */
export function pack(manifest: string, weights: Uint8Array): PackResult {
  const read = layoutOfManifest(manifest);
  if (!read.ok) return { ok: false, messages: [`manifest.json: ${read.message}`], causes: [] };
  const packed = packCheckpoint(read.layout, weights, { written: read.written });
  if (!packed.ok) return { ok: false, messages: packed.messages, causes: packed.causes };
  const { bytes, warnings, reading } = packed;
  return { ok: true, file: { path: "weights.bin", bytes }, warnings, layout: reading.map?.id };
}

/** The types say it already; JavaScript does not read them. */
function oneOf(option: string, value: string, allowed: readonly string[], problems: Problems): void {
  if (!allowed.includes(value))
    wrongOption(`${option} should be ${allowed.join(", ")}, got ${String(value)}`, problems);
}

/** Undefined where an option is not of its type. */
function sourceOf({ entry, load, network, set = {} }: CheckOptions, problems: Problems): Source | undefined {
  const expect = (option: string, isRight: boolean, wanted: string) =>
    isRight || wrongOption(`${option} should be ${wanted}`, problems);
  expect("entry", typeof entry === "string", "the path of a source");
  expect("load", typeof load === "function", "a function that gives the text of a file");
  expect("network", network === undefined || typeof network === "string", "the name of a network");
  expect("set", typeof set === "object" && set !== null, "an object of values");
  if (problems.failed) return undefined;
  return { entry, load: carefully(load), network, set: textsOf(set) };
}

/** What goes wrong in the caller's `load` is reported at the import that asked for the file. */
function carefully(load: CheckOptions["load"]): CheckOptions["load"] {
  return (path) => {
    let text: unknown;
    try {
      text = load(path);
    } catch (error) {
      throw new Unreadable(`load("${path}") failed: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (text === undefined || typeof text === "string") return text;
    // A `load` that reads files or URLs is easily written as an async function.
    const found =
      text instanceof Promise ? "a Promise: read the files first, then compile" : `a value of type ${typeof text}`;
    throw new Unreadable(`load("${path}") should give the text of a file, or undefined, but it gave ${found}`);
  };
}

function wrongOption(message: string, problems: Problems): void {
  problems.report({ code: "SE0904", severity: "error", message });
}
