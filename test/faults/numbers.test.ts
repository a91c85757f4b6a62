/** Faults 19, 27, 29, 30 and 35 on a device: odd sizes, odd names and odd outputs compute the reference's numbers. */
import { expect, test } from "vitest";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { onEachAdapter } from "../device/onEachAdapter.ts";
import { disagreements } from "../device/runNetwork.ts";
import { textGraph } from "../networks.ts";

const net = (body: string, type: string) => `se 1\nnetwork Net() {\n  input image: f32[N, ${type}]\n  ${body}\n}\n`;
const unit = `block unit(width: int) uses se {
  residual {
    branch { conv1: conv width, 3x3 -> bn1: bn -> relu -> conv2: conv width, 3x3 -> bn2: bn }
    skip unless same { downsample { 0: conv width, 1x1 -> 1: bn } }
    after relu
  }
}
`;
const seUnit = (width: number) => `insert se(at: standard, ratio: 4)\n  unit(${width}) -> gap -> dense 3\n  output y`;

onEachAdapter(
  (adapter) => {
    test.each([
      ["an input", "output same: image\n  relu\n  output y", "5, 3, 3"],
      ["an input alone", "output same: image", "4, 2, 2"],
      ["a vector that is an input", "output same: image\n  dense 3\n  output y", "7"],
      ["listed twice", "a: conv 6, 3x3\n  output y: a\n  output z: a\n  relu\n  output last", "5, 3, 3"],
      ["an input, twice", "output y: image\n  output z: image", "3, 5, 5"],
      [
        "in the middle of what would be fused",
        "a: conv 6, 3x3 -> b: bn -> relu\n  output c: a\n  output d: b\n  output y: relu(b)",
        "5, 3, 3",
      ],
    ])("fault 27: an output that is %s", async (_, body, type) => {
      expect(await disagreements([adapter()], textGraph(net(body, type)), { batch: 3 })).toEqual([]);
    });

    test.each([
      ["1 x 1", seUnit(8), "8, 1, 1"],
      ["1 channel", seUnit(1), "1, 7, 7"],
      ["1 channel of 1 x 1", seUnit(1), "1, 1, 1"],
      ["prime sizes", seUnit(13), "11, 17, 19"],
      ["a row", "conv 5, 1x3 -> maxpool 1x2 / 1x2 -> gmp -> dense 1\n  output y", "3, 1, 31"],
      ["a column", "conv 5, 3x1 -> avgpool 2x1 / 2x1 -> conv 7, 1x1 -> flatten -> softmax\n  output y", "3, 29, 1"],
      [
        "groups of a prime",
        "dwconv 5x5 -> conv 26, 3x3, groups: 13 -> shuffle 2 -> slice 1, 23\n  output y",
        "13, 7, 5",
      ],
    ])("fault 29: %s", async (_, body, type) => {
      const graph = textGraph(net(body, type) + unit);
      for (const batch of [1, 3]) expect(await disagreements([adapter()], graph, { batch })).toEqual([]);
    });

    test.each([
      ["pad: 3", "conv 8, 3x3, pad: 3"],
      ["pad: [0, 1, 2, 0]", "conv 8, 3x3 / 2, pad: [0, 1, 2, 0]"],
      ["pad: 7 at 1x1", "conv 8, 1x1, pad: 7"],
    ])("fault 19: a convolution with %s", async (_, body) => {
      expect(await disagreements([adapter()], textGraph(net(`${body}\n  output y`, "5, 6, 7")), { batch: 2 })).toEqual(
        [],
      );
    });

    test("fault 30: batch norm with eps 0, with a variance of 0, and both far from 1", async () => {
      const graph = textGraph(
        net("a: conv 8, 3x3 -> bn eps: 0 -> relu\n  output y\n  b: bn eps: 1e-3\n  output z", "8, 5, 5"),
      );
      expect(await disagreements([adapter()], graph, { batch: 2 })).toEqual([]);
      const parameters = new Map<string, Tensor>(seedWeights(graph, 1));
      const name = [...parameters.keys()].find((key) => key.startsWith("b.") && key.endsWith("running_var"))!;
      const variance = parameters.get(name)!;
      parameters.set(name, { ...variance, data: variance.data.map((_, c) => [0, 1e-12, 1, 1e6][c % 4]!) });
      expect(await disagreements([adapter()], graph, { batch: 2, parameters })).toEqual([]);
    });

    test("fault 35: keywords of WGSL, C and JavaScript as names compile and run", async () => {
      const labels =
        "fn var float class override struct let vec4f i32 return default await enum null undefined eval".split(" ");
      const layers = labels.map(
        (label, i) => `${label}: ${["conv 8, 1x1", "relu", "bn", "conv 4, 3x3, bias: true"][i % 4]!}`,
      );
      const body = `${layers.join(" -> ")} -> compute: gap -> arguments: dense 3\n  output yield`;
      const graph = textGraph(net(body, "3, 5, 5").replace("network Net", "network main").replace("image", "texture"));
      expect(await disagreements([adapter()], graph, { batch: 2 })).toEqual([]);
    });

    test("fault 8: more layers in a row than one launch computes", async () => {
      const row = "for i in 0..400 { relu; scale 1.0001 }";
      const graph = textGraph(net(`conv 4, 3x3\n  ${row}\n  gap\n  ${row}\n  dense 3\n  output y`, "4, 4, 4"));
      expect(await disagreements([adapter()], graph, { batch: 1 })).toEqual([]);
    });
  },
  ["dawn"],
);
