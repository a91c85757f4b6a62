import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { interpret } from "../../src/reference/interpret.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { tensorsOf } from "../networks.ts";
import { checkRepositoryFile } from "./helpers.ts";

/** `test/fixtures/<case>` with the values of the parameters of resnet.se. */
const cases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "bottleneck-none": { se: "none" },
  "bottleneck-standard": { se: "standard" },
  "bottleneck-pre": { se: "pre" },
  "bottleneck-post": { se: "post" },
  "bottleneck-identity": { se: "identity" },
  "bottleneck-conv3x3": { se: "conv3x3" },
  "basic-standard": { ...basic(), se: "standard" },
  "basic-pre": { ...basic(), se: "pre" },
  "basic-post": { ...basic(), se: "post" },
  "basic-identity": { ...basic(), se: "identity" },
  "basic-conv3x3": { ...basic(), se: "3x3" },
  "bottleneck-squeeze-max": { squeeze: "max" },
  "bottleneck-squeeze-none": { squeeze: "none" },
  "bottleneck-gate-tanh": { gate: "tanh" },
  "bottleneck-gate-relu": { gate: "relu" },
  "bottleneck-gate-hardsigmoid": { gate: "hardsigmoid" },
  "bottleneck-stages-34-nobias": { stages: "3,4", bias: "false" },
  "resnext-standard-odd": { kind: "resnext_unit", planes: "16,20,24,28", ratio: "3", resolution: "37" },
};

function basic() {
  return { kind: "basic_unit", layers: "1,1,1,1", ratio: "2" };
}

describe("the interpreter gives PyTorch's float64 numbers", () => {
  test.each(Object.entries(cases))("%s", (name, set) => {
    const { graph, text } = checkRepositoryFile("test/fixtures/resnet.se", set);
    expect(text.replace(/^SE0505.*/m, "")).toBe("");
    const weights = tensorsOf(`test/fixtures/${name}.weights.safetensors`);
    const { input, output } = caseOf(name);
    const values = run(graph!, weights, input);
    expect(relativeL2(values.get("logits")!, output)).toBeLessThan(1e-5);
  });
});

describe("the digits networks give the logits and gates that PyTorch gave", () => {
  test.each(["none", "standard", "pre", "post", "identity", "conv3x3"])("%s", (se) => {
    const { graph, text } = checkRepositoryFile("examples/digits.se", { se });
    expect(text).toBe("");
    const weights = tensorsOf(`examples/digits/weights/${se}.safetensors`);
    const image = tensorsOf("examples/digits/data/test.safetensors").get("image")!;
    const expected = tensorsOf(`examples/digits/data/${se}.expected.safetensors`);
    const batch = 8;
    const values = run(graph!, weights, firstOf(image, batch));
    expect(relativeL2(values.get("logits")!, firstOf(expected.get("logits")!, batch))).toBeLessThan(1e-5);

    const gates = [...expected].filter(([name]) => name.startsWith("gates."));
    expect(gates.map(([name]) => name.slice("gates.".length)).sort()).toEqual(
      graph!.insertions.map((it) => it.name).sort(),
    );
    for (const [name, gate] of gates) {
      const insertion = name.slice("gates.".length);
      const mine = values.get(`${insertion}.gate`)!;
      expect(Math.max(...mine.data.map((value, i) => Math.abs(value - gate.data[i]!))), insertion).toBeLessThan(1e-5);
    }
  });
});

test("every weight of a checkpoint has a parameter of that name and shape, and the other way round", () => {
  const { graph } = checkRepositoryFile("examples/digits.se", { se: "pre" });
  const parameters = graph!.nodes.filter((node) => node.op === "parameter");
  const mine = parameters.map((node) => `${node.name} ${node.type.shape.join("x")}`).sort();
  const stored = [...tensorsOf("examples/digits/weights/pre.safetensors")].map(
    ([name, { shape }]) => `${name} ${shape.join("x")}`,
  );
  expect(mine).toEqual(stored.sort());
});

function caseOf(name: string): { readonly input: Tensor; readonly output: Tensor } {
  const tensors = tensorsOf(`test/fixtures/${name}.case.safetensors`);
  return { input: tensors.get("input")!, output: tensors.get("output")! };
}

/** The outputs by their names, and the gates by their nodes'. */
function run(graph: Graph, weights: ReadonlyMap<string, Tensor>, image: Tensor): ReadonlyMap<string, Tensor> {
  const gates = graph.nodes.filter((node) => node.name.endsWith(".se.gate"));
  const outputs = graph.outputs.map((output) => output.node);
  const values = interpret(graph, new Map([...weights, ["image", image]]), image.shape[0]!, [...outputs, ...gates]);
  return new Map([
    ...graph.outputs.map((output) => [output.name, values.get(output.node)!] as const),
    ...gates.map((gate) => [gate.name, values.get(gate)!] as const),
  ]);
}

function firstOf(tensor: Tensor, images: number): Tensor {
  const [all, ...rest] = tensor.shape as [number, ...number[]];
  return { shape: [images, ...rest], data: tensor.data.slice(0, (tensor.data.length / all) * images) };
}

function relativeL2(actual: Tensor, expected: Tensor): number {
  let [difference, norm] = [0, 0];
  for (const [i, value] of expected.data.entries()) {
    difference += (actual.data[i]! - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / norm);
}
