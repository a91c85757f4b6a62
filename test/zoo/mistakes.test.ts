import { expect, test } from "vitest";
import { interpret } from "../../src/reference/interpret.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import type { Graph, Node } from "../../src/ir/graph.ts";
import { relativeDifference } from "../../src/verify/compare.ts";
import { tinyCase, tinyNetworks } from "./tiny.ts";

/** What each must move the outputs by: ten times the widest tolerance that they are compared within. */
const caught = 1e-3;

type Weights = ReadonlyMap<string, Tensor>;

/** Each as other weights that have the same effect. Undefined: the network has no SE blocks. */
const mistakes: Readonly<Record<string, (graph: Graph, weights: Weights) => Weights | undefined>> = {
  "the first layer of every SE block reads the channel before": (graph, weights) =>
    changed(weights, squeezeWeights(graph), ({ shape, data }) => {
      const row = data.length / shape[0]!;
      return data.map((_, at) => data[at % row === 0 ? at + row - 1 : at - 1]!);
    }),
  "every squeeze is zero": (graph, weights) => changed(weights, squeezeWeights(graph), ({ data }) => data.map(() => 0)),
  "every BatchNorm has the other epsilon": (graph, weights) => {
    const moved = new Map<string, number>();
    for (const node of graph.nodes) {
      if (node.op !== "batchNorm") continue;
      const { eps } = node.attrs;
      moved.set(node.inputs.variance.name, (eps < 1e-4 ? 1e-3 : 1e-5) - eps);
    }
    return changed(weights, [...moved.keys()], ({ data }, name) => data.map((value) => value + moved.get(name)!));
  },
};

test.each(tinyNetworks)("%s: each mistake shows in the outputs", (_, network, tiny) => {
  const { graph, weights, image, batch, expected } = tinyCase(network, tiny);
  for (const [mistake, make] of Object.entries(mistakes)) {
    const wrong = make(graph, weights);
    if (!wrong) {
      expect(graph.insertions, mistake).toEqual([]);
      continue;
    }
    const values = interpret(graph, new Map([...wrong, ["image", image]]), batch);
    const differences = graph.outputs.map(
      ({ name, node }) => relativeDifference(values.get(node)!, expected.get(name)!).relative,
    );
    expect(Math.max(...differences), mistake).toBeGreaterThan(caught);
  }
});

/** Names of the weights that the squeezed vectors are multiplied with. */
function squeezeWeights(graph: Graph): string[] {
  const isInserted = (node: Node) => graph.insertions.some(({ name }) => node.name.startsWith(`${name}.`));
  const names = graph.nodes.flatMap((node) => {
    if ((node.op !== "dense" && node.op !== "channelConv") || !isInserted(node)) return [];
    return /^global(Avg|Max)Pool$/.test(node.inputs.x.op) ? [node.inputs.weight.name] : [];
  });
  return [...new Set(names)];
}

function changed(
  weights: Weights,
  names: readonly string[],
  change: (tensor: Tensor, name: string) => Float64Array,
): Weights | undefined {
  if (names.length === 0) return undefined;
  const replaced = names.map((name) => {
    const tensor = weights.get(name)!;
    return [name, { ...tensor, data: change(tensor, name) }] as const;
  });
  return new Map([...weights, ...replaced]);
}
