import { rewrite, usersOf, type Graph, type Node, type NodeOf } from "../ir/graph.ts";
import { padTo4 } from "../ops/weights.ts";
import type { Group, Grouping } from "./group.ts";
import { chainPhases } from "./kernels/chain.ts";
import { denseOverImages, denseTile, isWorthIt } from "./kernels/dense.ts";
import type { Launch, Tile, Value, WeightSection } from "./plan.ts";

/**
 * What gates and dense layers cost depends on the batch. The first layer of an excitation goes where the squeeze is: each
 * workgroup multiplies its own partial sums, because sums and products commute. What remains is short, and in small
 * batches the convolution that is scaled does it for its own channels instead of waiting for one launch more:
 *
 *     conv2   shares of the reduced vector, from the sums over its tile
 *     se      gate = sigmoid(W2 relu(all shares + b1) + b2)                 large batches
 *     conv3   epilogue with gate                                            large batches
 *     conv3   the same with se in it                                        small batches
 */

/** The dense layer that a convolution's partial sums go through, where that pays. */
export function layersOfParts(
  { groups }: Grouping,
  graph: Graph,
  tileOf: (group: Group) => Tile,
): ReadonlyMap<Group, NodeOf<"dense">> {
  const users = usersOf(graph);
  const results = new Set(graph.outputs.map(({ node }) => node));
  const layers = new Map<Group, NodeOf<"dense">>();
  for (const group of groups) {
    const [squeeze, ...others] = group.squeezes;
    if (group.kernel !== "conv" || squeeze?.op !== "globalAvgPool" || others.length > 0) continue;
    const [layer, ...more] = users.get(squeeze)!;
    if (layer?.op !== "dense" || more.length > 0 || results.has(squeeze)) continue;
    const chain = groups.find(({ kernel, nodes }) => kernel === "chain" && nodes.includes(layer));
    // A long vector that is longer than what it is made of would be more to write and to add up than a launch is worth. Of
    // 128 numbers each thread of the smallest block has one vector.
    const isShort = padTo4(layer.type.shape[1] as number) <= Math.max(128, 2 * tileOf(group).channels);
    if (chain?.nodes.includes(squeeze) && isShort) layers.set(group, layer);
  }
  return layers;
}

type Drafted = Pick<Launch, "name" | "kernel" | "body" | "anchor" | "batches" | "weights" | "tile"> & {
  readonly reads: readonly Named[];
  readonly writes: readonly Named[];
};
type Named = Pick<Value, "name">;

/**
 * Behind each convolution whose gate is made of shares, and is read by nobody else: one that computes the gate as well,
 * which runs in small batches in place of the two.
 */
export function withSmallBatches<D extends Drafted>(launches: readonly D[], nameOf: (wish: string) => string): D[] {
  const gateOf = new Map(
    launches.flatMap((gate) => {
      const conv = scaledBy(gate, launches);
      return conv ? [[conv, gate] as const] : [];
    }),
  );
  const gates = new Set(gateOf.values());
  return launches.flatMap((launch) => {
    const gate = gateOf.get(launch);
    if (!gate) return [gates.has(launch) ? { ...launch, batches: "large" } : launch];
    const { name } = gate.writes[0]!;
    const computed = gate.body.outputs[0]!.node;
    const body = rewrite(launch.body, (node) => (node.op === "input" && node.name === name ? computed : undefined));
    const joined = {
      ...launch,
      name: nameOf(`${launch.name}.excited`),
      body,
      anchor: body.nodes.find((node) => node.op === launch.anchor!.op && node.name === launch.anchor!.name),
      reads: [...launch.reads.filter((value) => value.name !== name), ...gate.reads],
      weights: sectionOfBoth(launch.weights!, gate.weights!),
      batches: "small",
    };
    return [{ ...launch, batches: "large" }, joined];
  });
}

/**
 * Dense layers of much weight have a kernel of their own for large batches, which goes through the images tile by tile;
 * a chain, which goes through one image, reads all of the weight for each.
 */
export function withLargeBatches<D extends Drafted>(launches: readonly D[], nameOf: (wish: string) => string): D[] {
  return launches.flatMap((launch) => {
    const dense = launch.kernel === "chain" && launch.batches !== "small" ? denseOverImages(launch.body) : undefined;
    if (!dense || !isWorthIt(dense)) return [launch];
    const large = { ...launch, kernel: "dense", tile: denseTile, batches: "large" };
    if (launch.batches === "large") return [large];
    return [
      { ...launch, batches: "small" },
      { ...large, name: nameOf(`${launch.name}.images`) },
    ];
  });
}

/** What is left where no batch is large. */
export function onlySmallBatches<D extends Drafted>(launches: readonly D[]): D[] {
  return launches.filter(({ batches }) => batches !== "large").map((launch) => ({ ...launch, batches: "all" }));
}

/** The convolution that can compute this gate itself. */
function scaledBy<D extends Drafted>(gate: D, launches: readonly D[]): D | undefined {
  const [written, ...more] = gate.writes;
  if (gate.kernel !== "chain" || !written || more.length > 0 || !isSecondLayer(gate)) return undefined;
  const [conv, ...others] = launches.filter(({ reads }) => reads.some(({ name }) => name === written.name));
  const isOnlyReader = conv?.kernel === "conv" && others.length === 0 && scalesResult(conv, written.name);
  return isOnlyReader && conv.weights?.buffer === gate.weights?.buffer ? conv : undefined;
}

/** The weights of two launches as one section; what lies between them belongs to others. */
function sectionOfBoth(a: WeightSection, b: WeightSection): WeightSection {
  const byteOffset = Math.min(a.byteOffset, b.byteOffset);
  const end = Math.max(a.byteOffset + a.byteLength, b.byteOffset + b.byteLength);
  const moved = ({ tensors, byteOffset: from }: WeightSection) =>
    tensors.map((tensor) => ({ ...tensor, floatOffset: tensor.floatOffset + (from - byteOffset) / 4 }));
  const tensors = [...moved(a), ...moved(b)];
  return { tensors, buffer: a.buffer, byteOffset, byteLength: end - byteOffset };
}

/** Whether what is added up went through a dense layer before: then it has that layer's name. */
export function addsShares({ name, inputs }: NodeOf<"squeezeFinish">): boolean {
  return inputs.parts.name === sharesOf(name);
}

/** What the partial sums of a layer are called. */
export function sharesOf(layer: string): string {
  return `${layer}.shares`;
}

/** Whether all that remains is to add up shares, and one dense layer. */
function isSecondLayer({ body, reads }: Drafted): boolean {
  const [sum, layer, ...more] = chainPhases(body);
  if (sum?.head?.op !== "squeezeFinish" || layer?.head?.op !== "dense") return false;
  return addsShares(sum.head) && more.length === 0 && reads.length === 1;
}

/** Whether the gate scales channels of what the convolution computes, not of what it reads. */
function scalesResult({ body, anchor }: Drafted, gate: string): boolean {
  const leaf = body.nodes.find((node) => node.op === "input" && node.name === gate)!;
  const before = new Set<Node>();
  const visit = (node: Node): void => {
    if (before.has(node)) return;
    before.add(node);
    Object.values<Node>(node.inputs).forEach(visit);
  };
  visit(anchor!);
  return (
    !before.has(leaf) &&
    usersOf(body)
      .get(leaf)!
      .every((user) => user.op === "scaleChannels" && user.inputs.gate === leaf)
  );
}
