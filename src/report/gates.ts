import type { Insertion } from "../ir/graph.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** How the gates of a network are distributed over pictures: the paper's Figures 6 and 7 in numbers. */
export interface GateReport {
  readonly network: string;
  readonly images: number;
  /** In the order of the text. */
  readonly blocks: readonly BlockGates[];
}

export interface BlockGates {
  readonly name: string;
  readonly gate: Insertion["gate"];
  readonly channels: number;
  readonly all: GateStatistics;
  /** Empty where no classes are known. */
  readonly classes: readonly (GateStatistics & { readonly label: string })[];
}

/** One number a channel. */
export interface GateStatistics {
  readonly images: number;
  readonly mean: readonly number[];
  /** The standard deviation over the images, all of them counted (not one less). */
  readonly deviation: readonly number[];
}

/**
 * @param gates the value of `<block>.gate` for all images, by that name
 * @param labels of each image; undefined without classes
 */
export function gateReport(
  network: string,
  insertions: readonly Insertion[],
  gates: ReadonlyMap<string, Tensor>,
  labels: readonly string[] | undefined,
): GateReport {
  const names = sorted([...new Set(labels)]);
  const images = gates.values().next().value?.shape[0] ?? 0;
  const members = names.map((label) => labels!.flatMap((other, image) => (other === label ? [image] : [])));
  const blocks = insertions.map(({ name, gate }) => {
    const rows = rowsOf(gates.get(`${name}.gate`)!);
    return {
      name,
      gate,
      channels: rows[0]!.length,
      all: statistics(rows),
      classes: names.map((label, index) => ({ label, ...statistics(members[index]!.map((image) => rows[image]!)) })),
    };
  });
  return { network, images, blocks };
}

/** As many channels as the paper's figures have, evenly spaced, the first and the last among them; all if there are fewer. */
export function sampledChannels(channels: number, most = 50): readonly number[] {
  const count = Math.min(channels, most);
  if (count === 1) return [0];
  return Array.from({ length: count }, (_, index) => Math.round((index * (channels - 1)) / (count - 1)));
}

/** Numbers by their value, before words. */
function sorted(labels: readonly string[]): readonly string[] {
  const number = (label: string) => (/^\d+$/.test(label) ? Number(label) : Infinity);
  return [...labels].sort((a, b) => number(a) - number(b) || (a < b ? -1 : 1));
}

/** The gates of each image; where a gate keeps the map's extents, its mean over them. */
function rowsOf({ shape, data }: Tensor): readonly (readonly number[])[] {
  const [images, channels, ...extents] = shape as [number, number, ...number[]];
  const pixels = extents.reduce((product, extent) => product * extent, 1);
  return Array.from({ length: images }, (_, image) =>
    Array.from({ length: channels }, (_, channel) => {
      const from = (image * channels + channel) * pixels;
      return data.subarray(from, from + pixels).reduce((sum, value) => sum + value, 0) / pixels;
    }),
  );
}

function statistics(rows: readonly (readonly number[])[]): GateStatistics {
  const mean = meanOf(rows);
  const squares = meanOf(rows.map((row) => row.map((value, channel) => (value - mean[channel]!) ** 2)));
  return {
    images: rows.length,
    mean: mean.map(rounded),
    deviation: squares.map((square) => rounded(Math.sqrt(square))),
  };
}

function meanOf(rows: readonly (readonly number[])[]): readonly number[] {
  return rows[0]!.map((_, channel) => rows.reduce((sum, row) => sum + row[channel]!, 0) / rows.length);
}

/** To what an f32 can tell, so that files are short. */
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}
