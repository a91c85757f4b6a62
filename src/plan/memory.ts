import { elementBytes, type Element } from "../precision.ts";
import { limits, type Branch, type Slot, type Value } from "./plan.ts";

type Unplaced = Omit<Value, "slot">;
interface Use {
  readonly reads: readonly Unplaced[];
  readonly writes: readonly Unplaced[];
}

/**
 * Linear scan over the launches: a value takes a slot before the launch that writes it and gives it back after the last
 * one that reads it. Inputs live from the start, outputs to the end. Since a launch's reads are alive while its writes
 * are placed, no slot is both read and written in one dispatch, which WebGPU forbids. A launch on a branch runs from its
 * fork to its join.
 *
 * Maps and small values (vectors, partial sums) have slots of their own, so that a gate never occupies a map's buffer.
 */
export function assignSlots<V extends Unplaced>(
  launches: readonly { readonly reads: readonly V[]; readonly writes: readonly V[] }[],
  inputs: readonly V[],
  outputs: readonly V[],
  branches: readonly Branch[],
): { slotOf: Map<V, number>; slots: Slot[] } {
  const startsAt = [...launches.keys()];
  const endsAt = [...launches.keys()];
  for (const { launch, fork, join } of branches) [startsAt[launch], endsAt[launch]] = [fork, join - 1];
  const lastUse = new Map<V, number>();
  launches.forEach((launch: Use, index) => {
    for (const value of [...launch.writes, ...launch.reads] as V[])
      lastUse.set(value, Math.max(lastUse.get(value) ?? 0, endsAt[index]!));
  });
  for (const output of outputs) lastUse.set(output, Infinity);

  const slotOf = new Map<V, number>();
  const sizes: number[] = [];
  const free = { map: [] as number[], small: [] as number[] };

  const take = (value: V) => {
    // Launches for small and for large batches may write the same value.
    if (slotOf.has(value)) return;
    const pool = free[poolOf(value)];
    pool.sort((a, b) => sizes[a]! - sizes[b]! || a - b);
    // The smallest that is large enough, else the largest, which grows; else a new one.
    const fitting = pool.findIndex((slot) => sizes[slot]! >= value.floatsPerImage);
    const [slot] = pool.length > 0 ? pool.splice(fitting >= 0 ? fitting : pool.length - 1, 1) : [sizes.push(0) - 1];
    sizes[slot!] = Math.max(sizes[slot!]!, value.floatsPerImage);
    slotOf.set(value, slot!);
  };
  inputs.forEach(take);
  const starting = launches.map((): V[] => []);
  const ending = launches.map((): V[] => []);
  launches.forEach(({ writes }, index) => starting[startsAt[index]!]!.push(...writes));
  for (const [value, last] of lastUse) if (last < launches.length) ending[last]!.push(value);
  for (const time of launches.keys()) {
    starting[time]!.forEach(take);
    for (const value of ending[time]!) free[poolOf(value)].push(slotOf.get(value)!);
  }
  return { slotOf, slots: sizes.map((floatsPerImage) => ({ floatsPerImage })) };
}

function poolOf(value: Unplaced): "map" | "small" {
  return value.layout !== "parts" && value.type.shape.length === 4 ? "map" : "small";
}

/** The largest batch that kernels can index with 31 bits, and count in one dispatch dimension; `element` is what maps are stored as. */
export function largestIndexedBatch(slots: readonly Slot[], element: Element): number {
  const largest = (4 / elementBytes[element]) * Math.max(1, ...slots.map(({ floatsPerImage }) => floatsPerImage));
  return Math.min(limits.workgroupsPerDimension, Math.floor(2 ** 31 / largest));
}

/** The largest batch for which every slot fits one binding and the batch one dispatch dimension. */
export function largestBatch(slots: readonly Slot[]): number {
  const largest = Math.max(1, ...slots.map((slot) => slot.floatsPerImage));
  return Math.min(limits.workgroupsPerDimension, Math.floor(limits.bindingBytes / (4 * largest)));
}
