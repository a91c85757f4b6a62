import { join } from "node:path";
import type { Manifest as CudaManifest } from "../../targets/cuda/describe.ts";
import { targets } from "../../targets/index.ts";
import type { Manifest as WgslManifest } from "../../targets/wgsl/describe.ts";
import { templateLiteral } from "../../targets/wgsl/files.ts";
import { check } from "../check/check.ts";
import { levels, lower, placeIn, type PlanTarget } from "../compile.ts";
import { Problems, type Span } from "../diagnostics.ts";
import { graphFromJson } from "../ir/json.ts";
import { faultOf } from "../ir/verify.ts";
import type { Plan } from "../plan/plan.ts";
import type { Tilings } from "../plan/tilings.ts";
import { readTilings } from "../tune/tuning.ts";
import { rounded, tolerances } from "../verify/tolerance.ts";
import { verifyPlanOn, type VerifyResult } from "../verify/verify.ts";
import { unsupported } from "../supported.ts";
import { decodeUtf8 } from "../syntax/utf8.ts";
import { zeros, type Tensor } from "../tensor/tensor.ts";
import { elementsPerImage } from "../tensor/type.ts";
import { fillRandom } from "../weights/random.ts";
import type { Storage } from "../weights/storage.ts";
import type { VerifyFlags } from "./commands.ts";
import { exitOf, diagnosticsJson, showDiagnostics } from "./diagnostics.ts";
import { exit, Refusal, usage } from "./exit.ts";
import { isFile, isFolder, readBytes } from "./files.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { progressOn } from "./progress.ts";
import { openProject } from "./project.ts";
import { cudaEmulation, webGpu, type Open } from "./runners.ts";
import { networkOf } from "./settings.ts";
import { inOnePiece } from "./signals.ts";
import { table } from "./table.ts";
import { parametersOf } from "./weights.ts";
import { layoutOfManifest } from "../manifest.ts";

type Manifest = WgslManifest | CudaManifest;

/** What is verified: a plan, and the package whose kernels run. */
interface Subject {
  readonly plan: Plan;
  readonly storage: Storage;
  readonly open: Open;
  /** A span in words, where there is a source. */
  readonly place?: (span: Span) => string;
  readonly diagnostics: readonly unknown[];
}

/** Generated kernels against the reference, launch by launch: on the device that Node has, or CUDA's on the CPU. */
export async function verifyCommand(path: string, flags: VerifyFlags, io: Io): Promise<Outcome> {
  if (flags.weightsAs !== undefined && flags.target !== "wgsl")
    throw usage(`--weights-as is for --target wgsl; ${flags.target} is given f32`);
  const subject = isFolder(path) ? ofFolder(path, flags, io) : await ofSource(path, flags, io);
  if ("exit" in subject) return subject;
  const { plan, storage, open } = subject;
  if (isFolder(path) && flags.weights === undefined && isFile(join(path, "weights.bin")) && !flags.quiet)
    io.err(
      `note: ${join(path, "weights.bin")} is not read, as layers are folded in it; --weights takes a checkpoint\n`,
    );
  const { tensors: parameters, json: weights } = parametersOf(plan.written, flags, io, { place: subject.place });

  const progress = progressOn(io, flags);
  progress.show("compiling the kernels");
  const { runner, on, close } = await open(plan, parameters).finally(() => progress.end());
  try {
    const inputs = randomInputs(plan, flags.seed ?? 0);
    const batch = [...inputs.values()][0]!.shape[0]!;
    const show = (done: number, total: number) => progress.show(`launch ${done} of ${total}`);
    // In one piece is the reference, before the first launch.
    const result = await inOnePiece(() =>
      verifyPlanOn(runner, plan.written, plan, inputs, parameters, batch, show, storage),
    );
    progress.end();
    return outcome(plan, result, storage, on, batch, { diagnostics: subject.diagnostics, weights });
  } finally {
    progress.end();
    await close();
  }
}

async function ofSource(path: string, flags: VerifyFlags, io: Io): Promise<Subject | Outcome> {
  const project = await openProject(path, flags, io);
  const problems = new Problems();
  unsupported(flags.target, flags.precision ?? "f32", "run").forEach((diagnostic) => problems.report(diagnostic));
  const graph = problems.failed ? undefined : check({ ...project, ...networkOf(flags), problems });
  // One without kernels is among the problems, and goes no further.
  const target = targets.get(flags.target) as PlanTarget;
  const { vectors } = target;
  const plan = graph && lower(graph, { level: levels.O1, precision: flags.precision, vectors }, problems);
  showDiagnostics(problems.list, io, flags);
  const diagnostics = diagnosticsJson(problems.list, io);
  if (!plan) return { exit: exitOf(problems.list), document: { ok: false, diagnostics } };
  const place = placeIn(project.load);
  const files = new Map(target.files(plan, place, flags.weightsAs).map((file) => [file.path, file.bytes]));
  const text = (path: string) => new TextDecoder().decode(files.get(path)!);
  const manifest = JSON.parse(text("manifest.json")) as Manifest;
  return { plan, ...openedBy(manifest, text), place, diagnostics };
}

