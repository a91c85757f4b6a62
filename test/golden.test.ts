import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { placeIn } from "../src/compile.ts";
import { print } from "../src/ir/print.ts";
import { printPlan } from "../src/plan/print.ts";
import { renderKernels } from "../targets/wgsl/kernels.ts";
import { networkGraph, planOf } from "./networks.ts";

/** What the compiler makes of examples, in files: a refactoring leaves them as they are. `npm run golden` writes them. */
const file = (example: string, name: string) => `golden/${example}/${name}`;
const place = placeIn((path) => readFileSync(path, "utf8"));

test("digits: the graph as written, after passes, and its kernels", async () => {
  const graph = networkGraph("examples/digits.se");
  const plan = planOf(graph);
  await expect(print(graph)).toMatchFileSnapshot(file("digits", "graph.txt"));
  await expect(print(plan.graph)).toMatchFileSnapshot(file("digits", "graph-O1.txt"));
  await expect(
    renderKernels(plan, place)
      .map((kernel) => kernel.text)
      .join("\n"),
  ).toMatchFileSnapshot(file("digits", "model.wgsl"));
});

test.each(["none", "standard", "pre", "post", "identity", "3x3"])("digits, SE at %s: the plan", async (se) => {
  const plan = planOf(networkGraph("examples/digits.se", { se }));
  await expect(printPlan(plan)).toMatchFileSnapshot(file("digits", `plan-${se}.txt`));
});

test.each(["se-resnet18", "se-resnet50"])("%s: the plan", async (example) => {
  await expect(printPlan(planOf(networkGraph(`examples/${example}.se`)))).toMatchFileSnapshot(
    file(example, "plan.txt"),
  );
});
