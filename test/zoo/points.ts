import type { Graph } from "../../src/ir/graph.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { zeros, type Tensor } from "../../src/tensor/tensor.ts";
import { concreteShape } from "../../src/tensor/type.ts";
import { fillRandom } from "../../src/weights/random.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { networkGraph } from "../networks.ts";
import { catalogue } from "./index.ts";
import type { ZooNetwork } from "./zoo.ts";

/** Where a network can have its SE blocks: the values that its parameter `se` takes. None if it has no such parameter. */
export function pointsOf({ entry, network, tiny: [small] }: ZooNetwork): string[] {
  return ["none", "standard", "pre", "post", "identity", "3x3"].filter((se) => {
    try {
      networkGraph(entry, { ...small?.set, se }, network);
      return true;
    } catch (refused) {
      if (/^SE0(502|310): /m.test(String((refused as Error).message))) return false;
      throw refused;
    }
  });
}

/** The first small version of each network at each of its points, as rows of a table of tests. */
export function placed(): (readonly [title: string, se: string, network: ZooNetwork])[] {
  const small = catalogue.filter(({ tiny }) => tiny.length > 0);
  return small.flatMap((network) => pointsOf(network).map((se) => [network.title, se, network] as const));
}

/** What PyTorch has no numbers for: made-up weights, and what the graph as written makes of them. */
export interface PlacedCase {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly batch: number;
  /** By the names of the network's outputs. */
  readonly expected: ReadonlyMap<string, Tensor>;
}

export function placedCase({ entry, network, tiny }: ZooNetwork, se: string): PlacedCase {
  const batch = 2;
  const graph = networkGraph(entry, { ...tiny[0]!.set, se }, network);
  const weights = seedWeights(graph, 1);
  const input = graph.nodes.find((node) => node.op === "input")!;
  const image = zeros(concreteShape(input.type, batch));
  fillRandom(image.data, 1, "image", { deviation: 1 });
  const inputs = new Map([[input.name, image]]);
  const values = interpret(graph, new Map([...weights, ...inputs]), batch);
  const expected = new Map(graph.outputs.map(({ name, node }) => [name, values.get(node)!]));
  return { graph, weights, inputs, batch, expected };
}
