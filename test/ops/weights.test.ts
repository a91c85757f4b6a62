import { expect, test } from "vitest";
import { tensor } from "../../src/tensor/tensor.ts";
import { f32 } from "../../src/tensor/type.ts";
import { complaint, evaluate, expectTensor, vector } from "./evaluate.ts";

const matrix = tensor([2, 3], [1, 2, 3, 4, 5, 6]);

test("scaleRows", () => {
  expectTensor(evaluate("scaleRows", { weight: matrix, scale: vector(10, -1) }), [2, 3], [10, 20, 30, -4, -5, -6]);
  const weight = tensor([2, 1, 1, 2], [1, 2, 3, 4]);
  expectTensor(evaluate("scaleRows", { weight, scale: vector(2, 3) }), [2, 1, 1, 2], [2, 4, 9, 12]);
});

test("matmul, matvec; weights of rank 4 are matrices", () => {
  const b = tensor([3, 2], [1, 0, 0, 1, 1, 1]);
  expectTensor(evaluate("matmul", { a: matrix, b }), [2, 2], [4, 5, 10, 11]);
  const kernel = tensor([3, 1, 1, 2], [1, 0, 0, 1, 1, 1]);
  expectTensor(evaluate("matmul", { a: tensor([2, 3, 1, 1], [1, 2, 3, 4, 5, 6]), b: kernel }), [2, 2], [4, 5, 10, 11]);
  expectTensor(evaluate("matvec", { matrix, vector: vector(1, 10, 100) }), [2], [321, 654]);
  expect(complaint("matmul", { a: f32(2, 3), b: f32(2, 3) })).toMatch(/inner extents differ/);
});

test("reshape, sliceRows", () => {
  expectTensor(evaluate("reshape", { x: matrix }, { shape: [3, 2] }), [3, 2], [1, 2, 3, 4, 5, 6]);
  expect(complaint("reshape", { x: f32(2, 3) }, { shape: [4] })).toBe("f32[2, 3] cannot be read as [4]");
  expectTensor(evaluate("sliceRows", { weight: matrix }, { start: 1, size: 1 }), [1, 3], [4, 5, 6]);
});

test("expandGroups: block-diagonal", () => {
  const weight = tensor([4, 1, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  expectTensor(
    evaluate("expandGroups", { weight }, { groups: 2 }),
    [4, 2, 1, 2],
    [1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 5, 6, 0, 0, 7, 8],
  );
});

test("packConv: [kh, kw, in, out], in and out padded by zeros to multiples of 4", () => {
  // weight[o, i, 0, s] = 100 o + 10 i + s.
  const weight = tensor([2, 1, 1, 2], [0, 1, 100, 101]);
  const packed = evaluate("packConv", { weight });
  expect(packed.shape).toEqual([1, 2, 4, 4]);
  const nonzero = [...packed.data].flatMap((value, index) => (value === 0 ? [] : [[index, value]]));
  // Tap 0: input 0, outputs 0 and 1 at 0 and 1; tap 1 begins at 16.
  expect(nonzero).toEqual([
    [1, 100],
    [16, 1],
    [17, 101],
  ]);
  const dense = evaluate("packConv", { weight: matrix });
  expect(dense.shape).toEqual([1, 1, 4, 4]);
  expect([...dense.data]).toEqual([1, 4, 0, 0, 2, 5, 0, 0, 3, 6, 0, 0, 0, 0, 0, 0]);
});

test("packChunks: all taps of some inputs, then those of the next ones", () => {
  // weight[o, i, 0, s] = 100 o + 10 i + s + 1.
  const weight = tensor([2, 4, 1, 2], [1, 2, 11, 12, 21, 22, 31, 32, 101, 102, 111, 112, 121, 122, 131, 132]);
  const packed = evaluate("packChunks", { weight }, { chunk: 2 });
  expect(packed.shape).toEqual([2, 1, 2, 2, 4]);
  const rows = Array.from({ length: 8 }, (_, row) => [...packed.data.slice(4 * row, 4 * row + 4)]);
  const inputs = [1, 11, 2, 12, 21, 31, 22, 32];
  expect(rows).toEqual(inputs.map((first) => [first, first + 100, 0, 0]));
});

test("packGrouped: a block of the matrix for each slice, zeros outside of the groups", () => {
  // Six outputs in groups of two; slices of four channels, the last one half. weight[o, i] = 10 o + i + 1.
  const weight = tensor([6, 2, 1, 1], [1, 2, 11, 12, 21, 22, 31, 32, 41, 42, 51, 52]);
  expectTensor(
    evaluate("packGrouped", { weight }, { slice: 4 }),
    [1, 1, 4, 8],
    [
      [1, 11, 0, 0, 41, 51, 0, 0],
      [2, 12, 0, 0, 42, 52, 0, 0],
      [0, 0, 21, 31, 0, 0, 0, 0],
      [0, 0, 22, 32, 0, 0, 0, 0],
    ].flat(),
  );
});

test("packDepthwise: [kh, kw, channels]; packVector", () => {
  const weight = tensor([3, 1, 1, 2], [1, 2, 3, 4, 5, 6]);
  expectTensor(evaluate("packDepthwise", { weight }), [1, 2, 4], [1, 3, 5, 0, 2, 4, 6, 0]);
  expectTensor(evaluate("packVector", { x: vector(1, 2, 3, 4, 5) }), [8], [1, 2, 3, 4, 5, 0, 0, 0]);
});
