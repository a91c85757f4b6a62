import { usersOf, type Graph, type Node } from "../../src/ir/graph.ts";

/**
 * A vector of the language is [N, C] in PyTorch, or [N, C, 1, 1] between a squeeze and its gate, where the layers are 1x1
 * convolutions, as checkpoints have them.
 */
export type Form = "map" | "vector";

export class Forms {
  private readonly forms = new Map<Node, Form>();

  constructor(graph: Graph) {
    const users = usersOf(graph);
    const outputs = new Set(graph.outputs.map(({ node }) => node));
    /** Whether all that read a squeeze, through activations, want a map. */
    const feedsGate = (node: Node): boolean =>
      !outputs.has(node) &&
      users.get(node)!.length > 0 &&
      users
        .get(node)!
        .every(
          (user) =>
            wantsMap(user, node) || (Object.keys(user.inputs).length === 1 && user.op !== "softmax" && feedsGate(user)),
        );
    for (const node of graph.nodes) {
      if (node.op === "parameter") continue;
      if (node.type.shape.length === 4) this.forms.set(node, "map");
      else if (node.op === "dense") this.forms.set(node, isPointConv(node) ? "map" : "vector");
      else if (node.op === "globalAvgPool" || node.op === "globalMaxPool")
        this.forms.set(node, feedsGate(node) ? "map" : "vector");
      else if (node.op === "input" || node.op === "softmax" || node.op === "channelConv" || node.op === "flatten")
        this.forms.set(node, "vector");
      else this.forms.set(node, this.forms.get(Object.values<Node>(node.inputs)[0]!)!);
    }
  }

  of(value: Node): Form {
    return this.forms.get(value)!;
  }

  /** The form in which an op reads one of its inputs. */
  wanted(op: Node, value: Node): Form {
    if (op.op === "dense") return isPointConv(op) ? "map" : "vector";
    if (wantsMap(op, value) || value.type.shape.length === 4) return "map";
    if (op.op === "softmax" || op.op === "channelConv") return "vector";
    return op.op === "flatten" ? this.of(value) : this.of(op);
  }
}

/** A dense layer whose weight is [out, in, 1, 1]. */
export function isPointConv(node: Node): boolean {
  return node.op === "dense" && node.inputs.weight.type.shape.length === 4;
}

function wantsMap(user: Node, value: Node): boolean {
  return isPointConv(user) || (user.op === "scaleChannels" && user.inputs.gate === value);
}
