import type { Graph } from "../../src/ir/graph.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { networkGraph, tensorsOf } from "../networks.ts";
import { catalogue } from "./index.ts";
import type { TinyNetwork, ZooNetwork } from "./zoo.ts";

/** A small network with what PyTorch was given and what it computed. */
export interface TinyCase {
  readonly graph: Graph;
  /** By our names. */
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly image: Tensor;
  readonly batch: number;
  /** By the names of the network's outputs. */
  readonly expected: ReadonlyMap<string, Tensor>;
}

/** All small networks, as rows of a table of tests. */
export const tinyNetworks: readonly (readonly [fixture: string, network: ZooNetwork, tiny: TinyNetwork])[] =
  catalogue.flatMap((network) => network.tiny.map((tiny) => [tiny.fixture, network, tiny] as const));

export function tinyCase({ entry, network }: ZooNetwork, { fixture, set, keyOf }: TinyNetwork): TinyCase {
  const graph = networkGraph(entry, set, network);
  const stored = tensorsOf(`test/zoo/fixtures/${fixture}.weights.safetensors`);
  const weights = new Map<string, Tensor>();
  for (const node of graph.nodes) {
    if (node.op !== "parameter") continue;
    const key = keyOf?.(node.name) ?? node.name;
    const tensor = stored.get(key);
    if (!tensor) throw new Error(`${fixture} has no ${key} for ${node.name}`);
    const shape = node.type.shape as readonly number[];
    // A dense layer may be stored as a 1x1 convolution, and the other way round.
    if (withoutOnes(shape) !== withoutOnes(tensor.shape))
      throw new Error(`${fixture}: ${key} is [${tensor.shape.join(", ")}], ${node.name} [${shape.join(", ")}]`);
    weights.set(node.name, { shape, data: tensor.data });
    stored.delete(key);
  }
  if (stored.size > 0) throw new Error(`${fixture} has weights that nothing reads: ${[...stored.keys()].join(", ")}`);
  const { input, output, ...named } = Object.fromEntries(
    tensorsOf(`test/zoo/fixtures/${fixture}.case.safetensors`),
  ) as Record<string, Tensor>;
  const expected = new Map(graph.outputs.map(({ name }) => [name, (output ?? named[name])!]));
  return { graph, weights, image: input!, batch: input!.shape[0]!, expected };
}

function withoutOnes(shape: readonly number[]): string {
  return shape.join("x").replace(/(x1)+$/, "");
}