/** @param text a text file of the package */
function openedBy(manifest: Manifest, text: (path: string) => string): Pick<Subject, "open" | "storage"> {
  if (manifest.target === "cuda") return { storage: "f32", open: cudaEmulation(manifest.prefix, text) };
  // Packages of format 1.0 do not say it.
  const { storage = "f32" } = manifest.weights;
  return { storage, open: webGpu(manifest.launches, (name) => text(`kernels/${name}.wgsl`), storage) };
}

/** The plan is made anew from the network in the manifest; the kernels are those of the folder, whatever they say. */
function ofFolder(folder: string, flags: VerifyFlags, io: Io): Subject {
  const ofSources = { "--network": flags.network, "--set": flags.set, "--stdin-filename": flags.stdinFilename };
  for (const [flag, value] of Object.entries(ofSources)) {
    if (value !== undefined) throw usage(`${flag} goes with a source; ${folder} is a folder, and compiled already`);
  }
  const path = join(folder, "manifest.json");
  const read = (name: string) => {
    const file = readBytes(join(folder, name), 1 << 28);
    if (!file.ok) throw usage(file.message, `${folder} should be a folder that sec compile wrote`);
    const decoded = decodeUtf8(file.bytes);
    if (!decoded.ok) throw new Refusal(exit.wrong, `${join(folder, name)}: not UTF-8 at byte ${decoded.at}`);
    return decoded.text;
  };
  const text = read("manifest.json");
  const layout = layoutOfManifest(text);
  if (!layout.ok) throw new Refusal(exit.wrong, `${path}: ${layout.message}`);
  const manifest = JSON.parse(text) as Manifest;
  const { storage } = layout.layout;
  if (flags.weightsAs !== undefined && flags.weightsAs !== storage) {
    throw usage(`${folder} stores its weights as ${storage}, not as ${flags.weightsAs}`, "leave out --weights-as");
  }
  if (manifest.target !== flags.target)
    throw usage(`${folder} was compiled for ${manifest.target}, not for ${flags.target}`);
  const written = graphFromJson(manifest.network, manifest.written);
  const fault = written.ok ? faultOf(written.graph) : written.message;
  if (!written.ok || fault !== undefined)
    throw new Refusal(exit.wrong, `${path}: the network as it was written is damaged: ${fault}`);
  const precision = manifest.target === "cuda" ? manifest.precision : "f32";
  if (flags.precision !== undefined && flags.precision !== precision)
    throw usage(`${folder} was compiled for ${precision}, not for ${flags.precision}`, "leave out --precision");
  const problems = new Problems();
  const level = manifest.fused ? levels.O1 : levels.O0;
  const { vectors } = targets.get(manifest.target) as PlanTarget;
  const { maxBatch } = manifest;
  const tilings = manifest.target === "cuda" ? tilingsOf(manifest, path) : undefined;
  const plan = lower(written.graph, { level, maxBatch, precision, vectors, tilings }, problems);
  const same =
    plan?.launches.length === manifest.launches.length &&
    plan.launches.every((launch, index) => launch.name === manifest.launches[index]!.name);
  if (!plan || !same)
    throw new Refusal(
      exit.wrong,
      `${folder} was compiled by another sec (${manifest.compilerVersion}), which planned it otherwise`,
      "compile the network again",
    );
  if (manifest.target === "wgsl") warnOfStale(folder, manifest, read, io);
  else if (!/^[a-z_]\w*$/.test(manifest.prefix)) throw new Refusal(exit.wrong, `${path}: its prefix is no identifier`);
  return { plan, ...openedBy(manifest, read), diagnostics: [] };
}

function tilingsOf({ tilings, precision }: CudaManifest, path: string): Tilings {
  const read = readTilings(tilings ?? [], precision);
  if (!read.ok) throw new Refusal(exit.wrong, `${path}: its tilings are damaged: ${read.message}`);
  return read.tilings;
}

