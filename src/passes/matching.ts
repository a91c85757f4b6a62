import { inputsOf, opDef, rewrite, usersOf, type Graph, type Node } from "../ir/graph.ts";

/** What passes ask about a graph before they change it. */
export interface Matching {
  readonly users: ReadonlyMap<Node, readonly Node[]>;
  isOutput(node: Node): boolean;
  /** Whether `node` is read by one node and by nobody outside: it need not exist once that node has been replaced. */
  isPrivate(node: Node): boolean;
  /**
   * Whether no launch stores `node`, because its readers compute it as they load: an elementwise node of one feature map
   * that cannot stand in the epilogue of that map's launch. A squeeze of such a value costs a pass over the map.
   */
  isComputedAtLoad(node: Node): boolean;
  /** A name that no node has: the wish, or the wish with a number. */
  name(wish: string): string;
}

export function matching(graph: Graph): Matching {
  const users = usersOf(graph);
  const outputs = new Set(graph.outputs.map((output) => output.node));
  const names = new Set(graph.nodes.map((node) => node.name));
  const isOutput = (node: Node) => outputs.has(node);
  const isPrivate = (node: Node) => !isOutput(node) && users.get(node)!.length === 1;
  const isComputedAtLoad = (node: Node): boolean => {
    const [map, second] = inputsOf(node).filter(isMap);
    if (!isElementwise(node) || map === undefined || second !== undefined) return false;
    return map.op === "input" || !isPrivate(map) || isComputedAtLoad(map);
  };
  const name = (wish: string) => {
    let name = wish;
    for (let number = 2; names.has(name); number++) name = `${wish}_${number}`;
    names.add(name);
    return name;
  };
  return { users, isOutput, isPrivate, isComputedAtLoad, name };
}

export function isElementwise(node: Node): boolean {
  return opDef(node.op).elementwise === true;
}

export function isMap(node: Node): boolean {
  return node.type.shape.length === 4 && node.type.shape[0] === "N";
}

/**
 * Replaces nodes. `rule` matches on the graph as it was, where users and outputs can be asked about, and builds its
 * replacement from `now(input)`: what has become of a node that comes before.
 */
export function replaceNodes(graph: Graph, rule: (old: Node, now: (old: Node) => Node) => Node | undefined): Graph {
  const current = new Map<Node, Node>();
  const now = (old: Node) => current.get(old)!;
  return rewrite(graph, (kept, old) => {
    const result = rule(old, now) ?? kept;
    current.set(old, result);
    return result;
  });
}

/** Repeats a step until it changes nothing, for rules that make room for one another. */
export function untilStable(graph: Graph, step: (graph: Graph) => Graph): Graph {
  for (;;) {
    const next = step(graph);
    if (next === graph) return graph;
    graph = next;
  }
}
