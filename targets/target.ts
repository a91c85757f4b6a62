export type { OutputFile, Target } from "../src/compile.ts";

/** One kernel; launches that need the same text share it. */
export interface RenderedKernel {
  /** Entry point and file stem: a legal identifier, unique among the kernels of a plan also where case does not count. */
  readonly name: string;
  readonly text: string;
  /** The launches that run it, as indexes into `plan.launches`. */
  readonly launches: readonly number[];
  /** Workgroups in x and y for one image; z counts the images. */
  readonly grid: readonly [number, number];
}
