import type { Tiling } from "../plan/plan.ts";
import type { Convolution } from "./candidates.ts";

/** What one run of a candidate's program said: microseconds of each launch that ran. */
export interface Run {
  /** Which of the candidates. */
  readonly candidate: number;
  readonly batch: number;
  readonly launches: ReadonlyMap<string, number>;
}

export interface Choice {
  readonly shape: string;
  /** How many of a run compute it; in other batches they may have other names. */
  readonly launches: number;
  readonly best: Timed;
  /** What the model chose, as it was measured; the best itself if that is it. */
  readonly model: Timed;
}

export interface Timed {
  readonly tiling: Tiling;
  /** Of all launches of the shape, for each batch. */
  readonly microseconds: readonly number[];
}

/** Another tiling takes the place of the model's if it is shorter by so much; less is noise. */
const worthwhile = 0.98;

/**
 * For every convolution the tiling with the least product of its times over all batches, so that no batch counts more than
 * another. Of several runs the shortest counts. Slices are apart in the batches where that was shorter than the same tile
 * without slices, which is about what they take in one block.
 *
 * @param batches in ascending order
 */
export function choose(
  convolutions: readonly Convolution[],
  runs: readonly Run[],
  batches: readonly number[],
): readonly Choice[] {
  return convolutions.map(({ shape, launches, tilings }) => {
    const measured = tilings.map((tiling, candidate) => {
      return { tiling, microseconds: batches.map((batch) => shortest(runs, candidate, batch, launches)) };
    });
    const timed = measured.map((each) => withLimit(each, measured, batches));
    const [model] = timed as [Timed, ...Timed[]];
    const best = timed.reduce((a, b) => (product(b) < product(a) ? b : a));
    const isBetter = product(best) < product(model) * worthwhile ** batches.length;
    const ran = runs.find(({ batch }) => batch === batches[0])!.launches;
    const count = launches.filter((name) => ran.has(name)).length;
    return { shape, launches: count, best: isBetter ? best : model, model };
  });
}

function product({ microseconds }: Timed): number {
  return microseconds.reduce((a, b) => a * b, 1);
}

/** The sum over the launches of a shape that ran, each at its shortest. */
function shortest(runs: readonly Run[], candidate: number, batch: number, launches: readonly string[]): number {
  const ofBatch = runs.filter((run) => run.candidate === candidate && run.batch === batch);
  const times = launches.map((name) => Math.min(...ofBatch.map((run) => run.launches.get(name) ?? Infinity)));
  return times.filter(Number.isFinite).reduce((a, b) => a + b, 0);
}

/** Slices are apart up to the last batch, from the first on, where that is shorter. */
function withLimit({ tiling, microseconds }: Timed, all: readonly Timed[], batches: readonly number[]): Timed {
  const { tile, split } = tiling;
  if (!split) return { tiling, microseconds };
  const whole = all.find(
    (other) =>
      !other.tiling.split && other.tiling.tile.pixels === tile.pixels && other.tiling.tile.channels === tile.channels,
  );
  const together = whole?.microseconds ?? [];
  const from = microseconds.findIndex((time, index) => time >= (together[index] ?? Infinity));
  const apart = from === -1 ? batches.length : from;
  return {
    tiling: { tile, split: { slices: split.slices, apartUpTo: batches[Math.max(apart, 1) - 1]! } },
    microseconds: microseconds.map((time, index) => (index < Math.max(apart, 1) ? time : together[index]!)),
  };
}
