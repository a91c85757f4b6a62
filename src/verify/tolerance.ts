import type { Launch, Plan } from "../plan/plan.ts";
import { roundings, roundTo, type Precision } from "../precision.ts";
import type { Arithmetic } from "../reference/bound.ts";
import { interpret } from "../reference/interpret.ts";
import { zeros, type Tensor } from "../tensor/tensor.ts";
import { fillRandom } from "../weights/random.ts";
import { relativeDifference } from "./compare.ts";

/** How far a run may be from the reference end to end: per image, and for gates. */
export interface Tolerance {
  /** |d|_2 / |y|_2 */
  readonly relative: number;
  /** max |d| / max |y| */
  readonly ofMaximum: number;
  /** Of gates, absolute. */
  readonly gate: number;
}

/** Of f32: the product's contract. Of coarser arithmetic: some steps of its rounding, and what `allowanceOf` adds. */
export const tolerances = {
  f32: { relative: 1e-4, ofMaximum: 1e-3, gate: 1e-5 },
  tf32: stepsOf("tf32"),
  f16: stepsOf("f16"),
  bf16: stepsOf("bf16"),
} as const satisfies Record<Precision, Tolerance>;

function stepsOf(precision: Precision): Tolerance {
  const { relative } = roundings[precision];
  return { relative: 8 * relative, ofMaximum: 16 * relative, gate: 4 * relative };
}

/** How much more than the reference's own rounding a run may be off. */
export const rounded = 2;

/** How often the reference runs with that rounding. */
const roundedRuns = 4;

/** Where a launch of a plan does not compute in f32. */
export function arithmeticOf({ precision }: Plan, launch: Launch): Arithmetic | undefined {
  if (precision === "f32") return undefined;
  const stored = new Map(
    [...launch.reads, ...launch.writes].flatMap(({ name, element }) =>
      element === "f32" ? [] : [[name, roundings[element]] as const],
    ),
  );
  const operands = launch.kernel === "conv" ? roundings[precision] : { relative: 0, least: 0 };
  return { operands, stored: (name) => stored.get(name) };
}

/**
 * The tolerance of each stored value. A deep network makes much of the rounding of its first layers, and how much depends
 * on its weights; so where arithmetic is coarse the reference runs the plan with maps and filters rounded as they are, and
 * a run may be off by twice what that changes.
 *
 * One such run is a single draw: a value off by the last bit of an f32, as sums in another order are, is here and there
 * rounded the other way, and the next layers take it from there. In a small MobileNetV3 twelve draws changed the logits by
 * 0.9e-2 to 2.6e-2 of their norm. So the largest change of several draws counts, all but the first with values off by so
 * little.
 *
 * @param folded the weights that bodies name
 * @param exact the values without that rounding
 */
export function allowanceOf(
  plan: Plan,
  inputs: ReadonlyMap<string, Tensor>,
  folded: ReadonlyMap<string, Tensor>,
  exact: ReadonlyMap<string, Tensor>,
  batch: number,
): (value: string) => Tolerance {
  const least = tolerances[plan.precision];
  if (plan.precision === "f32") return () => least;
  const filters = new Map<Float64Array, Tensor>();
  const runs = Array.from({ length: roundedRuns }, (_, draw) => roundedRun(plan, inputs, folded, batch, draw, filters));
  return (value) => {
    const changes = runs.map((run) => relativeDifference(run.get(value)!, exact.get(value)!));
    const most = (of: keyof Change) => rounded * Math.max(...changes.map((change) => change[of]));
    return {
      relative: Math.max(least.relative, most("relative")),
      ofMaximum: Math.max(least.ofMaximum, most("ofMaximum")),
      gate: Math.max(least.gate, most("absolute")),
    };
  };
}

type Change = ReturnType<typeof relativeDifference>;

/**
 * The plan's values when maps are rounded as they are stored, and operands and filters as convolutions read them; in all
 * draws but the first each value is off by up to the last bit of an f32 before.
 *
 * @param filters those that have been rounded for another draw, by what they were
 */
function roundedRun(
  plan: Plan,
  inputs: ReadonlyMap<string, Tensor>,
  folded: ReadonlyMap<string, Tensor>,
  batch: number,
  draw: number,
  filters: Map<Float64Array, Tensor>,
): Map<string, Tensor> {
  const ofFilter = (value: Tensor) => {
    const known = filters.get(value.data) ?? all(value, plan.precision);
    filters.set(value.data, known);
    return known;
  };
  const values = new Map<string, Tensor>(plan.inputs.map(({ name, value }) => [value.name, inputs.get(name)!]));
  for (const launch of plan.launches) {
    const leaves = new Map(folded);
    for (const { name } of launch.reads) leaves.set(name, values.get(name)!);
    const { x, weight } = launch.kernel === "conv" && launch.anchor?.op === "conv2d" ? launch.anchor.inputs : none;
    const nodes = launch.body.outputs.map(({ node }) => node);
    const results = interpret(launch.body, leaves, batch, nodes, (node, value) =>
      node === x ? all(value, plan.precision) : node === weight ? ofFilter(value) : value,
    );
    for (const { name, element } of launch.writes) {
      const { node } = launch.body.outputs.find((output) => output.name === name)!;
      const value = results.get(node)!;
      values.set(name, all(draw === 0 ? value : disturbed(value, name, draw), element));
    }
  }
  return values;
}

const none = { x: undefined, weight: undefined };

function disturbed({ shape, data }: Tensor, name: string, draw: number): Tensor {
  const noise = zeros(shape);
  const lastBit = 2 * roundings.f32.relative;
  fillRandom(noise.data, draw, `rounding of ${name}`, { from: -lastBit, to: lastBit });
  return { shape, data: data.map((value, at) => value * (1 + noise.data[at]!)) };
}

function all({ shape, data }: Tensor, precision: Precision): Tensor {
  return { shape, data: data.map((value) => roundTo(value, precision)) };
}
