import { Bug } from "../diagnostics.ts";
import {
  graphOf,
  inputsOf,
  node as makeNode,
  parameterOnly,
  usersOf,
  withInputs,
  type Graph,
  type Node,
  type NodeOf,
  type Output,
} from "../ir/graph.ts";
import { padTo4 } from "../ops/weights.ts";
import { elementBytes, storedAs, type Element, type Precision } from "../precision.ts";
import { elementsPerImage, f32 } from "../tensor/type.ts";
import { layersOfParts, onlySmallBatches, sharesOf, withLargeBatches, withSmallBatches } from "./byBatch.ts";
import { groupNodes, isSqueeze, squeezeShape, type Exceptions, type Group, type Grouping } from "./group.ts";
import { hasNoGroups } from "./kernels/conv.ts";
import { chooseMapTile } from "./kernels/map.ts";
import { runsOnTensorCores } from "./kernels/tensorConv.ts";
import { assignSlots, largestBatch, largestIndexedBatch } from "./memory.ts";
import {
  largeBatch,
  type BoundaryValue,
  type Launch,
  type Plan,
  type Tile,
  type Tiling,
  type Value,
  type Vectors,
} from "./plan.ts";
import { splitForLimits } from "./split.ts";
import { shapeName, tilingsOf, type Tilings } from "./tilings.ts";
import { verifyPlan } from "./verify.ts";
import { planWeights, type WantedTensor } from "./weights.ts";

export interface ScheduleOptions {
  /** The graph before passes; the scheduled one itself where there were none. */
  readonly written?: Graph;
  /** False at -O0: one launch for each node. */
  readonly fuse: boolean;
  /** An upper bound from the command line; bindings of 128 MiB give another. */
  readonly maxBatch?: number | undefined;
  /** f32 unless given. */
  readonly precision?: Precision | undefined;
  /** Alike unless given. */
  readonly vectors?: Vectors | undefined;
  /** How convolutions are cut, where a model should not say it. */
  readonly tilings?: Tilings | undefined;
  /** For measuring what the rules of grouping are worth. None unless given. */
  readonly exceptions?: Exceptions | undefined;
}

/** A value before memory has been planned. */
type Unplaced = Omit<Value, "slot">;
type Draft = Omit<Launch, "reads" | "writes" | "weights"> & {
  readonly reads: readonly Unplaced[];
  readonly writes: readonly Unplaced[];
  readonly wanted: readonly WantedTensor[];
};

/** Graph -> Plan: groups nodes into launches, orders them, places values in buffers and weights in sections. */
export function schedule(source: Graph, options: ScheduleOptions): Plan {
  const graph = splitForLimits(source);
  const precision = options.precision ?? "f32";
  const isTiled = precision === "f32" ? hasNoGroups : runsOnTensorCores;
  const grouping = groupNodes(graph, options.fuse, isTiled, options.exceptions);
  const tilings: Tilings = options.tilings ?? new Map();
  const tiling = (group: Group) => tilingOf(group, precision, tilings);
  const shapes = shapesOf(grouping);
  const store = new Store(graph, storedAs(precision));
  const byBatch = options.fuse && options.vectors === "byBatch";
  const layers: ReadonlyMap<Group, NodeOf<"dense">> = byBatch
    ? layersOfParts(grouping, graph, (group) => tiling(group).tile)
    : new Map();
  const homes = new Map<Node, Group>();
  for (const group of grouping.groups)
    for (const node of layers.has(group) ? [layers.get(group)!] : group.squeezes) homes.set(node, group);
  const context = { grouping, layers, homes, graph, store, tiling };
  const drafts = inOrder(grouping, graph).map((group) => draft(group, context));
  const boundary = exportOutputs(graph, store, drafts);
  const inputs = graph.nodes
    .filter((node) => node.op === "input")
    .map((node) => ({ name: node.name, value: store.boundary(node, `${node.name}.in`) }));

  const { sections, weights } = planWeights(
    graph.name,
    drafts.map((launch) => launch.wanted),
    precision,
  );
  const packed = drafts.map(({ wanted: _, ...launch }, index) => ({ ...launch, weights: sections[index] }));
  const name = (wish: string) => store.launchName(wish);
  const place = (launches: typeof packed) => {
    const values = (of: readonly { readonly value: Unplaced }[]) => of.map(({ value }) => value);
    return { launches, ...assignSlots(launches, values(inputs), values(boundary), []) };
  };
  const whole = place(byBatch ? withLargeBatches(withSmallBatches(packed, name), name) : packed);
  const { maxBatch: batchLimit } = options;
  const most = Math.min(batchLimit ?? Infinity, largestIndexedBatch(whole.slots, storedAs(precision)));
  const { launches, slotOf, slots } = byBatch && most < largeBatch ? place(onlySmallBatches(whole.launches)) : whole;
  const placed = new Map<Unplaced, Value>();
  for (const [value, slot] of slotOf) placed.set(value, { ...value, slot });
  const placedValue = (value: Unplaced): Value => placed.get(value)!;

  const plan: Plan = {
    name: graph.name,
    written: options.written ?? source,
    graph,
    fused: options.fuse,
    precision,
    tilings: new Map([...tilings].filter(([shape]) => shapes.has(shape))),
    launches: launches.map((launch) => ({
      ...launch,
      reads: launch.reads.map(placedValue),
      writes: launch.writes.map(placedValue),
    })),
    branches: [],
    values: [...placed.values()],
    inputs: inputs.map((input): BoundaryValue => ({ name: input.name, value: placedValue(input.value) })),
    outputs: boundary.map((output): BoundaryValue => ({ name: output.name, value: placedValue(output.value) })),
    slots,
    weights,
    maxBatch: Math.min(largestBatch(slots), batchLimit ?? Infinity),
    batchLimit,
  };
  verifyPlan(plan);
  return plan;
}

