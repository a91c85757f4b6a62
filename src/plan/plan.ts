import type { Span } from "../diagnostics.ts";
import type { Graph, Node } from "../ir/graph.ts";
import type { Element, Precision } from "../precision.ts";
import type { TensorType } from "../tensor/type.ts";
import type { Tilings } from "./tilings.ts";

/**
 * What runs on the device: launches over planned buffers. A launch's meaning is its body, a graph, so the reference
 * interpreter runs a plan as it runs a graph. Nothing here knows a target.
 */
export interface Plan {
  readonly name: string;
  /** The graph as it was written, before passes: what verification compares with. */
  readonly written: Graph;
  /** The graph that the launches compute, after passes. */
  readonly graph: Graph;
  /** False at -O0: one launch for each node. */
  readonly fused: boolean;
  readonly precision: Precision;
  /** How those of its convolutions are cut for which a measurement decided, and no model. */
  readonly tilings: Tilings;
  readonly launches: readonly Launch[];
  /** Launches that may run beside others, in order; one ends before the next starts. */
  readonly branches: readonly Branch[];
  /** Every stored activation, boundary values included. */
  readonly values: readonly Value[];
  /** The boundary: dense NCHW, in the order of the source. */
  readonly inputs: readonly BoundaryValue[];
  readonly outputs: readonly BoundaryValue[];
  readonly slots: readonly Slot[];
  readonly weights: WeightPlan;
  /** The largest batch of one run; more images run in chunks. Limited by bindings of 128 MiB and by --max-batch. */
  readonly maxBatch: number;
  /** What --max-batch says. */
  readonly batchLimit: number | undefined;
}

/** An activation in memory. */
export interface Value {
  /** The name of the node of which it is the value; a boundary value has `.in` or `.out` behind it. */
  readonly name: string;
  /** The value that is meant: NCHW, or [N, C], or squeezeParts' [N, tiles, classes, C]. */
  readonly type: TensorType;
  /**
   * - `dense`: as the user sees it, row-major NCHW (or [N, C]);
   * - `map`: [N, H, W, C padded to 4]; a vector [N, C] is a map of one pixel; the padding channels hold zeros or
   *   anything finite, and are never read into a result;
   * - `parts`: [N, tiles, classes, C padded to 4].
   */
  readonly layout: "dense" | "map" | "parts";
  /** Feature maps may be stored in half precision; vectors, partial sums and dense values are f32. */
  readonly element: Element;
  /** Its size for one image in words of 4 bytes, which are floats where it is f32; the batch is outermost. A multiple of 4
   * unless dense or stored in halves. */
  readonly floatsPerImage: number;
  /** The buffer that holds it while it lives: an index into `Plan.slots`. */
  readonly slot: number;
}

export interface BoundaryValue {
  /** The user's name of the input or output. */
  readonly name: string;
  readonly value: Value;
}

/** One buffer, used by several values in turn. A slot holds one value at a time, so no launch reads what it writes. */
export interface Slot {
  readonly floatsPerImage: number;
}

export const kernelNames = ["conv", "map", "chain", "dense", "softmax", "import", "export"] as const;
export type KernelName = (typeof kernelNames)[number];

export interface Launch {
  /** Unique; from the layer: `layer1.0.conv1`. */
  readonly name: string;
  /** Which kernel family runs it. */
  readonly kernel: KernelName;
  /**
   * Its meaning. Leaves are `input` nodes called like the values that it reads, and `parameter` nodes called like the
   * (folded, not yet packed) nodes of the weight program; outputs are called like the values that it writes.
   */
  readonly body: Graph;
  /**
   * The body's node around which the rest is fused: the convolution, the pooling, the concatenation... Before it the
   * operand is computed as it is loaded; after it the epilogue, element by element. Undefined for purely elementwise maps
   * and for chains of vectors.
   */
  readonly anchor: Node | undefined;
  /** Bound in this order: reads, then weights (if any), then writes. All distinct; at most 8 with the weights. */
  readonly reads: readonly Value[];
  readonly weights: WeightSection | undefined;
  readonly writes: readonly Value[];
  /** Pixels of one image in one workgroup's tile (conv, map): equals the body's squeezeParts' tile if there is one. */
  readonly tile: Tile;
  /** In which batches it runs. */
  readonly batches: Batches;
  /** How the sums of a convolution on tensor cores are cut, where one image is few blocks of many steps; else undefined. */
  readonly split: Split | undefined;
  /** Where the layer stands in the source. */
  readonly span: Span;
}

