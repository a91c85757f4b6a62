import { join } from "node:path";
import { check } from "../check/check.ts";
import { didYouMean } from "../suggest.ts";
import {
  compile,
  levels,
  placeIn,
  planOf,
  type Compiled,
  type Options,
  type OutputFile,
  type Source,
  type Target,
} from "../compile.ts";
import { Problems } from "../diagnostics.ts";
import { print } from "../ir/print.ts";
import { largeBatch, launchesOf, type Plan } from "../plan/plan.ts";
import { printPlan } from "../plan/print.ts";
import type { Tilings } from "../plan/tilings.ts";
import { unsupported } from "../supported.ts";
import { parse } from "../syntax/parse.ts";
import { convolutionsOf } from "../tune/candidates.ts";
import { tilingsIn } from "../tune/tuning.ts";
import { binHeader, fingerprintIn } from "../weights/binHeader.ts";
import { fingerprint, weightLayout } from "../weights/pack.ts";
import { targets } from "../../targets/index.ts";
import { emitKinds, type CompileFlags, type EmitKind } from "./commands.ts";
import { diagnosticsJson, exitOf, showDiagnostics } from "./diagnostics.ts";
import { entryOfFolder } from "./entry.ts";
import { exit, Refusal, usage } from "./exit.ts";
import { readSource, readStart } from "./files.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { openProject, type Project } from "./project.ts";
import { networkOf } from "./settings.ts";
import { sizesOf, sizesText } from "./sizes.ts";
import { packedWeights, readWeights, tensorsFile, type WeightsJson } from "./weights.ts";
import { writeAll } from "./writeAll.ts";

/** Source to files, or to one thing on standard output. */
export async function compileCommand(named: string | undefined, given: CompileFlags, io: Io): Promise<Outcome> {
  const { file, flags } = named === undefined ? await entryOfFolder(given) : { file: named, flags: given };
  checkFlags(flags);
  const project = await openProject(file, flags, io);
  const source: Source = { ...project, ...networkOf(flags) };
  const problems = new Problems();
  unsupported(flags.target ?? "wgsl", flags.precision ?? "f32", "compile").forEach((diagnostic) =>
    problems.report(diagnostic),
  );

  const printed: { readonly pass: string; readonly graph: string }[] = [];
  const tilings = flags.tuning === undefined ? undefined : tilingsOfFile(flags.tuning, flags, problems);
  const options: Options = {
    level: levelOf(flags),
    tilings,
    maxBatch: flags.maxBatch,
    storage: flags.weightsAs,
    precision: flags.precision,
    trace: (pass, graph) => {
      if (flags.printAfter?.includes(pass.name)) printed.push({ pass: pass.name, graph: print(graph) });
    },
  };
  const result = problems.failed ? undefined : await produce(project, source, options, flags, problems, io);
  showDiagnostics(problems.list, io, flags);
  const diagnostics = diagnosticsJson(problems.list, io);
  if (!result) return { exit: exitOf(problems.list), document: { ok: false, diagnostics } };
  return {
    exit: exit.done,
    document: { ok: true, ...result.document, ...(flags.printAfter && { printed }), diagnostics },
    text: result.text ?? printed.map(({ pass, graph }) => `// after ${pass}\n${graph}`).join("\n"),
  };
}

interface Product {
  readonly document: Readonly<Record<string, unknown>>;
  /** Of `--emit`. */
  readonly text?: string | Uint8Array;
}

async function produce(
  project: Project,
  source: Source,
  options: Options,
  flags: CompileFlags,
  problems: Problems,
  io: Io,
): Promise<Product | undefined> {
  const { emit } = flags;
  const target = targets.get(flags.target ?? "wgsl")!;
  if (emit === "ast" || emit === "graph" || emit === "plan") {
    const text = stageText(emit, source, target, options, problems);
    return text === undefined ? undefined : { document: { emit, text }, text };
  }
  const compiled = compile(source, target, options, problems);
  if (!compiled) return undefined;
  if (options.tilings && compiled.plan) sayUntuned(compiled.plan, flags, io);
  if (emit !== undefined) return emitted(emit, filesOf(project, compiled, flags, io).files);
  return writeFiles(project, compiled, flags, io);
}

