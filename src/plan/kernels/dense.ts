import type { Graph, Node, NodeOf } from "../../ir/graph.ts";
import { padTo4 } from "../../ops/weights.ts";
import type { Tile } from "../plan.ts";
import { chainPhases, hasTaps } from "./chain.ts";

/**
 * A dense layer over the images of a batch: a matrix product of images by results. A chain reads the whole matrix again
 * for every image, which a large batch makes the most that it does; a tile of images reads it once.
 *
 *     y[image, o] = epilogue(sum over i of operand(image, i) * weight[o, i])
 *
 * The operand is computed as it is loaded: what the launch reads, or what its parts add up to, element by element.
 */
export interface DenseOverImages {
  readonly layer: NodeOf<"dense">;
  /** What the operand is computed of, if that is not read as it is. */
  readonly squeeze: NodeOf<"squeezeFinish"> | undefined;
  /** What is written. */
  readonly result: Node;
}

/** Images by results; a tile of the tiled convolution (conv.ts), with images for pixels. */
export const denseTile: Tile = { pixels: 32, channels: 64 };

/** Below this many weights a chain reads so little that it is as well off. */
const enoughWeights = 8 * 1024;

/** The dense layer that a chain's body is all about, if it is. */
export function denseOverImages(body: Graph): DenseOverImages | undefined {
  const phases = chainPhases(body);
  const last = phases.at(-1);
  const [result, ...others] = last?.results ?? [];
  if (last?.head?.op !== "dense" || !result || result.kept || others.length > 0) return undefined;
  const [before, ...more] = phases.slice(0, -1);
  if (more.length > 0 || before?.results.some(({ written }) => written !== undefined)) return undefined;
  const squeeze = before?.head;
  if (squeeze && (squeeze.op !== "squeezeFinish" || hasTaps(squeeze))) return undefined;
  if (before && before.results.length > 1) return undefined;
  return { layer: last.head, squeeze, result: result.node };
}

export function isWorthIt({ layer }: DenseOverImages): boolean {
  const [outputs, features] = layer.inputs.weight.type.shape as [number, number];
  return padTo4(outputs) * padTo4(features) >= enoughWeights;
}