/** The values that are stored, made on demand: one for each node and layout. */
class Store {
  private readonly values = new Map<string, Unplaced>();
  private readonly taken: Set<string>;
  private readonly launches = new Set<string>();
  private readonly mapElement: Element;

  constructor(graph: Graph, mapElement: Element) {
    this.mapElement = mapElement;
    this.taken = new Set(graph.nodes.map((node) => node.name));
  }

  /** Feature maps are [N, H, W, C padded to 4], vectors maps of one pixel. */
  map(node: Node): Unplaced {
    const [, channels = 1, height = 1, width = 1] = node.type.shape as [unknown, number?, number?, number?];
    const element = node.type.shape.length === 4 ? this.mapElement : "f32";
    return this.once(`map ${node.name}`, () => ({
      name: node.name,
      type: node.type,
      layout: "map",
      element,
      floatsPerImage: (height * width * padTo4(channels) * elementBytes[element]) / 4,
    }));
  }

  parts(parts: Node): Unplaced {
    const [, tiles, classes, channels] = parts.type.shape as [unknown, number, number, number];
    return this.once(`parts ${parts.name}`, () => ({
      name: parts.name,
      type: parts.type,
      layout: "parts",
      element: "f32",
      floatsPerImage: tiles * classes * padTo4(channels),
    }));
  }

  /** Two launches for one layer (at -O0, for example) are told apart by a number. */
  launchName(wish: string): string {
    let name = wish;
    for (let number = 2; this.launches.has(name); number++) name = `${wish}.${number}`;
    this.launches.add(name);
    return name;
  }

  boundary(node: Node, wish: string): Unplaced {
    return this.once(`dense ${wish}`, () => {
      let name = wish;
      while (this.taken.has(name)) name += "_";
      this.taken.add(name);
      return { name, type: node.type, layout: "dense", element: "f32", floatsPerImage: elementsPerImage(node.type) };
    });
  }

  private once(key: string, make: () => Unplaced): Unplaced {
    const value = this.values.get(key) ?? make();
    this.values.set(key, value);
    return value;
  }
}

/** Groups in an order in which each follows those whose values it reads; otherwise as in the source. */
function inOrder(grouping: Grouping, graph: Graph): Group[] {
  const position = new Map(graph.nodes.map((node, index) => [node, index]));
  const producers = new Map<Node, Group>(grouping.groupOf);
  const parameters = parameterOnly(graph);
  const squeezer = new Map<Node, Group>();
  for (const group of grouping.groups) for (const squeeze of group.squeezes) squeezer.set(squeeze, group);

  const needs = (group: Group): Set<Group> => {
    const result = new Set<Group>();
    // A list of its own and not the stack: thousands of lazy nodes may follow one another.
    const needed = new Set<Node>();
    for (const node of group.nodes) {
      if (isSqueeze(node) && group.kernel === "chain") result.add(squeezer.get(node)!);
      else inputsOf(node).forEach((input) => needed.add(input));
    }
    needed.add(group.root);
    for (const input of needed) {
      if (parameters.has(input) || group.nodes.includes(input)) continue;
      if (grouping.lazy.has(input)) inputsOf(input).forEach((each) => needed.add(each));
      else result.add(producers.get(input)!);
    }
    result.delete(group);
    return result;
  };
  const first = (group: Group) =>
    Math.min(...[...group.nodes, ...group.squeezes, group.root].map((node) => position.get(node)!));
  const waiting = grouping.groups
    .map((group) => ({ group, needs: needs(group), first: first(group) }))
    .sort((a, b) => a.first - b.first);
  const done = new Set<Group>();
  const order: Group[] = [];
  while (waiting.length > 0) {
    const next = waiting.findIndex((entry) => [...entry.needs].every((group) => done.has(group)));
    if (next < 0)
      throw new Bug(
        `the launches of ${graph.name} wait for one another: ${waiting.map((entry) => entry.group.root.name).join(", ")}`,
      );
    const [entry] = waiting.splice(next, 1);
    done.add(entry!.group);
    order.push(entry!.group);
  }
  return order;
}

