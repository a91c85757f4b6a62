import { expect, test } from "vitest";
import { tensor, zeros, type Tensor } from "../../src/tensor/tensor.ts";
import { f32 } from "../../src/tensor/type.ts";
import { fillRandom } from "../../src/weights/random.ts";
import { channels, complaint, evaluate, expectTensor, map } from "./evaluate.ts";

const attrs = { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };
const nine = map([1, 2, 3], [4, 5, 6], [7, 8, 9]);

test("a cross-correlation: the kernel is not turned around", () => {
  const weight = map([1, 2], [3, 4]);
  // 1*1 + 2*2 + 3*4 + 4*5 = 37, and so on.
  expectTensor(evaluate("conv2d", { x: nine, weight }, { ...attrs, kernel: [2, 2] }), [1, 1, 2, 2], [37, 47, 67, 77]);
});

test("padding is of zeros, on each side as asked", () => {
  const weight = map([1, 1], [1, 1]);
  const padded = { ...attrs, kernel: [2, 2], padding: [1, 0, 0, 1] };
  // Top row of zeros, right column of zeros.
  expectTensor(evaluate("conv2d", { x: nine, weight }, padded), [1, 1, 3, 3], [3, 5, 3, 12, 16, 9, 24, 28, 15]);
});

test("3x3, padding 1: corners see 4 pixels, borders 6, the middle 9", () => {
  const ones = map([1, 1, 1], [1, 1, 1], [1, 1, 1]);
  const same = { ...attrs, kernel: [3, 3], padding: [1, 1, 1, 1] };
  expectTensor(evaluate("conv2d", { x: nine, weight: ones }, same), [1, 1, 3, 3], [12, 21, 16, 27, 45, 33, 24, 39, 28]);
});

test("stride, another one for each axis", () => {
  const weight = map([10]);
  const strided = { ...attrs, stride: [2, 1] };
  expectTensor(evaluate("conv2d", { x: nine, weight }, strided), [1, 1, 2, 3], [10, 20, 30, 70, 80, 90]);
});

test("dilation: taps two apart", () => {
  const weight = map([1, 10], [100, 1000]);
  const dilated = { ...attrs, kernel: [2, 2], dilation: [2, 2] };
  expectTensor(evaluate("conv2d", { x: nine, weight }, dilated), [1, 1, 1, 1], [1 + 30 + 700 + 9000]);
});

test("a rectangular kernel: [height, width]", () => {
  const weight = map([1, 10, 100]);
  expectTensor(evaluate("conv2d", { x: nine, weight }, { ...attrs, kernel: [1, 3] }), [1, 1, 3, 1], [321, 654, 987]);
});

test("input channels are added up; weights are [out, in, kh, kw]", () => {
  const x = channels([[1, 2]], [[10, 20]]);
  const weight = tensor([3, 2, 1, 1], [1, 1, 1, 0, 0, -1]);
  expectTensor(evaluate("conv2d", { x, weight }, attrs), [1, 3, 1, 2], [11, 22, 1, 2, -10, -20]);
});

test("groups: each output sees the inputs of its own group", () => {
  const x = channels([[1]], [[2]], [[3]], [[4]]);
  const weight = tensor([4, 2, 1, 1], [1, 10, 100, 1000, 1, 10, 100, 1000]);
  expectTensor(evaluate("conv2d", { x, weight }, { ...attrs, groups: 2 }), [1, 4, 1, 1], [21, 2100, 43, 4300]);
});

test("depthwise, and twice as many outputs as inputs", () => {
  const x = channels([[1]], [[2]]);
  expectTensor(
    evaluate("conv2d", { x, weight: tensor([2, 1, 1, 1], [3, 5]) }, { ...attrs, groups: 2 }),
    [1, 2, 1, 1],
    [3, 10],
  );
  const weight = tensor([4, 1, 1, 1], [1, 10, 100, 1000]);
  expectTensor(evaluate("conv2d", { x, weight }, { ...attrs, groups: 2 }), [1, 4, 1, 1], [1, 10, 200, 2000]);
});

test("images do not mix", () => {
  const x = tensor([2, 1, 1, 2], [1, 2, 3, 4]);
  expectTensor(evaluate("conv2d", { x, weight: map([1, 1]) }, { ...attrs, kernel: [1, 2] }), [2, 1, 1, 1], [3, 7]);
});

