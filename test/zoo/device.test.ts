import { expect, test } from "vitest";
import { relativeDifference } from "../../src/verify/compare.ts";
import { tolerance } from "../../src/verify/verify.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import type { Values } from "../device/adapters.ts";
import { onEachAdapter } from "../device/onEachAdapter.ts";
import { jobOf } from "../device/runNetwork.ts";
import { renderKernels } from "../../targets/wgsl/kernels.ts";
import { networkGraph, planOf } from "../networks.ts";
import { catalogue } from "./index.ts";
import { placed, placedCase, pointsOf } from "./points.ts";
import { tinyCase, tinyNetworks } from "./tiny.ts";

const modules = new URL("../device/modules.job.ts", import.meta.url);
const isFull = process.env["SEC_FULL"] !== undefined;
// naga, slow to compile, takes part in test:full, and so do all but the first small version of a network.
const adapters = isFull ? (["dawn", "naga"] as const) : (["dawn"] as const);
const tested = isFull ? tinyNetworks : tinyNetworks.filter(([, network, tiny]) => tiny === network.tiny[0]);

onEachAdapter((adapter, name) => {
  test.each(tested)("%s: the generated package gives PyTorch's numbers", async (_, network, tiny) => {
    const { graph, weights, image, expected } = tinyCase(network, tiny);
    const results = await adapter().run(jobOf(planOf(graph), weights, new Map([["image", image]])));
    expectThese(results, expected);
  });

  test.each(isFull ? placed() : [])(
    "%s at %s: the generated package gives what the graph as written gives",
    async (_, se, network) => {
      const { graph, weights, inputs, expected } = placedCase(network, se);
      expectThese(await adapter().run(jobOf(planOf(graph), weights, inputs)), expected);
    },
  );

  // test/device/examples.test.ts has the ResNets.
  const others = catalogue.filter(({ entry }) => !/\/se-resnet\d+\.se/.test(entry));
  test.runIf(isFull).each(others)(
    `$title: ${name}'s front end accepts the kernels of every insertion point`,
    async (zoo) => {
      const texts = new Set<string>();
      for (const se of pointsOf(zoo)) {
        const plan = planOf(networkGraph(zoo.entry, { se }, zoo.network));
        for (const { text } of renderKernels(plan, ({ file }) => file)) texts.add(text);
      }
      const { refused } = await adapter().run({ entry: modules, inputs: { texts: [...texts].join("\0") } });
      expect(refused).toBe("");
    },
  );
}, adapters);

function expectThese(results: Values, expected: ReadonlyMap<string, Tensor>): void {
  for (const [name, { shape, data }] of expected) {
    const actual = { shape, data: Float64Array.from(results[name] as Float32Array) };
    expect(actual.data).toHaveLength(data.length);
    expect(relativeDifference(actual, { shape, data }).relative).toBeLessThan(tolerance.relative);
  }
}
