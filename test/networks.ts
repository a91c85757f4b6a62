import { readFileSync } from "node:fs";
import { check } from "../src/check/check.ts";
import { Problems } from "../src/diagnostics.ts";
import type { Graph } from "../src/ir/graph.ts";
import { O0, O1 } from "../src/passes/index.ts";
import { runPasses } from "../src/passes/pass.ts";
import { withBranches } from "../src/plan/branch.ts";
import type { Plan } from "../src/plan/plan.ts";
import { schedule, type ScheduleOptions } from "../src/plan/schedule.ts";
import type { Tensor } from "../src/tensor/tensor.ts";
import { readSafetensors } from "../src/weights/safetensors.ts";
import { toFloat64 } from "../src/weights/stored.ts";

export type Settings = Readonly<Record<string, string>>;

/** The graph of a network in the repository as it is written. */
export function networkGraph(entry: string, set: Settings = {}, network?: string): Graph {
  return sourceGraph(entry, (path) => readFileSync(path, "utf8"), set, network);
}

/** The same with what acts in training only. */
export function trainingGraph(entry: string, set: Settings = {}, network?: string): Graph {
  return sourceGraph(entry, (path) => readFileSync(path, "utf8"), set, network, true);
}

/** The graph of a network given as text. */
export function textGraph(text: string, set: Settings = {}): Graph {
  return sourceGraph("test.se", () => text, set);
}

function sourceGraph(
  entry: string,
  read: (path: string) => string,
  set: Settings,
  network?: string,
  training = false,
): Graph {
  const problems = new Problems();
  const load = (path: string) => {
    try {
      return read(path);
    } catch {
      return undefined;
    }
  };
  const graph = check({ entry, load, set: new Map(Object.entries(set)), network, problems, training });
  if (!graph) throw new Error(problems.list.map((problem) => `${problem.code}: ${problem.message}`).join("\n"));
  return graph;
}

/** The plan that `compile` makes; with `fuse: false` the one of -O0. */
export function planOf(
  graph: Graph,
  {
    fuse = true,
    ...more
  }: { fuse?: boolean } & Pick<ScheduleOptions, "maxBatch" | "precision" | "vectors" | "tilings"> = {},
): Plan {
  return schedule(runPasses(graph, fuse ? O1 : O0), { written: graph, fuse, ...more });
}

/** As CUDA packages are planned. */
export function cudaPlanOf(graph: Graph, precision?: ScheduleOptions["precision"]): Plan {
  return withBranches(planOf(graph, { precision, vectors: "byBatch" }));
}

/** All float tensors of a safetensors file in the repository. */
export function tensorsOf(path: string): Map<string, Tensor> {
  const file = readSafetensors(new Uint8Array(readFileSync(path)));
  if (!file.ok) throw new Error(`${path}: ${file.message}`);
  const tensors = new Map<string, Tensor>();
  for (const [name, stored] of file.tensors) {
    if (stored.dtype.startsWith("F")) tensors.set(name, { shape: stored.shape, data: toFloat64(stored) });
  }
  return tensors;
}