test("a map of one pixel with padding, stride and dilation", () => {
  const weight = map([1, 2, 3], [4, 5, 6], [7, 8, 9]);
  const around = { ...attrs, kernel: [3, 3], padding: [2, 2, 2, 2], stride: [2, 2], dilation: [2, 2] };
  expectTensor(evaluate("conv2d", { x: map([10]), weight }, around), [1, 1, 1, 1], [50]);
});

test.each([
  { images: 2, inputs: 3, outputs: 5, size: [7, 6], kernel: [3, 3], stride: [2, 1], dilation: [1, 1], groups: 1 },
  { images: 1, inputs: 4, outputs: 4, size: [6, 6], kernel: [1, 1], stride: [1, 1], dilation: [1, 1], groups: 1 },
  { images: 2, inputs: 1, outputs: 3, size: [9, 5], kernel: [7, 3], stride: [2, 2], dilation: [1, 1], groups: 1 },
  { images: 1, inputs: 5, outputs: 1, size: [5, 7], kernel: [2, 2], stride: [1, 2], dilation: [1, 2], groups: 1 },
  { images: 2, inputs: 6, outputs: 9, size: [5, 5], kernel: [3, 2], stride: [1, 1], dilation: [2, 1], groups: 3 },
  { images: 2, inputs: 7, outputs: 7, size: [4, 3], kernel: [3, 3], stride: [1, 1], dilation: [1, 1], groups: 7 },
])("the formula, term by term: $inputs to $outputs channels in $groups groups, $kernel", (shape) => {
  const { images, inputs, outputs, size, kernel, stride, dilation, groups } = shape;
  const [top, left] = [Math.floor(kernel[0]! / 2), Math.floor(kernel[1]! / 2)];
  const x = random([images, inputs, ...size]);
  const weight = random([outputs, inputs / groups, ...kernel]);
  const y = evaluate("conv2d", { x, weight }, { kernel, stride, dilation, groups, padding: [top, left, top, left] });
  const at = (image: number, channel: number, row: number, column: number) =>
    row >= 0 && row < size[0]! && column >= 0 && column < size[1]!
      ? x.data[((image * inputs + channel) * size[0]! + row) * size[1]! + column]!
      : 0;
  const [, , height, width] = y.shape as [number, number, number, number];
  y.data.forEach((found, index) => {
    const column = index % width;
    const row = Math.floor(index / width) % height;
    const output = Math.floor(index / width / height) % outputs;
    const image = Math.floor(index / width / height / outputs);
    const firstInput = Math.floor(output / (outputs / groups)) * (inputs / groups);
    let sum = 0;
    let tap = output * (inputs / groups) * kernel[0]! * kernel[1]!;
    for (let i = 0; i < inputs / groups; i++) {
      for (let r = 0; r < kernel[0]!; r++) {
        for (let s = 0; s < kernel[1]!; s++) {
          const [y, x] = [row * stride[0]! + r * dilation[0]! - top, column * stride[1]! + s * dilation[1]! - left];
          sum += weight.data[tap++]! * at(image, firstInput + i, y, x);
        }
      }
    }
    expect(found, `element ${index}`).toBeCloseTo(sum, 12);
  });
});

test("what does not fit is said with numbers", () => {
  const x = f32("N", 6, 5, 5);
  expect(complaint("conv2d", { x, weight: f32(4, 6, 3, 3) }, attrs)).toBe(
    "the weight is f32[4, 6, 3, 3], but the kernel is 1x1",
  );
  expect(complaint("conv2d", { x, weight: f32(4, 5, 1, 1) }, attrs)).toMatch(/x has 6 channels in 1 group/);
  expect(complaint("conv2d", { x, weight: f32(4, 1, 1, 1) }, { ...attrs, groups: 4 })).toBe(
    "6 channels do not divide into 4 groups: 6 % 4 = 2",
  );
  expect(complaint("conv2d", { x, weight: f32(4, 2, 1, 1) }, { ...attrs, groups: 3 })).toBe(
    "4 outputs do not divide into 3 groups: 4 % 3 = 1",
  );
  expect(complaint("conv2d", { x, weight: f32(4, 6, 7, 7) }, { ...attrs, kernel: [7, 7] })).toBe(
    "the output height would be (5 + 0 - 1 * (7 - 1) - 1) / 1 + 1 = -1; it must be at least 1",
  );
});

function random(shape: readonly number[]): Tensor {
  const drawn = zeros(shape);
  fillRandom(drawn.data, 1, `${shape.join("x")}`, { deviation: 1 });
  return drawn;
}