/** net.js carries the kernels, too: one that was edited in kernels/ alone is verified there, and not what a page runs. */
function warnOfStale(folder: string, manifest: WgslManifest, read: (name: string) => string, io: Io): void {
  const module = read("net.js");
  const stale = new Set(manifest.launches.map(({ kernel }) => kernel));
  for (const name of stale) if (module.includes(templateLiteral(read(`kernels/${name}.wgsl`)))) stale.delete(name);
  for (const name of stale) io.err(`warning: ${join(folder, "net.js")} has another text of kernels/${name}.wgsl\n`);
}

/** As a normalised picture is: zero mean, unit deviation. Two images unless they are large. */
function randomInputs(plan: Plan, seed: number): Map<string, Tensor> {
  const large = plan.inputs.some(({ value }) => elementsPerImage(value.type) > 1 << 14);
  const batch = Math.min(plan.maxBatch, large ? 1 : 2);
  return new Map(
    plan.inputs.map(({ name, value }) => {
      const image = zeros([batch, ...(value.type.shape.slice(1) as number[])]);
      fillRandom(image.data, seed, `verify ${name}`, { deviation: 1 });
      return [name, image];
    }),
  );
}

function outcome(
  plan: Plan,
  result: VerifyResult,
  storage: Storage,
  adapter: string,
  batch: number,
  rest: Readonly<Record<string, unknown>>,
): Outcome {
  const number = (value: number) => value.toExponential(1);
  const tolerance = tolerances.f32;
  const isExact = plan.precision === "f32";
  const allowed = (limit: number) =>
    isExact
      ? `allowed ${number(limit)}`
      : `allowed ${rounded} times what rounding to ${plan.precision} changes in the reference`;
  const { findings, worstShare, worstValue, worstGate, outputs, launches, storage: stored } = result;
  const ok = findings.length === 0;
  const rows = [
    [
      "launches",
      `${launches}`,
      `the worst error is ${worstShare.share.toFixed(2)} of what rounding explains${worstShare.launch && ` (${worstShare.launch})`}`,
    ],
    [
      "values",
      number(worstValue.relative),
      `largest relative difference${worstValue.value && `, of ${worstValue.value}`}; ${allowed(tolerance.relative)}`,
    ],
    ...(plan.written.insertions.length > 0
      ? [
          [
            "gates",
            number(worstGate.absolute),
            `largest difference${worstGate.gate && `, of ${worstGate.gate}`}; ${
              isExact && worstGate.allowed > tolerance.gate
                ? `allowed ${number(worstGate.allowed)}, with what cancels where its squeeze is hoisted`
                : allowed(tolerance.gate)
            }`,
          ],
        ]
      : []),
    ...outputs.map((output) => [
      output.name,
      number(output.relative),
      `relative difference per image; allowed ${number(output.allowed)}`,
    ]),
  ];
  const ofStorage = stored
    ? [
        ...stored.outputs.map(({ name, relative }) => [
          `${name}, ${storage}`,
          number(relative),
          `relative difference per image that storing weights as ${storage} makes`,
        ]),
        ...(stored.worstGate.gate === ""
          ? []
          : [
              [
                `gates, ${storage}`,
                number(stored.worstGate.absolute),
                `largest difference that it makes, of ${stored.worstGate.gate}`,
              ],
            ]),
      ]
    : [];
  const wrong = findings
    .slice(0, 20)
    .map(({ launch, value, message }) => [...new Set([launch, value, message])].join(": "));
  const more = findings.length > 20 ? [`and ${findings.length - 20} more`] : [];
  // Nothing but gates end to end: the sum of what every layer before them rounds, which their absolute tolerance does not know.
  const onlyGates = findings.length > 0 && findings.every(({ isGate }) => isGate);
  const hint = onlyGates
    ? [
        `every launch alone is within what rounding explains (${worstShare.share.toFixed(2)} of it at most), and so are all values but gates:`,
        "no kernel is wrong by itself, but the layers before add up so much rounding, as made-up weights do more than trained ones",
      ]
    : [];
  const verdict = ok
    ? `${plan.name} agrees with the reference`
    : `${plan.name} disagrees with the reference, first in ${findings[0]!.launch}`;
  return {
    exit: ok ? exit.done : exit.bug,
    document: {
      ok,
      network: plan.name,
      on: adapter,
      batch,
      launches,
      worstShare,
      worstValue,
      worstGate,
      outputs,
      findings,
      storage: { as: storage, ...stored },
      ...rest,
    },
    text: [
      `${verdict} (${batch} image${batch === 1 ? "" : "s"}, ${adapter})`,
      table([...rows, ...ofStorage]),
      ...wrong,
      ...more,
      ...hint,
      "",
    ].join("\n"),
  };
}
