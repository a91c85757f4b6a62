import { inputsOf, usersOf, type Graph, type Node, type NodeOf } from "../ir/graph.ts";
import { opDef, parameterOnly } from "../ir/graph.ts";
import { padTo4 } from "../ops/weights.ts";
import { isPointwise, pointWindow, type Window } from "../ops/window.ts";
import { sameShape } from "../tensor/type.ts";
import { Ancestry } from "./ancestry.ts";
import { limits, type KernelName } from "./plan.ts";

/**
 * Which nodes are computed together. A group becomes one launch:
 *
 *     operands -> anchor -> epilogue -> stored root, and partial sums of it
 *
 * - A node on each element joins the group of its operand if nobody else reads that operand and if nothing else that it
 *   reads depends on the group (`joinEpilogue`): bias, gate, residual, activation.
 * - If it cannot, but is cheap and has one feature map as operand, it is lazy: every reader computes it as it loads
 *   (`canBeLazy`). The pair (map, gate) of a gate that depends on its own map, and BatchNorm before a convolution.
 * - A squeeze becomes partial sums in the group that stores its map (`joinSqueeze`), finished where the vector is needed.
 * - Vectors run in chains: one workgroup per image goes through squeeze, dense, gate.
 */
export interface Group {
  readonly kernel: KernelName;
  /** The node around which the rest is fused; undefined for maps of single elements and for chains. */
  readonly anchor: Node | undefined;
  /** What it computes, in graph order; lazy operands are not in it. */
  readonly nodes: Node[];
  /** Map groups: the value at the end of the epilogue. */
  root: Node;
  /** Whether `root` is written; otherwise only its partial sums are. */
  stored: boolean;
  /** The squeezes whose partial sums it writes. All have the same window and reduction. */
  readonly squeezes: Node[];
  /** What its convolution reads, where that is computed here and stored for others, too. */
  kept: Node | undefined;
}

export interface Grouping {
  readonly groups: readonly Group[];
  readonly groupOf: ReadonlyMap<Node, Group>;
  readonly lazy: ReadonlySet<Node>;
}

/** Nodes that one launch computes, and lazy ones in a row: a body is walked on the stack, and a kernel wants an end. */
const most = 500;

/**
 * What is measured against the rules of grouping. `begins`: a launch begins with this node, though it could join one.
 * `keeps`: this map is computed by the first convolution that reads it, as that loads it, and stored for its other readers.
 */
export interface Exceptions {
  readonly begins?: ((node: Node) => boolean) | undefined;
  readonly keeps?: ((node: Node) => boolean) | undefined;
}

