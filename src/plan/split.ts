import { inputsOf, node as makeNode, rewrite, type Graph, type Node } from "../ir/graph.ts";
import { padTo4 } from "../ops/weights.ts";
import { limits } from "./plan.ts";

/**
 * Rewrites what no single launch could hold under WebGPU's default limits:
 * - a dense layer whose weight is over one binding becomes several over slices of its output rows, put together again;
 * - a concatenation of more values than a launch can bind becomes a tree.
 */
export function splitForLimits(graph: Graph, bindingBytes: number = limits.bindingBytes): Graph {
  return rewrite(graph, (node) => {
    if (node.op === "dense") return splitDense(node, bindingBytes);
    if (node.op === "concat" && inputsOf(node).length > mostOperands) return splitConcat(node);
    return undefined;
  });
}

/** One binding is left for the result, one for weights of an epilogue. */
const mostOperands = limits.storageBuffers - 2;

function splitDense(node: Node & { op: "dense" }, bindingBytes: number): Node | undefined {
  const features = padTo4(node.inputs.x.type.shape[1] as number);
  const outputs = node.type.shape[1] as number;
  const rows = Math.floor(bindingBytes / (4 * features) / 4) * 4;
  if (outputs <= rows) return undefined;
  const slices: Record<string, Node> = {};
  for (let start = 0, index = 0; start < outputs; start += rows, index++) {
    const origin = { name: `${node.name}.rows${start}`, span: node.span };
    const weight = makeNode(
      "sliceRows",
      { ...origin, name: `${node.inputs.weight.name}.rows${start}` },
      { weight: node.inputs.weight },
      { start, size: Math.min(rows, outputs - start) },
    );
    slices[index] = makeNode("dense", origin, { x: node.inputs.x, weight }, {});
  }
  return makeNode("concat", node, slices as never, {});
}

function splitConcat(node: Node & { op: "concat" }): Node {
  let level = inputsOf(node);
  for (let depth = 0; level.length > mostOperands; depth++) {
    const next: Node[] = [];
    for (let start = 0; start < level.length; start += mostOperands) {
      const some = level.slice(start, start + mostOperands);
      next.push(
        some.length === 1
          ? some[0]!
          : makeNode(
              "concat",
              { name: `${node.name}.part${depth}_${next.length}`, span: node.span },
              { ...some } as never,
              {},
            ),
      );
    }
    level = next;
  }
  return makeNode("concat", node, { ...level } as never, {});
}
