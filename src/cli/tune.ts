import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cuda } from "../../targets/index.ts";
import { maxBatchOf } from "../../targets/cuda/host.ts";
import { check } from "../check/check.ts";
import { levels, lower, placeIn, type OutputFile } from "../compile.ts";
import { Bug, Problems } from "../diagnostics.ts";
import type { Graph } from "../ir/graph.ts";
import type { Plan } from "../plan/plan.ts";
import type { Precision } from "../precision.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { candidatesOf, convolutionsOf, type Convolution } from "../tune/candidates.ts";
import { choose, type Choice } from "../tune/choose.ts";
import { readTimes } from "../tune/times.ts";
import { tuningFile, tuningText } from "../tune/tuning.ts";
import { fingerprint, packWeights, weightLayout, type WeightLayout } from "../weights/pack.ts";
import { drawWeights } from "../weights/seed.ts";
import type { TuneFlags } from "./commands.ts";
import { diagnosticsJson, exitOf, showDiagnostics } from "./diagnostics.ts";
import { exit, Refusal, usage } from "./exit.ts";
import { readSource } from "./files.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { progressOn } from "./progress.ts";
import { openProject } from "./project.ts";
import { networkOf } from "./settings.ts";
import { table } from "./table.ts";
import {
  buildPrograms,
  emptyFolder,
  indexName,
  measure,
  needGpu,
  needNvcc,
  type CandidatePackage,
} from "./tunePrograms.ts";
import { readWeights } from "./weights.ts";
import { whyNotOver, writeOne } from "./writeAll.ts";

/** What a folder of programs was built for. */
interface Index {
  readonly network: string;
  readonly precision: Precision;
  readonly batches: readonly number[];
  readonly candidates: number;
  readonly convolutions: readonly Convolution[];
}

