import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { KernelRunner } from "../../src/device/kernelRunner.ts";
import { DeviceAbsent, openDevice, type OpenDevice } from "../../src/device/node.ts";
import { node, rewrite, type Graph, type Node } from "../../src/ir/graph.ts";
import { padTo4 } from "../../src/ops/weights.ts";
import { O1 } from "../../src/passes/index.ts";
import { runPasses } from "../../src/passes/pass.ts";
import type { Launch, Plan, Tile, Value } from "../../src/plan/plan.ts";
import { schedule } from "../../src/plan/schedule.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { elementsPerImage, type TensorType } from "../../src/tensor/type.ts";
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

/** The plan with another tile for its convolutions, and partial sums of that tile. */
export function retiled(plan: Plan, tile: Tile): Plan {
  const partTypes = new Map<string, TensorType>();
  const renewals = new Map<string, Value>();
  const renewed = (value: Value): Value => {
    const type = partTypes.get(value.name);
    if (!type) return value;
    const stored = { ...type, shape: type.shape.with(3, padTo4(type.shape[3] as number)) };
    const made = renewals.get(value.name) ?? { ...value, type, floatsPerImage: elementsPerImage(stored) };
    renewals.set(value.name, made);
    return made;
  };
  const launches = plan.launches.map((launch): Launch => {
    const body = rewrite(launch.body, (found) => {
      if (found.op === "input") {
        const type = partTypes.get(found.name);
        return type && (node("input", found, {}, { ...found.attrs, type }) as Node);
      }
      const attrs = "tile" in found.attrs ? { ...found.attrs, tile: tile.pixels } : undefined;
      if (found.op === "squeezeFinish") return node("squeezeFinish", found, found.inputs, attrs!) as Node;
      if (found.op !== "squeezeParts") return undefined;
      const made = node("squeezeParts", found, found.inputs, attrs!);
      partTypes.set(found.name, made.type);
      return made as Node;
    });
    const anchor = launch.anchor && body.nodes.find((found) => found.name === launch.anchor!.name);
    const reads = launch.reads.map(renewed);
    const writes = launch.writes.map(renewed);
    return { ...launch, body, anchor, reads, writes, tile: launch.anchor?.op === "conv2d" ? tile : launch.tile };
  });
  return { ...plan, launches };
}
