/**
 * Builds what bench/cuda/measure.py runs: bench/cuda/run says how it is called. A check of what tensor cores do
 * (fragments.cu), of every network and precision a program (nvcc of main.cu and net.cu), seeded weights, and of every network
 * one image with the reference's outputs, the module for PyTorch and its weights. The folder needs nothing but itself, a driver
 * and Python 3.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { check } from "../../src/check/check.ts";
import { tensorsFile } from "../../src/cli/weights.ts";
import { placeIn } from "../../src/compile.ts";
import { Problems } from "../../src/diagnostics.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { Precision } from "../../src/precision.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { foldedWeights } from "../../src/reference/interpretPlan.ts";
import { unsupported } from "../../src/supported.ts";
import { zeros, type Tensor } from "../../src/tensor/tensor.ts";
import { concreteShape } from "../../src/tensor/type.ts";
import { allowanceOf } from "../../src/verify/tolerance.ts";
import { packWeights, weightLayout } from "../../src/weights/pack.ts";
import { fillRandom } from "../../src/weights/random.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { cuda } from "../../targets/index.ts";
import { moduleText } from "../../targets/pytorch/module.ts";
import { asInPackages, full, planIn, quick, type Candidate } from "./candidates.ts";
import { tensorCoreHeader } from "./fragments.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, arch: { type: "string", default: "80,90" } },
});
const [folder] = positionals;
if (folder === undefined || positionals.length > 1) fail("build.ts FOLDER [--quick] [--arch 80,90]", 2);
const architectures = options.arch.split(",");
if (!architectures.every((each) => /^\d+a?$/.test(each)))
  fail(`--arch ${options.arch}: numbers are meant, as in 80,90`, 2);
const nvcc = spawnSync("nvcc", ["--version"], { encoding: "utf8" });
if (nvcc.status !== 0) fail("there is no nvcc to build with; build elsewhere (--build-only), then --prebuilt DIR", 4);

// The code for the last architecture also as PTX, which a driver compiles for devices that came later.
const codes = architectures.map((each) => `arch=compute_${each},code=sm_${each}`);
const last = architectures.at(-1)!;
const targets = [...codes, `arch=compute_${last},code=compute_${last}`].flatMap((code) => ["-gencode", code]);
const batches = options.quick ? [1, 2] : [1, 8, 32, 256];
const load = (path: string) => readFileSync(path, "utf8");

const fragments = join(folder, "fragments");
mkdirSync(fragments, { recursive: true });
copyFileSync("bench/cuda/fragments.cu", join(fragments, "fragments.cu"));
writeFileSync(join(fragments, "tensorCores.h"), tensorCoreHeader());
compile(fragments, "fragments", "fragments.cu");
const groups = (options.quick ? quick : full).map(({ title, entry, candidates, precisions, peers }) => ({
  title,
  entry,
  peers,
  networks: candidates.map((candidate) => prepare(entry, candidate, precisions)),
}));
for (const file of ["measure.py", "peers.py", "run"]) copyFileSync(join("bench/cuda", file), join(folder, file));
const compiler = nvcc.stdout.trim().split("\n").at(-2) ?? "";
// The last file, so that a folder that was half built is none.
writeFileSync(
  join(folder, "index.json"),
  `${JSON.stringify({ compiler, architectures, batches, quick: options.quick, fragments: "fragments/fragments", groups }, undefined, 1)}\n`,
);
console.log(`built ${folder}`);

/** One network in some precisions. */
function prepare(entry: string, { name, set, ways = asInPackages }: Candidate, precisions: readonly Precision[]) {
  const began = performance.now();
  const path = name.replace(/[^A-Za-z0-9]+/g, "-").toLowerCase();
  const here = join(folder!, path);
  mkdirSync(here, { recursive: true });
  const problems = new Problems();
  const source = { entry, load, set: new Map(Object.entries(set)), problems };
  const graph = check(source) ?? failed(problems);
  const trained = check({ ...source, training: true }) ?? failed(problems);
  const weights = seedWeights(graph, 1);
  const inputs = noise(graph);
  const values = interpret(graph, new Map([...weights, ...inputs]), 1);
  const outputs = new Map(graph.outputs.map((output) => [output.name, values.get(output.node)!]));
  for (const [tensor, { data }] of [...inputs, ...outputs])
    writeFileSync(join(here, `${tensor}.bin`), Float32Array.from(data));
  writeFileSync(join(here, "net.py"), moduleText(trained, placeIn(load)));
  writeFileSync(join(here, "weights.safetensors"), tensorsFile(weights));

  const programs = precisions.map((precision) => {
    const refused = unsupported("cuda", precision, "compile");
    if (refused.length > 0) return { precision, skipped: refused[0]!.message };
    const plan = planIn(ways, graph, precision);
    const at = join(here, precision);
    const seconds = build(at, plan, weights);
    return { precision, path: `${path}/${precision}`, seconds, tolerance: toleranceOf(plan, weights, inputs, outputs) };
  });
  console.log(`${name}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  return {
    name,
    set,
    path,
    inputs: [...inputs].map(([tensor, { shape }]) => ({ name: tensor, shape })),
    outputs: [...outputs.keys()],
    programs,
  };
}

/** @returns seconds that nvcc took */
function build(at: string, plan: Plan, weights: ReadonlyMap<string, Tensor>): number {
  mkdirSync(at, { recursive: true });
  for (const { path, bytes } of cuda.files(plan, ({ file }) => file)) writeFileSync(join(at, path), bytes);
  const packed = packWeights(weightLayout(plan), weights);
  if (!packed.ok) fail(packed.messages.join("; "), 1);
  writeFileSync(join(at, "weights.bin"), packed.bytes);
  return compile(at, "net", "main.cu", "net.cu");
}

/** @returns seconds that nvcc took */
function compile(at: string, program: string, ...sources: readonly string[]): number {
  const began = performance.now();
  execFileSync("nvcc", ["-O3", "-std=c++17", ...targets, "-o", program, ...sources], { cwd: at, stdio: "inherit" });
  return Math.round((performance.now() - began) / 100) / 10;
}

/** How far each output may be from the reference, for this image: what `sec verify` allows. */
function toleranceOf(
  plan: Plan,
  weights: ReadonlyMap<string, Tensor>,
  inputs: ReadonlyMap<string, Tensor>,
  outputs: ReadonlyMap<string, Tensor>,
): number {
  const exact = new Map(plan.outputs.map(({ name, value }) => [value.name, outputs.get(name)!]));
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

function failed(problems: Problems): never {
  return fail(problems.list.map(({ message }) => message).join("; "), 1);
}

function fail(message: string, code: number): never {
  console.error(message);
  process.exit(code);
}
