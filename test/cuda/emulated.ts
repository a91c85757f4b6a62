import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  buildEmulation,
  compilerFor,
  CudaEmulation,
  sharedOf,
  weightOffset,
  type EmulationProgram,
  type Sanitized,
} from "../../src/device/cuda.ts";
import type { KernelRunner } from "../../src/device/kernelRunner.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Precision } from "../../src/precision.ts";
import { O1 } from "../../src/passes/index.ts";
import { runPasses } from "../../src/passes/pass.ts";
import { fromStored, toStored } from "../../src/plan/layout.ts";
import { tensorSteps } from "../../src/plan/kernels/tensorConv.ts";
import type { Plan, Tile, Tiling } from "../../src/plan/plan.ts";
import { schedule } from "../../src/plan/schedule.ts";
import { shapeName, type Tilings } from "../../src/plan/tilings.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { emulation } from "../../targets/cuda/emulation.generated.ts";
import { denseKernel } from "../../targets/cuda/dense.ts";
import { hostFiles, prefixOf } from "../../targets/cuda/host.ts";
import { cudaKernels } from "../../targets/cuda/kernels.ts";
import { tensorConvKernel } from "../../targets/cuda/tensorConv.ts";
import { kernelText } from "../../targets/wgsl/kernels.ts";
import { leavesOf } from "../graphs.ts";
import { wrongLaunches } from "../wgsl/launches.ts";

/** Skips the tests of a file or group, by name, where there is no C++ compiler. @returns whether there is one */
export function useCompiler(sanitized?: Sanitized): boolean {
  const isThere = compilerFor(sanitized) !== undefined;
  const what = sanitized === "memory" ? "clang++ with its memory sanitizer" : "g++";
  beforeEach(({ skip }) => skip(!isThere, `there is no ${what}`));
  return isThere;
}

export interface Case {
  readonly name: string;
  readonly graph: Graph;
  readonly batch?: number;
  /** One launch for each node, no passes. */
  readonly plain?: boolean;
  /** Into which convolutions on tensor cores are cut, other than the model would. */
  readonly slices?: number;
  /** Planned otherwise than in packages. */
  readonly plan?: (precision: Precision) => Plan;
  /** Of its convolutions, other than the model would have them. */
  readonly tile?: Tile;
}

/** Convolutions on tensor cores cut into so many slices, or their steps if those are fewer; which the model would not ask for. */
export function cut(plan: Plan, slices: number, wanted: (launch: string) => boolean = () => true): Plan {
  const launches = plan.launches.map((launch) => {
    if (plan.precision === "f32" || launch.kernel !== "conv" || launch.anchor?.op !== "conv2d" || !wanted(launch.name))
      return launch;
    const most = Math.min(slices, tensorSteps(launch.anchor, plan.precision));
    return { ...launch, split: most > 1 ? { slices: most, apartUpTo: 64 } : undefined };
  });
  const changed = { ...plan, launches };
  verifyPlan(changed);
  return changed;
}

/**
 * A test for each case: every launch of its plan computes its body, in the emulation. One net.cu has the kernels of all
 * cases, because a compiler is slow to start.
 */
export function casesInOneProgram(cases: readonly Case[], sanitized?: Sanitized, precision: Precision = "f32"): void {
  const hasCompiler = useCompiler(sanitized);
  const plans = cases.map(({ graph, plain = false, slices, tile, plan: planned }) => {
    if (planned) return planned(precision);
    const passed = plain ? graph : runPasses(graph, O1);
    const tilings = tile && everyTiling(passed, { tile, split: undefined });
    const plan = schedule(passed, { fuse: !plain, precision, vectors: "byBatch", tilings });
    return slices === undefined ? plan : cut(plan, slices);
  });
  let program: EmulationProgram | undefined;
  beforeAll(async () => {
    if (hasCompiler) program = await build(joined(plans), { sanitized });
  });
  afterAll(() => program?.remove());
  for (const [index, { name, graph, batch = 2 }] of cases.entries())
    test(name, async () => {
      const started = new CudaEmulation(program!);
      const values = leavesOf(graph, 1, batch);
      const runner = runnerOf(started, plans, index);
      expect(await wrongLaunches(runner, plans[index]!, values, values, batch, textOf(precision))).toEqual([]);
      await started.close();
    });
}

