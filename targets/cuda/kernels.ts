import type { Span } from "../../src/diagnostics.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { lowerCaseSet } from "../names.ts";
import type { RenderedKernel } from "../target.ts";
import { renderKernels } from "../wgsl/kernels.ts";
import { wgslWords } from "../wgsl/words.ts";
import { prefixOf } from "./host.ts";
import { parseKernel } from "./syntax.ts";
import { printKernel, type PrintedKernel } from "./print.ts";
import { cudaWords } from "./words.ts";

export type CudaKernel = RenderedKernel & PrintedKernel;

/** The kernels of a plan: written as for WGSL, printed in CUDA C. */
export function cudaKernels(plan: Plan, place: (span: Span) => string): CudaKernel[] {
  const words = lowerCaseSet([...wgslWords, ...cudaWords, prefixOf(plan), `${prefixOf(plan)}_graph`]);
  return renderKernels(plan, place, words).map((kernel) => ({ ...kernel, ...printKernel(parseKernel(kernel.text)) }));
}
