import { inputsOf, type Graph, type Node } from "../ir/graph.ts";

/** Which nodes a node depends on, directly or not: one bit for each pair. */
export class Ancestry {
  private readonly positions = new Map<Node, number>();
  private readonly bits: Uint32Array[] = [];

  constructor(graph: Graph) {
    const words = Math.ceil(graph.nodes.length / 32);
    graph.nodes.forEach((node, position) => {
      this.positions.set(node, position);
      const row = new Uint32Array(words);
      row[position >>> 5]! |= 1 << (position & 31);
      for (const input of inputsOf(node)) {
        const above = this.bits[this.positions.get(input)!]!;
        for (let word = 0; word < words; word++) row[word]! |= above[word]!;
      }
      this.bits.push(row);
    });
  }

  /** Where the node stands in the graph. */
  position(node: Node): number {
    return this.positions.get(node)!;
  }

  /** How many nodes it is computed from, itself included. */
  countOf(node: Node): number {
    let count = 0;
    for (let word of this.bits[this.position(node)]!) for (; word !== 0; word &= word - 1) count++;
    return count;
  }

  /** Whether `node` is `other` or is computed from it. */
  dependsOn(node: Node, other: Node): boolean {
    const position = this.position(other);
    return (this.bits[this.position(node)]![position >>> 5]! & (1 << (position & 31))) !== 0;
  }
}
