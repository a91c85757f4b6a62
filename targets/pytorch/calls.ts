import { Bug } from "../../src/diagnostics.ts";
import { inputsOf, usersOf, type Graph, type Node, type NodeOf } from "../../src/ir/graph.ts";
import type { OpName } from "../../src/ops/index.ts";

/** Ops that only passes and plans make: no network is written with them. */
type MadeOp =
  | "affine" | "tapMeans" | "squeezeParts" | "reduceParts" | "squeezeFinish" | "rsqrt" | "scaleRows" | "matmul" | "matvec" | "reshape"
  | "expandGroups" | "sliceRows" | "packConv" | "packChunks" | "packDepthwise" | "packGrouped" | "packVector"; // prettier-ignore

/** Ops with parameters, which become submodules. A bias belongs to the layer before it. */
type LayerOp = "conv2d" | "dense" | "channelConv" | "batchNorm";

/** Every other op of a written network needs a row in the spelling: a missing one does not compile. */
export type PlainOp = Exclude<OpName, MadeOp | LayerOp | "input" | "parameter" | "addBias">;

export type LayerNode = { [K in LayerOp]: NodeOf<K> }[LayerOp];
export type PlainNode = { [K in PlainOp]: NodeOf<K> }[PlainOp];

/** One thing that `forward` does: a layer with its bias, or an op. */
export interface Call {
  /** Its result, which has the call's name. */
  readonly node: Node;
  readonly op: LayerNode | PlainNode;
  readonly layer: Layer | undefined;
  /** The values that it reads, by the op's names for them. */
  readonly inputs: Readonly<Record<string, Node>>;
  /** Whether an output depends on it. Layers that are not alive keep their parameters. */
  readonly alive: boolean;
}

/** A submodule: what stands before `.weight` in the names of its parameters. */
export interface Layer {
  readonly path: string;
  readonly op: LayerNode;
  readonly bias: boolean;
}

/** The graph as written, in order, with every bias in its layer. */
export function callsOf(graph: Graph): Call[] {
  const users = usersOf(graph);
  const alive = aliveIn(graph);
  const calls: Call[] = [];
  for (const node of graph.nodes) {
    if (node.op === "input" || node.op === "parameter") continue;
    const [bias] = users.get(node)!;
    if ((node.op === "conv2d" || node.op === "dense") && bias?.op === "addBias") continue;
    const op = node.op === "addBias" ? node.inputs.x : node;
    if (node.op === "addBias" && op.op !== "conv2d" && op.op !== "dense")
      throw new Bug(`${node.name} is no layer's bias`);
    const inputs = Object.entries<Node>(op.inputs).filter(([, { op }]) => op !== "parameter");
    calls.push({
      node,
      op: op as LayerNode | PlainNode,
      layer: isLayer(op) ? { path: pathOf(op.inputs.weight), op, bias: node.op === "addBias" } : undefined,
      inputs: Object.fromEntries(inputs),
      alive: alive.has(node),
    });
  }
  return calls;
}

export function isLayer(node: Node): node is LayerNode {
  return layerOps.has(node.op);
}

const layerOps: ReadonlySet<OpName> = new Set<LayerOp>(["conv2d", "dense", "channelConv", "batchNorm"]);

function pathOf(weight: Node): string {
  return weight.name.slice(0, weight.name.lastIndexOf("."));
}

function aliveIn(graph: Graph): ReadonlySet<Node> {
  const alive = new Set<Node>(graph.outputs.map(({ node }) => node));
  for (const node of graph.nodes.toReversed()) if (alive.has(node)) inputsOf(node).forEach((input) => alive.add(input));
  return alive;
}