/** What the compiler has in hand before there are files. */
function stageText(
  stage: "ast" | "graph" | "plan",
  source: Source,
  target: Target,
  options: Options,
  problems: Problems,
): string | undefined {
  if (stage === "ast") {
    const tree = parse(source.load(source.entry)!, source.entry, problems);
    return tree && `${JSON.stringify(tree, undefined, 2)}\n`;
  }
  if (stage === "graph") {
    const graph = check({ ...source, problems });
    return graph && print(graph);
  }
  const planTarget = target.reads === "plan" ? target : undefined;
  const planned = planOf(source, { ...options, vectors: planTarget?.vectors }, problems);
  return planned && printPlan(planTarget?.arranged(planned.plan) ?? planned.plan);
}

/** Kernels come one after the other; everything else is one file. */
function emitted(emit: Exclude<EmitKind, "ast" | "graph" | "plan">, files: readonly OutputFile[]): Product {
  const wanted = files.filter(({ path }) => (emit === "wgsl" ? path.endsWith(".wgsl") : fileOf[emit].includes(path)));
  if (wanted.length === 0 && emit === "weights") throw usage("--emit weights needs --weights");
  if (wanted.length === 0)
    throw usage(`this target writes no ${emit}`, `it writes ${files.map(({ path }) => path).join(", ")}`);
  const text = Buffer.concat(wanted.map(({ bytes }) => bytes));
  return { document: { emit, text: emit === "weights" ? text.toString("base64") : text.toString() }, text };
}

const fileOf: Readonly<Record<Exclude<EmitKind, "ast" | "graph" | "plan" | "wgsl">, readonly string[]>> = {
  js: ["net.js"],
  dts: ["net.d.ts"],
  manifest: ["manifest.json"],
  python: ["net.py"],
  cuda: ["net.cu"],
  weights: ["weights.bin", "weights.safetensors"],
};

interface WithWeights {
  readonly files: readonly OutputFile[];
  /** How the weights were read. */
  readonly weights?: WeightsJson;
}

/** A target without a plan packs nothing: its weights are those of the network, by their names. */
function filesOf({ load }: Project, { graph, plan, files }: Compiled, flags: CompileFlags, io: Io): WithWeights {
  const { weights } = flags;
  if (weights === undefined) return { files };
  const place = placeIn(load);
  if (!plan) {
    const { tensors, json } = readWeights({ ...flags, weights }, graph, io, { place });
    return { files: [...files, { path: "weights.safetensors", bytes: tensorsFile(tensors) }], weights: json };
  }
  const layout = weightLayout(plan, flags.weightsAs);
  const { bytes, json } = packedWeights({ ...flags, weights }, layout, io, { written: plan.written, place });
  return { files: [...files, { path: "weights.bin", bytes }], weights: json };
}

function tilingsOfFile(path: string, { precision = "f32" }: CompileFlags, problems: Problems): Tilings | undefined {
  const file = readSource(path);
  if (!file.ok) throw usage(file.message);
  return tilingsIn(file.text, path, precision, problems);
}

/** A tuning of another network, or of another resolution, may have no convolution of this one. */
function sayUntuned(plan: Plan, { tuning, quiet }: CompileFlags, io: Io): void {
  const all = convolutionsOf(plan).length;
  const rest = all - plan.tilings.size;
  if (rest > 0 && !quiet)
    io.err(`note: ${tuning} says nothing of ${rest} of the ${all} shapes of convolutions; a model chose for them\n`);
}

/** `56 kernels a run` */
function kernelsText(plan: Plan): string {
  const [few, many] = [1, largeBatch].map((batch) => launchesOf(plan, batch).length);
  return few === many ? `${few} kernels a run` : `${few} kernels a run, ${many} from ${largeBatch} images on`;
}

