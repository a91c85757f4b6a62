import type { Graph, Node } from "../../src/ir/graph.ts";
import type { Call } from "./calls.ts";

/** What a dotted prefix holds: a module with a forward of its own where the flow of data allows it. */
export interface Container {
  /** `layer1.0`; "" is the network. */
  readonly path: string;
  readonly depth: number;
  /** All calls below it, in order. */
  readonly calls: readonly Call[];
  /** The prefix of its layers; another than `path` in the second call of a chain. */
  readonly module: string;
  /** The values that come in, in the order in which they are read first, and those that go out. */
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
}

export interface Containers {
  readonly root: Container;
  /** Those that are called, by path. All others only hold names: what is below them is done by the forward around. */
  readonly called: ReadonlyMap<string, Container>;
}

/** @param refused prefixes that turned out not to be callable */
export function containersOf(graph: Graph, calls: readonly Call[], refused: ReadonlySet<string>): Containers {
  const positions = new Map(calls.map((call, index) => [call, index]));
  const maker = new Map(calls.map((call) => [call.node, call]));
  const readers = readersOf(calls);
  const results = new Set(graph.outputs.map(({ node }) => node));

  const below = new Map<string, Call[]>();
  for (const call of calls) {
    for (const prefix of prefixesOf(call.node.name)) {
      const list = below.get(prefix);
      if (list) list.push(call);
      else below.set(prefix, [call]);
    }
  }

  const called = new Map<string, Container>();
  for (const [path, inside] of below) {
    if (refused.has(path)) continue;
    const module = moduleOf(path, inside);
    const container = module !== undefined && describe(path, module, inside);
    if (
      container &&
      container.inputs.length > 0 &&
      container.outputs.length > 0 &&
      isConvex(inside) &&
      !isLoose(container)
    ) {
      called.set(path, container);
    }
  }
  dropTornModules(calls, called);
  const everything = describe("", "", calls);
  const inputs = graph.nodes.filter(({ op }) => op === "input");
  const outputs = [...new Set(graph.outputs.map(({ node }) => node))];
  return { root: { ...everything, inputs, outputs }, called };

  function describe(path: string, module: string, inside: readonly Call[]): Container {
    const members = new Set(inside);
    const alive = inside.filter((call) => call.alive);
    const read = alive.flatMap((call) => Object.values(call.inputs));
    const isOutside = (value: Node) => !members.has(maker.get(value)!);
    const goesOut = ({ node }: Call) =>
      results.has(node) || (readers.get(node) ?? []).some((reader) => reader.alive && !members.has(reader));
    return {
      path,
      depth: path === "" ? 0 : path.split(".").length,
      calls: inside,
      module,
      inputs: [...new Set(read.filter(isOutside))],
      outputs: alive.filter(goesOut).map(({ node }) => node),
    };
  }

  /** Whether it only lists modules that have nothing to do with each other, as the lateral convolutions of a pyramid. */
  function isLoose({ calls, outputs }: Container): boolean {
    const members = new Set(calls);
    const reads = ({ inputs }: Call) => Object.values(inputs).some((value) => members.has(maker.get(value)!));
    return outputs.length > 1 && !calls.some(reads);
  }

  /** Whether no value leaves it and comes back. */
  function isConvex(inside: readonly Call[]): boolean {
    const members = new Set(inside);
    const first = positions.get(inside[0]!)!;
    const last = positions.get(inside.at(-1)!)!;
    const after = new Set<Call>();
    for (const call of calls.slice(first, last + 1)) {
      const makers = Object.values(call.inputs).map((value) => maker.get(value)!);
      const comesBack = makers.some((it) => after.has(it));
      if (members.has(call)) {
        if (comesBack) return false;
      } else if (comesBack || makers.some((it) => members.has(it))) after.add(call);
    }
    return true;
  }
}

/** `layer1.0.conv1` -> `layer1`, `layer1.0`. */
export function prefixesOf(name: string): string[] {
  const parts = name.split(".");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("."));
}

/** The path without a prefix. */
export function relative(path: string, prefix: string): string {
  return prefix === "" ? path : path.slice(prefix.length + 1);
}

export function isBelow(path: string, prefix: string): boolean {
  return prefix === "" || path.startsWith(`${prefix}.`);
}

function readersOf(calls: readonly Call[]): ReadonlyMap<Node, readonly Call[]> {
  const readers = new Map<Node, Call[]>();
  for (const call of calls) {
    for (const value of new Set(Object.values(call.inputs))) {
      const list = readers.get(value);
      if (list) list.push(call);
      else readers.set(value, [call]);
    }
  }
  return readers;
}

/** Where the layers of a container are; undefined if it has none, or if they are not in one place. */
function moduleOf(path: string, calls: readonly Call[]): string | undefined {
  const layers = calls.flatMap(({ layer }) => layer ?? []);
  if (layers.length > 0 && layers.every((layer) => isBelow(layer.path, path))) return path;
  const modules = new Set<string | undefined>();
  for (const { node, layer } of calls) {
    if (!layer) continue;
    const rest = `.${relative(node.name, path)}`;
    modules.add(layer.path.endsWith(rest) ? layer.path.slice(0, -rest.length) : undefined);
  }
  const [only, ...more] = modules;
  return more.length === 0 ? only : undefined;
}

/** Layers of a module that is called must not be called from elsewhere, too; what is around such a place is no module either. */
function dropTornModules(calls: readonly Call[], called: Map<string, Container>): void {
  for (let changed = true; changed;) {
    changed = false;
    const modules = new Set([...called.values()].map(({ module }) => module));
    const torn = new Set<string>();
    for (const { node, layer } of calls) {
      if (!layer) continue;
      const here = new Set(prefixesOf(node.name).flatMap((prefix) => called.get(prefix)?.module ?? []));
      for (const prefix of prefixesOf(layer.path)) if (modules.has(prefix) && !here.has(prefix)) torn.add(prefix);
    }
    for (const [path, { module }] of called) {
      if (!torn.has(module)) continue;
      called.delete(path);
      changed = true;
    }
  }
}
