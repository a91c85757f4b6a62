import { graphOf } from "../ir/graph.ts";
import type { Pass } from "./pass.ts";

/**
 *     a = relu(x)
 *     b = relu6(x)        ->    a = relu(x)
 *     output y = a              output y = a
 *
 * An input that no output needs goes too. Nothing else: a node that is read is never dropped.
 */
export const removeDead: Pass = {
  name: "removeDead",
  doc: "Drops the nodes that no output needs.",
  run(graph) {
    const alive = graphOf(graph.name, graph.outputs, graph.insertions, graph.repeats);
    return alive.nodes.length === graph.nodes.length ? graph : alive;
  },
};
