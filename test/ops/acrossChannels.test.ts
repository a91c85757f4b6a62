import { expect, test } from "vitest";
import { tensor } from "../../src/tensor/tensor.ts";
import { f32 } from "../../src/tensor/type.ts";
import { complaint, evaluate, expectTensor, row } from "./evaluate.ts";

test("channelMean and channelMax: over the channels of each pixel, for every image", () => {
  const x = tensor([2, 3, 1, 2], [1, -2, 4, -5, 7, -8, 0, 10, 0, 20, 3, 60]);
  expectTensor(evaluate("channelMean", { x }), [2, 1, 1, 2], [4, -5, 1, 30]);
  expectTensor(evaluate("channelMax", { x }), [2, 1, 1, 2], [7, -2, 3, 60]);
  expect(complaint("channelMean", { x: f32("N", 3) })).toBe(
    "only a feature map of rank 4 has channels at each pixel, but x is f32[N, 3]",
  );
});

test("scalePixels: one factor for all channels of a pixel", () => {
  const x = tensor([2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  const gate = tensor([2, 1, 1, 2], [10, 100, 0, -1]);
  expectTensor(evaluate("scalePixels", { x, gate }), [2, 2, 1, 2], [10, 200, 30, 400, 0, -6, 0, -8]);
  const x4 = f32("N", 4, 3, 3);
  expect(complaint("scalePixels", { x: x4, gate: f32("N", 2, 3, 3) })).toMatch(/^the gate is f32\[N, 2, 3, 3\], but/);
  expect(complaint("scalePixels", { x: x4, gate: f32("N", 1, 3, 4) })).toMatch(/has one channel and the same extents/);
  expect(complaint("scalePixels", { x: x4, gate: f32("N", 1) })).toMatch(/a map scales a map/);
});

test("channelConv: a filter along the channels, zeros beyond both ends", () => {
  const filter = (...taps: number[]) => tensor([1, 1, taps.length], taps);
  const x = tensor([2, 4], [1, 2, 3, 4, 0, 1, 0, 0]);
  // Not turned around: y[c] = 1 x[c-1] + 10 x[c] + 100 x[c+1].
  expectTensor(evaluate("channelConv", { x, weight: filter(1, 10, 100) }), [2, 4], [210, 321, 432, 43, 100, 10, 1, 0]);
  expectTensor(evaluate("channelConv", { x: row(3, 5), weight: filter(2) }), [1, 2], [6, 10]);
  expectTensor(evaluate("channelConv", { x: row(3, 5), weight: filter(1, 0, 0, 0, 2) }), [1, 2], [0, 0]);
  expect(complaint("channelConv", { x: f32("N", 4), weight: f32(1, 1, 2) })).toMatch(/an odd k/);
  expect(complaint("channelConv", { x: f32("N", 4, 1, 1), weight: f32(1, 1, 3) })).toMatch(/needs a vector per image/);
});
