import type { Span } from "../../src/diagnostics.ts";
import { graphToJson } from "../../src/ir/json.ts";
import { GENERATOR } from "../../src/marker.ts";
import type { Precision } from "../../src/precision.ts";
import { imagesOf } from "../../src/plan/kernels/geometry.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { tilingEntries, type TilingEntry } from "../../src/tune/tuning.ts";
import { version } from "../../src/version.ts";
import { fingerprint, weightLayout } from "../../src/weights/pack.ts";
import { describeTensor, describeWeights, type Manifest as WgslManifest } from "../wgsl/describe.ts";
import type { TensorDescription } from "../wgsl/description.ts";
import { maxBatchOf, prefixOf } from "./host.ts";
import type { CudaKernel } from "./kernels.ts";

/** manifest.json; targets/cuda/manifest.schema.json says the same in JSON Schema. What both targets have means the same. */
export type Manifest = Pick<
  WgslManifest,
  "$schema" | "generator" | "formatVersion" | "compilerVersion" | "network" | "fused" | "fingerprint" | "maxBatch"
> &
  Pick<WgslManifest, "weights" | "written" | "files"> & {
    readonly target: "cuda";
    /** What convolutions compute in; maps and filters are stored as f16 or bf16 with these, else as f32. */
    readonly precision: Precision;
    /** In front of every name of the C API. */
    readonly prefix: string;
    readonly inputs: readonly Tensor[];
    readonly outputs: readonly Tensor[];
    readonly launches: readonly LaunchEntry[];
    /** How convolutions are cut that a tuning decided about; the others as the model of that sec says. */
    readonly tilings?: readonly TilingEntry[];
  };

type Tensor = Omit<TensorDescription, "slot">;

interface LaunchEntry {
  readonly name: string;
  /** Its namespace in net.cu. */
  readonly kernel: string;
  /** Blocks in x and y; z counts the images, or tiles of `images` of them, or slices of their sums. */
  readonly grid: readonly [number, number];
  /** One if it is not said. */
  readonly images?: number;
  readonly threads: number;
  /** Batches of less than 32 images, or of 32 and more; all if it is not said. */
  readonly batches?: "small" | "large";
  /** Where the layer stands in the source: `file:line:column`. */
  readonly span: string;
}

/** @param files the paths of the package beside the manifest */
export function describe(
  plan: Plan,
  kernels: readonly CudaKernel[],
  place: (span: Span) => string,
  files: readonly string[],
): Manifest {
  const layout = weightLayout(plan);
  const tensor = ({ slot: _, ...rest }: TensorDescription): Tensor => rest;
  return {
    $schema: "https://unpkg.com/se-compiler/targets/cuda/manifest.schema.json",
    generator: GENERATOR,
    formatVersion: "1.0",
    compilerVersion: version,
    target: "cuda",
    network: plan.name,
    precision: plan.precision,
    prefix: prefixOf(plan),
    fused: plan.fused,
    fingerprint: fingerprint(layout),
    maxBatch: maxBatchOf(plan),
    inputs: plan.inputs.map((input) => tensor(describeTensor(plan, input))),
    outputs: plan.outputs.map((output) => tensor(describeTensor(plan, output))),
    launches: plan.launches.map((launch, index): LaunchEntry => {
      const { name, span, batches } = launch;
      const images = imagesOf(launch);
      const { name: kernel, grid, threads } = kernels.find(({ launches }) => launches.includes(index))!;
      const more = images === 1 ? {} : { images };
      return { name, kernel, grid, ...more, threads, ...(batches !== "all" && { batches }), span: place(span) };
    }),
    ...(plan.tilings.size > 0 && { tilings: tilingEntries(plan.tilings) }),
    weights: describeWeights(layout),
    written: graphToJson(plan.written),
    files: files.map((path) => ({ path })),
  };
}
