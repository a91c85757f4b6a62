import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { zeros, type Tensor } from "../../src/tensor/tensor.ts";
import { relativeDifference } from "../../src/verify/compare.ts";
import { fillRandom } from "../../src/weights/random.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { sec } from "../cli/sec.ts";
import { trainingGraph, tensorsOf, type Settings } from "../networks.ts";
import { tinyNetworks } from "../zoo/tiny.ts";
import { pythonThat, runModules, type Job, type JobResult } from "./python.ts";
import { written } from "./written.ts";

/** The generated modules in PyTorch itself: `npm run test:pytorch`, with $PYTHON or /usr/bin/python3. */
const python = process.env["SEC_PYTORCH"] === "1" ? pythonThat("import torch") : undefined;

const points = ["none", "standard", "pre", "post", "identity", "3x3"];
const small = { width: "0.0625", classes: "10", resolution: "33", ratio: "4", blocks: "2,1,1,1" };

const graphs = new Map<string, () => Graph>([
  ...tinyNetworks.map(
    ([fixture, { entry, network }, { set }]) => [fixture, () => trainingGraph(entry, set, network)] as const,
  ),
  ...points.flatMap((se) =>
    (["avg", "none"] as const).map((squeeze) => {
      const set: Settings = { ...small, se, squeeze };
      return [`SE-ResNet-50, ${se}, squeeze ${squeeze}`, () => trainingGraph("examples/se-resnet50.se", set)] as const;
    }),
  ),
  ...written,
]);

describe.skipIf(python === undefined)("modules in PyTorch (npm run test:pytorch)", () => {
  const jobs = new Map<string, Job>();
  let results: Map<string, JobResult>;

  beforeAll(() => {
    for (const [name, graph] of graphs) jobs.set(name, seeded(graph()));
    for (const se of points) jobs.set(`digits, ${se}`, digits(se));
    results = runModules(python!, jobs);
  });

  test.each([...graphs.keys()])("%s: PyTorch computes what the interpreter does, and trains", (name) => {
    const { graph, weights, inputs } = jobs.get(name)!;
    const { error, outputs, ...found } = results.get(name)!;
    expect(error).toBeUndefined();
    const values = interpret(graph, new Map([...weights, ...inputs]), 2);
    for (const output of graph.outputs) {
      const computed = outputs.get(graph.outputs.length === 1 ? "output" : output.name)!;
      expect(computed.shape).toEqual(values.get(output.node)!.shape);
      expect(relativeDifference(computed, values.get(output.node)!).relative).toBeLessThan(1e-5);
    }
    expect(found).toMatchObject({ differing: [], idle: [], finite: true, statistics: true });
    expect(found.loss).toBeGreaterThan(0);
  });

  test.each(points)("digits, %s: trained weights give PyTorch's logits of examples/digits", (se) => {
    const { error, outputs } = results.get(`digits, ${se}`)!;
    expect(error).toBeUndefined();
    const expected = tensorsOf(`examples/digits/data/${fileOf(se)}.expected.safetensors`).get("logits")!;
    expect(relativeDifference(outputs.get("output")!, expected).relative).toBeLessThan(1e-5);
  });

  test("a whole state_dict, saved as it is, runs in sec run", async () => {
    const { state } = results.get("digits, standard")!;
    expect(readFileSync(state).toString("latin1")).toContain("bn1.num_batches_tracked");
    const output = join(dirname(state), "logits.safetensors");
    const images = "examples/digits/data/test.safetensors";
    const flags = ["--backend", "reference", "--weights", state, "--input", images, "--output", output];
    expect(await sec(["run", "examples/digits.se", ...flags])).toMatchObject({ exit: 0 });
    const expected = tensorsOf("examples/digits/data/standard.expected.safetensors").get("logits")!;
    expect(relativeDifference(tensorsOf(output).get("logits")!, expected).relative).toBeLessThan(1e-5);
  });

  test("another network's numbers are told from these", () => {
    const expected = tensorsOf("examples/digits/data/standard.expected.safetensors").get("logits")!;
    expect(relativeDifference(results.get("digits, pre")!.outputs.get("output")!, expected).relative).toBeGreaterThan(
      1e-2,
    );
  });
});

/** Made-up weights and one batch of two. */
function seeded(graph: Graph): Job {
  const inputs = new Map<string, Tensor>();
  for (const { op, name, type } of graph.nodes) {
    if (op !== "input") continue;
    const tensor = zeros([2, ...(type.shape.slice(1) as number[])]);
    fillRandom(tensor.data, 1, `input ${name}`, { deviation: 1 });
    inputs.set(name, rounded(tensor));
  }
  const weights = new Map([...seedWeights(graph, 1)].map(([name, tensor]) => [name, rounded(tensor)]));
  return { graph, weights, inputs };
}

function digits(se: string): Job {
  const graph = trainingGraph("examples/digits.se", { se });
  const images = tensorsOf("examples/digits/data/test.safetensors").get("image")!;
  const weights = tensorsOf(`examples/digits/weights/${fileOf(se)}.safetensors`);
  return { graph, weights, inputs: new Map([["image", images]]) };
}

function fileOf(se: string): string {
  return se === "3x3" ? "conv3x3" : se;
}

/** What a file of f32 keeps. */
function rounded({ shape, data }: Tensor): Tensor {
  return { shape, data: Float64Array.from(Float32Array.from(data)) };
}
