import type { Target } from "../src/compile.ts";
import { packageFiles } from "./wgsl/files.ts";
import { renderKernels } from "./wgsl/kernels.ts";

export const wgsl: Target = {
  name: "wgsl",
  files: (plan, place) => packageFiles(plan, renderKernels(plan, place), place),
};
