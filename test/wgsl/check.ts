import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { KernelRunner } from "../../src/device/kernelRunner.ts";
import { DeviceAbsent, openDevice, type OpenDevice } from "../../src/device/node.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { O1 } from "../../src/passes/index.ts";
import { runPasses } from "../../src/passes/pass.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { schedule } from "../../src/plan/schedule.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { leavesOf } from "../graphs.ts";
import { wrongLaunches } from "./launches.ts";

/** Kernels against the interpreter, launch by launch, on Dawn. Skipped by name where there is no device. */

let opened: OpenDevice | undefined;
let runner: KernelRunner | undefined;
let absent = "";

export function useDevice(): void {
  beforeAll(async () => {
    try {
      opened = await openDevice();
      runner = new KernelRunner(opened.device);
    } catch (error) {
      if (!(error instanceof DeviceAbsent)) throw error;
      absent = error.message;
    }
  });
  beforeEach(({ skip }) => skip(runner === undefined, absent));
  afterAll(() => opened?.close());
}

export interface Case {
  readonly batch?: number;
  /** Values of inputs and parameters in place of random ones. */
  readonly leaves?: ReadonlyMap<string, Tensor>;
  /** One launch for each node, no passes. */
  readonly plain?: boolean;
}

/** A test: every launch of the graph's plan computes its body within the error bound of f32. */
export function right(name: string, graph: () => Graph, options: Case = {}): void {
  test(name, async () => {
    const built = graph();
    await expectRight(built, planOf(built, options.plain), options);
  });
}

export function planOf(graph: Graph, plain = false): Plan {
  return schedule(plain ? graph : runPasses(graph, O1), { fuse: !plain });
}

export async function expectRight(graph: Graph, plan: Plan, { batch = 2, leaves }: Case = {}): Promise<void> {
  const values = new Map([...leavesOf(graph, 1, batch), ...(leaves ?? [])]);
  expect(await wrongLaunches(runner!, plan, values, values, batch)).toEqual([]);
}
