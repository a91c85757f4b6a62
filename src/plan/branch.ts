import { assignSlots, largestBatch } from "./memory.ts";
import type { Branch, Launch, Plan, Value } from "./plan.ts";
import { verifyPlan } from "./verify.ts";

/**
 * The plan for a device that can run launches at the same time:
 *
 *     conv1 -> conv2 -> conv3 + skip         conv1 -> conv2 -> conv3 + skip
 *     downsample ---------------^            fork: downsample, join ---^
 *
 * Launches keep their order. What one beside the others reads and writes has a slot from its fork to its join.
 */
export function withBranches(plan: Plan): Plan {
  const branches = branchesOf(plan.launches);
  const { slotOf, slots } = assignSlots(
    plan.launches,
    plan.inputs.map(({ value }) => value),
    plan.outputs.map(({ value }) => value),
    branches,
  );
  const placed = new Map<Value, Value>(plan.values.map((value) => [value, { ...value, slot: slotOf.get(value)! }]));
  const place = (value: Value): Value => placed.get(value)!;
  const result: Plan = {
    ...plan,
    launches: plan.launches.map((launch) => ({
      ...launch,
      reads: launch.reads.map(place),
      writes: launch.writes.map(place),
    })),
    values: [...placed.values()],
    inputs: plan.inputs.map(({ name, value }) => ({ name, value: place(value) })),
    outputs: plan.outputs.map(({ name, value }) => ({ name, value: place(value) })),
    slots,
    branches,
    maxBatch: Math.min(largestBatch(slots), plan.batchLimit ?? Infinity),
  };
  verifyPlan(result);
  return result;
}

/**
 * A longest way through the plan, counted in launches, goes one after the other; of the launches beside it, those that have
 * others to run beside. One branch at a time, and as many as can be: the next is always the one that joins first.
 */
function branchesOf(launches: readonly Launch[]): Branch[] {
  const before = neighbours(
    launches,
    ({ writes }) => writes,
    ({ reads }) => reads,
  );
  const after = neighbours(
    launches,
    ({ reads }) => reads,
    ({ writes }) => writes,
  );
  const way = longestWay(after);
  const candidates = [...launches.keys()]
    .filter((launch) => !way.has(launch) && launches[launch]!.batches === "all")
    .map((launch) => ({ launch, join: Math.min(launches.length, ...after[launch]!) }))
    .toSorted((a, b) => a.join - b.join);
  const branches: Branch[] = [];
  for (const { launch, join } of candidates) {
    const fork = Math.max(branches.at(-1)?.join ?? 0, ...before[launch]!.map((each) => each + 1));
    if (fork <= launch && join - fork > 1) branches.push({ launch, fork, join });
  }
  return branches;
}

/** @param after of each launch those that need it; the first of several as long as another is taken */
function longestWay(after: readonly (readonly number[])[]): Set<number> {
  const length: number[] = [];
  for (const launch of [...after.keys()].reverse())
    length[launch] = 1 + Math.max(0, ...after[launch]!.map((each) => length[each]!));
  const way = new Set<number>();
  let next = [...after.keys()];
  while (next.length > 0) {
    const launch = next.reduce((best, each) => (length[each]! > length[best]! ? each : best));
    way.add(launch);
    next = [...after[launch]!];
  }
  return way;
}

/** Of each launch those whose `theirs` are its `own`. */
function neighbours(
  launches: readonly Launch[],
  theirs: (launch: Launch) => readonly Value[],
  own: (launch: Launch) => readonly Value[],
): number[][] {
  const owners = new Map<Value, number[]>();
  for (const [index, launch] of launches.entries())
    for (const value of theirs(launch)) owners.set(value, [...(owners.get(value) ?? []), index]);
  return launches.map((launch) => own(launch).flatMap((value) => owners.get(value) ?? []));
}
