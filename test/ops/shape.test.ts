import { expect, test } from "vitest";
import { tensor } from "../../src/tensor/tensor.ts";
import { f32 } from "../../src/tensor/type.ts";
import { channels, complaint, evaluate, expectTensor, map, row } from "./evaluate.ts";

test("concat: channels one after the other, for every image", () => {
  const a = tensor([2, 1, 1, 2], [1, 2, 3, 4]);
  const b = tensor([2, 2, 1, 2], [10, 20, 30, 40, 50, 60, 70, 80]);
  expectTensor(evaluate("concat", { 0: a, 1: b }), [2, 3, 1, 2], [1, 2, 10, 20, 30, 40, 3, 4, 50, 60, 70, 80]);
  expectTensor(evaluate("concat", { 0: row(1), 1: row(2, 3) }), [1, 3], [1, 2, 3]);
  expect(complaint("concat", { 0: f32("N", 2, 3, 3), 1: f32("N", 2, 3, 4) })).toMatch(
    /agree in everything but channels/,
  );
});

test("sliceChannels", () => {
  const x = tensor([2, 3, 1, 1], [1, 2, 3, 4, 5, 6]);
  expectTensor(evaluate("sliceChannels", { x }, { start: 1, size: 2 }), [2, 2, 1, 1], [2, 3, 5, 6]);
  expect(complaint("sliceChannels", { x: f32("N", 3) }, { start: 2, size: 2 })).toBe(
    "channels 2 to 3 do not exist in f32[N, 3]",
  );
});

test("shuffleChannels: [groups, C / groups] read as [C / groups, groups]", () => {
  const x = channels([[0]], [[1]], [[2]], [[3]], [[4]], [[5]]);
  // Three groups (0 1) (2 3) (4 5): first of each, then second of each.
  expectTensor(evaluate("shuffleChannels", { x }, { groups: 3 }), [1, 6, 1, 1], [0, 2, 4, 1, 3, 5]);
  expectTensor(evaluate("shuffleChannels", { x }, { groups: 2 }), [1, 6, 1, 1], [0, 3, 1, 4, 2, 5]);
  expectTensor(evaluate("shuffleChannels", { x }, { groups: 1 }), [1, 6, 1, 1], [0, 1, 2, 3, 4, 5]);
});

test("upsample nearest", () => {
  const x = map([1, 2], [3, 4]);
  expectTensor(
    evaluate("upsample", { x }, { height: 4, width: 3, mode: "nearest" }),
    [1, 1, 4, 3],
    [1, 1, 2, 1, 1, 2, 3, 3, 4, 3, 3, 4],
  );
  expectTensor(
    evaluate("upsample", { x: map([1, 2, 3]) }, { height: 1, width: 2, mode: "nearest" }),
    [1, 1, 1, 2],
    [1, 2],
  );
});

test("upsample bilinear: half-pixel centres, edges repeated", () => {
  // Twice as wide: positions -0.25 (edge), 0.25, 0.75, 1.25 (edge).
  const twice = evaluate("upsample", { x: map([0, 8]) }, { height: 1, width: 4, mode: "bilinear" });
  expectTensor(twice, [1, 1, 1, 4], [0, 2, 6, 8]);
  // Three rows from two: positions -1/6 (edge), 1/2, 7/6 (edge).
  const rows = evaluate("upsample", { x: map([0], [6]) }, { height: 3, width: 1, mode: "bilinear" });
  expectTensor(rows, [1, 1, 3, 1], [0, 3, 6]);
  // Smaller: three columns from six, at 0.5, 2.5, 4.5.
  const smaller = evaluate("upsample", { x: map([0, 10, 20, 30, 40, 50]) }, { height: 1, width: 3, mode: "bilinear" });
  expectTensor(smaller, [1, 1, 1, 3], [5, 25, 45]);
  // Both axes: the middle of a 2x2 is the mean of all.
  const middle = evaluate("upsample", { x: map([0, 4], [8, 12]) }, { height: 3, width: 3, mode: "bilinear" });
  expectTensor(middle, [1, 1, 3, 3], [0, 2, 4, 4, 6, 8, 8, 10, 12]);
});

test("flatten: the order is c, h, w", () => {
  const x = tensor([2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  expectTensor(evaluate("flatten", { x }), [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
});

test("softmax", () => {
  const x = tensor([2, 3], [0, Math.log(2), Math.log(5), 1000, 1000, -1000]);
  expectTensor(evaluate("softmax", { x }), [2, 3], [1 / 8, 2 / 8, 5 / 8, 0.5, 0.5, 0]);
});

test("pad: zeros around a map, or fewer rows and columns", () => {
  const x = tensor([1, 2, 1, 3], [1, 2, 3, 4, 5, 6]);
  expectTensor(
    evaluate("pad", { x }, { padding: [0, 1, 1, 0] }),
    [1, 2, 2, 4],
    [0, 1, 2, 3, ...[0, 0, 0, 0], 0, 4, 5, 6, ...[0, 0, 0, 0]],
  );
  expectTensor(evaluate("pad", { x }, { padding: [0, -1, 0, 1] }), [1, 2, 1, 3], [2, 3, 0, 5, 6, 0]);
  expectTensor(evaluate("pad", { x }, { padding: [0, -2, 0, 0] }), [1, 2, 1, 1], [3, 6]);
  expect(complaint("pad", { x: f32("N", 2, 1, 3) }, { padding: [0, -2, 0, -1] })).toMatch(
    /the output width would be .* = 0/,
  );
});

test("a convolution whose padding was folded with a crop sees the map shifted", () => {
  const window = { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], groups: 1 };
  const x = map([1, 2, 3], [4, 5, 6]);
  const weight = tensor([1, 1, 1, 1], [10]);
  const shifted = evaluate("conv2d", { x, weight }, { ...window, padding: [1, 1, -1, -1] });
  expectTensor(shifted, [1, 1, 2, 3], [0, 0, 0, 0, 10, 20]);
});
