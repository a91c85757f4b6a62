import type { Manifest } from "../../targets/wgsl/describe.ts";
import { emulation } from "../../targets/cuda/emulation.generated.ts";
import { Bug } from "../diagnostics.ts";
import type { Launch, Plan } from "../plan/plan.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Runner } from "../verify/verify.ts";
import { packWeights, weightLayout } from "../weights/pack.ts";
import type { Storage } from "../weights/storage.ts";
import { exit, Refusal } from "./exit.ts";

/** Generated code, ready to run launch by launch. */
export interface Opened {
  readonly runner: Runner;
  /** What it runs on, in words. */
  readonly on: string;
  close(): Promise<void>;
}

/** Opens a package of a target for a plan and its weights. */
export type Open = (plan: Plan, parameters: ReadonlyMap<string, Tensor>) => Promise<Opened>;

/** The kernels of a WGSL package, on the device that Node has. */
export function webGpu(launches: Manifest["launches"], kernelText: (name: string) => string, storage: Storage): Open {
  return async (plan, parameters) => {
    const { openDevice } = await import("../device/node.ts");
    const { KernelRunner } = await import("../device/kernelRunner.ts");
    const { planRunner } = await import("../device/planRunner.ts");
    const { device, adapter, close } = await openDevice();
    const entries = new Map<Launch, Manifest["launches"][number]>(
      plan.launches.map((launch, index) => [launch, launches[index]!]),
    );
    const kernelOf = (launch: Launch) => {
      const { kernel, grid } = entries.get(launch)!;
      return { text: kernelText(kernel), entryPoint: kernel, grid };
    };
    return { runner: planRunner(new KernelRunner(device), plan, kernelOf, parameters, storage), on: adapter, close };
  };
}

/** net.cu, compiled by g++ for the CPU. */
export function cudaEmulation(prefix: string, text: (path: string) => string): Open {
  return async (plan, parameters) => {
    const { buildEmulation, CudaEmulation, DoesNotCompile, emulationRunner } = await import("../device/cuda.ts");
    const packed = packWeights(weightLayout(plan), parameters);
    if (!packed.ok) throw new Bug(packed.messages.join("; "));
    const files = ["net.cu", "net.h"].map((path) => ({ path, text: text(path) }));
    const program = await buildEmulation({ files, prefix, emulation }).catch((error: unknown) => {
      throw error instanceof DoesNotCompile ? new Refusal(exit.wrong, error.message) : error;
    });
    const emulated = new CudaEmulation(program);
    // It runs, and needs its file no more; a signal may end this process before it is closed.
    program.remove();
    const runner = emulationRunner(emulated, plan, parameters, packed.bytes);
    return { runner, on: program.on, close: () => emulated.close() };
  };
}
