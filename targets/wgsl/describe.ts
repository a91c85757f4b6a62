import { Bug, type Span } from "../../src/diagnostics.ts";
import { graphToJson, type GraphJson } from "../../src/ir/json.ts";
import { GENERATOR } from "../../src/marker.ts";
import { limits, type BoundaryValue, type Launch, type Plan } from "../../src/plan/plan.ts";
import { fingerprint, packedLength, segmentsOf, weightLayout, type WeightLayout } from "../../src/weights/pack.ts";
import { storages, type Storage } from "../../src/weights/storage.ts";
import { version } from "../../src/version.ts";
import type { RenderedKernel } from "../target.ts";
import type {
  BindingDescription,
  LaunchDescription,
  NetworkDescription,
  SegmentDescription,
  TensorDescription,
  WeightsDescription,
} from "./description.ts";

/** manifest.json; targets/wgsl/manifest.schema.json says the same in JSON Schema. */
export interface Manifest extends Omit<NetworkDescription, "name" | "launches" | "weights"> {
  readonly $schema: string;
  /** The mark of a file that sec may write over. */
  readonly generator: typeof GENERATOR;
  /** Major and minor: a reader refuses another major, and ignores fields that it does not know. */
  readonly formatVersion: string;
  readonly target: "wgsl";
  readonly network: string;
  /** At -O0: one kernel for each node. */
  readonly fused: boolean;
  /** The network as it was written, before passes: `sec verify` compares the kernels in the folder with it. */
  readonly written: GraphJson;
  readonly launches: readonly LaunchEntry[];
  readonly weights: {
    /** How weights.bin stores convolution and dense weights; vectors are always f32. */
    readonly storage: Storage;
    /** Of weights.bin. */
    readonly byteLength: number;
    /** The sizes of the buffers on the device, in f32. */
    readonly buffers: readonly number[];
    readonly tensors: readonly TensorEntry[];
    /** How the tensors follow from a checkpoint. */
    readonly program: GraphJson;
  };
  /** Everything in the package beside the manifest; weights.bin is there once weights were given. */
  readonly files: readonly { readonly path: string }[];
}

export interface LaunchEntry extends LaunchDescription {
  /** Where the layer stands in the source: `file:line:column`. */
  readonly span: string;
}

/** A packed tensor: the output of the weight program with this name. */
export interface TensorEntry {
  readonly name: string;
  readonly buffer: number;
  readonly byteOffset: number;
  readonly shape: readonly number[];
  /** What kernels read it as, if that is not f32; only of CUDA's. */
  readonly element?: "f16" | "bf16";
  /** Its form in weights.bin, if that is not f32. */
  readonly form?: Storage;
}

/** In the order of a plan's kernels, which is that of their first launch. */
export function describe(
  plan: Plan,
  kernels: readonly RenderedKernel[],
  place: (span: Span) => string,
  storage: Storage = "f32",
): Manifest {
  const kernelOf = new Map<Launch, RenderedKernel>();
  for (const kernel of kernels) for (const index of kernel.launches) kernelOf.set(plan.launches[index]!, kernel);
  const layout = weightLayout(plan, storage);

  return {
    $schema: "https://unpkg.com/se-compiler/targets/wgsl/manifest.schema.json",
    generator: GENERATOR,
    formatVersion: "1.1",
    compilerVersion: version,
    target: "wgsl",
    network: plan.name,
    fused: plan.fused,
    fingerprint: fingerprint(layout),
    maxBatch: plan.maxBatch,
    requiredLimits: requiredLimits(plan, kernels),
    inputs: plan.inputs.map((input) => describeTensor(plan, input)),
    outputs: plan.outputs.map((output) => describeTensor(plan, output)),
    slots: plan.slots.map((slot) => 4 * slot.floatsPerImage),
    launches: plan.launches.map((launch) => {
      const kernel = kernelOf.get(launch);
      if (!kernel) throw new Bug(`no kernel runs ${launch.name}`);
      const { name, span } = launch;
      return { name, kernel: kernel.name, grid: kernel.grid, bindings: bindingsOf(launch), span: place(span) };
    }),
    weights: describeWeights(layout),
    written: graphToJson(plan.written),
    files: [
      { path: "net.js" },
      { path: "net.d.ts" },
      ...kernels.map((kernel) => ({ path: kernelPath(kernel.name) })),
      { path: "weights.bin" },
    ],
  };
}

