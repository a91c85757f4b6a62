import type { Graph, NodeOf } from "../ir/graph.ts";
import type { ParameterRole } from "../ops/leaves.ts";
import { zeros, type Tensor } from "../tensor/tensor.ts";
import { calibrate } from "./calibrate.ts";
import { fillRandom, type Distribution } from "./random.ts";

/**
 * Weights for a network that has none, such that every one of them is visible in the output: convolutions and dense layers
 * N(0, 1.6 / fan-in), BatchNorm not near the identity. Every tensor has a random stream of its own, named by the seed and
 * its name. `calibrate` then sets what depends on the whole network: BatchNorm's statistics and the gain of each gate. So
 * two placements of SE share all weights but these.
 *
 * @param graph the network as it is written, before passes
 */
export function seedWeights(graph: Graph, seed: number): Map<string, Tensor> {
  const tensors = drawWeights(graph, seed);
  calibrate(graph, tensors, seed);
  return tensors;
}

/** The same without calibration, which runs the network: enough where only the time of a run matters. */
export function drawWeights(graph: Graph, seed: number): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const node of graph.nodes) if (node.op === "parameter") tensors.set(node.name, draw(node, seed));
  return tensors;
}

function draw({ name, type, attrs }: NodeOf<"parameter">, seed: number): Tensor {
  const tensor = zeros(type.shape as number[]);
  const fanIn = tensor.data.length / tensor.shape[0]!;
  const distributions: Record<ParameterRole, Distribution> = {
    weight: { deviation: Math.sqrt(1.6 / fanIn) },
    bias: { deviation: 0.1 },
    bnWeight: { from: 0.6, to: 1.4 },
    bnBias: { deviation: 0.2 },
    // For a BatchNorm that calibration does not reach.
    bnMean: { deviation: 0.2 },
    bnVariance: { from: 0.5, to: 1.5 },
  };
  fillRandom(tensor.data, seed, name, distributions[attrs.role]);
  return tensor;
}