async function writeFiles(project: Project, compiled: Compiled, flags: CompileFlags, io: Io): Promise<Product> {
  const out = flags.out ?? compiled.graph.name;
  const { files, weights } = filesOf(project, compiled, flags, io);
  const inputs = [...project.inputs(), ...(flags.weights === undefined ? [] : [flags.weights])];
  const result = await writeAll(out, files, { force: flags.force === true, inputs });
  if (!result.ok) throw new Refusal(exit.unwritten, result.message);

  const sizes = sizesOf(files);
  if (!flags.quiet) {
    const what = compiled.plan ? `${kernelsText(compiled.plan)}, ` : "";
    io.err(`${compiled.graph.name}: ${what}in ${out}\n${sizesText(sizes)}`);
    if (compiled.plan && flags.weights === undefined) {
      io.err(`${ofWeightsThere(out, compiled.plan, flags)}: sec pack ${quoted(out)} --weights FILE\n`);
    }
  }
  const { written, unchanged } = result;
  const { target } = flags;
  const build = target === "cuda" ? nvccLine(out) : undefined;
  if (build !== undefined && !flags.quiet)
    io.err(`it builds with: ${build}\n(-arch is the oldest GPU that it will run on: sm_90 is for H100 and later)\n`);
  return { document: { network: compiled.graph.name, target, out, files: sizes, written, unchanged, weights, build } };
}

/** What a folder without new weights has, up to the command that makes others. */
function ofWeightsThere(out: string, plan: Plan, { weightsAs }: CompileFlags): string {
  const start = readStart(join(out, "weights.bin"), binHeader.bytes);
  if (!start.ok) return "without weights; they come with";
  return fingerprintIn(start.bytes) === fingerprint(weightLayout(plan, weightsAs))
    ? "weights.bin of before fits; others come with"
    : "weights.bin of before does not fit any more; it is made anew with";
}

/** One line for the shell that builds a CUDA package into a program. */
function nvccLine(folder: string): string {
  const path = (name: string) => quoted(join(folder, name));
  return `nvcc -O3 -std=c++17 -arch=sm_80 -o ${path("net")} ${path("main.cu")} ${path("net.cu")}`;
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** What commander cannot know: which flags go together. */
function checkFlags(flags: CompileFlags): void {
  const { out, emit, target, printAfter = [] } = flags;
  if (out === "-" && emit === undefined) {
    throw usage("-o - has room for one thing; choose one with --emit", `--emit ${emitKinds.join(", ")}`);
  }
  if (emit !== undefined && out !== undefined && out !== "-") {
    throw usage("--emit prints on standard output and writes no files", "leave out -o, or redirect the output");
  }
  if (emit !== undefined && printAfter.length > 0) {
    throw usage("--emit and --print-after both print on standard output; choose one");
  }
  if (target === undefined && emit !== "ast" && emit !== "graph") {
    throw usage("no target was named", `--target ${[...targets.keys()].join(", ")}`);
  }
  if (target === "pytorch" && printAfter.length > 0) {
    throw usage("no pass runs for the target pytorch, which is given the network as written");
  }
  if (flags.tuning !== undefined && target !== "cuda") throw usage("--tuning is for --target cuda");
  if (flags.weightsAs !== undefined && target !== "wgsl") {
    throw usage(`--weights-as is for --target wgsl; ${target} is given weights in f32`);
  }
  const passes = new Set(levelOf(flags).passes.map(({ name }) => name));
  for (const name of printAfter) {
    if (passes.size === 0) throw usage("-O0 has no passes to print after");
    if (!passes.has(name)) {
      throw usage(`there is no pass ${name}`, didYouMean(name, passes) ?? `passes are ${[...passes].join(", ")}`);
    }
  }
}

function levelOf({ O }: CompileFlags): Options["level"] {
  return O === "0" ? levels.O0 : levels.O1;
}
