import { GENERATED } from "../../src/marker.ts";
import type { Manifest } from "./describe.ts";
import type { TensorDescription } from "./description.ts";

/** net.d.ts: the types of net.js, with this network's inputs and outputs. */
export function declarations(manifest: Manifest): string {
  const { inputs, outputs } = manifest;
  return `// ${GENERATED} ${manifest.compilerVersion} for ${manifest.network}. What is generated belongs to you.
// The types of WebGPU come with TypeScript's "dom" library, in older versions with the package @webgpu/types.

/** What run() takes: dense, row-major, any number N of images, the same for all inputs. */
export interface Inputs {
${inputs.map((input) => member(input, "Float32Array | GPUBuffer")).join("\n")}
}

/** What run() gives. */
export interface Outputs {
${outputs.map((output) => member(output, "Float32Array")).join("\n")}
}

/** Buffers on the GPU that hold inputs (usage COPY_SRC). */
export interface InputBuffers {
${inputs.map((input) => member(input, "GPUBuffer")).join("\n")}
}

/** Buffers on the GPU with outputs; those that encode() fills need the usage COPY_DST. */
export interface OutputBuffers {
${outputs.map((output) => member(output, "GPUBuffer")).join("\n")}
}

export interface Tensor<Name extends string, Shape extends readonly ["N", ...number[]]> {
  readonly name: Name;
  readonly shape: Shape;
  readonly dtype: "f32";
  readonly layout: "NCHW" | "NC";
  /** How a picture becomes the tensor: value = (pixel * scale - mean) / std. */
  readonly image?: {
    readonly order: "rgb" | "bgr" | "grey";
    readonly scale: number;
    readonly mean: readonly number[];
    readonly std: readonly number[];
    readonly resize: "bilinear" | "nearest" | "none";
    readonly antialias: boolean;
    readonly crop: "none" | { readonly resizeShortSideTo: number; readonly center: true };
  };
}

export interface Meta {
  readonly network: ${JSON.stringify(manifest.network)};
  readonly compilerVersion: string;
  readonly fingerprint: string;
  readonly inputs: readonly [${inputs.map(tensorType).join(", ")}];
  readonly outputs: readonly [${outputs.map(tensorType).join(", ")}];
  /** Bytes of weights.bin. */
  readonly weightsByteLength: number;
}

/** What is known without a device. */
export declare const meta: Meta;
${fixed}`;
}

/** The part that is the same for every network. */
const fixed = `
export interface CreateOptions {
  /** weights.bin; a string is a URL. */
  weights: string | URL | Request | Response | ArrayBuffer | ArrayBufferView | Blob | ReadableStream<Uint8Array>;
  /** Yours: it is shared and never destroyed. Without it the network makes a device of its own. */
  device?: GPUDevice | undefined;
  /** At most so many images at a time: bounds the memory on the GPU. Larger batches run in chunks. */
  maxBatch?: number | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Aborting rejects with the signal's reason and frees everything. */
  signal?: AbortSignal | undefined;
  fetch?: typeof globalThis.fetch | undefined;
}

export interface Progress {
  status: "loading" | "ready";
  /** Bytes of weights.bin. */
  loaded: number;
  total: number;
}

/** Loads the network. What it rejects with is one of the errors below, the signal's reason, or a TypeError. */
export declare function create(options: CreateOptions): Promise<Net>;

export interface RunOptions {
  /** Aborting rejects with the signal's reason; work that the GPU has begun is dropped when it is done. */
  signal?: AbortSignal | undefined;
  /** How many images the GPUBuffers hold; without it their sizes say it. */
  batch?: number | undefined;
}

export interface Net {
  readonly device: GPUDevice;
  readonly inputs: Meta["inputs"];
  readonly outputs: Meta["outputs"];
  /** The most images of one chunk, and of encode(). */
  readonly maxBatch: number;
  /**
   * Runs any number of images. Calls may overlap: they run in order. Arrays are read before run() returns, buffers when
   * their turn comes.
   */
  run(inputs: Inputs, options?: RunOptions & { outputs?: "array" | undefined }): Promise<Outputs>;
  /** Leaves the outputs on the GPU, in new buffers (STORAGE, COPY_SRC, COPY_DST) that are yours to destroy. */
  run(inputs: Inputs, options: RunOptions & { outputs: "gpu-buffer" }): Promise<OutputBuffers>;
  /** Records one run without submitting it. Outputs that are not named are not copied. */
  encode(
    encoder: GPUCommandEncoder,
    inputs: InputBuffers,
    outputs: Partial<OutputBuffers>,
    options?: { batch?: number | undefined },
  ): void;
  /** One run of zeros, so that the first real one is as fast as the others. */
  warmup(options?: { signal?: AbortSignal | undefined }): Promise<void>;
  /**
   * Frees everything; may be called twice. Runs that are not done reject with a DisposedError. Submit what encode()
   * recorded before.
   */
  dispose(): void;
  [Symbol.dispose](): void;
}

declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }
}

export type Support =
  | {
      supported: true;
      /** True where WebGPU runs in software: correct, and slow. */
      fallbackAdapter: boolean;
    }
  | { supported: false; reason: UnsupportedReason; message: string };

/** Whether the network can run here. */
export declare function isSupported(): Promise<Support>;

export type UnsupportedReason = "insecure-context" | "no-webgpu" | "no-adapter" | "limits";

/** WebGPU is not there, or the device lacks something that the kernels need. */
export declare class UnsupportedError extends Error {
  readonly name: "UnsupportedError";
  readonly reason: UnsupportedReason;
}

/** The weights could not be loaded, or are not those of this network. */
export declare class WeightsError extends Error {
  readonly name: "WeightsError";
}

/** A buffer could not be had; \`bytes\` is everything that was wanted. */
export declare class OutOfMemoryError extends Error {
  readonly name: "OutOfMemoryError";
  readonly bytes: number;
}

/** The device is gone; \`reason\` is WebGPU's. Call create() again: with a device of its own it makes a new one. */
export declare class DeviceLostError extends Error {
  readonly name: "DeviceLostError";
  readonly reason: string;
}

/** dispose() was called before the work was done, or before it was asked for. */
export declare class DisposedError extends Error {
  readonly name: "DisposedError";
}

/** WebGPU refused a kernel or a buffer: a bug in sec or in a driver. */
export declare class GpuError extends Error {
  readonly name: "GpuError";
}
`;

function member(tensor: TensorDescription, type: string): string {
  return `  /** ${tensor.dtype}[${tensor.shape.join(", ")}] */\n  readonly ${tensor.name}: ${type};`;
}

function tensorType(tensor: TensorDescription): string {
  const shape = tensor.shape.map((extent) => JSON.stringify(extent)).join(", ");
  return `Tensor<${JSON.stringify(tensor.name)}, readonly [${shape}]>`;
}
