import { Bug, type Span } from "../../src/diagnostics.ts";
import { GENERATED } from "../../src/marker.ts";
import { gridOf, imagesOf } from "../../src/plan/kernels/geometry.ts";
import { trafficOf } from "../../src/plan/traffic.ts";
import { largeBatch, type BoundaryValue, type Launch, type Plan, type Value } from "../../src/plan/plan.ts";
import { largestIndexedBatch } from "../../src/plan/memory.ts";
import { packedBytes } from "../../src/plan/weights.ts";
import { macsOf } from "../../src/report/count.ts";
import { elementsPerImage } from "../../src/tensor/type.ts";
import { storedAs, type Precision } from "../../src/precision.ts";
import { version } from "../../src/version.ts";
import { tolerances } from "../../src/verify/tolerance.ts";
import { fingerprint, weightLayout } from "../../src/weights/pack.ts";
import { Namer } from "../names.ts";
import { render } from "../render.ts";
import { shapeOf } from "../wgsl/emit.ts";
import { helperTexts } from "./helpers.ts";
import { wrap } from "./print.ts";
import type { CudaKernel } from "./kernels.ts";
import { determinismOf, sliceHostBlocks, splitLaunches } from "./slices.ts";
import { cmakeLists, mainCu, netCu, netH, netMemory } from "./templates.generated.ts";
import { tensorCoreIncludes, tensorCoreSection } from "./tensorCores.ts";
import { cudaWords } from "./words.ts";

/** The text files of a package: kernels with the host code around them. */
export interface HostFiles {
  readonly netCu: string;
  readonly netH: string;
  readonly mainCu: string;
  readonly cmakeLists: string;
}

export function hostFiles(plan: Plan, kernels: readonly CudaKernel[], place: (span: Span) => string): HostFiles {
  const prefix = prefixOf(plan);
  const PREFIX = prefix.toUpperCase();
  const generated = `${GENERATED} ${version} for ${plan.name}. What is generated belongs to you: use it as you like.`;
  const nameOf = namesOf(plan);
  const kernelOf = new Map(
    kernels.flatMap((kernel) => kernel.launches.map((index) => [plan.launches[index]!, kernel])),
  );
  const weightBytes = plan.weights.buffers.reduce((sum, bytes) => sum + bytes, 0);
  const slots = usedSlots(plan);
  const fields = new Namer(cudaWords);
  const field = ({ name, value }: BoundaryValue) => ({ field: fields.name(name), value });
  const inputs = plan.inputs.map(field);
  const outputs = plan.outputs.map(field);
  const boundary = [...inputs, ...outputs];
  const condition = (text: string, status: string) => `if (${text}) return ${PREFIX}_${status};`;

  const view = { generated, prefix, PREFIX, network: plan.name };
  return {
    netCu: render(
      netCu,
      {
        ...view,
        weightBytes,
        fingerprint: bytesOf(fingerprint(weightLayout(plan))),
        slots: slots.length > 0 ? slots.map((slot) => 4 * plan.slots[slot]!.floatsPerImage).join(", ") : "0",
        firstKernel: qualified(kernels[0]!),
        arithmetic: arithmetic[plan.precision],
        determinism: determinismOf(plan),
      },
      {
        includes: tensorCoreIncludes(plan.precision),
        tensorCores: tensorCoreSection(plan.precision),
        ...sliceHostBlocks(plan),
        ...sharedMemoryBlocks(kernels),
        helpers: helperTexts(new Set(kernels.flatMap((kernel) => [...kernel.helpers])), storedAs(plan.precision)),
        kernels: kernels.map(({ text }) => text).join("\n\n"),
        values: commented(plan.values.map((value) => [`${nameOf(value).slice("value::".length)},`, shapeOf(value)])),
        launches: plan.launches
          .map((launch) => {
            const macs = launch.body.nodes.reduce((sum, node) => sum + macsOf(node), 0);
            const { maps, vectors, parts } = trafficOf([launch]);
            const onTensorCores = launch.kernel === "conv" && plan.precision !== "f32" ? 1 : 0;
            const name = [launch.name, place(launch.span)].map((text) => `"${quoted(text)}"`).join(", ");
            const numbers = [
              macs,
              maps + vectors + parts,
              weightBytesOf(launch),
              onTensorCores,
              ...batchesOf(launch, PREFIX),
            ];
            return `{${name}, ${numbers.join(", ")}},`;
          })
          .join("\n"),
        branches: commented([
          ...plan.branches.map(({ launch, fork, join }): [string, string] => {
            return [`{${launch}, ${fork}, ${join}},`, quoted(plan.launches[launch]!.name)];
          }),
          ["NO_BRANCH,", "the end"],
        ]),
        enqueue: plan.launches
          .flatMap((launch, index) => [
            `case ${index}:`,
            ...wrap(`return ${call(launch, kernelOf.get(launch)!, plan, nameOf)};`, "  ", 116),
          ])
          .join("\n"),
        places: plan.values
          .map((value) => {
            const named = boundary.find((each) => each.value === value);
            const from = !named
              ? `slot[${slots.indexOf(value.slot)}]`
              : inputs.includes(named)
                ? `const_cast<float *>(tensors.${named.field})`
                : `tensors.${named.field}`;
            return `v[${nameOf(value)}] = ${from};`;
          })
          .join("\n"),
        nulls: boundary.map(({ field }) => condition(`tensors->${field} == nullptr`, "NULL_ARGUMENT")).join("\n"),
        largeBatch: plan.launches.some(({ batches }) => batches !== "all")
          ? [
              `/** From so many images on, gates and dense layers are computed by launches that are made for many. */`,
              `constexpr int LARGE_BATCH = ${largeBatch};`,
              "",
            ].join("\n")
          : "",
        misaligned: boundary
          .map(({ field }) => condition(`!is_aligned(tensors->${field}, 16)`, "MISALIGNED"))
          .join("\n"),
        copies: copiesOf(outputs),
      },
    ),
    netH: render(
      netH,
      {
        ...view,
        example: boundary.map(({ field }) => field).join(", "),
        maxBatch: maxBatchOf(plan),
        launchCount: plan.launches.length,
      },
      {
        tensors: commented(
          boundary.map(({ field, value }, index) => [
            `${index < inputs.length ? "const " : ""}float *${field};`,
            `[batch, ${value.type.shape.slice(1).join(", ")}]`,
          ]),
          (comment) => `/* ${comment} */`,
        ),
      },
    ),
    mainCu: render(
      mainCu,
      {
        ...view,
        inputNames: inputs.map(({ field }) => field).join(", "),
        outputNames: outputs.map(({ field }) => field).join(", "),
        tolerance: tolerances[plan.precision].relative,
        onTensorCores: plan.precision === "f32" ? "none here" : `dense ${plan.precision}, sums in f32`,
        known: ratesOf(plan.precision),
        bound: boundary.map((_, index) => `tensors[${index}].device`).join(", "),
      },
      {
        tensors: boundary
          .map(({ field, value }, index) => {
            const size = elementsPerImage(value.type);
            return `{"${field}", ${size}, ${index < inputs.length}, nullptr, nullptr},`;
          })
          .join("\n"),
      },
    ),
    cmakeLists: render(cmakeLists, { generated, prefix, architectures: architecturesOf(plan.precision) }, {}),
  };
}

