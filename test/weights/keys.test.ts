import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { checkWeights } from "../../src/weights/check.ts";
import { networkGraph } from "../networks.ts";

/** Every key and shape of public checkpoints, printed from the constructed models. */
function keysOf(model: string): Map<string, readonly number[]> {
  const keys = JSON.parse(readFileSync(`test/fixtures/keys/${model}.json`, "utf8")) as Record<
    string,
    readonly number[]
  >;
  return new Map(Object.entries(keys));
}

test.each([
  ["timm.seresnet18", "se-resnet18", { rounding: "8" }],
  ["timm.seresnet34", "se-resnet34", { rounding: "8" }],
  ["timm.seresnet50", "se-resnet50", { rounding: "8" }],
  ["torchvision.resnet18", "se-resnet18", { se: "none" }],
  ["torchvision.resnet34", "se-resnet34", { se: "none" }],
  ["torchvision.resnet50", "se-resnet50", { se: "none" }],
  ["torchvision.resnet101", "se-resnet101", { se: "none" }],
] as const)("%s loads into %s: nothing missing, left over or of another shape", (model, example, set) => {
  expect(checkWeights(networkGraph(`examples/${example}.se`, set), keysOf(model))).toEqual([]);
});

test("with SE, timm's keys have 331 tensors for SE-ResNet-50, and torchvision's lack those of SE", () => {
  const graph = networkGraph("examples/se-resnet50.se");
  expect(graph.nodes.filter((node) => node.op === "parameter").length).toBe(331);
  const faults = checkWeights(graph, keysOf("torchvision.resnet50"));
  expect(new Set(faults.map(({ kind, name }) => `${kind} ${name.replace(/layer\d\.\d\./, "")}`))).toEqual(
    new Set(["missing se.fc1.weight", "missing se.fc1.bias", "missing se.fc2.weight", "missing se.fc2.bias"]),
  );
});
