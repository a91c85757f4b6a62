import type { GraphTarget, PlanTarget, Target } from "../src/compile.ts";
import { withBranches } from "../src/plan/branch.ts";
import { encodeUtf8 } from "../src/syntax/utf8.ts";
import { packageFiles as cudaFiles } from "./cuda/files.ts";
import { moduleText } from "./pytorch/module.ts";
import { packageFiles } from "./wgsl/files.ts";
import { renderKernels } from "./wgsl/kernels.ts";

export const wgsl: PlanTarget = {
  name: "wgsl",
  reads: "plan",
  vectors: "alike",
  arranged: (plan) => plan,
  files: (plan, place, storage) => packageFiles(plan, renderKernels(plan, place), place, storage),
};

export const cuda: PlanTarget = {
  name: "cuda",
  reads: "plan",
  vectors: "byBatch",
  arranged: withBranches,
  files: (plan, place) => cudaFiles(withBranches(plan), place),
};

export const pytorch: GraphTarget = {
  name: "pytorch",
  reads: "graph",
  files: (graph, place) => [{ path: "net.py", bytes: encodeUtf8(moduleText(graph, place)) }],
};

/** Those that this sec can write. */
export const targets: ReadonlyMap<string, Target> = new Map(
  [wgsl, cuda, pytorch].map((target) => [target.name, target]),
);
