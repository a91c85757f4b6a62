import { describe, expect, test } from "vitest";
import { onEachAdapter } from "../device/onEachAdapter.ts";
import { disagreements } from "../device/runNetwork.ts";
import { networkGraph } from "../networks.ts";
import { pairwise, product } from "./pairwise.ts";

/** What the examples' networks can be told, beside their size. `npm run test:full` takes every combination. */
const options = {
  se: ["pre", "standard", "identity", "post", "3x3"],
  squeeze: ["avg", "max", "none"],
  gate: ["sigmoid", "tanh", "relu", "hardsigmoid"],
  ratio: ["2", "16"],
  bias: ["true", "false"],
  hidden: ["relu", "silu"],
  rounding: ["floor", "8", "4"],
  stages: ["[2, 3]", "[3]"],
};
/** Two stages have every kind of kernel; more would only take longer to compile. */
const small = { width: "0.125", blocks: "[1, 1, 0, 0]", resolution: "48", classes: "5" };
const examples = {
  "se-resnet18": options,
  "se-resnet50": { ...options, variant: ["v1_5", "v1"] },
};

describe("pairwise", () => {
  test("every pair of values occurs, in far fewer rows than the product", () => {
    const rows = pairwise(options);
    for (const [a, xs] of Object.entries(options)) {
      for (const [b, ys] of Object.entries(options)) {
        if (a >= b) continue;
        for (const x of xs)
          for (const y of ys)
            expect(
              rows.some((row) => row[a] === x && row[b] === y),
              `${a} ${x}, ${b} ${y}`,
            ).toBe(true);
      }
    }
    expect(rows.length).toBeLessThan(40);
    expect(product(options).length).toBe(5 * 3 * 4 * 2 * 2 * 2 * 3 * 2);
  });
});

onEachAdapter(
  (adapter) => {
    test.each(Object.keys(examples) as (keyof typeof examples)[])(
      "%s, small: its options agree with the reference",
      async (example) => {
        const rows = process.env["SEC_FULL"] ? product(examples[example]) : pairwise(examples[example]);
        const wrong: string[] = [];
        for (const set of rows) {
          const found = await disagreements([adapter()], networkGraph(`examples/${example}.se`, { ...small, ...set }), {
            batch: 2,
          });
          wrong.push(...found.map((each) => `${JSON.stringify(set)}: ${each}`));
        }
        expect(wrong).toEqual([]);
      },
      10_000_000,
    );
  },
  ["dawn", "naga"],
);
