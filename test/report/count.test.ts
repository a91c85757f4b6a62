import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { count } from "../../src/report/count.ts";
import { checkFiles, checkRepositoryFile } from "../check/helpers.ts";

/** What PyTorch counts: made by count.py from the reference builders, with the paper's numbers. */
interface Row {
  readonly label: string;
  readonly params: number;
  readonly bnbuf: number;
  readonly se_params: number;
  readonly macs: number;
  readonly se: number;
}

const rows = JSON.parse(readFileSync("test/report/counts.json", "utf8")) as readonly Row[];

/** How each row of the paper's tables is written with an example. */
const written: Readonly<Record<string, readonly [example: string, set: Record<string, string>]>> = {
  "ResNet-50 v1": ["se-resnet50", { variant: "v1", se: "none" }],
  "SE-ResNet-50 (bias)": ["se-resnet50", { variant: "v1" }],
  "SE-ResNet-50 (no bias)": ["se-resnet50", { variant: "v1", bias: "false" }],
  "ResNet-101 v1": ["se-resnet101", { variant: "v1", se: "none" }],
  "SE-ResNet-101": ["se-resnet101", { variant: "v1" }],
  "ResNet-152 v1": ["se-resnet152", { variant: "v1", se: "none" }],
  "SE-ResNet-152": ["se-resnet152", { variant: "v1" }],
  "SE-ResNet-152 Places365 (365 cl.)": ["se-resnet152", { variant: "v1", classes: "365" }],
  "ratio r=2 (no bias)": ["se-resnet50", { variant: "v1", ratio: "2", bias: "false" }],
  "ratio r=2 (bias)": ["se-resnet50", { variant: "v1", ratio: "2" }],
  "ratio r=4 (no bias)": ["se-resnet50", { variant: "v1", ratio: "4", bias: "false" }],
  "ratio r=4 (bias)": ["se-resnet50", { variant: "v1", ratio: "4" }],
  "ratio r=8 (no bias)": ["se-resnet50", { variant: "v1", ratio: "8", bias: "false" }],
  "ratio r=8 (bias)": ["se-resnet50", { variant: "v1", ratio: "8" }],
  "ratio r=32 (no bias)": ["se-resnet50", { variant: "v1", ratio: "32", bias: "false" }],
  "ratio r=32 (bias)": ["se-resnet50", { variant: "v1", ratio: "32" }],
  "SE stage 2 only (no bias)": ["se-resnet50", { variant: "v1", stages: "2", bias: "false" }],
  "SE stage 3 only (no bias)": ["se-resnet50", { variant: "v1", stages: "3", bias: "false" }],
  "SE stage 4 only (no bias)": ["se-resnet50", { variant: "v1", stages: "4", bias: "false" }],
  "SE stages 2-4 (no stage 5, no bias)": ["se-resnet50", { variant: "v1", stages: "2,3,4", bias: "false" }],
  "SE_3x3 (no bias)": ["se-resnet50", { variant: "v1", se: "3x3", bias: "false" }],
  "SE_3x3 (bias)": ["se-resnet50", { variant: "v1", se: "conv3x3" }],
  "SE-PRE (no bias)": ["se-resnet50", { variant: "v1", se: "pre", bias: "false" }],
  "SE-POST (no bias)": ["se-resnet50", { variant: "v1", se: "post", bias: "false" }],
  "SE-Identity (no bias, after proj.)": ["se-resnet50", { variant: "v1", se: "identity", bias: "false" }],
  "NoSqueeze (no bias)": ["se-resnet50", { variant: "v1", squeeze: "none", bias: "false" }],
  "ResNet-50 v1.5": ["se-resnet50", { se: "none" }],
  "SE-ResNet-50 v1.5 (timm)": ["se-resnet50", { rounding: "8" }],
};

/** The networks of networks.se. */
const others = {
  "EfficientNet-B0 (tv)": "EfficientNetB0",
  "MobileNetV3-Large 1.0 (tv)": "MobileNetV3Large",
  "SE-ResNeXt-50 32x4d": "SEResNeXt50",
  "SENet-154": "SENet154",
  "SE-ShuffleNet 1x g=3": "SEShuffleNet",
  "SE-MobileNet 1.0 (SE after pw)": "SEMobileNet",
  "SE-VGG-16-BN": "SEVGG16",
};

describe("parameters and multiply-adds are those that PyTorch counts", () => {
  test.each(Object.entries(written))("%s", (label, [example, set]) => {
    compare(checkRepositoryFile(`examples/${example}.se`, set).graph!, label);
  });
  test.each(Object.entries(others))("%s", (label, network) => {
    const files = { "networks.se": readFileSync("test/report/networks.se", "utf8") };
    compare(checkFiles(files, { network }).graph!, label);
  });
});

function compare(graph: Graph, label: string): void {
  const { params, buffers, macs, se } = count(graph);
  const row = rows.find((it) => it.label === label)!;
  expect({ params, buffers, macs, se }).toEqual({
    params: row.params,
    buffers: row.bnbuf,
    macs: row.macs,
    se: { params: row.se_params, macs: row.se },
  });
}

test("SE-ResNet-18 with the hidden width rounded down", () => {
  expect(count(checkRepositoryFile("examples/se-resnet18.se").graph!).params).toBe(11_778_592);
});

test("SE-ResNet-50 has 331 tensors", () => {
  const { graph } = checkRepositoryFile("examples/se-resnet50.se");
  expect(graph!.nodes.filter((node) => node.op === "parameter")).toHaveLength(331);
  expect(count(graph!).params).toBe(28_088_024);
});

test("the layers sum up, and a bias belongs to its product", () => {
  const { layers, params, macs } = count(checkRepositoryFile("examples/digits.se").graph!);
  expect(layers.at(-1)).toEqual({
    name: "fc",
    op: "dense",
    shape: ["N", 10],
    params: 1290,
    buffers: 0,
    macs: 1280,
    isSe: false,
  });
  expect(layers.reduce((sum, layer) => sum + layer.params, 0)).toBe(params);
  expect(layers.reduce((sum, layer) => sum + layer.macs, 0)).toBe(macs);
});