const arithmetic = {
  f32: "in f32",
  tf32: "in f32, with products of convolutions in tf32",
  f16: "with maps and filters in f16, sums in f32",
  bf16: "with maps and filters in bf16, sums in f32",
} as const satisfies Record<Precision, string>;

/** Asynchronous copies, and products of these types, came with sm_80. */
function architecturesOf(precision: Precision): string {
  return precision === "f32" ? "75 80 90" : "80 90";
}

/** In front of every name of the C API: the network's, in lower case. */
export function prefixOf(plan: Plan): string {
  return new Namer(cudaWords).name(plan.name.toLowerCase());
}

/** Kernels index with 32 bits and count images in z; the 128 MiB of WebGPU's bindings are no limit here. */
export function maxBatchOf({ batchLimit = Infinity, slots, precision }: Plan): number {
  return Math.min(batchLimit, largestIndexedBatch(slots, storedAs(precision)));
}

/** Slots with something in them that is not the caller's. */
function usedSlots(plan: Plan): number[] {
  const callers = new Set([...plan.inputs, ...plan.outputs].map(({ value }) => value));
  const used = new Set(plan.values.filter((value) => !callers.has(value)).map((value) => value.slot));
  return [...used].sort((a, b) => a - b);
}

/**
 * Multiply-adds of a multiprocessor in a clock by compute capability: f32, and f16 on tensor cores with sums in f32.
 * Source: NVIDIA's architecture whitepapers, peak rate over multiprocessors and boost clock.
 */
const rates = [
  [75, 64, 512],
  [80, 64, 1024],
  [86, 128, 512],
  [87, 128, 1024],
  [89, 128, 512],
  [90, 128, 2048],
] as const;

function ratesOf(precision: Precision): string {
  const share = { f32: 0, tf32: 0.5, f16: 1, bf16: 1 }[precision];
  return rates.map(([capability, f32, f16]) => `{${capability}, ${f32}, ${f16 * share}}`).join(", ");
}