/** @param isTiled whether a convolution is computed tile by tile, as a product; others are maps */
export function groupNodes(
  graph: Graph,
  fuse: boolean,
  isTiled: (conv: NodeOf<"conv2d">) => boolean,
  { begins = () => false, keeps = () => false }: Exceptions = {},
): Grouping {
  const users = usersOf(graph);
  const parameters = parameterOnly(graph);
  const outputs = new Set(graph.outputs.map((output) => output.node));
  const ancestry = new Ancestry(graph);
  const groups: Group[] = [];
  const groupOf = new Map<Node, Group>();
  const lazy = new Set<Node>();
  /** How many lazy nodes stand before one, itself included. */
  const lazyDepth = new Map<Node, number>();

  for (const node of graph.nodes) {
    if (parameters.has(node)) continue;
    if (node.op === "input") open("import", node, node);
    else if (isSqueeze(node)) {
      joinSqueeze(node);
      joinChain(node);
    } else if (node.op === "flatten") open("export", node, node);
    else if (node.op === "softmax") open("softmax", node, node);
    else if (node.type.shape.length === 2) joinChain(node);
    else if (!isElementwise(node)) open(fuse && node.op === "conv2d" && isTiled(node) ? "conv" : "map", node, node);
    else if (!fuse || begins(node)) open("map", undefined, node);
    else if (!joinEpilogue(node)) {
      if (canBeLazy(node)) lazy.add(node);
      else open("map", undefined, node);
    }
  }
  for (const group of groups) {
    if (group.kernel !== "conv" && group.kernel !== "map") continue;
    if (group.squeezes.length > 0)
      group.stored =
        group.stored &&
        (outputs.has(group.root) || users.get(group.root)!.some((user) => !group.squeezes.includes(user)));
  }
  for (const group of groups.filter(({ root }) => keeps(root))) joinReader(group);
  return { groups, groupOf, lazy };

  function open(kernel: KernelName, anchor: Node | undefined, root: Node): Group {
    const group: Group = { kernel, anchor, nodes: [root], root, stored: true, squeezes: [], kept: undefined };
    groups.push(group);
    groupOf.set(root, group);
    return group;
  }

  /** A map into the first convolution that reads it pixel by pixel, if that waits for nothing else that depends on the map. */
  function joinReader(map: Group): void {
    const { kernel, anchor, root } = map;
    if (kernel !== "map" || anchor !== undefined || map.squeezes.length > 0) return;
    const reader = groups.find((group) => {
      if (group.anchor?.op !== "conv2d" || group.kernel !== "conv") return false;
      const others = group.nodes.filter((node) => node !== group.anchor).flatMap(inputsOf);
      return (
        group.anchor.inputs.x === root &&
        isPointwise(group.anchor.attrs) &&
        group.kept === undefined &&
        others.every((other) => group.nodes.includes(other) || !ancestry.dependsOn(other, root)) &&
        1 + bindings({ ...group, nodes: [...map.nodes, ...group.nodes] }) <= limits.storageBuffers
      );
    });
    if (!reader) return;
    groups.splice(groups.indexOf(map), 1);
    reader.nodes.unshift(...map.nodes);
    reader.kept = root;
    for (const node of map.nodes) groupOf.set(node, reader);
  }

  function joinEpilogue(node: Node): boolean {
    // The operand with the most before it: with two candidates, nothing on the way to it waits for the other one.
    const operands = mapInputs(node).toSorted(
      (a, b) => ancestry.countOf(b) - ancestry.countOf(a) || ancestry.position(b) - ancestry.position(a),
    );
    for (const operand of operands) {
      const group = groupOf.get(operand);
      if (
        !group ||
        group.root !== operand ||
        // The gate of scalePixels has one channel: what it scales is not computed around it.
        !sameShape(operand.type.shape, node.type.shape) ||
        group.nodes.length >= most ||
        (group.kernel !== "conv" && group.kernel !== "map")
      )
        continue;
      if (outputs.has(operand) || users.get(operand)!.length > 1) continue;
      const others = inputsOf(node).filter((input) => input !== operand);
      if (others.some((other) => ancestry.dependsOn(other, operand))) continue;
      if (inputsOf(node).filter((input) => input === operand).length > 1) continue;
      const joined = { ...group, nodes: [...group.nodes, node] };
      if (bindings(joined) > limits.storageBuffers) continue;
      group.nodes.push(node);
      group.root = node;
      groupOf.set(node, group);
      return true;
    }
    return false;
  }

  function canBeLazy(node: Node): boolean {
    if (!cheap.has(node.op) || outputs.has(node) || mapInputs(node).length !== 1) return false;
    const before = mapInputs(node).map((map) => lazyDepth.get(map) ?? 0);
    lazyDepth.set(node, 1 + Math.max(...before));
    if (lazyDepth.get(node)! > most) return false;
    return users.get(node)!.every((user) => {
      // A gate of pixels is read as one channel beside maps of many, so that it is stored.
      if (user.op === "scalePixels" && user.inputs.gate === node) return false;
      return user.type.shape.length === 4 && !isSqueeze(user) && user.op !== "concat";
    });
  }

  /** Partial sums in the group that stores the map; else a launch of its own that only reads the map. */
  function joinSqueeze(node: Node): void {
    const map = inputsOf(node)[0]!;
    const home = groupOf.get(map);
    const fits =
      fuse &&
      !begins(node) &&
      home?.root === map &&
      (home.kernel === "conv" || home.kernel === "map") &&
      home.squeezes.every((other) => sameSqueeze(other, node)) &&
      bindings({ ...home, squeezes: [node] }) <= limits.storageBuffers;
    if (fits) home.squeezes.push(node);
    else {
      const group: Group = {
        kernel: "map",
        anchor: undefined,
        nodes: [],
        root: map,
        stored: false,
        squeezes: [node],
        kept: undefined,
      };
      groups.push(group);
    }
  }

  /** A vector joins the chain of one of its operands, if the chain can still run in one workgroup. */
  function joinChain(node: Node): void {
    const vectors = isSqueeze(node) ? [] : inputsOf(node).filter((input) => !parameters.has(input));
    const candidates = vectors.map((vector) => groupOf.get(vector)).filter((group) => group?.kernel === "chain");
    for (const chain of fuse && !begins(node) ? candidates.toReversed() : []) {
      if (!chain || chain.nodes.length >= most) continue;
      const outside = vectors.filter((vector) => !chain.nodes.includes(vector));
      if (outside.some((vector) => chain.nodes.some((member) => ancestry.dependsOn(vector, member)))) continue;
      const nodes = [...chain.nodes, node];
      if (
        !fitsInWorkgroup(nodes) ||
        (node.op === "dense" && nodes.some(isLargeDense) && nodes.filter((n) => n.op === "dense").length > 1)
      )
        continue;
      if (bindings({ ...chain, nodes }) > limits.storageBuffers) continue;
      chain.nodes.push(node);
      chain.root = node;
      groupOf.set(node, chain);
      return;
    }
    open("chain", undefined, node);
  }

  /** How many buffers a launch of the group would bind: values read, one for weights, values written. */
  function bindings(group: Pick<Group, "nodes" | "root" | "squeezes" | "kernel">): number {
    const reads = new Set<Node>();
    let weights = false;
    const visit = (node: Node) => {
      for (const input of inputsOf(node)) {
        if (group.nodes.includes(input)) continue;
        if (parameters.has(input)) weights = true;
        else if (lazy.has(input)) visit(input);
        else reads.add(input);
      }
    };
    group.nodes.forEach(visit);
    // A chain writes every vector that somebody outside reads; a map its root and its partial sums.
    const writes = group.kernel === "chain" ? 1 : 1 + Math.min(1, group.squeezes.length);
    return reads.size + (weights ? 1 : 0) + writes;
  }
}

