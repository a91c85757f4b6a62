import { describe, expect, test } from "vitest";
import { interpret } from "../../src/reference/interpret.ts";
import { interpretPlan } from "../../src/reference/interpretPlan.ts";
import { zeros } from "../../src/tensor/tensor.ts";
import { concreteShape } from "../../src/tensor/type.ts";
import { relativeDifference } from "../../src/verify/compare.ts";
import { tolerance as endToEnd } from "../../src/verify/verify.ts";
import { fillRandom } from "../../src/weights/random.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { networkGraph, planOf } from "../networks.ts";
import { catalogue } from "./index.ts";
import { pointsOf } from "./points.ts";
import { tinyCase, tinyNetworks } from "./tiny.ts";

/** Of the worst image; PyTorch's numbers are float64, rounded to float32. */
const tolerance = 1e-5;

test.each(tinyNetworks)("%s: the graph as written and its plan give PyTorch's numbers", (_, network, tiny) => {
  const { graph, weights, image, batch, expected } = tinyCase(network, tiny);
  const inputs = new Map([["image", image]]);
  const written = interpret(graph, new Map([...weights, ...inputs]), batch);
  const planned = interpretPlan(planOf(graph), inputs, weights, batch);
  for (const { name, node } of graph.outputs) {
    expect(relativeDifference(written.get(node)!, expected.get(name)!).relative).toBeLessThan(tolerance);
    expect(relativeDifference(planned.get(name)!, expected.get(name)!).relative).toBeLessThan(tolerance);
  }
});

/** What PyTorch has no numbers for: any other insertion point, on the first small version of each network. */
describe.runIf(process.env["SEC_FULL"])(
  "at every insertion point the plan gives what the graph as written gives",
  () => {
    const cases = catalogue
      .filter(({ tiny }) => tiny.length > 0)
      .flatMap((network) => pointsOf(network).map((se) => [network.title, se, network] as const));

    test.each(cases)("%s at %s", (_, se, { entry, network, tiny }) => {
      const graph = networkGraph(entry, { ...tiny[0]!.set, se }, network);
      const weights = seedWeights(graph, 1);
      const input = graph.nodes.find((node) => node.op === "input")!;
      const image = zeros(concreteShape(input.type, 1));
      fillRandom(image.data, 1, "image", { deviation: 1 });
      const inputs = new Map([[input.name, image]]);
      const written = interpret(graph, new Map([...weights, ...inputs]), 1);
      const planned = interpretPlan(planOf(graph), inputs, weights, 1);
      // Folded weights are rounded to f32.
      for (const { name, node } of graph.outputs)
        expect(relativeDifference(planned.get(name)!, written.get(node)!).relative).toBeLessThan(endToEnd.relative);
    });
  },
);
