/**
 * Builds what bench/cuda/measure.py runs: bench/cuda/run says how it is called. A check of what tensor cores do
 * (fragments.cu), of every network and precision a program (nvcc of main.cu and net.cu), and of every network one image with
 * the reference's outputs and the module for PyTorch. Weights are left to weights.mjs. The folder needs nothing but itself, a
 * driver and Python 3.
 *
 * It takes an hour or more, so that what a folder has already, and what would be made the same again, is kept.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build as bundle } from "esbuild";
import { placeIn } from "../../src/compile.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { print } from "../../src/ir/print.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { Precision } from "../../src/precision.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { foldedWeights } from "../../src/reference/interpretPlan.ts";
import { unsupported } from "../../src/supported.ts";
import { zeros, type Tensor } from "../../src/tensor/tensor.ts";
import { concreteShape } from "../../src/tensor/type.ts";
import { allowanceOf } from "../../src/verify/tolerance.ts";
import { fillRandom } from "../../src/weights/random.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { cuda } from "../../targets/index.ts";
import { moduleText } from "../../targets/pytorch/module.ts";
import { asInPackages, full, graphIn, planIn, quick, seed, type Candidate } from "./candidates.ts";
import { tensorCoreHeader } from "./fragments.ts";

/** index.json, as far as weights.ts reads it. */
export interface Index {
  readonly quick: boolean;
  readonly groups: readonly { readonly title: string; readonly networks: readonly Network[] }[];
}

export interface Network {
  readonly name: string;
  readonly path: string;
  readonly programs: readonly { readonly precision: Precision; readonly path?: string }[];
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    arch: { type: "string", default: "80,90" },
    only: { type: "string", default: "" },
  },
});
const [folder] = positionals;
if (folder === undefined || positionals.length > 1) fail("build.ts FOLDER [--quick] [--arch 80,90] [--only GROUP]", 2);
const architectures = options.arch.split(",");
if (!architectures.every((each) => /^\d+a?$/.test(each)))
  fail(`--arch ${options.arch}: numbers are meant, as in 80,90`, 2);
const known = options.quick ? quick : full;
const wanted = known.filter(({ title }) => options.only === "" || title === options.only);
if (wanted.length === 0)
  fail(`--only ${options.only}: one of ${known.map(({ title }) => title).join("; ")} is meant`, 2);
const nvcc = spawnSync("nvcc", ["--version"], { encoding: "utf8" });
if (nvcc.status !== 0) fail("there is no nvcc to build with; build elsewhere (--build-only), then --prebuilt DIR", 4);
const compiler = nvcc.stdout.trim().split("\n").at(-2) ?? "";

// The code for the last architecture also as PTX, which a driver compiles for devices that came later.
const codes = architectures.map((each) => `arch=compute_${each},code=sm_${each}`);
const last = architectures.at(-1)!;
const targets = [...codes, `arch=compute_${last},code=compute_${last}`].flatMap((code) => ["-gencode", code]);
const batches = options.quick ? [1, 2] : [1, 8, 32, 256];
const load = (path: string) => readFileSync(path, "utf8");

interface Reference {
  /** Of the graph. */
  readonly text: string;
  readonly weights: () => Map<string, Tensor>;
  readonly outputs: () => readonly (readonly [output: string, value: Tensor])[];
}

let lastReference: Reference | undefined;

const began = performance.now();
// It comes back as the last file, so that a folder that is half built is none.
rmSync(join(folder, "index.json"), { force: true });
const fragments = join(folder, "fragments");
write(fragments, "fragments.cu", load("bench/cuda/fragments.cu"));
write(fragments, "tensorCores.h", tensorCoreHeader());
await kept(fragments, [load("bench/cuda/fragments.cu"), tensorCoreHeader(), compiler, ...targets], () =>
  compile(fragments, "fragments", "fragments.cu"),
);
const groups = [];
for (const { title, entry, candidates, precisions, peers } of wanted) {
  write(folder, entry, load(entry));
  const networks = [];
  for (const candidate of candidates) networks.push(await prepare(entry, candidate, precisions));
  groups.push({ title, entry, peers, networks });
}
for (const file of ["measure.py", "peers.py", "run"]) copyFileSync(join("bench/cuda", file), join(folder, file));
copyFileSync(process.execPath, join(folder, "node"));
await bundle({
  entryPoints: ["bench/cuda/weights.ts"],
  outfile: join(folder, "weights.mjs"),
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  logLevel: "warning",
});
const programs = { fragments: "fragments/fragments", groups };
const index = { compiler, architectures, batches, quick: options.quick, ...programs };
write(folder, "index.json", `${JSON.stringify(index, undefined, 1)}\n`);
tell(`built ${folder}`);