/** A kernel's text before it is printed in CUDA C; of a product on tensor cores, that it begins and ends with a barrier. */
function textOf(precision: Precision): typeof kernelText {
  return (launch, name, banner) => {
    if (precision !== "f32" && launch.kernel === "conv")
      return tensorConvKernel(launch, precision, name, banner).replace(
        /tensor_core_product\(.*\)/,
        "workgroupBarrier()",
      );
    return (launch.kernel === "dense" ? denseKernel : kernelText)(launch, name, banner);
  };
}

/** One for all convolutions. */
function everyTiling(graph: Graph, tiling: Tiling): Tilings {
  return new Map(graph.nodes.flatMap((node) => (node.op === "conv2d" ? [[shapeName(node), tiling] as const] : [])));
}

export async function build(
  plan: Plan,
  {
    sanitized,
    change = (text: string) => text,
  }: { sanitized?: Sanitized | undefined; change?: (netCu: string) => string } = {},
): Promise<EmulationProgram> {
  const { netCu, netH } = hostFiles(
    plan,
    cudaKernels(plan, ({ file }) => file),
    ({ file }) => file,
  );
  const files = [
    { path: "net.cu", text: change(netCu) },
    { path: "net.h", text: netH },
  ];
  return buildEmulation({ files, prefix: prefixOf(plan), emulation, sanitized });
}

/** One plan with the launches of several; names may repeat, places in lists do not. */
function joined(plans: readonly Plan[]): Plan {
  const [first] = plans;
  const all = <T>(of: (plan: Plan) => readonly T[]) => plans.flatMap(of);
  let before = 0;
  const launches = plans.flatMap((plan) => {
    const base = before;
    before += plan.weights.buffers.length;
    return plan.launches.map((launch) => ({
      ...launch,
      weights: launch.weights && { ...launch.weights, buffer: launch.weights.buffer + base },
    }));
  });
  return {
    ...first!,
    launches,
    values: all((plan) => plan.values),
    inputs: all((plan) => plan.inputs),
    outputs: all((plan) => plan.outputs),
    slots: all((plan) => plan.slots),
    weights: {
      program: {
        ...first!.weights.program,
        nodes: all((plan) => plan.weights.program.nodes),
        outputs: all((plan) => plan.weights.program.outputs),
      },
      places: [],
      buffers: all((plan) => plan.weights.buffers),
    },
  };
}

/** Runs the launches of one of the joined plans, also with other numbers of channels in their values. */
function runnerOf(emulated: CudaEmulation, plans: readonly Plan[], index: number): Pick<KernelRunner, "run"> {
  const plan = plans[index]!;
  const all = joined(plans);
  const before = plans.slice(0, index);
  const count = (of: (plan: Plan) => readonly unknown[]) => before.reduce((sum, each) => sum + of(each).length, 0);
  const firstValue = count(({ values }) => values);
  const firstLaunch = count(({ launches }) => launches);
  const firstByte = before.reduce((sum, each) => sum + each.weights.buffers.reduce((a, b) => a + b, 0), 0);
  const numberOf = (name: string) => firstValue + plan.values.findIndex((value) => value.name === name);
  return {
    async run(launch, _kernel, reads, weights, batch) {
      const at = plan.launches.findIndex(({ name }) => name === launch.name);
      const written = await emulated.launch({
        launch: firstLaunch + at,
        batch,
        reads: launch.reads.map((value) => ({
          value: numberOf(value.name),
          data: toStored(value, reads.get(value.name)!),
        })),
        weights: weights && { offset: firstByte + weightOffset(plan, plan.launches[at]!), data: weights },
        writes: launch.writes.map((value) => ({
          value: numberOf(value.name),
          floats: value.floatsPerImage * batch,
        })),
        shared: sharedOf(all.launches, all.launches[firstLaunch + at]!, batch, all.values.length),
      });
      return new Map(launch.writes.map((value, at) => [value.name, fromStored(value, written[at]!, batch)]));
    },
  };
}
