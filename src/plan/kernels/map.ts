import { padTo4 } from "../../ops/weights.ts";
import type { Tile } from "../plan.ts";

/**
 * Maps without a shared tile: every thread computes its own pixels, one vector of 4 channels each. The threads of a
 * workgroup form a grid of `rows` by `columns`; neighbours in a row of threads read neighbouring channels.
 */
export interface MapThreads {
  readonly rows: number;
  readonly columns: number;
  readonly pixelsPerThread: number;
}

/** The tile for a map of so many pixels and channels: threads with several pixels each, but enough of them, and none idle. */
export function chooseMapTile(pixels: number, channels: number): Tile {
  const vectors = padTo4(channels) / 4;
  const columns = chooseColumns(vectors);
  const cost = (size: number) => {
    const { rows, pixelsPerThread } = mapThreads({ pixels: size, channels: columns * 4 });
    if (pixelsPerThread > mostPixels) return Infinity;
    const workgroups = Math.ceil(pixels / size) * Math.ceil(vectors / columns);
    const computed = (Math.ceil(pixels / size) * size) / pixels;
    const idle = (mostThreads / (rows * columns)) ** 0.5;
    const lonely = 1 + 0.25 / pixelsPerThread;
    const unfilled = Math.max(1, enoughWorkgroups / workgroups) ** 0.25;
    // A divisor of the map's pixels is likely one of its rows, or a multiple: then windows share what they see.
    const ragged = pixels % size === 0 ? 1 : 1.1;
    return computed * idle * lonely * unfilled * ragged;
  };
  let best = 1;
  for (let size = 1; size <= Math.min(pixels, mostThreads * mostPixels); size++)
    if (cost(size) < cost(best)) best = size;
  return { pixels: best, channels: columns * 4 };
}

/** How the threads of a workgroup share the tile: every thread has the same number of pixels. */
export function mapThreads(tile: Tile): MapThreads {
  const columns = tile.channels / 4;
  let rows = 1;
  for (let count = 1; count * columns <= mostThreads; count++) if (tile.pixels % count === 0) rows = count;
  return { rows, columns, pixelsPerThread: tile.pixels / rows };
}

/** Consecutive pixels of one row of the map that a thread computes together, sharing what their windows see. */
export function runLength(pixelsPerThread: number, width: number): number {
  let run = 1;
  for (let length = 2; length <= pixelsPerThread; length++)
    if (pixelsPerThread % length === 0 && width % length === 0) run = length;
  return run;
}

const enoughWorkgroups = 64;
const mostThreads = 128;
const mostColumns = 16;
const mostPixels = 8;

/** At most 16 vectors of channels side by side, with few threads left over at the end. */
function chooseColumns(vectors: number): number {
  const waste = (columns: number) => (Math.ceil(vectors / columns) * columns) / vectors - columns / 64;
  let best = 1;
  for (let columns = 1; columns <= mostColumns; columns++) if (waste(columns) <= waste(best)) best = columns;
  return best;
}
