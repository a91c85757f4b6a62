import { cachingDevice } from "./cachingDevice.ts";
import type { JobFunction } from "./job.ts";

/** Makes a pipeline of `wgsl` twice in each way, over two equal layouts, and counts what the device was asked for. */
const job: JobFunction = async ({ wgsl, wrong }) => {
  const { navigator } = globalThis as unknown as { navigator: { gpu: GPU } };
  const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
  const asked = { modules: 0, pipelines: 0 };
  const counting = new Proxy(device, {
    get(_, name) {
      if (name === "createShaderModule") asked.modules++;
      if (name === "createComputePipeline" || name === "createComputePipelineAsync") asked.pipelines++;
      const value: unknown = Reflect.get(device, name, device);
      return typeof value === "function" ? (value as () => unknown).bind(device) : value;
    },
    set: (_, name, value) => Reflect.set(device, name, value, device),
  });
  const caching = cachingDevice(counting);

  const describe = (code: string): GPUComputePipelineDescriptor => {
    const buffers: GPUBufferBindingType[] = ["read-only-storage", "storage"];
    const entries = buffers.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } }));
    const layout = caching.createPipelineLayout({ bindGroupLayouts: [caching.createBindGroupLayout({ entries })] });
    return { layout, compute: { module: caching.createShaderModule({ code }), entryPoint: "main" } };
  };
  const [first, second] = await Promise.all([
    caching.createComputePipelineAsync(describe(wgsl as string)),
    caching.createComputePipelineAsync(describe(wgsl as string)),
  ]);
  const third = caching.createComputePipeline(describe(wgsl as string));
  const same = first === second && second === third;
  const auto = await caching.createComputePipelineAsync({ ...describe(wgsl as string), layout: "auto" });

  let refusals = 0;
  for (let time = 0; time < 2; time++) {
    caching.pushErrorScope("validation");
    await caching.createComputePipelineAsync(describe(wrong as string)).catch(() => refusals++);
    await caching.popErrorScope();
    caching.pushErrorScope("validation");
    caching.createComputePipeline(describe(wrong as string));
    if ((await caching.popErrorScope()) !== null) refusals++;
  }

  // Properties and promises of the device are reached through the wrapper.
  const limit = caching.limits.maxBindGroups;
  caching.queue.submit([caching.createCommandEncoder().finish()]);
  const handler = () => {};
  caching.onuncapturederror = handler;
  const set = String(device.onuncapturederror === handler);
  caching.destroy();
  const { reason } = await caching.lost;
  return { same: String(same), other: String(auto !== first), ...asked, refusals, limit, reason, set };
};
export default job;
