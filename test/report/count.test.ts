import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { count } from "../../src/report/count.ts";
import { checkFiles, checkRepositoryFile } from "../check/helpers.ts";
import { rows } from "../zoo/counts.ts";

/** The networks of networks.se. */
const others = {
  "EfficientNet-B0 (tv)": "EfficientNetB0",
  "MobileNetV3-Large 1.0 (tv)": "MobileNetV3Large",
};

describe("parameters and multiply-adds are those that PyTorch counts", () => {
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
