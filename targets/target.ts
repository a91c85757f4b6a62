import type { Span } from "../src/diagnostics.ts";
import type { Plan } from "../src/plan/plan.ts";

/** A language for kernels, and the files of a package in it. */
export interface Target {
  readonly name: string;
  /** @param place a span as `file:line:column`, relative to the project's root */
  kernels(plan: Plan, place: (span: Span) => string): readonly RenderedKernel[];
}

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

export interface OutputFile {
  /** Relative to the folder of the package. */
  readonly path: string;
  readonly bytes: Uint8Array;
}
