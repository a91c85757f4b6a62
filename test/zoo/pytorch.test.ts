import { describe, expect, test } from "vitest";
import { interpret } from "../../src/reference/interpret.ts";
import { interpretPlan } from "../../src/reference/interpretPlan.ts";
import { relativeDifference } from "../../src/verify/compare.ts";
import { tolerance as endToEnd } from "../../src/verify/verify.ts";
import { planOf } from "../networks.ts";
import { placed, placedCase } from "./points.ts";
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

describe.runIf(process.env["SEC_FULL"])(
  "at every insertion point the plan gives what the graph as written gives",
  () => {
    test.each(placed())("%s at %s", (_, se, network) => {
      const { graph, weights, inputs, batch, expected } = placedCase(network, se);
      const planned = interpretPlan(planOf(graph), inputs, weights, batch);
      // Folded weights are rounded to f32.
      for (const [name, written] of expected)
        expect(relativeDifference(planned.get(name)!, written).relative).toBeLessThan(endToEnd.relative);
    });
  },
);
