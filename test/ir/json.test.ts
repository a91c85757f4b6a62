import { expect, test } from "vitest";
import { graphFromJson, graphToJson } from "../../src/ir/json.ts";
import { print } from "../../src/ir/print.ts";
import { weightLayout } from "../../src/weights/pack.ts";
import { networkGraph, planOf } from "../networks.ts";

const parameter = { op: "parameter", name: "p", shape: [4], role: "bias" };
const image = { order: "grey", scale: 1, mean: [0], std: [1], resize: "none", antialias: false, crop: "none" };
const input = { op: "input", name: "x", shape: ["N", 1, 8, 8], image };

test.each(["digits", "se-resnet18", "se-resnet50"])("%s survives JSON, as written and its weights", (name) => {
  const graph = networkGraph(`examples/${name}.se`);
  for (const one of [graph, weightLayout(planOf(graph)).program]) {
    const json: unknown = JSON.parse(JSON.stringify(graphToJson(one)));
    const read = graphFromJson(one.name, json);
    if (!read.ok) throw new Error(read.message);
    expect(print(read.graph)).toBe(print(one));
    expect(read.graph.insertions).toEqual(one.insertions);
    expect(graphToJson(read.graph)).toEqual(json);
  }
});

test.each([
  ["a: its shape should be a list of positive whole numbers", { ...parameter, name: "a", shape: [0] }],
  ["a: its shape should be a list of positive whole numbers", { ...parameter, name: "a", shape: ["N", 4] }],
  ["a: there is no role gate", { ...parameter, name: "a", role: "gate" }],
  ["a: its shape should be a list of positive whole numbers after N", { ...input, name: "a", shape: [1, 1, 8, 8] }],
  ["a: its image is damaged", { ...input, name: "a", image: { ...image, mean: 0 } }],
  ["a: its image is damaged", { ...input, name: "a", image: { ...image, crop: { resizeShortSideTo: 8 } } }],
  ["a: there is no op constructor", { op: "constructor", name: "a", inputs: {} }],
  ["a: its input x is not a node before it", { op: "rsqrt", name: "a", inputs: { x: "b" } }],
  ["a: its input x is not a node before it", { op: "rsqrt", name: "a", inputs: {} }],
  ["a: its input 1 is not a node before it", { op: "concat", name: "a", inputs: { 0: "x", 2: "x" } }],
  ["a: it should have inputs, and its attrs be an object", { op: "relu", name: "a", inputs: { x: "x" }, attrs: [] }],
  ["a: the attributes of reshape are damaged", { op: "reshape", name: "a", inputs: { x: "p" } }],
  ["two nodes are called p", { ...parameter }],
  ["a node has no name", { op: "rsqrt", inputs: {} }],
])("%s", (message, entry) => {
  expect(graphFromJson("X", { nodes: [parameter, input, entry], outputs: [] })).toEqual({ ok: false, message });
});

test("damage around the nodes", () => {
  const nodes = [parameter, input];
  const message = (json: unknown) => {
    const read = graphFromJson("X", json);
    return read.ok ? "accepted" : read.message;
  };
  expect(message({ nodes, outputs: [{ name: "y", node: "x" }] })).toBe("accepted");
  expect(message(null)).toBe("it should have nodes and outputs");
  expect(message({ nodes, outputs: [{ name: "y", node: "z" }] })).toBe("an output names no node");
  expect(message({ nodes, outputs: [], insertions: [{ name: "se", point: "left" }] })).toBe(
    "its insertions are damaged",
  );
});