export function describeWeights(layout: WeightLayout): Manifest["weights"] {
  const { program, buffers, places, storage } = layout;
  const segments = storage === "f32" ? [] : segmentsOf(layout);
  return {
    storage,
    byteLength: packedLength(layout),
    buffers,
    tensors: program.outputs.map(({ name, node }, index): TensorEntry => {
      const entry = { name, ...places[index]!, shape: node.type.shape as number[] };
      const form = segments[index]?.form ?? "f32";
      return form === "f32" ? entry : { ...entry, form };
    }),
    program: graphToJson(program),
  };
}

/** A manifest for the same kernels, and weights that are stored otherwise. */
export function storedAs(manifest: Manifest, layout: WeightLayout): Manifest {
  return { ...manifest, fingerprint: fingerprint(layout), weights: describeWeights(layout) };
}

export function kernelPath(kernel: string): string {
  return `kernels/${kernel}.wgsl`;
}

/** What net.js needs of a manifest. */
export function networkDescription(manifest: Manifest): NetworkDescription {
  const { compilerVersion, maxBatch, requiredLimits, inputs, outputs, slots, launches, weights } = manifest;
  return {
    name: manifest.network,
    compilerVersion,
    fingerprint: manifest.fingerprint,
    maxBatch,
    requiredLimits,
    inputs,
    outputs,
    slots,
    weights: weightsDescription(weights),
    launches: launches.map(({ name, kernel, grid, bindings }) => ({ name, kernel, grid, bindings })),
  };
}

function weightsDescription({ storage, byteLength, buffers, tensors }: Manifest["weights"]): WeightsDescription {
  if (storage === "f32") return { byteLength, buffers };
  const segments = tensors.map(({ form = "f32", buffer, byteOffset, shape }): SegmentDescription => {
    return [storages.indexOf(form), buffer, byteOffset, shape.reduce((a, b) => a * b, 1), shape.at(-1)!];
  });
  return { byteLength, buffers, storage: storages.indexOf(storage), segments };
}

export function describeTensor(plan: Plan, { name, value }: BoundaryValue): TensorDescription {
  const shape = value.type.shape as TensorDescription["shape"];
  const node = plan.graph.nodes.find((candidate) => candidate.op === "input" && candidate.name === name);
  const image = node?.op === "input" ? node.attrs.image : undefined;
  const tensor: TensorDescription = {
    name,
    shape,
    dtype: value.type.dtype,
    layout: shape.length === 4 ? "NCHW" : "NC",
    slot: value.slot,
  };
  return image ? { ...tensor, image } : tensor;
}

function bindingsOf(launch: Launch): BindingDescription[] {
  const { reads, weights, writes } = launch;
  return [
    ...reads.map(({ slot }) => ({ slot, access: "read" }) as const),
    ...(weights ? [{ weights: weights.buffer, byteOffset: weights.byteOffset, byteLength: weights.byteLength }] : []),
    ...writes.map(({ slot }) => ({ slot, access: "write" }) as const),
  ];
}

/** By WebGPU's names; for one image, because the runtime cuts its chunks by what the device has. */
function requiredLimits(plan: Plan, kernels: readonly RenderedKernel[]): Record<string, number> {
  const slots = plan.slots.map((slot) => 4 * slot.floatsPerImage);
  const sections = plan.launches.map((launch) => launch.weights?.byteLength ?? 0);
  const binding = Math.max(...slots, ...sections);
  const buffers = Math.max(...plan.launches.map((launch) => bindingsOf(launch).length));
  const groups = Math.max(...kernels.flatMap((kernel) => kernel.grid));
  const check = (what: string, value: number, limit: number) => {
    if (value > limit) throw new Bug(`${plan.name} needs ${what} of ${value}, the default limit is ${limit}`);
    return value;
  };
  return {
    maxBufferSize: Math.max(binding, ...plan.weights.buffers),
    maxComputeInvocationsPerWorkgroup: limits.invocations,
    maxComputeWorkgroupSizeX: limits.invocations,
    maxComputeWorkgroupStorageSize: limits.workgroupBytes,
    maxComputeWorkgroupsPerDimension: check("a grid", Math.max(groups, plan.maxBatch), limits.workgroupsPerDimension),
    maxStorageBufferBindingSize: check("a binding", binding, limits.bindingBytes),
    maxStorageBuffersPerShaderStage: check("storage buffers", buffers, limits.storageBuffers),
  };
}
