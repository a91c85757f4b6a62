import type { Launch, Plan, Value } from "./plan.ts";

/** Activation bytes that launches read and write for one image; each binding counted once. */
export interface Traffic {
  /** Feature maps. */
  readonly maps: number;
  /** [N, C] vectors: gates, pooled features, logits. */
  readonly vectors: number;
  /** Partial sums of squeezes. */
  readonly parts: number;
}

/** Recomputed from the bindings of the launches, not from what the planner meant to do. */
export function trafficOf(launches: readonly Launch[]): Traffic {
  const total = { maps: 0, vectors: 0, parts: 0 };
  for (const launch of launches) {
    for (const value of [...launch.reads, ...launch.writes]) total[kindOf(value)] += value.floatsPerImage * 4;
  }
  return total;
}

/** The most bytes of activations that live at once for one image: the sum of the slots. */
export function activationBytes(plan: Plan): number {
  return plan.slots.reduce((sum, slot) => sum + slot.floatsPerImage * 4, 0);
}

function kindOf(value: Value): keyof Traffic {
  if (value.layout === "parts") return "parts";
  return value.type.shape.length === 4 ? "maps" : "vectors";
}
