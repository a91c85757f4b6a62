import { expect, test } from "vitest";
import { graphFromJson, graphToJson } from "../../src/ir/json.ts";
import { count } from "../../src/report/count.ts";
import { withoutSe } from "../../src/report/withoutSe.ts";
import { networkGraph, textGraph } from "../networks.ts";

/** Blocks in place of SE blocks: `insert eca(…)`. */

const text = (insert: string, blocks = "") => `se 1
import { cbam, eca } from "std/attention.se"
import { basic } from "std/resnet.se"
block doubled(times: int) {
  a: x * times
  a * 0.5
}
${blocks}network Net() {
  input image: f32[N, 16, 8, 8]
  ${insert}
  stage 2 layer1: 2 of basic(16)
  stage 3 layer2: 1 of basic(16)
  output y
}
`;
const graphOf = (insert: string) => textGraph(text(insert));
const parameters = (insert: string) =>
  graphOf(insert)
    .nodes.filter(({ op, name }) => op === "parameter" && name.includes(".se."))
    .map(({ name, type }) => `${name} ${type.shape.join("x")}`);

test("stands at the points that are asked for, in the stages that take part, under the name se", () => {
  for (const at of ["pre", "standard", "identity", "post", "3x3"])
    expect(parameters(`insert eca(at: ${at}, in: [3])`)).toEqual(["layer2.0.se.conv.weight 1x1x3"]);
  expect(parameters("insert eca(at: none)")).toEqual([]);
  expect(graphOf("insert eca(at: pre)").insertions).toEqual(
    ["layer1.0", "layer1.1", "layer2.0"].map((unit) => ({ name: `${unit}.se`, point: "pre", block: "eca" })),
  );
});

test("is given its arguments, which mean what they mean at the statement", () => {
  expect(parameters("let longer = 7\n  insert eca(at: standard, kernel: longer, in: [3])")).toEqual([
    "layer2.0.se.conv.weight 1x1x7",
  ]);
  expect(parameters("insert cbam(standard, in: [3], ratio: 4, bias: false)")).toEqual([
    "layer2.0.se.channel.fc1.weight 4x16",
    "layer2.0.se.channel.fc2.weight 16x4",
    "layer2.0.se.spatial.conv.conv.weight 1x2x7x7",
    ...["weight", "bias", "running_mean", "running_var"].map((key) => `layer2.0.se.spatial.conv.bn.${key} 1`),
  ]);
});

test.each([
  [64, 3],
  [127, 3],
  [128, 5],
  [256, 5],
  [1024, 5],
  [2047, 5],
  [2048, 7],
  [32768, 9],
])("ECA of %i channels looks at %i", (channels, length) => {
  const graph = textGraph(
    `se 1\nimport { eca } from "std/attention.se"\nnetwork Net() {\n  input image: f32[N, ${channels}, 2, 2]\n  eca\n  output y\n}\n`,
  );
  expect(graph.nodes.find(({ name }) => name === "conv.weight")!.type.shape).toEqual([1, 1, length]);
});

test("is no part of the network without it, and the JSON of a graph keeps it", () => {
  const plain = count(graphOf("insert se(at: none)"));
  for (const insert of ["insert cbam(at: post)", "insert eca(at: 3x3)", "insert doubled(at: identity, times: 2)"]) {
    const graph = graphOf(insert);
    const bare = withoutSe(graph);
    expect(bare.nodes.filter(({ name }) => name.includes(".se."))).toEqual([]);
    expect(count(bare).macs).toBe(plain.macs);
    expect(count(graph).params - count(graph).se.params).toBe(plain.params);
    const read = graphFromJson(graph.name, JSON.parse(JSON.stringify(graphToJson(graph))));
    if (!read.ok) throw new Error(read.message);
    expect(read.graph.insertions).toEqual(graph.insertions);
  }
});

test("the released ECA-Net50 has filters of 3, 5, 5 and 7", () => {
  const graph = networkGraph("examples/eca-resnet50.se", { kernels: "3,5,5,7", blocks: "1,1,1,1" });
  const lengths = graph.nodes.filter(({ name }) => name.endsWith(".se.conv.weight")).map(({ type }) => type.shape[2]);
  expect(lengths).toEqual([3, 5, 5, 7]);
});
