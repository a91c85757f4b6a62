import { expect, test } from "vitest";
import { count } from "../../src/report/count.ts";
import { checkRepositoryFile } from "../check/helpers.ts";

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
