import fc from "fast-check";
import { expect, test } from "vitest";
import { tapClasses } from "../../src/ops/tapMeans.ts";
import { outputExtent, pointWindow, type Window } from "../../src/ops/window.ts";
import { tensor, type Tensor } from "../../src/tensor/tensor.ts";
import { square, randomNumbers } from "../graphs.ts";
import { channels, evaluate, expectTensor, map } from "./evaluate.ts";

const nine = map([1, 2, 3], [4, 5, 6], [7, 8, 9]);

test("a 1x1 window of stride 1: the mean", () => {
  expectTensor(evaluate("tapMeans", { x: nine }, pointWindow), [1, 1], [5]);
});

test("3x3, padding 1: each tap misses the border on its side", () => {
  // Tap (0,0) sees the pixels above and left of the last row and column: 1 + 2 + 4 + 5 = 12, over 9 positions.
  const sums = [12, 21, 16, 27, 45, 33, 24, 39, 28];
  expectTensor(
    evaluate("tapMeans", { x: nine }, square(3, 1, 1, 1)),
    [1, 9],
    sums.map((sum) => sum / 9),
  );
});

test("stride 2: only the visited phase, divided by the output positions", () => {
  expectTensor(evaluate("tapMeans", { x: nine }, square(1, 2, 0, 1)), [1, 1], [(1 + 3 + 7 + 9) / 4]);
  // 2x2 of stride 1 without padding: four positions.
  expectTensor(evaluate("tapMeans", { x: nine }, square(2, 1, 0, 1)), [1, 4], [12 / 4, 16 / 4, 24 / 4, 28 / 4]);
});

test("dilation 2, and a map of one pixel", () => {
  expectTensor(evaluate("tapMeans", { x: nine }, square(2, 1, 0, 2)), [1, 4], [1, 3, 7, 9]);
  expectTensor(evaluate("tapMeans", { x: map([5]) }, square(3, 1, 1, 1)), [1, 9], [0, 0, 0, 0, 5, 0, 0, 0, 0]);
});

test("channels are outermost: (c*kh + r)*kw + s", () => {
  const x = channels([[1, 2]], [[10, 20]]);
  const window: Window = { ...pointWindow, kernel: [1, 2] };
  expectTensor(evaluate("tapMeans", { x }, window), [1, 4], [1, 2, 10, 20]);
});

test("classes of a 3x3 with padding 1: first, inner, last; they coincide on small maps", () => {
  const classes = (size: number) => tapClasses(square(3, 1, 1, 1), size, size);
  expect(classes(5).rowClass).toEqual([0, 1, 1, 1, 2]);
  expect(classes(5).tapSeesRow).toEqual([
    [true, true, false],
    [true, true, true],
    [false, true, true],
  ]);
  expect(classes(2).rowClass).toEqual([0, 1]);
  expect(classes(1)).toMatchObject({ rowClass: [0], rowClasses: 1, positions: 1 });
  expect(classes(1).tapSeesRow).toEqual([[false], [true], [false]]);
});

test("classes of a strided 1x1: the phase, and pixels that no tap sees", () => {
  const classes = tapClasses(square(1, 2, 0, 1), 5, 4);
  expect(classes.rowClass).toEqual([0, -1, 0, -1, 0]);
  expect(classes.columnClass).toEqual([0, -1, 0, -1]);
  expect(classes.positions).toBe(6);
});

test("squeezeParts and squeezeFinish by hand: tiles of 4 pixels", () => {
  const attrs = { window: pointWindow, reduce: "sum", tile: 4, height: 3, width: 3 };
  const parts = evaluate("squeezeParts", { x: nine }, attrs);
  expectTensor(parts, [1, 3, 1, 1], [10, 26, 9]);
  expectTensor(evaluate("squeezeFinish", { parts }, attrs), [1, 1], [5]);

  const maximum = { ...attrs, reduce: "max" };
  const maxima = evaluate("squeezeParts", { x: nine }, maximum);
  expectTensor(maxima, [1, 3, 1, 1], [4, 8, 9]);
  expectTensor(evaluate("squeezeFinish", { parts: maxima }, maximum), [1, 1], [9]);
});

test("squeezeParts by class: a 3x3 with padding 1, one tile", () => {
  const attrs = { window: square(3, 1, 1, 1), reduce: "sum", tile: 9, height: 3, width: 3 };
  const parts = evaluate("squeezeParts", { x: nine }, attrs);
  expectTensor(parts, [1, 1, 9, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a class without pixels in a tile is 0 in a sum and -infinity in a maximum", () => {
  const strided = { window: square(1, 2, 0, 1), reduce: "sum", tile: 3, height: 2, width: 3 };
  expectTensor(evaluate("squeezeParts", { x: map([1, 2, 3], [4, 5, 6]) }, strided), [1, 2, 1, 1], [4, 0]);
  const maximum = { ...strided, reduce: "max" };
  expect([...evaluate("squeezeParts", { x: map([1, 2, 3], [4, 5, 6]) }, maximum).data]).toEqual([3, -Infinity]);
});

const windows = fc
  .record({
    kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    dilation: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    padding: fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 3 }))),
    size: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
    tile: fc.integer({ min: 1, max: 20 }),
  })
  .map((made) => made as unknown as Window & { size: [number, number]; tile: number })
  .filter(({ size, ...window }) => outputExtent(window, 0, size[0]) >= 1 && outputExtent(window, 1, size[1]) >= 1);

function randomMap(size: readonly [number, number]): Tensor {
  const { normal } = randomNumbers(`${size}`);
  return tensor([2, 3, ...size], Float64Array.from({ length: 6 * size[0] * size[1] }, normal));
}

test("the mean of a convolution is its weight times tapMeans, for any window", () => {
  fc.assert(
    fc.property(windows, ({ size, tile: _, ...window }) => {
      const x = randomMap(size);
      const columns = 3 * window.kernel[0] * window.kernel[1];
      const { normal } = randomNumbers("weight");
      const values = Float64Array.from({ length: 4 * columns }, normal);
      const conv = evaluate(
        "conv2d",
        { x, weight: tensor([4, 3, ...window.kernel], values) },
        { ...window, groups: 1 },
      );
      const mean = evaluate("globalAvgPool", { x: conv });
      const hoisted = evaluate("dense", {
        x: evaluate("tapMeans", { x }, window),
        weight: tensor([4, columns], values),
      });
      expectTensor(hoisted, [2, 4], [...mean.data]);
    }),
    { numRuns: 300 },
  );
});

test("parts and their sum are tapMeans, for any window and tile", () => {
  fc.assert(
    fc.property(windows, ({ size, tile, ...window }) => {
      const x = randomMap(size);
      const attrs = { window, reduce: "sum", tile, height: size[0], width: size[1] };
      const finished = evaluate("squeezeFinish", { parts: evaluate("squeezeParts", { x }, attrs) }, attrs);
      const whole = evaluate("tapMeans", { x }, window);
      expectTensor(finished, whole.shape, [...whole.data]);
    }),
    { numRuns: 300 },
  );
});
