import { graphOf, node as makeNode, type Node, type NodeOf, type Output } from "../ir/graph.ts";
import { elementBytes, storedAs, type Precision } from "../precision.ts";
import { elementsPerImage } from "../tensor/type.ts";
import { channelsAtOnce, groupedSlice } from "./kernels/tensorConv.ts";
import {
  limits,
  type KernelName,
  type PackedTensor,
  type WeightPlace,
  type WeightPlan,
  type WeightSection,
} from "./plan.ts";

/** A tensor that a launch reads, before it has a place: which node of the weight program, and who reads it as what. */
export interface WantedTensor {
  readonly node: Node;
  readonly reader: Node;
  readonly name: string;
  /** The family of the launch. */
  readonly kernel: KernelName;
}

/**
 * Packs the weights of each launch one after the other, in launch order: one binding for each launch. A section never
 * crosses from one buffer of at most 128 MiB into the next. Filters of tiled convolutions are stored, and lie, as their
 * kernels read them in this precision; all else is f32.
 */
export function planWeights(
  name: string,
  wanted: readonly (readonly WantedTensor[])[],
  precision: Precision = "f32",
): { sections: (WeightSection | undefined)[]; weights: WeightPlan } {
  const buffers: number[] = [];
  const outputs: Output[] = [];
  const places: WeightPlace[] = [];
  const packedNodes = new Map<string, Node>();
  const sections = wanted.map((tensors): WeightSection | undefined => {
    if (tensors.length === 0) return undefined;
    let floats = 0;
    const placed = tensors.map((tensor): PackedTensor => {
      const op = packing(tensor, precision);
      const packedName = `${tensor.node.name}.${op}`;
      const packed = packedNodes.get(packedName) ?? packedAs(op, packedName, tensor, precision);
      packedNodes.set(packedName, packed);
      const repeat = outputs.filter((output) => output.node === packed).length;
      outputs.push({ name: repeat === 0 ? packedName : `${packedName}_${repeat + 1}`, node: packed });
      const floatOffset = floats;
      const isFilter = tensor.kernel === "conv" && tensor.reader.op === "conv2d" && op !== "packVector";
      const element = isFilter ? storedAs(precision) : "f32";
      floats += packedBytes({ packed, element }) / 4;
      return { parameter: tensor.node.name, packed, floatOffset, element };
    });
    const byteLength = floats * 4;
    const used = buffers.at(-1) ?? 0;
    const aligned = Math.ceil(used / limits.offsetAlignment) * limits.offsetAlignment;
    const fits = buffers.length > 0 && aligned + byteLength <= limits.bindingBytes;
    const byteOffset = fits ? aligned : 0;
    if (fits) buffers[buffers.length - 1] = aligned + byteLength;
    else buffers.push(byteLength);
    const buffer = buffers.length - 1;
    for (const { element, floatOffset } of placed) {
      const place = { buffer, byteOffset: byteOffset + 4 * floatOffset };
      places.push(element === "f32" ? place : { ...place, element });
    }
    return { tensors: placed, buffer, byteOffset, byteLength };
  });
  return { sections, weights: { program: graphOf(name, outputs, []), places, buffers } };
}

export function packedBytes({ packed, element }: Pick<PackedTensor, "packed" | "element">): number {
  return elementsPerImage(packed.type) * elementBytes[element];
}

type Packing = "packConv" | "packChunks" | "packGrouped" | "packDepthwise" | "packVector";

function packedAs(op: Packing, name: string, { node: weight, reader }: WantedTensor, precision: Precision): Node {
  const made = { name, span: weight.span };
  switch (op) {
    case "packVector":
      return makeNode(op, made, { x: weight }, {});
    case "packGrouped":
      return makeNode(op, made, { weight }, { slice: groupedSlice });
    case "packChunks":
      return makeNode(op, made, { weight }, { chunk: channelsAtOnce(reader as NodeOf<"conv2d">, precision)! });
    case "packConv":
      return makeNode(op, made, { weight }, {});
    case "packDepthwise":
      return makeNode(op, made, { weight }, {});
  }
}

function packing({ reader, name, kernel }: WantedTensor, precision: Precision): Packing {
  if (name !== "weight" || (reader.op !== "conv2d" && reader.op !== "dense")) return "packVector";
  if (kernel === "conv" && reader.op === "conv2d" && precision !== "f32") {
    if (reader.attrs.groups > 1) return "packGrouped";
    if (channelsAtOnce(reader, precision) !== undefined) return "packChunks";
  }
  return isDepthwise(reader) ? "packDepthwise" : "packConv";
}

/** One filter for each channel: groups, inputs and outputs are the same number. */
export function isDepthwise(node: Node): boolean {
  return (
    node.op === "conv2d" &&
    node.attrs.groups > 1 &&
    node.attrs.groups === node.inputs.x.type.shape[1] &&
    node.attrs.groups === node.type.shape[1]
  );
}