/** Of the tensors that it reads, without what lies between them. */
function weightBytesOf({ weights }: Launch): number {
  return (weights?.tensors ?? []).reduce((sum, tensor) => sum + packedBytes(tensor), 0);
}

/** The first and the last batch in which a launch runs. */
function batchesOf({ batches }: Launch, PREFIX: string): readonly [string, string] {
  return [batches === "large" ? "LARGE_BATCH" : "1", batches === "small" ? "LARGE_BATCH - 1" : `${PREFIX}_MAX_BATCH`];
}

/**
 * `start(conv1::conv1, dim3(8, 1, batch), 64, queue, v[value::image], w(0), v[value::conv1])`; where slices may be apart,
 * `start_split(SPLITS[0], conv1::conv1, dim3(8, 1, batch), Block(128, 36864), queue, v, v[value::image]...)`
 */
function call(launch: Launch, kernel: CudaKernel, plan: Plan, nameOf: (value: Value) => string): string {
  const { weights } = launch;
  const before = plan.weights.buffers.slice(0, weights?.buffer ?? 0).reduce((sum, bytes) => sum + bytes, 0);
  const buffers = [
    ...launch.reads.map((value) => `v[${nameOf(value)}]`),
    ...(weights ? [`w(${before + weights.byteOffset})`] : []),
    ...launch.writes.map((value) => `v[${nameOf(value)}]`),
  ];
  const images = imagesOf(launch);
  const tiles = images === 1 ? "batch" : `(batch + ${images - 1}) / ${images}`;
  const grid = `dim3(${gridOf(launch).join(", ")}, ${tiles})`;
  if (launch.kernel === "dense") buffers.push("batch");
  const { launched } = kernel.memory;
  const block = launched > 0 ? `Block(${kernel.threads}, ${launched})` : kernel.threads;
  const inputs = [qualified(kernel), grid, block, "queue"];
  if (launch.split === undefined) return `start(${[...inputs, ...buffers].join(", ")})`;
  const split = `SPLITS[${splitLaunches(plan).findIndex((each) => each === launch)}]`;
  return `start_split(${[split, ...inputs, "v", ...buffers].join(", ")})`;
}

/** What a block may share without its kernel asking for more. */
const unasked = 48 * 1024;

/** What asks for the shared memory of large blocks; nothing where none is large. */
function sharedMemoryBlocks(kernels: readonly CudaKernel[]): Readonly<Record<"askForMemory" | "askedMemory", string>> {
  const large = kernels.filter(({ memory }) => memory.all > unasked);
  if (large.length === 0) return { askForMemory: "", askedMemory: "" };
  const asked = large.map(
    (kernel) => `if (error == cudaSuccess) error = ask(${qualified(kernel)}, ${kernel.memory.launched});`,
  );
  return {
    askForMemory: render(netMemory, {}, { asked: asked.join("\n") }),
    askedMemory: "if (const cudaError_t error = ask_for_memory()) return status_of(error);",
  };
}

function qualified({ name }: CudaKernel): string {
  return `${name}::${name}`;
}

/** An output that is the same value as an earlier one is copied. */
function copiesOf(outputs: readonly { readonly field: string; readonly value: Value }[]): string {
  return outputs
    .flatMap(({ field, value }, index) => {
      const first = outputs.findIndex((other) => other.value === value);
      if (first === index) return [];
      const size = `size_t(batch) * ${4 * value.floatsPerImage}`;
      const call = `cudaMemcpyAsync(tensors->${field}, tensors->${outputs[first]!.field}, ${size}, cudaMemcpyDeviceToDevice, stream)`;
      return [`if (const cudaError_t error = ${call}) return status_of(error);`];
    })
    .join("\n");
}

/** The enumerators of values. */
function namesOf(plan: Plan): (value: Value) => string {
  const namer = new Namer(cudaWords);
  const names = new Map(plan.values.map((value) => [value, namer.name(value.name)]));
  return (value) => {
    const name = names.get(value);
    if (name === undefined) throw new Bug(`${value.name} is no value of the plan`);
    return `value::${name}`;
  };
}

/** Lines with comments below one another. */
function commented(
  rows: readonly (readonly [text: string, comment: string])[],
  say: (comment: string) => string = (comment) => `// ${comment}`,
): string {
  const width = Math.max(...rows.map(([text]) => text.length));
  return rows.map(([text, comment]) => `${text.padEnd(width)} ${say(comment)}`).join("\n");
}

function bytesOf(hexadecimal: string): string {
  return hexadecimal.replace(/../g, "0x$&, ").replace(/, $/, "");
}

/** User text in a string literal: printable ASCII, nothing that ends or escapes it. */
function quoted(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\?]/g, "_");
}