interface Context {
  readonly grouping: Grouping;
  /** The dense layers that partial sums go through in the launch that makes them. */
  readonly layers: ReadonlyMap<Group, NodeOf<"dense">>;
  /** Who makes the partial sums of a squeeze, or of the layer that they go through in place of it. */
  readonly homes: ReadonlyMap<Node, Group>;
  readonly graph: Graph;
  readonly store: Store;
  readonly tiling: (group: Group) => Tiling;
}

/** One group as a launch: its body is cloned with leaves where it reads stored values and weights. */
function draft(group: Group, { grouping, layers, homes, graph, store, tiling }: Context): Draft {
  const parameters = parameterOnly(graph);
  const reads = new Map<string, Unplaced>();
  const wanted = new Map<string, WantedTensor>();
  const cloned = new Map<Node, Node>();
  const { tile, split } = tiling(group);

  const read = (value: Unplaced): Node => {
    reads.set(value.name, value);
    return makeNode("input", { name: value.name, span: group.root.span }, {}, { type: value.type, image: undefined });
  };
  const want = (node: Node, reader: Node, name: string) =>
    wanted.set(node.name, { node, reader, name, kernel: group.kernel });
  const leaf = (old: Node): Node => {
    if (parameters.has(old)) return makeNode("parameter", old, {}, { type: old.type, role: "weight" });
    if (old.op === "input") return read(store.boundary(old, `${old.name}.in`));
    return read(store.map(old));
  };
  const clone = (old: Node): Node => {
    const known = cloned.get(old);
    if (known) return known;
    const home = homes.get(old);
    let copy: Node;
    if (group.kernel === "import") copy = read(store.boundary(old, `${old.name}.in`));
    else if (home && group.nodes.includes(old)) copy = finish(old, home);
    else if (!group.nodes.includes(old) && !grouping.lazy.has(old))
      copy = parameters.has(old) ? leaf(old) : read(store.map(old));
    else {
      const inputs: Record<string, Node> = {};
      for (const [name, input] of Object.entries<Node>(old.inputs)) {
        inputs[name] = clone(input);
        if (parameters.has(input)) want(input, old, name);
      }
      copy = withInputs(old, inputs);
    }
    cloned.set(old, copy);
    return copy;
  };
  const finish = (node: Node, home: Group): Node => {
    const squeeze = home.squeezes[0]!;
    const [, channels] = inputsOf(squeeze)[0]!.type.shape as [unknown, number];
    const { attrs } = partsOf(squeeze, tiling(home).tile);
    // The shape is that of the parts' own; a throwaway node infers it.
    const map = makeNode(
      "input",
      { name: `${squeeze.name}.x`, span: squeeze.span },
      {},
      { type: f32("N", channels, attrs.height, attrs.width), image: undefined },
    );
    return makeNode("squeezeFinish", node, { parts: read(store.parts(partial(home, map))) }, attrs);
  };
  /** The partial sums of a map, or what they add to the layer that they go through. */
  const partial = (home: Group, map: Node): Node => {
    const { tile: homeTile } = tiling(home);
    const { name, attrs } = partsOf(home.squeezes[0]!, homeTile);
    const parts = makeNode("squeezeParts", { name, span: home.squeezes[0]!.span }, { x: map }, attrs);
    const layer = layers.get(home);
    if (!layer) return parts;
    const shares = { name: sharesOf(layer.name), span: layer.span };
    return makeNode("reduceParts", shares, { parts, weight: leaf(layer.inputs.weight) }, { slice: homeTile.channels });
  };

  const outputs: Output[] = [];
  const writes: Unplaced[] = [];
  const write = (value: Unplaced, node: Node) => {
    writes.push(value);
    outputs.push({ name: value.name, node });
  };
  if (group.kernel === "chain") {
    const users = usersOf(graph);
    const results = new Set(graph.outputs.map((output) => output.node));
    for (const node of group.nodes) {
      // Its sums went through a layer, which takes its place.
      if (isSqueeze(node) && !homes.has(node)) continue;
      const copy = clone(node);
      if (results.has(node) || users.get(node)!.some((user) => !group.nodes.includes(user)))
        write(store.map(node), copy);
    }
  } else {
    const root = clone(group.root);
    if (group.stored) write(store.map(group.root), root);
    if (group.squeezes.length > 0) {
      const parts = partial(group, root);
      write(store.parts(parts), parts);
      const layer = layers.get(group);
      if (layer) want(layer.inputs.weight, layer, "weight");
    }
    if (group.kept) write(store.map(group.kept), clone(group.kept));
  }
  const leader = group.anchor ?? group.nodes[0] ?? group.squeezes[0] ?? group.root;
  return {
    name: store.launchName(nameOf(group, leader, graph)),
    kernel: group.kernel,
    body: graphOf(leader.name, outputs, []),
    anchor: group.anchor === undefined || group.kernel === "import" ? undefined : cloned.get(group.anchor),
    batches: "all",
    reads: [...reads.values()],
    wanted: [...wanted.values()],
    writes,
    tile,
    split,
    span: leader.span,
  };
}

