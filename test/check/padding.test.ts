import { expect, test } from "vitest";
import { inputsOf, type Graph } from "../../src/ir/graph.ts";
import type { Window } from "../../src/ops/window.ts";
import { textGraph } from "../networks.ts";

function graphOf(body: string, type: string): Graph {
  return textGraph(`se 1\nnetwork Net() {\n  input image: f32[N, ${type}]\n  ${body}\n  output y\n}\n`);
}

/** Top, left, bottom, right as TensorFlow has them: total = max(0, (ceil(n / s) - 1) s + d (k - 1) + 1 - n), the smaller half first. */
test.each([
  ["conv 4, 3x3 / 2, pad: same", "3, 224, 224", [0, 0, 1, 1], [112, 112]],
  ["conv 4, 3x3 / 2, pad: same", "3, 225, 224", [1, 0, 1, 1], [113, 112]],
  ["conv 4, 3x3, pad: same", "3, 7, 8", [1, 1, 1, 1], [7, 8]],
  ["conv 4, 2x4, pad: same", "3, 7, 8", [0, 1, 1, 2], [7, 8]],
  ["conv 4, 1x1 / 2, pad: same", "3, 7, 8", [0, 0, 0, 0], [4, 4]],
  ["conv 4, 3x3 / 2, pad: same, dilation: 2", "3, 15, 16", [2, 1, 2, 2], [8, 8]],
  ["dwconv 5x5 / 2, pad: same", "3, 112, 15", [1, 2, 2, 2], [56, 8]],
  ["maxpool 3x3 / 2, pad: same", "3, 8, 9", [0, 1, 1, 1], [4, 5]],
  ["avgpool 2x2 / 3, pad: same, count_pad: false", "3, 7, 9", [0, 0, 1, 0], [3, 3]],
])("%s of %s", (body, type, padding, extents) => {
  const { node } = graphOf(body, type).outputs[0]!;
  expect((node.attrs as Window).padding).toEqual(padding);
  expect(node.type.shape.slice(2)).toEqual(extents);
});

test("a padding may be chosen by a parameter", () => {
  const choice = "conv 4, 3x3 / 2, pad: if image.width > 6 { same } else { 1 }";
  const padding = (width: number) => (graphOf(choice, `3, 8, ${width}`).outputs[0]!.node.attrs as Window).padding;
  expect(padding(8)).toEqual([0, 0, 1, 1]);
  expect(padding(6)).toEqual([1, 1, 1, 1]);
});

test("a map times a map of one channel scales its pixels, in both orders; two maps of one channel are multiplied", () => {
  for (const [product, op] of [
    ["image * channel_mean(image)", "scalePixels"],
    ["channel_max(image) * image", "scalePixels"],
    ["channel_max(image) * channel_mean(image)", "mul"],
  ] as const) {
    const { node } = graphOf(product, "3, 4, 5").outputs[0]!;
    expect(node.op).toBe(op);
    if (op === "scalePixels") expect(inputsOf(node)[0]!.name).toBe("image");
  }
});
