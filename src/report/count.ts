import { inputsOf, type Graph, type Node } from "../ir/graph.ts";
import { elementsPerImage, type Dim } from "../tensor/type.ts";

/** What a network costs as it is written, before any pass. The numbers of the layers sum up to those of the whole. */
export interface Count {
  /** Trained numbers. */
  readonly params: number;
  /** BatchNorm statistics. The paper's parameter column counts both. */
  readonly buffers: number;
  /** Multiply-adds of convolutions and dense layers, for one image. */
  readonly macs: number;
  /** The part of the SE insertions. */
  readonly se: { readonly params: number; readonly macs: number };
  readonly layers: readonly LayerCount[];
}

export interface LayerCount {
  readonly name: string;
  readonly op: Node["op"];
  /** Of the result. */
  readonly shape: readonly Dim[];
  readonly params: number;
  readonly buffers: number;
  readonly macs: number;
  /** Whether it belongs to an SE insertion. */
  readonly isSe: boolean;
}

/** A product and its bias (`fc.product`, `fc`) are one layer; weights that are used twice count once. */
export function count(graph: Graph): Count {
  const counted = new Set<Node>();
  const layers: LayerCount[] = [];
  const isSe = insideOneOf(graph.insertions.map((insertion) => insertion.name));
  for (const node of graph.nodes) {
    if (node.op === "parameter" || node.op === "input") continue;
    let [params, buffers] = [0, 0];
    for (const input of inputsOf(node)) {
      if (input.op !== "parameter" || counted.has(input)) continue;
      counted.add(input);
      const { role } = input.attrs;
      if (role === "bnMean" || role === "bnVariance") buffers += elementsPerImage(input.type);
      else params += elementsPerImage(input.type);
    }
    const product = node.op === "addBias" ? node.inputs.x : undefined;
    const last = layers.at(-1);
    if (product && last?.name === product.name && product.name === `${node.name}.product`) {
      layers[layers.length - 1] = { ...last, name: node.name, params: last.params + params };
      continue;
    }
    const { name, op, type } = node;
    layers.push({ name, op, shape: type.shape, params, buffers, macs: macsOf(node), isSe: isSe(name) });
  }
  const inside = layers.filter((layer) => layer.isSe);
  return {
    params: sum(layers, "params"),
    buffers: sum(layers, "buffers"),
    macs: sum(layers, "macs"),
    se: { params: sum(inside, "params"), macs: sum(inside, "macs") },
    layers,
  };
}

/** Multiply-adds of a convolution or a dense layer for one image; 0 of anything else. */
export function macsOf(node: Node): number {
  if (node.op !== "conv2d" && node.op !== "dense" && node.op !== "channelConv") return 0;
  const [, ...perOutput] = node.inputs.weight.type.shape as number[];
  return elementsPerImage(node.type) * perOutput.reduce((product, extent) => product * extent, 1);
}

function insideOneOf(prefixes: readonly string[]): (name: string) => boolean {
  const set = new Set(prefixes);
  return (name) => {
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1))
      if (set.has(name.slice(0, dot))) return true;
    return false;
  };
}

function sum(layers: readonly LayerCount[], key: "params" | "buffers" | "macs"): number {
  return layers.reduce((total, layer) => total + layer[key], 0);
}
