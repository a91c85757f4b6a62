import { Bug } from "../../diagnostics.ts";
import type { Tile } from "../plan.ts";
import { leastWasteful } from "./conv.ts";

/**
 * The convolution on tensor cores: a block of 4 warps computes a tile of the matrix product, and each warp a part of it in
 * products of 16 pixels by 8 channels.
 */
export interface TensorTile extends Tile {
  /** Warps over the pixels of the tile, and over its channels. */
  readonly warpRows: number;
  readonly warpColumns: number;
  /** What one warp holds: products of 16 pixels by 8 channels. */
  readonly products: readonly [pixels: number, channels: number];
}

/** Threads of a block. */
export const tensorThreads = 128;

/** Steps of the depth that are in shared memory or on their way to it. */
export const tensorStages = 3;

/** Bytes of one pixel's terms, or of the depth of one filter, in a step. */
export const tensorStepBytes = 64;

/**
 * `efficiency` ranks tiles by what a warp multiplies for each fragment that it reads from shared memory, a the fragments of
 * pixels and b those of channels: a b / (a + b / 2), relative to the largest.
 */
const tiles: readonly (TensorTile & { readonly efficiency: number })[] = [
  tensorTile(2, 2, 4, 4), // 128 x 64
  tensorTile(2, 2, 2, 4), // 64 x 64
  tensorTile(4, 1, 2, 4), // 128 x 32
  tensorTile(2, 2, 2, 2), // 64 x 32
  tensorTile(1, 4, 2, 2), // 32 x 64
  tensorTile(2, 2, 1, 2), // 32 x 32
];

/** Below this many blocks for one image, a small batch does not fill a device. */
const enoughBlocks = 32;

/** The tile for a map of so many pixels and channels that wastes and idles least. */
export function chooseTensorTile(pixels: number, channels: number): Tile {
  return leastWasteful(tiles, pixels, channels, (blocks) => Math.sqrt(blocks / enoughBlocks));
}

export function tensorTileOf(tile: Tile): TensorTile {
  const found = tiles.find((candidate) => candidate.pixels === tile.pixels && candidate.channels === tile.channels);
  if (!found) throw new Bug(`tensor cores have no tile of ${tile.pixels} pixels by ${tile.channels} channels`);
  return found;
}

/** Every tile, for tests and measurements. */
export const tensorTiles: readonly Tile[] = tiles.map(({ pixels, channels }) => ({ pixels, channels }));

function tensorTile(warpRows: number, warpColumns: number, a: number, b: number) {
  const efficiency = (candidate: number, other: number) => (candidate * other) / (candidate + other / 2);
  return {
    pixels: warpRows * 16 * a,
    channels: warpColumns * 8 * b,
    warpRows,
    warpColumns,
    products: [a, b],
    efficiency: efficiency(a, b) / efficiency(4, 4),
  } as const;
}
