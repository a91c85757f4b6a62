/**
 * A GPUDevice that makes each shader module and each compute pipeline once: software adapters take long to compile, and
 * tests make the same kernels again and again. Runs in Node, in Deno and in a page.
 *
 * Layouts are compared by what they say, not by identity: WebGPU lets a pipeline be used with the bind groups of any
 * equal layout. Labels do not count. What was refused is not kept, so it is refused each time.
 */
export function cachingDevice(device: GPUDevice): GPUDevice {
  /** What a layout or a module says. One that was made elsewhere equals only itself. */
  const contents = new WeakMap<object, string>();
  let unknown = 0;
  const contentOf = (object: object) => {
    const content = contents.get(object) ?? `unknown ${unknown++}`;
    contents.set(object, content);
    return content;
  };
  const modules = new Map<string, GPUShaderModule>();
  const pipelines = new Map<string, GPUComputePipeline>();
  const pending = new Map<string, Promise<GPUComputePipeline>>();

  const keyOf = ({ layout, compute }: GPUComputePipelineDescriptor) => {
    const { module, entryPoint, constants } = compute;
    return JSON.stringify([layout === "auto" ? layout : contentOf(layout), contentOf(module), entryPoint, constants]);
  };

  const caching: Partial<GPUDevice> = {
    createBindGroupLayout(descriptor) {
      const layout = device.createBindGroupLayout(descriptor);
      contents.set(layout, JSON.stringify([...descriptor.entries]));
      return layout;
    },
    createPipelineLayout(descriptor) {
      const layout = device.createPipelineLayout(descriptor);
      const groups = [...descriptor.bindGroupLayouts];
      contents.set(layout, JSON.stringify(groups.map((group) => group && contentOf(group))));
      return layout;
    },
    createShaderModule(descriptor) {
      const known = modules.get(descriptor.code);
      if (known !== undefined) return known;
      const made = device.createShaderModule(descriptor);
      contents.set(made, descriptor.code);
      modules.set(descriptor.code, made);
      return made;
    },
    createComputePipelineAsync(descriptor) {
      const key = keyOf(descriptor);
      const known = pipelines.get(key);
      if (known !== undefined) return Promise.resolve(known);
      const making =
        pending.get(key) ??
        device
          .createComputePipelineAsync(descriptor)
          .then((made) => {
            pipelines.set(key, made);
            return made;
          })
          .catch((error: unknown) => {
            modules.delete(contentOf(descriptor.compute.module));
            throw error;
          })
          .finally(() => pending.delete(key));
      pending.set(key, making);
      return making;
    },
    createComputePipeline(descriptor) {
      const key = keyOf(descriptor);
      const known = pipelines.get(key);
      if (known !== undefined) return known;
      const made = device.createComputePipeline(descriptor);
      // Whether it was refused shows when it is used; the refusal itself belongs to the caller's error scope.
      device.pushErrorScope("validation");
      made.getBindGroupLayout(0);
      device.popErrorScope().then(
        (refused) =>
          void (refused === null ? pipelines.set(key, made) : modules.delete(contentOf(descriptor.compute.module))),
        () => {},
      );
      return made;
    },
  };

  return new Proxy(device, {
    get(_, name) {
      const own = caching[name as keyof GPUDevice];
      if (own !== undefined) return own;
      // Getters and methods of a native object work on that object only.
      const value: unknown = Reflect.get(device, name, device);
      return typeof value === "function" && name !== "constructor" ? (value as () => unknown).bind(device) : value;
    },
    set: (_, name, value) => Reflect.set(device, name, value, device),
  });
}
