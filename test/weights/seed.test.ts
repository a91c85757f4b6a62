import { expect, test } from "vitest";
import { interpret } from "../../src/reference/interpret.ts";
import { zeros, type Tensor } from "../../src/tensor/tensor.ts";
import { concreteShape } from "../../src/tensor/type.ts";
import { fillRandom, type Distribution } from "../../src/weights/random.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { networkGraph, textGraph } from "../networks.ts";

const draw = (count: number, name: string, distribution: Distribution, seed = 1) => {
  const data = new Float64Array(count);
  fillRandom(data, seed, name, distribution);
  return data;
};
const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values: Float64Array) => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
};

test("random numbers: the same for the same seed and name, as they should be spread", () => {
  const normal = draw(100_001, "a", { deviation: 2 });
  expect(draw(100_001, "a", { deviation: 2 })).toEqual(normal);
  expect(draw(10, "b", { deviation: 2 })).not.toEqual(normal.slice(0, 10));
  expect(draw(10, "a", { deviation: 2 }, 2)).not.toEqual(normal.slice(0, 10));
  expect(draw(4, "layer1.0.conv1.weight", { deviation: 1 })).toMatchInlineSnapshot(`
    Float64Array [
      0.34598439931869507,
      -0.940323531627655,
      -0.452924907207489,
      0.25967296957969666,
    ]
  `);
  expect(Math.abs(mean(normal))).toBeLessThan(0.02);
  expect(Math.abs(deviation(normal) - 2)).toBeLessThan(0.02);
  // Of a normal distribution 4.55% lie beyond two deviations.
  expect(normal.filter((value) => Math.abs(value) > 4).length / normal.length).toBeCloseTo(0.0455, 2);

  const even = draw(100_000, "a", { from: 0.6, to: 1.4 });
  expect(Math.abs(mean(even) - 1)).toBeLessThan(0.005);
  expect(Math.min(...even.subarray(0, 1000))).toBeGreaterThan(0.6);
  expect(even.every((value) => value === Math.fround(value))).toBe(true);
});

test("distributions by role", () => {
  const weights = seedWeights(networkGraph("examples/se-resnet18.se", { resolution: "32" }), 1);
  const of = (name: string) => weights.get(name)!.data;
  expect(deviation(of("layer4.0.conv1.weight"))).toBeCloseTo(Math.sqrt(1.6 / (256 * 9)), 3);
  expect(deviation(of("fc.weight"))).toBeCloseTo(Math.sqrt(1.6 / 512), 3);
  expect(deviation(of("fc.bias"))).toBeCloseTo(0.1, 2);
  expect(mean(of("layer4.0.bn1.weight"))).toBeCloseTo(1, 1);
  expect(deviation(of("layer4.0.bn1.bias"))).toBeCloseTo(0.2, 1);
  expect(of("layer4.0.bn1.running_var").every((value) => value > 0)).toBe(true);
});

test("two placements share all weights but statistics and the gates' last layer", () => {
  const [standard, pre] = ["standard", "pre"].map((se) => seedWeights(networkGraph("examples/digits.se", { se }), 3));
  const shared = [...standard!.keys()].filter((name) => pre!.has(name));
  expect(shared.length).toBeGreaterThan(50);
  for (const name of shared) {
    if (/running_(mean|var)$|fc2\.weight$/.test(name)) continue;
    // The SE block of another placement may see another number of channels.
    if (standard!.get(name)!.data.length !== pre!.get(name)!.data.length) continue;
    expect(standard!.get(name)!.data, name).toEqual(pre!.get(name)!.data);
  }
});

test.each(["standard", "pre", "post", "identity", "3x3"])(
  "with se=%s gates spread over 0.1 to 0.9 and activations keep unit scale, on another batch",
  (se) => {
    const graph = networkGraph("examples/digits.se", { se });
    const leaves = new Map<string, Tensor>(seedWeights(graph, 1));
    const [image] = graph.nodes.filter((node) => node.op === "input");
    leaves.set("image", random(concreteShape(image!.type, 4), "image"));
    const gates = graph.nodes.filter((node) => /\.gate$/.test(node.name));
    expect(gates).toHaveLength(6);
    const values = interpret(graph, leaves, 4, [...gates, graph.outputs[0]!.node]);
    for (const gate of gates) {
      const sorted = values.get(gate)!.data.toSorted();
      expect(sorted[Math.floor(sorted.length * 0.05)], gate.name).toBeLessThan(0.4);
      expect(sorted[Math.floor(sorted.length * 0.05)], gate.name).toBeGreaterThan(0.02);
      expect(sorted[Math.floor(sorted.length * 0.95)], gate.name).toBeGreaterThan(0.6);
      expect(sorted[Math.floor(sorted.length * 0.95)], gate.name).toBeLessThan(0.98);
    }
    const logits = values.get(graph.outputs[0]!.node)!.data;
    expect(deviation(logits)).toBeGreaterThan(0.3);
    expect(deviation(logits)).toBeLessThan(5);
  },
);

test("a network whose shapes need its resolution is calibrated at it", () => {
  const weights = seedWeights(
    textGraph(`se 1
network Small() {
  input image: f32[N, 3, 16, 16]
  conv1: conv 8, 3x3 -> bn1: bn -> relu
  flatten
  fc: dense 10
  output logits: f32[N, 10]
}
`),
    1,
  );
  expect(weights.get("bn1.running_var")!.data.every((value) => value > 0.1 && value < 10)).toBe(true);
});

function random(shape: number[], name: string): Tensor {
  const tensor = zeros(shape);
  fillRandom(tensor.data, 77, name, { deviation: 1 });
  return tensor;
}

test("5x5 depthwise convolutions on 7x7 maps: a calibration on 4x4, where they see more padding, would let activations grow", () => {
  const graph = networkGraph("examples/efficientnet.se", { width: "0.125", resolution: "224", classes: "4" });
  const image = random([1, 3, 224, 224], "another");
  const gates = graph.nodes.filter((node) => /\.gate$/.test(node.name));
  const values = interpret(graph, new Map([...seedWeights(graph, 1), ["image", image]]), 1, gates);
  for (const gate of gates) {
    // The logarithm of the odds is what the gate sees.
    const seen = values.get(gate)!.data.map((value) => Math.log(value / (1 - value)));
    expect(deviation(seen), gate.name).toBeLessThan(3.5);
  }
});
