import type { Graph, Repeat } from "../ir/graph.ts";
import { trafficOf, type Traffic } from "../plan/traffic.ts";
import type { Plan } from "../plan/plan.ts";
import type { Count } from "./count.ts";

/** What one stage of the text costs. The rows of a report sum up to the whole. */
export interface StageReport {
  /** The paper's number; null for what stands before the first stage, and for all else that is in none. */
  readonly stage: number | null;
  /** `layer1`; `before` and `after` where there is no stage. */
  readonly name: string;
  readonly params: number;
  readonly buffers: number;
  readonly macs: number;
  /** The part of the SE insertions. */
  readonly se: { readonly params: number; readonly macs: number };
  readonly kernels: number;
  /** What its launches read and write for one image. */
  readonly traffic: Traffic;
  readonly weightBytes: number;
}

/** One row a stage, in the order of the text; none for a network without stages. */
export function stagesOf(graph: Graph, { layers }: Count, { launches }: Plan): readonly StageReport[] {
  const stages = graph.repeats.filter((repeat) => repeat.stage !== undefined);
  if (stages.length === 0) return [];
  const stageOf = stageByName(stages);
  const layersOf = split(layers, stageOf);
  const launchesOf = split(launches, stageOf);
  return (["before", ...stages, "after"] as const).flatMap((row) => {
    const [own, run] = [layersOf.get(row) ?? [], launchesOf.get(row) ?? []];
    if (own.length + run.length === 0) return [];
    const inside = own.filter((layer) => layer.isSe);
    return {
      stage: typeof row === "string" ? null : row.stage!,
      name: typeof row === "string" ? row : row.name,
      params: sum(own, ({ params }) => params),
      buffers: sum(own, ({ buffers }) => buffers),
      macs: sum(own, ({ macs }) => macs),
      se: { params: sum(inside, ({ params }) => params), macs: sum(inside, ({ macs }) => macs) },
      kernels: run.length,
      traffic: trafficOf(run),
      weightBytes: sum(run, ({ weights }) => weights?.byteLength ?? 0),
    };
  });
}

/** A launch is called after its first layer, so a name finds the stage of both. */
function stageByName(stages: readonly Repeat[]): (name: string) => Repeat | undefined {
  const units = new Map(stages.flatMap((stage) => stage.units.map((unit) => [unit, stage] as const)));
  return (name) => {
    // The longest prefix: a stage may stand in a unit of another.
    for (let end = name.length; end > 0; end = name.lastIndexOf(".", end - 1)) {
      const stage = units.get(name.slice(0, end));
      if (stage) return stage;
    }
    return undefined;
  };
}

function split<T extends { readonly name: string }>(
  items: readonly T[],
  stageOf: (name: string) => Repeat | undefined,
): Map<Repeat | "before" | "after", T[]> {
  const parts = new Map<Repeat | "before" | "after", T[]>();
  let outside: "before" | "after" = "before";
  for (const item of items) {
    const stage = stageOf(item.name);
    if (stage) outside = "after";
    const row = stage ?? outside;
    parts.set(row, [...(parts.get(row) ?? []), item]);
  }
  return parts;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
