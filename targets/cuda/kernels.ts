import type { Span } from "../../src/diagnostics.ts";
import type { Launch, Plan } from "../../src/plan/plan.ts";
import { storedAs } from "../../src/precision.ts";
import { lowerCaseSet } from "../names.ts";
import type { RenderedKernel } from "../target.ts";
import { kernelText, renderKernels } from "../wgsl/kernels.ts";
import { wgslWords } from "../wgsl/words.ts";
import { denseKernel } from "./dense.ts";
import { prefixOf } from "./host.ts";
import { parseKernel } from "./syntax.ts";
import { printKernel, type Halves, type PrintedKernel } from "./print.ts";
import { functionsOf } from "./trim.ts";
import { tensorConvKernel, tensorProductInsert } from "./tensorConv.ts";
import { spelledElements } from "./tensorCopies.ts";
import { cudaWords } from "./words.ts";

export type CudaKernel = RenderedKernel & PrintedKernel;

/** The kernels of a plan: written as for WGSL, printed in CUDA C, with products on tensor cores where it is not all f32. */
export function cudaKernels(plan: Plan, place: (span: Span) => string): CudaKernel[] {
  const words = lowerCaseSet([...wgslWords, ...cudaWords, prefixOf(plan), `${prefixOf(plan)}_graph`]);
  const { precision } = plan;
  const onTensorCores = (launch: Launch) => precision !== "f32" && launch.kernel === "conv";
  const write: typeof kernelText = (launch, name, banner) =>
    onTensorCores(launch)
      ? tensorConvKernel(launch, precision, name, banner)
      : launch.kernel === "dense"
        ? denseKernel(launch, name, banner)
        : kernelText(launch, name, banner);
  return renderKernels(plan, place, words, write).map((kernel) => {
    const launch = plan.launches[kernel.launches[0]!]!;
    const insert = onTensorCores(launch) ? tensorProductInsert(launch, precision) : undefined;
    const tree = parseKernel(kernel.text);
    const threads = functionsOf(tree).find((each) => each.threads !== undefined)?.threads ?? 0;
    const printed = printKernel(tree, {
      halves: halvesOf(launch, plan),
      insert,
      unchanging: launch.weights ? "weights" : undefined,
      residents: onTensorCores(launch) ? residentsOfTile(launch, threads) : residentsOf(launch, threads),
    });
    return { ...kernel, ...printed };
  });
}

/**
 * ptxas spills registers for the sake of more blocks on a multiprocessor: in chains, which are one block an image, in
 * depthwise convolutions, whose threads have several pixels each, and in other blocks of few threads.
 */
function residentsOf({ kernel, anchor }: Launch, threads: number): number | undefined {
  return kernel === "chain" || (kernel === "map" && anchor?.op === "conv2d") || threads <= 128 ? 1 : undefined;
}

/** Two large tiles with one set of sums share a multiprocessor: 128 registers a thread are enough, but ptxas likes more. */
function residentsOfTile({ split }: Launch, threads: number): number | undefined {
  return threads > 128 && split === undefined ? 2 : undefined;
}

/** Of each binding: reads, weights, writes. */
function halvesOf(launch: Launch, { precision }: Plan): (Halves | undefined)[] {
  const stored = storedAs(precision);
  if (stored === "f32") return [];
  const halves = {
    ...spelledElements[stored],
    toFloat: stored === "f16" ? "__half2float" : "__bfloat162float",
  };
  const of = (element: string) => (element === "f32" ? undefined : halves);
  return [
    ...launch.reads.map(({ element }) => of(element)),
    ...(launch.weights ? [undefined] : []),
    ...launch.writes.map(({ element }) => of(element)),
  ];
}