/** One network in some precisions. */
async function prepare(entry: string, { name, set, ways = asInPackages }: Candidate, precisions: readonly Precision[]) {
  const path = name.replace(/[^A-Za-z0-9]+/g, "-").toLowerCase();
  const here = join(folder!, path);
  const graph = graphIn(entry, set, load);
  write(here, "net.py", moduleText(graphIn(entry, set, load, "trained"), placeIn(load)));
  const inputs = noise(graph);
  await kept(here, [print(graph)], () => {
    for (const [tensor, { data }] of [...inputs, ...referenceOf(graph).outputs()])
      writeFileSync(join(here, `${tensor}.bin`), Float32Array.from(data));
    tell(`${name}: reference`);
  });
  const programs = [];
  for (const precision of precisions) {
    const refused = unsupported("cuda", precision, "compile");
    if (refused.length > 0) {
      programs.push({ precision, skipped: refused[0]!.message });
      continue;
    }
    const plan = planIn(ways, graph, precision);
    const at = join(here, precision);
    const files = cuda.files(plan, ({ file }) => file);
    const texts = files.map(({ bytes }) => Buffer.from(bytes).toString());
    for (const [index, { path }] of files.entries()) write(at, path, texts[index]!);
    const built = await kept(at, [...texts, compiler, ...targets], async () => {
      const program = compile(at, "net", "main.cu", "net.cu");
      // Meanwhile, as nvcc is a process of its own.
      const tolerance = toleranceOf(plan, referenceOf(graph).weights(), inputs, here);
      tell(`${name} ${precision}: tolerance`);
      await program;
      tell(`${name} ${precision}: program`);
      return { tolerance };
    });
    programs.push({ precision, path: `${path}/${precision}`, ...built });
  }
  tell(`${name}: built`);
  return {
    name,
    set,
    path,
    inputs: [...inputs].map(([tensor, { shape }]) => ({ name: tensor, shape })),
    outputs: graph.outputs.map(({ name }) => name),
    programs,
  };
}

/** Of the last graph that was asked for: steps of SE's fusion have one. */
function referenceOf(graph: Graph): Reference {
  const text = print(graph);
  if (lastReference?.text === text) return lastReference;
  const weights = once(() => seedWeights(graph, seed));
  const outputs = once(() => {
    const values = interpret(graph, new Map([...weights(), ...noise(graph)]), 1);
    return graph.outputs.map(({ name, node }) => [name, values.get(node)!] as const);
  });
  return (lastReference = { text, weights, outputs });
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** What a folder holds of the last time if that was made from the same; `make` fills the folder. */
async function kept<T>(at: string, from: readonly string[], make: () => T | Promise<T>): Promise<T> {
  const file = join(at, "built.json");
  const key = createHash("sha256").update(JSON.stringify(from)).digest("hex");
  if (existsSync(file)) {
    const before = JSON.parse(readFileSync(file, "utf8")) as { readonly key: string; readonly result: T };
    if (before.key === key) return before.result;
  }
  mkdirSync(at, { recursive: true });
  const result = await make();
  write(at, "built.json", JSON.stringify({ key, result }));
  return result;
}

async function compile(at: string, program: string, ...sources: readonly string[]): Promise<void> {
  const options = ["-O3", "-std=c++17", ...targets, "-o", program, ...sources];
  const child = spawn("nvcc", options, { cwd: at, stdio: "inherit" });
  const status = await new Promise((resolve) => child.on("close", resolve));
  if (status !== 0) fail(`nvcc ended with ${status} in ${at}`, 1);
}

/** How far each output may be from the reference, for this image: what `sec verify` allows. */
function toleranceOf(
  plan: Plan,
  weights: ReadonlyMap<string, Tensor>,
  inputs: ReadonlyMap<string, Tensor>,
  here: string,
): number {
  const exact = new Map(
    plan.outputs.map(({ name, value }) => {
      const floats = new Float32Array(Uint8Array.from(readFileSync(join(here, `${name}.bin`))).buffer);
      return [value.name, { shape: concreteShape(value.type, 1), data: Float64Array.from(floats) }];
    }),
  );
  const allowance = allowanceOf(plan, inputs, foldedWeights(plan, weights), exact, 1);
  return Math.max(...[...exact.keys()].map((name) => allowance(name).relative));
}

/** One image, as f32 has it. */
function noise(graph: Graph): Map<string, Tensor> {
  const inputs = new Map<string, Tensor>();
  for (const node of graph.nodes) {
    if (node.op !== "input") continue;
    const { shape, data } = zeros(concreteShape(node.type, 1));
    fillRandom(data, 1, `input ${node.name}`, { deviation: 1 });
    inputs.set(node.name, { shape, data: data.map(Math.fround) });
  }
  return inputs;
}

function write(at: string, path: string, text: string): void {
  const file = join(at, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
}

/** With the minutes since it began. */
function tell(text: string): void {
  console.log(`${((performance.now() - began) / 60000).toFixed(1).padStart(6)} min  ${text}`);
}

function fail(message: string, code: number): never {
  console.error(message);
  process.exit(code);
}
