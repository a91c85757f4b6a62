import { createRequire } from "node:module";
import { binHeader, writeBinHeader } from "../../src/weights/binHeader.ts";
import type { Storage } from "../../src/weights/storage.ts";
import type { NetworkDescription } from "../../targets/wgsl/description.ts";
import { scriptJson } from "../../targets/wgsl/json.ts";
import { runtime } from "../../targets/wgsl/runtime.generated.ts";
import type { CreateOptions } from "../../targets/wgsl/runtime/create.ts";
import type { Support } from "../../targets/wgsl/runtime/device.ts";
import type { Net } from "../../targets/wgsl/runtime/net.ts";

/**
 * A network of two launches, small enough to know by heart:
 *
 *     scaled[n,c,h,w] = max(map[n,c,h,w] * w[c,h,w] + v[c,h,w], 0)        12 floats an image, weights in buffer 0
 *     y[n,k]          = sum over c,h,w of scaled[n,c,h,w] + vector[n,k] * u[k]     4 floats, weights in buffer 1
 *
 * Its outputs are `scaled` and `y`. All numbers are small integers, so that results are exact.
 */
export const tiny: NetworkDescription = {
  name: "Tiny",
  compilerVersion: "0.0.0",
  fingerprint: "0123456789abcdef",
  maxBatch: 64,
  requiredLimits: { maxStorageBuffersPerShaderStage: 4, maxStorageBufferBindingSize: 1024 },
  inputs: [
    { name: "map", shape: ["N", 3, 2, 2], dtype: "f32", layout: "NCHW", slot: 0 },
    { name: "vector", shape: ["N", 4], dtype: "f32", layout: "NC", slot: 1 },
  ],
  outputs: [
    { name: "scaled", shape: ["N", 3, 2, 2], dtype: "f32", layout: "NCHW", slot: 2 },
    { name: "y", shape: ["N", 4], dtype: "f32", layout: "NC", slot: 3 },
  ],
  slots: [48, 16, 48, 16],
  weights: { byteLength: binHeader.bytes + 256 + 48 + 16, buffers: [256 + 48, 16] },
  launches: [
    {
      name: "block.scale",
      kernel: "scale",
      grid: [1, 1],
      bindings: [
        { slot: 0, access: "read" },
        { weights: 0, byteOffset: 0, byteLength: 48 },
        { weights: 0, byteOffset: 256, byteLength: 48 },
        { slot: 2, access: "write" },
      ],
    },
    {
      name: "block.sum",
      kernel: "sum",
      grid: [1, 1],
      bindings: [
        { slot: 2, access: "read" },
        { slot: 1, access: "read" },
        { weights: 1, byteOffset: 0, byteLength: 16 },
        { slot: 3, access: "write" },
      ],
    },
  ],
};

export const kernels: Readonly<Record<string, string>> = {
  scale: `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(12)
fn scale(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  y[group.z * 12u + i] = max(x[group.z * 12u + i] * w[i] + v[i], 0.0);
}
`,
  sum: `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> u: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(4)
fn sum(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) k: u32) {
  var total = 0.0;
  for (var i = 0u; i < 12u; i++) {
    total += x[group.z * 12u + i];
  }
  y[group.z * 4u + k] = total + b[group.z * 4u + k] * u[k];
}
`,
};

export const w = Array.from({ length: 12 }, (_, i) => (i % 5) - 2);
export const v = Array.from({ length: 12 }, (_, i) => 3 - (i % 7));
export const u = [1, -2, 3, -4];

export function weightsBin(
  header: { network?: string; fingerprint?: string; storage?: Storage } = {},
): Uint8Array<ArrayBuffer> {
  const { buffers, byteLength } = tiny.weights;
  const file = new Uint8Array(byteLength);
  writeBinHeader(file, { network: "Tiny", fingerprint: tiny.fingerprint, buffers, ...header });
  const floats = new Float32Array(file.buffer, 256);
  floats.set(w, 0);
  floats.set(v, 64);
  floats.set(u, 76);
  return file;
}

export interface TinyInputs extends Record<string, Float32Array> {
  readonly map: Float32Array;
  readonly vector: Float32Array;
}

export function inputs(images: number, seed = 1): TinyInputs {
  const values = (count: number, step: number) =>
    Float32Array.from({ length: count }, (_, i) => ((i * step + seed) % 9) - 4);
  return { map: values(images * 12, 5), vector: values(images * 4, 7) };
}

export function expected({ map, vector }: TinyInputs): { scaled: Float32Array; y: Float32Array } {
  const scaled = map.map((x, i) => Math.max(x * w[i % 12]! + v[i % 12]!, 0));
  const y = vector.map((b, i) => {
    const image = Math.floor(i / 4);
    return scaled.subarray(image * 12, (image + 1) * 12).reduce((a, x) => a + x, 0) + b * u[i % 4]!;
  });
  return { scaled, y };
}

export interface NetModule {
  create(options: CreateOptions): Promise<Net>;
  isSupported(): Promise<Support>;
  readonly meta: { readonly network: string; readonly weightsByteLength: number };
  readonly DeviceLostError: ErrorClass;
  readonly DisposedError: ErrorClass;
  readonly GpuError: ErrorClass;
  readonly OutOfMemoryError: ErrorClass;
  readonly UnsupportedError: ErrorClass;
  readonly WeightsError: ErrorClass;
}

type ErrorClass = abstract new (...args: never) => Error;

/** The text of a net.js of this network. */
export function moduleText(network: NetworkDescription = tiny): string {
  return `const NETWORK = ${scriptJson(network)};\nconst KERNELS = ${scriptJson(kernels)};\n${runtime}`;
}

/** Past vitest, as a page would import it. */
const nativeImport = createRequire(import.meta.url)("../device/nativeImport.cjs") as (url: string) => Promise<unknown>;

export function importText(text: string): Promise<NetModule> {
  return nativeImport(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`) as Promise<NetModule>;
}
