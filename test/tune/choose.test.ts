import { expect, test } from "vitest";
import type { Tiling } from "../../src/plan/plan.ts";
import type { Convolution } from "../../src/tune/candidates.ts";
import { choose, type Run } from "../../src/tune/choose.ts";

const tiling = (pixels: number, slices = 1): Tiling => {
  return { tile: { pixels, channels: 64 }, split: slices > 1 ? { slices, apartUpTo: 32 } : undefined };
};

/** Runs of one launch: microseconds by candidate, then by batch. */
function runsOf(times: readonly (readonly number[])[], batches: readonly number[], name = "conv"): Run[] {
  return times.flatMap((row, candidate) =>
    row.map((time, at) => ({ candidate, batch: batches[at]!, launches: new Map([[name, time]]) })),
  );
}

/** `64 in 4 up to 8`, with the times that are expected of it. */
function chosen(tilings: readonly Tiling[], times: readonly (readonly number[])[]): string {
  const batches = [1, 8, 32];
  const convolution: Convolution = { shape: "3x3", launches: ["conv"], tilings };
  const [{ best }] = choose([convolution], runsOf(times, batches), batches) as [ReturnType<typeof choose>[number]];
  const { tile, split } = best.tiling;
  const sliced = split ? ` in ${split.slices} up to ${split.apartUpTo}` : "";
  return `${tile.pixels}${sliced}: ${best.microseconds.join(", ")}`;
}

test.each([
  {
    what: "the least product of the times wins, whatever the batch",
    tilings: [tiling(128), tiling(64)],
    times: [
      [10, 20, 40],
      [4, 20, 60],
    ],
    best: "64: 4, 20, 60",
  },
  {
    what: "less than 2 % a batch is noise, and the model's choice stays",
    tilings: [tiling(128), tiling(64)],
    times: [
      [10, 20, 40],
      [9.9, 19.9, 39.9],
    ],
    best: "128: 10, 20, 40",
  },
  {
    what: "slices are apart while that is shorter than the same tile without them",
    tilings: [tiling(64), tiling(64, 4), tiling(32)],
    times: [
      [10, 20, 40],
      [4, 15, 50],
      [9, 30, 90],
    ],
    best: "64 in 4 up to 8: 4, 15, 40",
  },
  {
    what: "slices whose tile was not measured without them are apart as far as was measured",
    tilings: [tiling(128), tiling(64, 4)],
    times: [
      [10, 20, 40],
      [4, 15, 39],
    ],
    best: "64 in 4 up to 32: 4, 15, 39",
  },
  {
    what: "slices that never pay are not taken",
    tilings: [tiling(64), tiling(64, 4)],
    times: [
      [10, 20, 40],
      [11, 19, 50],
    ],
    best: "64: 10, 20, 40",
  },
])("$what", ({ tilings, times, best }) => {
  expect(chosen(tilings, times)).toBe(best);
});

test("the shortest of several runs counts, and launches of one shape add up", () => {
  const convolution: Convolution = { shape: "1x1", launches: ["a", "b", "large"], tilings: [tiling(64)] };
  const run = (batch: number, ...launches: [string, number][]): Run => {
    return { candidate: 0, batch, launches: new Map(launches) };
  };
  const runs = [run(1, ["a", 5], ["b", 7]), run(1, ["a", 6], ["b", 4]), run(32, ["a", 50], ["large", 30], ["c", 1])];
  const [choice] = choose([convolution], runs, [1, 32]);
  expect(choice).toMatchObject({ launches: 2, best: { microseconds: [9, 80] } });
  expect(choice!.model).toBe(choice!.best);
});
