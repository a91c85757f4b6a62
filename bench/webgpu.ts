/**
 * What generated WebGPU kernels take on this machine's adapter: node scripts/run-ts.mjs bench/webgpu.ts [--quick] [--out FOLDER]
 *
 * For each network: its outputs against the reference (one image), then milliseconds of one image alone, images per second of
 * larger batches, and the device's own time of every launch beside what it must at least move. SE's cost is the ratio to the
 * same network without SE, measured in turns within one run. Weights are seeded. `--quick` takes small networks, to try the
 * script where there is no GPU; its times mean nothing. Writes <adapter>-<date>.json into the folder, bench/results by default.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { wgsl } from "../targets/index.ts";
import { check } from "../src/check/check.ts";
import { importModule, type Net } from "../src/cli/backends.ts";
import { table } from "../src/cli/table.ts";
import { boundaryBuffers, median } from "../src/cli/timing.ts";
import { levels, lower } from "../src/compile.ts";
import { DeviceAbsent, openDevice, type OpenDevice } from "../src/device/node.ts";
import { Problems } from "../src/diagnostics.ts";
import type { Graph } from "../src/ir/graph.ts";
import type { Plan } from "../src/plan/plan.ts";
import { interpret } from "../src/reference/interpret.ts";
import { zeros, type Tensor } from "../src/tensor/tensor.ts";
import { concreteShape } from "../src/tensor/type.ts";
import { relativeDifference } from "../src/verify/compare.ts";
import { tolerance } from "../src/verify/verify.ts";
import { packWeights, weightLayout } from "../src/weights/pack.ts";
import { fillRandom } from "../src/weights/random.ts";
import { seedWeights } from "../src/weights/seed.ts";
import { profile, type LaunchTime } from "./profile.ts";

interface Candidate {
  readonly network: string;
  readonly set: Readonly<Record<string, string>>;
}

interface Group {
  readonly title: string;
  readonly entry: string;
  /** The first is what the others are compared with. */
  readonly candidates: readonly Candidate[];
}

const points = ["none", "standard", "pre", "post", "identity", "3x3"];
const atPoints = (set: Candidate["set"]): Candidate[] => points.map((se) => ({ network: se, set: { ...set, se } }));
const full: readonly Group[] = [
  { title: "SE-ResNet-50", entry: "examples/se-resnet50.se", candidates: atPoints({}) },
  { title: "SE-ResNet-18", entry: "examples/se-resnet18.se", candidates: atPoints({}).slice(0, 2) },
  { title: "digits", entry: "examples/digits.se", candidates: atPoints({}).slice(0, 2) },
];
const quick: readonly Group[] = [
  {
    title: "SE-ResNet-18, small",
    entry: "examples/se-resnet18.se",
    candidates: atPoints({ width: "0.125", blocks: "1,1,1,1", resolution: "32", classes: "10" }).slice(0, 2),
  },
];

const args = process.argv.slice(2);
const isQuick = args.includes("--quick");
const folder = args.includes("--out") ? args[args.indexOf("--out") + 1]! : "bench/results";
const batches = isQuick ? [1, 2] : [1, 8, 32, 128];
const rounds = isQuick ? 3 : 30;

interface Prepared {
  readonly candidate: Candidate;
  readonly plan: Plan;
  readonly net: Net;
  readonly packed: Uint8Array;
  readonly difference: number;
  readonly createMs: number;
}

/** Of one network at one batch. */
interface Timing {
  readonly batch: number;
  /** Milliseconds of one batch alone, from submit until done: the median of the rounds. */
  readonly latency: number;
  /** Milliseconds of one batch while others wait behind it: the median of the rounds. */
  readonly each: number;
  /** `each`, over that of the first candidate in the same round: the median. */
  readonly ratio: number;
}

main().catch((error: unknown) => {
  console.error(error instanceof DeviceAbsent ? `no GPU: ${error.message}` : error);
  process.exitCode = error instanceof DeviceAbsent ? 4 : 1;
});