export function isSqueeze(node: Node): boolean {
  return node.op === "globalAvgPool" || node.op === "globalMaxPool" || node.op === "tapMeans";
}

/** What the partial sums of a squeeze are of. */
export function squeezeShape(node: Node): { window: Window; reduce: "sum" | "max" } {
  return {
    window:
      node.op === "tapMeans"
        ? {
            kernel: node.attrs.kernel,
            stride: node.attrs.stride,
            padding: node.attrs.padding,
            dilation: node.attrs.dilation,
          }
        : pointWindow,
    reduce: node.op === "globalMaxPool" ? "max" : "sum",
  };
}

function sameSqueeze(a: Node, b: Node): boolean {
  return JSON.stringify(squeezeShape(a)) === JSON.stringify(squeezeShape(b));
}

export function isElementwise(node: Node): boolean {
  return opDef(node.op).elementwise === true;
}

/** The operands that are feature maps, without gates, vectors and parameters. */
function mapInputs(node: Node): Node[] {
  return inputsOf(node).filter((input) => input.type.shape.length === 4 && input.type.shape[0] === "N");
}

/** Worth computing again in every reader instead of storing: an addition and a multiplication, no exponential. */
const cheap: ReadonlySet<string> = new Set([
  "scaleChannels",
  "affine",
  "addBias",
  "relu",
  "relu6",
  "leakyRelu",
  "scaleBy",
]);

/** Beyond this a dense layer is spread over several workgroups, which each would have to repeat a layer before it. */
export function isLargeDense(node: Node): boolean {
  return node.op === "dense" && (node.type.shape[1] as number) * (node.inputs.x.type.shape[1] as number) > 512 * 1024;
}

/** A chain keeps its vectors in workgroup memory, but for the last, which goes out; it needs 4 KiB more to add up dot products. */
function fitsInWorkgroup(nodes: readonly Node[]): boolean {
  const kept = nodes.filter((node) => !isElementwise(node)).slice(0, -1);
  const floats = kept.reduce((sum, node) => sum + padTo4(node.type.shape[1] as number), 0);
  return floats * 4 + 4096 <= limits.workgroupBytes;
}
