import { Bug } from "../../diagnostics.ts";
import type { NodeOf } from "../../ir/graph.ts";
import { padTo4 } from "../../ops/weights.ts";
import { elementBytes, storedAs, type Precision } from "../../precision.ts";
import type { Split, Tile, Tiling } from "../plan.ts";

/**
 * The convolution on tensor cores: the warps of a block compute a tile of the matrix product, and each a part of it in
 * products of 16 pixels by 8 channels.
 */
export interface TensorTile extends Tile {
  /** Warps over the pixels of the tile, and over its channels. */
  readonly warpRows: number;
  readonly warpColumns: number;
  /** What one warp holds: products of 16 pixels by 8 channels. */
  readonly products: readonly [pixels: number, channels: number];
  /** Of a block. */
  readonly threads: number;
  /** Steps of the depth that are in shared memory or on their way to it. */
  readonly stages: number;
}

/** Bytes of one pixel's terms, or of the depth of one filter, in a step. */
export const tensorStepBytes = 64;

/**
 * Warps hold 64 x 32 where a tile is large: 64 x 64 would leave no registers for a second set of sums (`Split`). There are
 * as many stages as fit the room of the tile's sums, or do not keep a block from a multiprocessor.
 */
const tiles: readonly TensorTile[] = [
  tensorTile([2, 4], [4, 4], 4), // 128 x 128
  tensorTile([4, 2], [4, 4], 3), // 256 x 64
  tensorTile([1, 8], [4, 4], 3), // 64 x 256
  tensorTile([2, 2], [4, 4], 3), // 128 x 64
  tensorTile([1, 4], [4, 4], 3), // 64 x 128
  tensorTile([2, 2], [2, 4], 4), // 64 x 64
  tensorTile([4, 1], [2, 4], 3), // 128 x 32
  tensorTile([2, 2], [2, 2], 4), // 64 x 32
  tensorTile([1, 4], [2, 2], 4), // 32 x 64
  tensorTile([2, 2], [1, 2], 4), // 32 x 32
];

/** A convolution as the matrix product that it is for one image; its depth is a number of steps. */
export interface Product {
  readonly pixels: number;
  readonly channels: number;
  readonly steps: number;
  /** If only tiles of so many channels compute it. */
  readonly tileChannels?: number | undefined;
  /** How often a pixel's terms are copied, all but once from L1; each time from the L2 cache if it is not said. */
  readonly copies?: number;
}

/**
 * A grouped convolution is a product for every slice of this many channels, whose filters are a block of a matrix with
 * zeros outside of the groups: a tile of as many channels reads the same channels of its operand. Of what tensor cores
 * multiply with zeros the kernel leaves out what is 16 channels apart.
 */
export const groupedSlice = 32;

/** Whether a convolution can run on tensor cores: one without groups, or with as many outputs as inputs in each, up to a slice. */
export function runsOnTensorCores({ inputs, attrs, type }: NodeOf<"conv2d">): boolean {
  if (attrs.groups === 1) return true;
  const [inputChannels, channels] = [inputs.x.type.shape[1], type.shape[1]] as [number, number];
  const perGroup = channels / attrs.groups;
  // With two channels in a group seven of eight products were with zeros, and depthwise convolutions are not products.
  return inputChannels === channels && perGroup >= 4 && groupedSlice % perGroup === 0;
}

/**
 * How many input channels a window goes over before it takes the next ones: those of a step. So neighbouring windows, which
 * see the same pixels at other taps, read them within as many steps as there are taps, and find them in L1. Undefined where
 * there is one tap, or where channels do not fill a step: then a tap goes through all channels before the next tap.
 */
export function channelsAtOnce({ inputs, attrs }: NodeOf<"conv2d">, precision: Precision): number | undefined {
  const [, channels] = inputs.x.type.shape as [unknown, number];
  const [height, width] = attrs.kernel;
  const ofStep = tensorStepBytes / elementBytes[storedAs(precision)];
  return attrs.groups === 1 && height * width > 1 && channels % ofStep === 0 ? ofStep : undefined;
}

