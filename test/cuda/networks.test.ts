import { describe, expect, test } from "vitest";
import { CudaEmulation, emulationRunner } from "../../src/device/cuda.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { precisions, type Precision } from "../../src/precision.ts";
import { zeros, type Tensor } from "../../src/tensor/tensor.ts";
import { verifyPlanOn, type Finding } from "../../src/verify/verify.ts";
import { packWeights, weightLayout } from "../../src/weights/pack.ts";
import { fillRandom } from "../../src/weights/random.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { networkGraph, cudaPlanOf } from "../networks.ts";
import { placed, placedCase } from "../zoo/points.ts";
import { tinyCase, tinyNetworks } from "../zoo/tiny.ts";
import { build, useCompiler } from "./emulated.ts";

/**
 * Whole networks in the emulation: every launch, every stored value, the outputs, and the run by the C API. A few of many,
 * unless SEC_FULL is set.
 */
useCompiler();

const isFull = process.env.SEC_FULL !== undefined;

/** @returns the values of which verification found something */
async function wrongValues(
  graph: Graph,
  batch: number,
  parameters: ReadonlyMap<string, Tensor> = seedWeights(graph, 0),
  inputs: ReadonlyMap<string, Tensor> = noise(graph, batch),
  precision: Precision = "f32",
  counts: (finding: Finding) => boolean = () => true,
): Promise<readonly string[]> {
  const plan = cudaPlanOf(graph, precision);
  const packed = packWeights(weightLayout(plan), parameters);
  if (!packed.ok) throw new Error(packed.messages.join());
  const program = await build(plan);
  const emulated = new CudaEmulation(program);
  const runner = emulationRunner(emulated, plan, parameters, packed.bytes);
  const { findings } = await verifyPlanOn(runner, graph, plan, inputs, parameters, batch);
  await emulated.close();
  program.remove();
  return findings.filter(counts).map(({ value }) => value);
}

function noise(graph: Graph, batch: number): ReadonlyMap<string, Tensor> {
  const inputs = graph.nodes.filter(({ op }) => op === "input");
  return new Map(
    inputs.map(({ name, type }) => {
      const tensor = zeros([batch, ...(type.shape.slice(1) as number[])]);
      fillRandom(tensor.data, 0, name, { deviation: 1 });
      return [name, tensor];
    }),
  );
}

const points = ["none", "standard", "pre", "post", "identity", "3x3"];
const small = { width: "0.125", resolution: "33", classes: "10" };
const resnets = points.flatMap((se) => [
  { entry: "examples/digits.se", set: { se } },
  { entry: "examples/se-resnet18.se", set: { ...small, se } },
  { entry: "examples/se-resnet50.se", set: { ...small, blocks: "[2, 1, 1, 2]", se } },
]);

/** Each in every precision; without SEC_FULL one. The digits networks run in f32 by `sec verify` (command.test.ts). */
const cases = resnets.flatMap((network) => precisions.map((precision) => ({ ...network, precision })));
const few = new Set(["post f16"]);

describe("insertion points", () => {
  const some = cases.filter(({ entry, set, precision }) => entry.includes("50") && few.has(`${set.se} ${precision}`));
  test.each(isFull ? cases : some)("$entry $set.se in $precision", ({ entry, set, precision }) => {
    const graph = networkGraph(entry, set);
    return expect(wrongValues(graph, 3, undefined, undefined, precision)).resolves.toEqual([]);
  });
});

/**
 * Gates that are further than 1e-5 from the graph as written, where each launch is within its bound: rounding of the
 * launches before them adds up. This one is 1.1e-5 off.
 */
const beyondTolerance: Readonly<Record<string, readonly string[]>> = { "se-mobilenet-3x3": ["blocks.4.1.se.gate"] };

describe("the catalogue in small, with the weights and the image that PyTorch was given", () => {
  test.runIf(isFull).each(tinyNetworks)("%s", (_, network, tiny) => {
    const { graph, weights, image, batch } = tinyCase(network, tiny);
    const wrong = wrongValues(graph, batch, weights, new Map([["image", image]]));
    return expect(wrong).resolves.toEqual(beyondTolerance[tiny.fixture] ?? []);
  });
  const coarse = tinyNetworks.flatMap(([fixture, network, tiny]) =>
    (["tf32", "f16"] as const).map((precision) => ({ fixture, network, tiny, precision })),
  );
  // Its gates are on their way as they are read.
  const some = coarse.filter(({ fixture, precision }) => fixture === "efficientnet" && precision === "tf32");
  test.each(isFull ? coarse : some)("$fixture in $precision", ({ network, tiny, precision }) => {
    const { graph, weights, image, batch } = tinyCase(network, tiny);
    const wrong = wrongValues(graph, batch, weights, new Map([["image", image]]), precision);
    return expect(wrong).resolves.toEqual([]);
  });
});

/**
 * With made-up weights some networks bring no f32 arithmetic within 1e-5 of their gates (docs/cuda.md): here each launch, also
 * one that computes gates, must be within its bound, and all other values as near as always.
 */
const ofLaunchesAndMaps = ({ message }: Finding) => !message.startsWith("the gate differs");
describe.runIf(isFull).each(["f32", "tf32", "f16"] as const)(
  "every example at every insertion point, in %s",
  (precision) => {
    test.each(placed())("%s, %s", async (_, se, network) => {
      const { graph, weights, inputs, batch } = placedCase(network, se);
      expect(await wrongValues(graph, batch, weights, inputs, precision, ofLaunchesAndMaps)).toEqual([]);
    });
  },
);
