import { Bug } from "../../diagnostics.ts";
import type { Node } from "../../ir/graph.ts";
import { padTo4 } from "../../ops/weights.ts";
import type { TensorType } from "../../tensor/type.ts";
import { elementBytes } from "../../precision.ts";
import { limits, type Launch, type Value } from "../plan.ts";
import { chainThreads, phasesOf } from "./chain.ts";

/** Workgroups in x and y for one image; z counts the images of a batch, or tiles of them (`imagesOf`). */
export function gridOf(launch: Launch): readonly [number, number] {
  switch (launch.kernel) {
    case "conv":
    case "map": {
      const { pixels, vectors } = mapExtent(rootOf(launch).type);
      return [Math.ceil(pixels / launch.tile.pixels), Math.ceil((4 * vectors) / launch.tile.channels)];
    }
    case "chain":
      return [chainThreads(phasesOf(launch)).workgroups, 1];
    case "dense": {
      const { vectors } = mapExtent(launch.writes[0]!.type);
      return [Math.ceil((4 * vectors) / launch.tile.channels), 1];
    }
    case "softmax":
      return [1, 1];
    case "import":
      return [copyGroups(vectorsOf(launch.writes[0]!)), 1];
    case "export":
      return [copyGroups(launch.writes[0]!.floatsPerImage), 1];
    default:
      return launch.kernel satisfies never;
  }
}

/** Tiles of one image, each of which has a counter where its sums are cut into slices. */
export function tilesOfImage(launch: Launch): number {
  const [x, y] = gridOf(launch);
  return x * y;
}

/** Bytes of the sums of one slice of a tile. */
export function sliceBytes({ tile }: Launch): number {
  return 4 * tile.pixels * tile.channels;
}

/** Images that one workgroup computes. */
export function imagesOf(launch: Launch): number {
  return launch.kernel === "dense" ? launch.tile.pixels : 1;
}

/** Vectors of 4 elements of one image. */
function vectorsOf({ floatsPerImage, element }: Value): number {
  return floatsPerImage / elementBytes[element];
}

/** The value at the end of the epilogue of a conv or map launch: what it stores, or what it only sums up. */
export function rootOf(launch: Launch): Node {
  const [output] = launch.body.outputs;
  if (!output) throw new Bug(`${launch.name} computes nothing`);
  const { node } = output;
  const parts = node.op === "reduceParts" ? node.inputs.parts : node;
  return parts.op === "squeezeParts" ? parts.inputs.x : node;
}

/** What the convolution of a launch reads, where the launch computes that and stores it for others, too. */
export function keptOf({ anchor, body }: Pick<Launch, "anchor" | "body">): Node | undefined {
  const x = anchor?.op === "conv2d" ? anchor.inputs.x : undefined;
  return body.outputs.find(({ node }) => node === x)?.node;
}

/** A map's extents as its buffer has them; a vector is a map of one pixel. */
export function mapExtent(type: TensorType) {
  const [, channels = 1, height = 1, width = 1] = type.shape as [unknown, number?, number?, number?];
  return { channels, height, width, pixels: height * width, vectors: padTo4(channels) / 4 };
}

/** Threads of the kernels that copy element by element; each may copy several, a grid apart. */
export const copyThreads = 256;

export function copyGroups(elements: number): number {
  return Math.min(Math.ceil(elements / copyThreads), limits.workgroupsPerDimension);
}