/**
 * Some values can be had in two ways: in few images a gate is computed where it is used, by a launch that stands for two
 * others, and in many a dense layer goes through them tile by tile. Each way is right for every batch.
 */
export type Batches = "all" | "small" | "large";

/**
 * The least images of a large batch. By estimate, a launch of its own begins to cost less than computing a gate again in
 * every workgroup that uses it.
 */
export const largeBatch = 32;

/** What one run of a batch launches. */
export function launchesOf({ launches }: Pick<Plan, "launches">, batch: number): Launch[] {
  const other = batch < largeBatch ? "large" : "small";
  return launches.filter(({ batches }) => batches !== other);
}

/** How gates and dense layers are computed: in all batches alike, or as it is best for small and for large ones. */
export type Vectors = "alike" | "byBatch";

/**
 * A launch that does not need the ones before it, nor is needed by those after it: it starts when all before launch `fork`
 * have ended, and has ended when launch `join` starts. `fork` <= `launch` < `join`; all are indexes into `Plan.launches`,
 * and `join` is their number where only the caller needs it.
 */
export interface Branch {
  readonly launch: number;
  readonly fork: number;
  readonly join: number;
}

/** What one workgroup computes: `pixels` consecutive pixels of one image by `channels` consecutive channels. */
export interface Tile {
  readonly pixels: number;
  readonly channels: number;
}

/**
 * The depth of a product in slices, each summed from zero; their sums are added in order. Which blocks compute them changes
 * no bit of a result.
 */
export interface Split {
  readonly slices: number;
  /** Up to this batch each slice of a tile is a block's; from there on one block computes all of them. */
  readonly apartUpTo: number;
}

/** How the product of a convolution is cut. It decides how long a launch takes, and in what order it adds. */
export type Tiling = Pick<Launch, "tile" | "split">;

/** The weights of one launch, one binding: its tensors one after the other. */
export interface WeightSection {
  readonly tensors: readonly PackedTensor[];
  /** Which of `WeightPlan.buffers`, and where in it; a multiple of 256 bytes. */
  readonly buffer: number;
  readonly byteOffset: number;
  readonly byteLength: number;
}

export interface PackedTensor {
  /** The name of the body's parameter node that it packs. */
  readonly parameter: string;
  /** The node of the weight program that yields the packed floats: packConv, packChunks, packGrouped, packDepthwise or packVector of the parameter. */
  readonly packed: Node;
  /** Where it begins in its section, in words of 4 bytes; a multiple of 4. */
  readonly floatOffset: number;
  readonly element: Element;
}

export interface WeightPlace {
  /** Which of `WeightPlan.buffers`, and where in it. */
  readonly buffer: number;
  readonly byteOffset: number;
  /** What kernels read it as, where that is not f32. */
  readonly element?: "f16" | "bf16";
}

export interface WeightPlan {
  /** Outputs are the packed tensors in file order; leaves are the checkpoint's tensors. Evaluated in float64 when packed. */
  readonly program: Graph;
  /** Where each output of the program lies, in the same order. */
  readonly places: readonly WeightPlace[];
  /** Sizes in bytes of the buffers into which weights.bin is cut, each at most 128 MiB. */
  readonly buffers: readonly number[];
}

/** WebGPU's default limits, which every plan respects. */
export const limits = {
  storageBuffers: 8,
  invocations: 256,
  workgroupBytes: 16384,
  workgroupsPerDimension: 65535,
  bindingBytes: 128 * 1024 * 1024,
  offsetAlignment: 256,
} as const;