/** Measures how convolutions are cut best, on the GPU of this machine or, in two steps, on another one's. */
export async function tuneCommand(file: string | undefined, flags: TuneFlags, io: Io): Promise<Outcome> {
  checkFlags(file, flags);
  if (flags.measured !== undefined) return chosen(flags.measured, flags, io, []);
  needNvcc();
  if (flags.buildOnly === undefined) needGpu();
  const project = await openProject(file!, flags, io);
  const problems = new Problems();
  const graph = check({ ...project, ...networkOf(flags), problems });
  const precision = flags.precision ?? "f32";
  const options = { level: levels.O1, precision, vectors: cuda.vectors };
  const plan = graph && lower(graph, options, problems);
  showDiagnostics(problems.list, io, flags);
  if (!graph || !plan)
    return { exit: exitOf(problems.list), document: { ok: false, diagnostics: diagnosticsJson(problems.list, io) } };

  const convolutions = convolutionsOf(plan);
  if (convolutions.length === 0)
    throw new Refusal(exit.wrong, `${plan.name} has no convolution that can be cut in several ways`);
  const batches = [...new Set(flags.batches ?? defaultBatches)].sort((a, b) => a - b);
  const most = maxBatchOf(plan);
  if (batches.at(-1)! > most) throw usage(`--batches: ${plan.name} takes at most ${most} images`);
  const out = flags.out ?? `${plan.name}.tuning.json`;
  const clash = whyNotOver(out, { force: flags.force === true, inputs: project.inputs() });
  if (flags.buildOnly === undefined && clash !== undefined) throw new Refusal(exit.unwritten, clash);

  const candidates = candidatesOf(convolutions).map((tilings) => lower(graph, { ...options, tilings }, problems));
  if (candidates.some((each) => !each)) throw new Bug("a tiling of the model's own does not fit");
  const index = { network: plan.name, precision, batches, candidates: candidates.length, convolutions };
  const folder = flags.buildOnly ?? mkdtempSync(join(tmpdir(), "sec-tune-"));
  const progress = progressOn(io, flags);
  try {
    if (flags.buildOnly !== undefined) emptyFolder(folder, flags.force === true);
    progress.show(`building ${candidates.length} programs`);
    const packages = packagesOf(candidates as readonly Plan[], graph, project.load, flags, io);
    const { arch = "native", rounds = 3 } = flags;
    await buildPrograms(folder, packages, { arch, batches, rounds }, (count) =>
      progress.show(`${count} of ${candidates.length} programs built`),
    );
    writeFileSync(join(folder, indexName), `${JSON.stringify(index, undefined, 1)}\n`);
    if (flags.buildOnly !== undefined) return built(folder, index, io, flags);
    progress.show("measuring");
    await measure(folder);
    progress.end();
    return await chosen(folder, { ...flags, out }, io, project.inputs());
  } finally {
    progress.end();
    if (flags.buildOnly === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

const defaultBatches = [1, 8, 32];

function packagesOf(
  plans: readonly Plan[],
  graph: Graph,
  load: (path: string) => string | undefined,
  flags: TuneFlags,
  io: Io,
): readonly CandidatePackage[] {
  const place = placeIn(load);
  // How long a launch takes depends little on its numbers; those of a network that was not trained are in its range.
  const { weights: path, seed = 0 } = flags;
  const tensors =
    path === undefined
      ? drawWeights(graph, seed)
      : readWeights({ ...flags, weights: path }, graph, io, { place }).tensors;
  // Most candidates have the same layout: one file then serves them all.
  const packed = new Map<string, OutputFile>();
  return plans.map((plan) => {
    const layout = weightLayout(plan);
    const path = `weights-${fingerprint(layout)}.bin`;
    const weights = packed.get(path) ?? { path, bytes: bytesOf(layout, tensors) };
    packed.set(path, weights);
    return { files: cuda.files(plan, place), weights };
  });
}

function bytesOf(layout: WeightLayout, tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  const packed = packWeights(layout, tensors);
  if (!packed.ok) throw new Bug(packed.messages.join("; "));
  return packed.bytes;
}

function built(folder: string, index: Index, io: Io, { quiet }: TuneFlags): Outcome {
  const { candidates, convolutions, batches } = index;
  if (!quiet)
    io.err(
      `${candidates} programs for ${convolutions.length} shapes of convolutions are in ${folder}\n` +
        `measure them with: sh ${folder}/measure.sh\nand choose with: sec tune --measured ${folder}\n`,
    );
  return { exit: exit.done, document: { ok: true, folder, candidates, batches } };
}

/** From what was measured to the tuning file. */
async function chosen(folder: string, flags: TuneFlags, io: Io, inputs: readonly string[]): Promise<Outcome> {
  const index = indexOf(folder);
  const timesPath = join(folder, "times.txt");
  const text = readSource(timesPath);
  if (!text.ok) throw usage(text.message, `measure first: sh ${join(folder, "measure.sh")}`);
  const times = readTimes(text.text, index.candidates, index.batches);
  if (!times.ok) throw new Refusal(exit.wrong, `${timesPath}: ${times.message}`);
  const choices = choose(index.convolutions, times.runs, index.batches);
  const { network, precision, batches } = index;
  const file = tuningFile({ network, precision, device: times.device, batches }, choices);
  const out = flags.out ?? `${network}.tuning.json`;
  const bytes = new TextEncoder().encode(tuningText(file));
  const written = await writeOne(out, bytes, { force: flags.force === true, inputs });
  if (!written.ok) throw new Refusal(exit.unwritten, written.message);
  if (!flags.quiet) io.err(`${out}; use it with: sec compile --target cuda --precision ${precision} --tuning ${out}\n`);
  return {
    exit: exit.done,
    document: { ok: true, output: out, ...file },
    text: `${network} in ${precision} on ${times.device}\n\n${choicesText(choices, batches)}`,
  };
}

function indexOf(folder: string): Index {
  const read = readSource(join(folder, indexName));
  if (!read.ok) throw usage(read.message, `${folder} should be a folder that sec tune --build-only built`);
  try {
    return JSON.parse(read.text) as Index;
  } catch {
    throw new Refusal(exit.wrong, `${join(folder, indexName)}: it is not JSON`);
  }
}

/** One row for each shape, and the sums: what was chosen, and by how much it is shorter than the model's choice. */
function choicesText(choices: readonly Choice[], batches: readonly number[]): string {
  const percent = (now: number, before: number) => `${((100 * now) / before).toFixed(0)} %`;
  const cells = (best: readonly number[], model: readonly number[]) =>
    batches.flatMap((_, at) => [best[at]!.toFixed(1), percent(best[at]!, model[at]!)]);
  const total = (of: "best" | "model") =>
    batches.map((_, at) => choices.reduce((sum, choice) => sum + choice[of].microseconds[at]!, 0));
  return table([
    ["convolution", "launches", "cut", ...batches.flatMap((batch) => [`us at ${batch}`, "of model's"]), "model's cut"],
    ...choices.map(({ shape, launches, best, model }) => [
      shape,
      `${launches}`,
      cutText(best.tiling),
      ...cells(best.microseconds, model.microseconds),
      best === model ? "" : cutText(model.tiling),
    ]),
    ["all", `${choices.reduce((sum, { launches }) => sum + launches, 0)}`, "", ...cells(total("best"), total("model"))],
  ]);
}

/** `64x64`, `64x64 in 4 up to 8` */
function cutText({ tile, split }: Choice["best"]["tiling"]): string {
  return `${tile.pixels}x${tile.channels}${split ? ` in ${split.slices} up to ${split.apartUpTo}` : ""}`;
}

/** What commander cannot know: which flags go together. */
function checkFlags(file: string | undefined, flags: TuneFlags): void {
  if (flags.measured === undefined) {
    if (file === undefined) throw usage("no file was named", "sec tune net.se, or sec tune --measured DIR");
    if (flags.buildOnly !== undefined && flags.arch === undefined)
      throw usage("--build-only needs --arch, as the GPU is elsewhere", "--arch sm_90");
    return;
  }
  const given = { "a source": file, "--build-only": flags.buildOnly, "--precision": flags.precision };
  const ofSources = {
    "--set": flags.set,
    "--batches": flags.batches,
    "--weights": flags.weights,
    "--arch": flags.arch,
  };
  for (const [name, value] of Object.entries({ ...given, ...ofSources }))
    if (value !== undefined) throw usage(`${name} goes with building; --measured takes what was built`);
}
