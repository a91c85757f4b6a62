import type { Graph } from "../ir/graph.ts";
import type { Plan } from "../plan/plan.ts";
import type { Traffic } from "../plan/traffic.ts";
import { paperFiguresOf, type PaperFigures } from "./paper.ts";
import { reportOf } from "./report.ts";

/** One parameter and the values that it takes, as literals of the language. */
export interface Axis {
  readonly name: string;
  readonly values: readonly string[];
}

/** What one point of a sweep costs; all sizes are for one image. */
export interface SweepRow {
  /** The swept parameters' values. */
  readonly set: Readonly<Record<string, string>>;
  readonly params: number;
  /** BatchNorm statistics, which the paper's parameter column counts, too. */
  readonly buffers: number;
  readonly macs: number;
  readonly se: { readonly params: number; readonly macs: number };
  readonly kernels: number;
  readonly traffic: Traffic;
  readonly weightBytes: number;
  /** What SE adds to `kernels` and `traffic`. */
  readonly added: { readonly kernels: number; readonly traffic: Traffic };
  /** Where the point is a row of the paper's Tables 10 to 16. */
  readonly paper: PaperFigures | undefined;
}

/** Every combination of the axes' values, the last axis fastest. */
export function pointsOf(axes: readonly Axis[]): readonly Readonly<Record<string, string>>[] {
  return axes.reduce<Readonly<Record<string, string>>[]>(
    (points, { name, values }) => points.flatMap((point) => values.map((value) => ({ ...point, [name]: value }))),
    [{}],
  );
}

/** @param graph as written, before passes */
export function sweepRow(point: SweepRow["set"], graph: Graph, plan: Plan): SweepRow {
  const { params, buffers, macs, se, kernels, traffic, weightBytes, added } = reportOf(graph, plan);
  return {
    set: point,
    params,
    buffers,
    macs,
    se,
    kernels,
    traffic,
    weightBytes,
    added,
    paper: paperFiguresOf(graph),
  };
}
