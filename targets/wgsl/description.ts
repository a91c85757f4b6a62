import type { InputDeclaration } from "../../src/image/declaration.ts";

/**
 * What net.js knows about its network: the part of the manifest that the runtime reads. Plain data, written into net.js as
 * a literal. All sizes are in bytes.
 */
export interface NetworkDescription {
  readonly name: string;
  readonly compilerVersion: string;
  /** 16 hexadecimal digits: the identity of what weights.bin must hold. Not a signature. */
  readonly fingerprint: string;
  /** The most images of one chunk; larger batches run in several. */
  readonly maxBatch: number;
  /** What the kernels need of a device, by WebGPU's names. Never more than the defaults. */
  readonly requiredLimits: Readonly<Record<string, number>>;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  /** The buffers of activations: bytes for one image each. */
  readonly slots: readonly number[];
  readonly weights: WeightsDescription;
  /** In the order in which they run. */
  readonly launches: readonly LaunchDescription[];
}

export interface TensorDescription {
  readonly name: string;
  readonly shape: readonly ["N", ...number[]];
  readonly dtype: "f32";
  /** Dense and row-major, as in PyTorch. */
  readonly layout: "NCHW" | "NC";
  /** Which of `slots` holds it. */
  readonly slot: number;
  /** How a picture becomes the tensor; only inputs that say so have it. */
  readonly image?: InputDeclaration;
}

export interface WeightsDescription {
  /** Of weights.bin: header and buffers. */
  readonly byteLength: number;
  /** The sizes of the buffers that it fills, in f32. */
  readonly buffers: readonly number[];
  /** Left out where the file is an image of the buffers: all f32. Else how it is stored, an index into `storages`. */
  readonly storage?: number;
  /** The file's tensors in order. */
  readonly segments?: readonly SegmentDescription[];
}

/** An index into `storages`; the buffer and the byte in it where the tensor begins; its elements; its innermost extent. */
export type SegmentDescription = readonly [
  form: number,
  buffer: number,
  byteOffset: number,
  floats: number,
  columns: number,
];

export interface LaunchDescription {
  /** From the layer: labels pipelines and errors. */
  readonly name: string;
  /** `kernels/<kernel>.wgsl`. */
  readonly kernel: string;
  /** Workgroups in x and y; z is the image. */
  readonly grid: readonly [number, number];
  /** Bound as 0, 1, 2, ... of group 0. */
  readonly bindings: readonly BindingDescription[];
}

export type BindingDescription =
  | { readonly slot: number; readonly access: "read" | "write" }
  | { readonly weights: number; readonly byteOffset: number; readonly byteLength: number };