async function main(): Promise<void> {
  const timestamps: GPUFeatureName[] = ["timestamp-query"];
  const opened = await openDevice({ requiredFeatures: timestamps });
  console.log(
    `${opened.adapter}; ${cpus()[0]?.model ?? "unknown CPU"}${isQuick ? "; --quick: times mean nothing" : ""}`,
  );
  const groups = [];
  for (const group of isQuick ? quick : full) groups.push(await measure(opened, group));
  await opened.close();
  const date = new Date().toISOString().slice(0, 10);
  const device = opened.adapter.replace(/[^A-Za-z0-9.]+/g, "-").slice(0, 60);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${isQuick ? "quick-" : ""}${device}-${date}.json`);
  writeFileSync(
    file,
    `${JSON.stringify({ adapter: opened.adapter, date, quick: isQuick, rounds, groups }, undefined, 1)}\n`,
  );
  console.log(`wrote ${file}`);
  const wrong = groups.flatMap(({ networks }) => networks.filter((each) => !(each.difference <= tolerance.relative)));
  if (wrong.length > 0) throw new Error(`${wrong.map(({ network }) => network).join(", ")}: out of tolerance`);
}

async function measure({ device }: OpenDevice, { title, entry, candidates }: Group) {
  console.log(`\n${title}`);
  const prepared: Prepared[] = [];
  for (const candidate of candidates) prepared.push(await prepare(device, entry, candidate));
  const timings: Timing[][] = prepared.map(() => []);
  for (const batch of batches.filter((each) => prepared.every(({ net }) => each <= net.maxBatch))) {
    (await timed(device, prepared, batch)).forEach((timing, index) => timings[index]!.push(timing));
  }
  const networks = [];
  for (const [index, { candidate, plan, packed, difference, createMs, net }] of prepared.entries()) {
    net.dispose();
    const launches: Record<number, readonly LaunchTime[]> = {};
    const profiled = isQuick ? [1] : [1, 32];
    for (const batch of profiled) launches[batch] = await profile(device, plan, packed, batch);
    networks.push({ ...candidate, difference, createMs, timings: timings[index]!, launches });
  }
  console.log(
    table([
      [
        "SE at",
        "difference",
        "ready in ms",
        ...timings[0]!.map(({ batch }) => `batch ${batch}: alone ms, each ms, ratio`),
      ],
      ...networks.map(({ network, difference, createMs, timings }) => [
        network,
        difference.toExponential(1),
        createMs.toFixed(0),
        ...timings.map(({ latency, each, ratio }) => `${latency.toFixed(3)}, ${each.toFixed(3)}, ${ratio.toFixed(3)}`),
      ]),
    ]),
  );
  return { title, entry, networks };
}

async function prepare(device: GPUDevice, entry: string, candidate: Candidate): Promise<Prepared> {
  const problems = new Problems();
  const load = (path: string) => readFileSync(path, "utf8");
  const graph = check({ entry, load, set: new Map(Object.entries(candidate.set)), problems });
  const plan = graph && lower(graph, { level: levels.O1 }, problems);
  if (!graph || !plan) throw new Error(problems.list.map(({ message }) => message).join("; "));
  const weights = seedWeights(graph, 1);
  const packed = packWeights(weightLayout(plan), weights);
  if (!packed.ok) throw new Error(packed.messages.join("; "));
  const module = wgsl.files(plan, ({ file }) => file).find(({ path }) => path === "net.js")!;
  const { create } = await importModule(module.bytes);
  const began = performance.now();
  const net = await create({ weights: packed.bytes, device });
  const createMs = performance.now() - began;
  return { candidate, plan, net, packed: packed.bytes, createMs, difference: await differenceOf(graph, net, weights) };
}

/** The worst output's relative L2 difference from the reference, for one image. */
async function differenceOf(graph: Graph, net: Net, weights: ReadonlyMap<string, Tensor>): Promise<number> {
  const inputs = new Map<string, Tensor>();
  for (const node of graph.nodes) {
    if (node.op !== "input") continue;
    const value = zeros(concreteShape(node.type, 1));
    fillRandom(value.data, 1, `input ${node.name}`, { deviation: 1 });
    inputs.set(node.name, value);
  }
  const given = [...inputs].map(([name, { data }]) => [name, Float32Array.from(data)]);
  const results = await net.run(Object.fromEntries(given));
  const reference = interpret(graph, new Map([...weights, ...inputs]), 1);
  return Math.max(
    ...graph.outputs.map(({ name, node }) => {
      const expected = reference.get(node)!;
      return relativeDifference({ shape: expected.shape, data: Float64Array.from(results[name]!) }, expected).relative;
    }),
  );
}

/** All candidates in turns, so that what the machine does meanwhile meets each of them. */
async function timed(device: GPUDevice, prepared: readonly Prepared[], batch: number): Promise<Timing[]> {
  const inFlight = isQuick ? 2 : 10;
  const bound = prepared.map(({ plan }) => boundaryBuffers(device, plan, batch));
  const submit = (index: number, times: number) => {
    for (let time = 0; time < times; time++) {
      const encoder = device.createCommandEncoder();
      prepared[index]!.net.encode(encoder, bound[index]!.inputs, bound[index]!.outputs, { batch });
      device.queue.submit([encoder.finish()]);
    }
  };
  const milliseconds = async (index: number, times: number) => {
    const began = performance.now();
    submit(index, times);
    await device.queue.onSubmittedWorkDone();
    return (performance.now() - began) / times;
  };
  const alone: number[][] = prepared.map(() => []);
  const each: number[][] = prepared.map(() => []);
  for (let round = -2; round < rounds; round++) {
    for (const index of prepared.keys()) {
      const latency = await milliseconds(index, 1);
      const throughput = await milliseconds(index, inFlight);
      // The first rounds warm up.
      if (round < 0) continue;
      alone[index]!.push(latency);
      each[index]!.push(throughput);
    }
  }
  bound.forEach(({ destroy }) => destroy());
  return prepared.map((_, index) => ({
    batch,
    latency: median(alone[index]!),
    each: median(each[index]!),
    ratio: median(each[index]!.map((time, round) => time / each[0]![round]!)),
  }));
}
