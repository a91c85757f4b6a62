import { Bug } from "../diagnostics.ts";
import type { NodeOf } from "../ir/graph.ts";
import type { Plan, Tiling } from "../plan/plan.ts";
import { shapeName, tilingsOf, type Tilings } from "../plan/tilings.ts";

/** A product that some launches of a network compute, and the ways to cut it that are measured. */
export interface Convolution {
  readonly shape: string;
  /** Names of launches. */
  readonly launches: readonly string[];
  /** The one that the model chose first. */
  readonly tilings: readonly Tiling[];
}

/** A way that a model puts behind so many others is not measured: each costs a run of nvcc. */
const mostTilings = 8;

/** While slices are measured they are apart up to this batch, as memory for their sums grows with it. */
const apartUpTo = 32;

/** The convolutions of a plan whose tiles can be chosen, by their shapes. */
export function convolutionsOf(plan: Plan): readonly Convolution[] {
  const found = new Map<string, { launches: string[]; node: NodeOf<"conv2d"> }>();
  for (const { name, kernel, anchor } of plan.launches) {
    if (kernel !== "conv") continue;
    if (anchor?.op !== "conv2d") throw new Bug(`${name} is no convolution`);
    const shape = shapeName(anchor);
    const known = found.get(shape);
    if (known) known.launches.push(name);
    else found.set(shape, { launches: [name], node: anchor });
  }
  return [...found].map(([shape, { launches, node }]) => ({
    shape,
    launches,
    tilings: tilingsOf(node, plan.precision)
      .slice(0, mostTilings)
      .map(({ tile, split }) => ({ tile, split: split && { ...split, apartUpTo } })),
  }));
}

/**
 * What is built: in the first candidate each convolution is cut as the model likes best, in the second in its second way,
 * and so on. So one program measures all convolutions in one way each.
 */
export function candidatesOf(convolutions: readonly Convolution[]): readonly Tilings[] {
  const most = Math.max(0, ...convolutions.map(({ tilings }) => tilings.length));
  return Array.from(
    { length: most },
    (_, index) => new Map(convolutions.map(({ shape, tilings }) => [shape, tilings[index] ?? tilings.at(-1)!])),
  );
}