/** From the layer, so that a kernel can be found from the source: `layer1.0.conv1`, `layer1.0.se`, `fc`. */
function nameOf(group: Group, leader: Node, graph: Graph): string {
  if (group.kernel === "import") return `${leader.name}.import`;
  if (group.nodes.length === 0) return `${leader.name}.parts`;
  if (group.kernel === "chain") {
    const block = graph.insertions.find((insertion) => leader.name.startsWith(`${insertion.name}.`));
    if (block) return block.name;
    return layerName(group.nodes.findLast((node) => node.op === "dense") ?? leader);
  }
  return layerName(leader);
}

/** A layer with a bias is two nodes; the product is named after the layer. */
function layerName(node: Node): string {
  return node.name.replace(/\.product$/, "");
}

/** The squeezes of one group share their partial sums, which are called after the first of them. */
function partsOf(squeeze: Node, tile: Tile) {
  const [, , height, width] = inputsOf(squeeze)[0]!.type.shape as [unknown, number, number, number];
  return {
    name: `${squeeze.name}.parts`,
    attrs: { ...squeezeShape(squeeze), tile: tile.pixels, height, width },
  };
}

function tilingOf({ kernel, anchor, root }: Group, precision: Precision, tilings: Tilings): Tiling {
  if (kernel !== "conv") return { tile: mapTileOf(root), split: undefined };
  if (anchor?.op !== "conv2d") throw new Bug(`${root.name} is no convolution`);
  return tilings.get(shapeName(anchor)) ?? tilingsOf(anchor, precision)[0]!;
}

function shapesOf({ groups }: Grouping): ReadonlySet<string> {
  return new Set(
    groups.flatMap(({ kernel, anchor }) => (kernel === "conv" && anchor?.op === "conv2d" ? [shapeName(anchor)] : [])),
  );
}

function mapTileOf({ type }: Node): Tile {
  const [, channels = 1, height = 1, width = 1] = type.shape as [unknown, number?, number?, number?];
  return chooseMapTile(height * width, channels);
}

/** What the user gets is dense: a launch for each output whose stored form is not already that. */
function exportOutputs(graph: Graph, store: Store, drafts: Draft[]): { name: string; value: Unplaced }[] {
  return graph.outputs.map(({ name, node }) => {
    const stored = store.map(node);
    if (
      stored.element === "f32" &&
      stored.floatsPerImage === elementsPerImage(node.type) &&
      node.type.shape.slice(2).every((extent) => extent === 1)
    )
      return { name, value: stored };
    const value = store.boundary(node, `${name}.out`);
    if (!drafts.some((launch) => launch.writes.includes(value))) {
      const leaf = makeNode(
        "input",
        { name: stored.name, span: node.span },
        {},
        { type: stored.type, image: undefined },
      );
      drafts.push({
        name: store.launchName(`${name}.export`),
        kernel: "export",
        body: graphOf(name, [{ name: value.name, node: leaf }], []),
        anchor: undefined,
        batches: "all",
        reads: [stored],
        wanted: [],
        writes: [value],
        tile: mapTileOf(node),
        split: undefined,
        span: node.span,
      });
    }
    return { name, value };
  });
}
