import type { BindingDescription, NetworkDescription } from "../description.ts";
import { GpuError } from "./errors.ts";
import { computeStage, scoped } from "./gpu.ts";

export interface Step {
  readonly name: string;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly grid: readonly [number, number];
  readonly bindings: readonly BindingDescription[];
}

/** The launches with their pipelines, one for each kernel, all compiled at the same time. */
export async function makeSteps(
  device: GPUDevice,
  network: NetworkDescription,
  kernels: Readonly<Record<string, string>>,
): Promise<Step[]> {
  const layouts = new Map<string, GPUBindGroupLayout>();
  const layoutOf = (bindings: readonly BindingDescription[]) => {
    const types = bindings.map((binding) =>
      "slot" in binding && binding.access === "write" ? "storage" : "read-only-storage",
    );
    const known = layouts.get(types.join());
    if (known) return known;
    const layout = device.createBindGroupLayout({
      label: `${network.name} ${types.join()}`,
      entries: types.map((type, binding) => ({ binding, visibility: computeStage, buffer: { type } })),
    });
    layouts.set(types.join(), layout);
    return layout;
  };

  const compiled = new Map<string, Promise<GPUComputePipeline>>();
  const { made, done } = scoped(device, () =>
    network.launches.map(({ name, kernel, grid, bindings }) => {
      const layout = layoutOf(bindings);
      const label = `${network.name} ${kernel}`;
      if (!compiled.has(kernel)) {
        const pipeline = device.createComputePipelineAsync({
          label,
          layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
          compute: { module: device.createShaderModule({ label, code: kernels[kernel]! }), entryPoint: kernel },
        });
        compiled.set(
          kernel,
          pipeline.catch((error: Error) => {
            throw new GpuError(`kernels/${kernel}.wgsl (${name}) does not compile here: ${error.message}`);
          }),
        );
      }
      return { name, pipeline: compiled.get(kernel)!, layout, grid, bindings };
    }),
  );
  const pipelines = await Promise.all(made.map((step) => step.pipeline));
  await done;
  return made.map((step, index) => ({ ...step, pipeline: pipelines[index]! }));
}
