import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { trainingGraph } from "../networks.ts";
import { catalogue } from "../zoo/index.ts";
import { moduleOf, pythonThat } from "./python.ts";
import { written } from "./written.ts";

/** What the modules look like; test/pytorch/live.test.ts runs them. */

const python = pythonThat("import ast");

const golden: readonly (readonly [string, () => Graph])[] = [
  ["digits", () => trainingGraph("examples/digits.se")],
  ["se-resnet18", () => trainingGraph("examples/se-resnet18.se")],
  ["se-resnet-fpn", () => trainingGraph("examples/se-resnet-fpn.se")],
];

test.each(golden)("%s, as a colleague would have written it", async (name, graph) => {
  await expect(moduleOf(graph())).toMatchFileSnapshot(`../golden/${name}/net.py`);
});

test.each(["reserved names", "shared weights", "flows that no module holds"])("%s", async (name) => {
  await expect(moduleOf(written.get(name)!())).toMatchFileSnapshot(`../golden/pytorch/${name.replaceAll(" ", "-")}.py`);
});

/** Of every example, made once. */
const texts = new Map<string, string>();
const textOf = (entry: string, network?: string) => {
  const key = `${entry} ${network ?? ""}`;
  const text = texts.get(key) ?? moduleOf(trainingGraph(entry, {}, network));
  texts.set(key, text);
  return text;
};

test.each(catalogue.map(({ entry, network }) => [entry, network] as const))(
  "%s is no list of layers",
  (entry, network) => {
    const text = textOf(entry, network);
    expect(text.split("\n").length).toBeLessThan(400);
    // The network's class and one or two for each kind of unit.
    expect(text.match(/^class /gm)!.length).toBeLessThan(20);
  },
);

test.skipIf(python === undefined)("python3 reads every module", () => {
  const modules = [...texts.values(), ...[...written.values()].map((graph) => moduleOf(graph()))];
  const program = "import ast, json, sys; [ast.parse(text) for text in json.load(sys.stdin)]";
  const { status, stderr } = spawnSync(python!, ["-c", program], { input: JSON.stringify(modules), encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
