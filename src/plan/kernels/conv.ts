import { Bug } from "../../diagnostics.ts";
import type { NodeOf } from "../../ir/graph.ts";
import { padTo4 } from "../../ops/weights.ts";
import type { Tile, Tiling } from "../plan.ts";

/**
 * The tiled convolution (groups = 1) is a matrix product for each image: pixels by output channels, over the depth of
 * taps and input channels. One workgroup computes a tile of it; its threads form a grid of `rows` by `columns`, and a
 * thread computes `pixelsPerThread` pixels, `rows` apart, by `vectorsPerThread` vectors of 4 channels, `columns` apart.
 */
export interface ConvTile extends Tile {
  readonly rows: number;
  readonly columns: number;
  readonly pixelsPerThread: number;
  readonly vectorsPerThread: number;
  /** The deepest step, in vectors of 4 terms: what lies in workgroup memory between two barriers. */
  readonly deepestStep: number;
}

/**
 * Large tiles read less for each product, small ones spread small maps over the whole device. `efficiency` is relative
 * to the largest and only ranks them: products of one thread for each vector that it reads from workgroup memory.
 */
const tiles: readonly (ConvTile & { readonly efficiency: number })[] = [
  convTile(16, 8, 8, 2, 4, 1.0), // 128 x 64
  convTile(8, 8, 8, 2, 4, 0.97), // 64 x 64
  convTile(16, 8, 8, 1, 4, 0.8), // 128 x 32
  convTile(8, 8, 8, 1, 4, 0.77), // 64 x 32
  convTile(8, 8, 4, 2, 4, 0.75), // 32 x 64
  convTile(16, 4, 8, 1, 4, 0.7), // 128 x 16
  convTile(8, 8, 4, 1, 8, 0.6), // 32 x 32
  convTile(16, 4, 4, 1, 8, 0.55), // 64 x 16
  convTile(4, 16, 4, 1, 8, 0.55), // 16 x 64
  convTile(16, 4, 2, 1, 8, 0.4), // 32 x 16
  convTile(8, 8, 2, 1, 16, 0.4), // 16 x 32
  convTile(8, 4, 2, 1, 4, 0.3), // 16 x 16: the smallest maps are still a few workgroups
];

/** Below this many workgroups for one image, a device of common size is not filled. */
const enoughWorkgroups = 64;

/** Of which convolutions it computes. */
export function hasNoGroups({ attrs }: NodeOf<"conv2d">): boolean {
  return attrs.groups === 1;
}

/** The tiles for a map of so many pixels and channels, those first that waste and idle least. */
export function convTilings(pixels: number, channels: number): readonly Tiling[] {
  const cost = (tile: (typeof tiles)[number]) => {
    const across = Math.ceil(pixels / tile.pixels);
    const along = Math.ceil(padTo4(channels) / tile.channels);
    const computed = across * tile.pixels * along * tile.channels;
    const filled = Math.min(1, (across * along) / enoughWorkgroups);
    return computed / (tile.efficiency * filled);
  };
  return [...tiles]
    .sort((a, b) => cost(a) - cost(b))
    .map((tile) => ({ tile: { pixels: tile.pixels, channels: tile.channels }, split: undefined }));
}

/** How the threads of a workgroup share the tile. */
export function threadsOf(tile: Tile): ConvTile {
  const found = tiles.find((candidate) => candidate.pixels === tile.pixels && candidate.channels === tile.channels);
  if (!found) throw new Bug(`the tiled convolution has no tile of ${tile.pixels} pixels by ${tile.channels} channels`);
  return found;
}

/**
 * How deep a step is, in vectors of 4 terms: the deepest that is not much wasted at the end. Small tiles have few threads
 * to hide the wait for memory, so they ask for more at once.
 */
export function stepOf(tile: ConvTile, depth: number): number {
  const computed = (step: number) => Math.ceil(depth / step) * step;
  return [16, 8, 4].filter((step) => step <= tile.deepestStep).reduce((a, b) => (computed(b) < computed(a) ? b : a));
}

/** Every tile. */
export const convTiles: readonly Tile[] = tiles.map(({ pixels, channels }) => ({ pixels, channels }));

function convTile(
  rows: number,
  columns: number,
  pixelsPerThread: number,
  vectorsPerThread: number,
  deepestStep: number,
  efficiency: number,
): ConvTile & { readonly efficiency: number } {
  return {
    pixels: rows * pixelsPerThread,
    channels: columns * vectorsPerThread * 4,
    rows,
    columns,
    pixelsPerThread,
    vectorsPerThread,
    deepestStep,
    efficiency,
  };
}
