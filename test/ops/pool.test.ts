import { expect, test } from "vitest";
import { tensor } from "../../src/tensor/tensor.ts";
import { f32 } from "../../src/tensor/type.ts";
import { channels, complaint, evaluate, expectTensor, map } from "./evaluate.ts";

const attrs = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], dilation: [1, 1], rounding: "floor" };
const nine = map([1, 2, 3], [4, 5, 6], [7, 8, 9]);
const negative = map([-1, -2, -3], [-4, -5, -6], [-7, -8, -9]);

test("maximum over each window; what floor leaves over is not seen", () => {
  expectTensor(evaluate("maxPool", { x: nine }, attrs), [1, 1, 1, 1], [5]);
});

test("ceil: a last window that reaches out of the map sees what is inside", () => {
  const ceil = { ...attrs, rounding: "ceil" };
  expectTensor(evaluate("maxPool", { x: negative }, ceil), [1, 1, 2, 2], [-1, -3, -7, -9]);
  expectTensor(evaluate("avgPool", { x: nine }, { ...ceil, countPadding: true }), [1, 1, 2, 2], [3, 4.5, 7.5, 9]);
});

test("ceil: a window that would start in the padding after the map is dropped (PyTorch)", () => {
  // 1 pixel, padding 1: ceil((1 + 2 - 2) / 2) + 1 = 2, but the second window would start at 2 >= 1 + 1.
  const ceil = { ...attrs, padding: [1, 1, 1, 1], rounding: "ceil" };
  expectTensor(evaluate("maxPool", { x: map([-5]) }, ceil), [1, 1, 1, 1], [-5]);
  // The same of 2 pixels: the second window starts at 2, which is inside; it sees pixel 1 (padded: index 2).
  expectTensor(evaluate("maxPool", { x: map([-5, -4], [-3, -2]) }, ceil), [1, 1, 2, 2], [-5, -4, -3, -2]);
});

test("padding never wins a maximum, also among negative values", () => {
  const padded = { ...attrs, kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] };
  expectTensor(evaluate("maxPool", { x: negative }, padded), [1, 1, 2, 2], [-1, -2, -4, -5]);
});

test("padding counts in a mean, or does not", () => {
  const padded = { ...attrs, kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] };
  // The corner windows see 4 pixels: 1 + 2 + 4 + 5 = 12.
  expectTensor(
    evaluate("avgPool", { x: nine }, { ...padded, countPadding: true }),
    [1, 1, 2, 2],
    [12, 16, 24, 28].map((sum) => sum / 9),
  );
  expectTensor(evaluate("avgPool", { x: nine }, { ...padded, countPadding: false }), [1, 1, 2, 2], [3, 4, 6, 7]);
});

test("with ceil, positions beyond the padded map do not count (PyTorch)", () => {
  // 4 pixels, window 3, stride 2, padding 1 with ceil: windows start at -1, 1, 3; the last one covers 3, 4 (padding), 5 (beyond).
  const x = map([1, 2, 3, 4]);
  const one = {
    kernel: [1, 3],
    stride: [1, 2],
    padding: [0, 1, 0, 1],
    dilation: [1, 1],
    rounding: "ceil",
    countPadding: true,
  };
  expectTensor(evaluate("avgPool", { x }, one), [1, 1, 1, 3], [(0 + 1 + 2) / 3, (2 + 3 + 4) / 3, (4 + 0) / 2]);
  expectTensor(evaluate("avgPool", { x }, { ...one, countPadding: false }), [1, 1, 1, 3], [1.5, 3, 4]);
});

test("dilated windows", () => {
  const dilated = { ...attrs, stride: [1, 1], dilation: [2, 2] };
  expectTensor(evaluate("maxPool", { x: nine }, dilated), [1, 1, 1, 1], [9]);
  expectTensor(evaluate("avgPool", { x: nine }, { ...dilated, countPadding: true }), [1, 1, 1, 1], [5]);
});

test("mean and maximum of the whole map, channel by channel and image by image", () => {
  const x = tensor([2, 2, 1, 2], [1, 3, -1, -5, 10, 20, 0, 0]);
  expectTensor(evaluate("globalAvgPool", { x }), [2, 2], [2, -3, 15, 0]);
  expectTensor(evaluate("globalMaxPool", { x }), [2, 2], [3, -1, 20, 0]);
  expectTensor(evaluate("globalAvgPool", { x: channels([[7]]) }), [1, 1], [7]);
});

test("what does not fit is said with numbers", () => {
  const x = f32("N", 3, 4, 4);
  expect(complaint("maxPool", { x }, { ...attrs, padding: [2, 2, 2, 2] })).toBe(
    "the padding (2, 2, 2, 2) must be smaller than the window 2x2",
  );
  expect(complaint("globalAvgPool", { x: f32("N", 3) })).toMatch(/only a feature map of rank 4/);
});