/** Steps of the depth of a convolution. */
export function tensorSteps(anchor: NodeOf<"conv2d">, precision: Precision): number {
  return Math.ceil((4 * tensorDepth4(anchor) * elementBytes[storedAs(precision)]) / tensorStepBytes);
}

/** Vectors of 4 terms of one result: taps by input channels, of a grouped convolution those of a slice. */
export function tensorDepth4({ inputs, attrs }: NodeOf<"conv2d">): number {
  const [, channels] = inputs.x.type.shape as [unknown, number];
  const [height, width] = attrs.kernel;
  return (height * width * (attrs.groups === 1 ? padTo4(channels) : groupedSlice)) / 4;
}

/**
 * Every tile, and each with the slices of the depth that serve one image best, those first that by the model below serve
 * one image and many best: of both times the product is the least. A split has to promise a tenth, as it costs memory and
 * registers that the model does not know of.
 */
export function tensorTilings(product: Product): readonly Tiling[] {
  const most = Math.min(mostSlices, Math.floor(product.steps / leastSteps));
  const { tileChannels } = product;
  const able = tiles.filter(({ channels }) => tileChannels === undefined || channels === tileChannels);
  const candidates = able.flatMap((tile) => {
    const one = (slices: number) => cycles(tile, product, 1, slices);
    const several = Array.from({ length: Math.max(0, most - 1) }, (_, index) => index + 2);
    const whole = { tile, slices: 1, cost: cyclesPerImage(tile, product, 1) * one(1) };
    if (several.length === 0) return [whole];
    const slices = several.reduce((a, b) => (one(b) < one(a) ? b : a));
    return [whole, { tile, slices, cost: cyclesPerImage(tile, product, slices) * one(slices) * 1.1 }];
  });
  return candidates
    .sort((a, b) => a.cost - b.cost)
    .map(({ tile, slices }) => ({
      tile: { pixels: tile.pixels, channels: tile.channels },
      split: splitOf(tile, product, slices),
    }));
}

/** Slices are apart up to the batch where that is still shorter; at one image at least, where it was found so. */
function splitOf(tile: TensorTile, product: Product, slices: number): Split | undefined {
  if (slices === 1) return undefined;
  let apartUpTo = 1;
  while (cycles(tile, product, apartUpTo + 1, slices) < cycles(tile, product, apartUpTo + 1, 1)) apartUpTo++;
  return { slices, apartUpTo };
}

/** A slice is this many steps at least: the first two bring nothing but data. */
const leastSteps = 4;

/** The last block of a tile reads the sums of all slices one after the other. */
export const mostSlices = 16;

/**
 * The device of the model, in cycles and in bytes a cycle of one multiprocessor. These are published figures of an H100,
 * of which an A100 has 4/5 as many multiprocessors; none was fitted to a measurement of these kernels. Whatever follows
 * from them changes how long a run takes, and by the number of slices the last bits of its results.
 */
const device = {
  multiprocessors: 132,
  registers: 65536,
  /** Shared memory of an A100: an H100 has 228 KiB, and GeForce as little as 100. */
  memoryBytes: 164 * 1024,
  /** From the end of a launch to the next one's beginning: about a microsecond. */
  launch: 2000,
  /** From asking for something in global memory until it is there. */
  latency: 600,
  sharedBytes: 128,
  /** What comes from the L2 cache to one multiprocessor at most, and to all: the latter of an A100, as an H100's is not told. */
  cacheBytes: 64,
  allCacheBytes: 5120,
  /** Products of two halves that tensor cores add in a cycle; of tf32, of which a step has half as many, half of it. */
  products: 1024,
} as const;

