import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { print } from "../../src/ir/print.ts";
import { O1 } from "../../src/passes/index.ts";
import { runPasses } from "../../src/passes/pass.ts";
import { Build, unit } from "../graphs.ts";

const page = new URL("../../docs/passes.md", import.meta.url);

test("docs/passes.md shows today's graphs, and every pass", async () => {
  const b = new Build();
  const x = unit(b, "layer1.1", b.input("x", 256, 56), { kind: "bottleneck", width: 64, out: 256, hidden: 16 });
  const graph = b.graph(x);
  const text = await readFile(page, "utf8");
  const current = withBlock(withBlock(text, "before", graph), "after", runPasses(graph, O1));
  await expect(current).toMatchFileSnapshot(page.pathname);
  for (const pass of O1) expect(text).toContain(`\n## ${pass.name}\n`);
});

/** Replaces the block behind `<!-- name -->` by the graph as it is printed today, without parameters. */
function withBlock(text: string, name: string, graph: Graph): string {
  const block = new RegExp("(<!-- " + name + " -->\\n\\n```text\\n)[^`]*");
  expect(text).toMatch(block);
  const printed = print({ ...graph, nodes: graph.nodes.filter((node) => node.op !== "parameter") });
  return text.replace(block, (_, opening: string) => opening + printed);
}
