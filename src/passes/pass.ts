import { Bug } from "../diagnostics.ts";
import type { Graph } from "../ir/graph.ts";
import { verify } from "../ir/verify.ts";

export interface Pass {
  readonly name: string;
  /** What it changes, in one sentence. */
  readonly doc: string;
  /** Returns the same graph if there is nothing to do. */
  run(graph: Graph): Graph;
}

/** Sees the graph after each pass: `--print-after`. */
export type Trace = (pass: Pass, graph: Graph) => void;

/** Runs the passes in order. A pass that makes a bad node or breaks an invariant is named. */
export function runPasses(graph: Graph, passes: readonly Pass[], trace: Trace = () => {}): Graph {
  for (const pass of passes) {
    graph = run(pass, graph);
    verify(graph, pass.name);
    trace(pass, graph);
  }
  return graph;
}

function run(pass: Pass, graph: Graph): Graph {
  try {
    return pass.run(graph);
  } catch (error) {
    throw error instanceof Bug ? new Bug(`in ${pass.name}: ${error.message}`) : error;
  }
}