/** Blocks that share a multiprocessor, by their memory and by the registers that nvcc 13 gives those of SE-ResNet-50 in f16. */
function residentsOf({ pixels, channels, products: [a, b], threads, stages }: TensorTile, slices: number): number {
  const sums = 4 * a * b;
  const registers = slices === 1 ? 64 + sums : 72 + 1.5 * sums;
  const memoryBytes = Math.max(stages * (pixels + channels) * tensorStepBytes, pixels * (4 * channels + 32));
  const others = 3 * 1024; // gates, and sums of a squeeze
  const fitting = Math.min(device.registers / (threads * registers), device.memoryBytes / (memoryBytes + others));
  return Math.floor(fitting);
}

/** From the L2 cache to a multiprocessor while so many blocks are at work. */
function cacheBytesOf(blocks: number): number {
  return Math.min(device.cacheBytes, device.allCacheBytes / Math.min(blocks, device.multiprocessors));
}

/** Of a step of one block that has a multiprocessor to itself and waits for nothing: the slowest of what it does. */
function stepCycles(
  { pixels, channels, products: [a, b], threads }: TensorTile,
  { copies = 1 }: Product,
  cacheBytes: number,
): number {
  const brought = (pixels + channels) * tensorStepBytes;
  const fromCache = (pixels / copies + channels) * tensorStepBytes;
  const fragments = (threads / 32) * (16 * a + 8 * b) * tensorStepBytes;
  const multiplied = (pixels * channels * tensorStepBytes) / 2;
  const shared = (brought + fragments) / device.sharedBytes;
  return Math.max(shared, fromCache / cacheBytes, multiplied / device.products);
}

/**
 * A launch of some images with each slice in a block of its own. A multiprocessor goes through its blocks in rounds. In a
 * step they either wait for the copies of a step, of which all stages but one are under way, or keep it busy; a round
 * begins by filling the stages and ends by storing the tile. What the slices leave is then read by one block of each tile:
 * three times it waits, for a store, for the counter and for what it reads.
 */
function cycles(tile: TensorTile, product: Product, images: number, slices: number): number {
  const { pixels, channels, steps } = product;
  const blocks = tilesOf(tile, pixels, channels) * images * slices;
  const shared = Math.ceil(blocks / device.multiprocessors);
  const rounds = Math.ceil(shared / residentsOf(tile, slices));
  const waits = (rounds * device.latency) / (tile.stages - 1);
  const step = Math.max(waits, shared * stepCycles(tile, product, cacheBytesOf(blocks)));
  const whole = device.launch + 2 * rounds * device.latency + Math.ceil(steps / slices) * step;
  if (slices === 1) return whole;
  const gathered = (slices + shared) * tile.pixels * tile.channels * 4;
  return whole + 3 * device.latency + gathered / cacheBytesOf(blocks / slices);
}

/** One of so many images that every multiprocessor is busy; a kernel with slices has more registers in any batch. */
function cyclesPerImage(tile: TensorTile, product: Product, slices: number): number {
  const { pixels, channels, steps } = product;
  const block =
    (2 * device.latency) / residentsOf(tile, slices) + steps * stepCycles(tile, product, cacheBytesOf(Infinity));
  return (tilesOf(tile, pixels, channels) * block) / device.multiprocessors;
}

function tilesOf(tile: Tile, pixels: number, channels: number): number {
  return Math.ceil(pixels / tile.pixels) * Math.ceil(padTo4(channels) / tile.channels);
}

export function tensorTileOf(tile: Tile): TensorTile {
  const found = tiles.find((candidate) => candidate.pixels === tile.pixels && candidate.channels === tile.channels);
  if (!found) throw new Bug(`tensor cores have no tile of ${tile.pixels} pixels by ${tile.channels} channels`);
  return found;
}

/** Every tile. */
export const tensorTiles: readonly Tile[] = tiles.map(({ pixels, channels }) => ({ pixels, channels }));

function tensorTile(
  [warpRows, warpColumns]: readonly [number, number],
  products: TensorTile["products"],
  stages: number,
): TensorTile {
  const [pixels, channels] = [warpRows * 16 * products[0], warpColumns * 8 * products[1]];
  return { pixels, channels, warpRows, warpColumns, products, threads: 32 * warpRows * warpColumns, stages };
}
