/**
 * A device that counts what is alive and can be made to fail: everything goes through to the real one, apart from the
 * methods that are replaced.
 */
export interface Watched {
  readonly device: GPUDevice;
  /** Buffers that were made and not destroyed. */
  readonly alive: Set<GPUBuffer>;
  readonly counts: { pipelines: number; submits: number; bindGroups: number; buffers: number; destroyed: number };
  /** Methods that stand in for the device's own. */
  readonly replace: Partial<Record<keyof GPUDevice, (...args: never[]) => unknown>>;
}

export function watched(real: GPUDevice): Watched {
  const alive = new Set<GPUBuffer>();
  const counts = { pipelines: 0, submits: 0, bindGroups: 0, buffers: 0, destroyed: 0 };
  const replace: Watched["replace"] = {};

  const own: Partial<Record<string, unknown>> = {
    createBuffer(descriptor: GPUBufferDescriptor) {
      const buffer = real.createBuffer(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      counts.buffers++;
      alive.add(buffer);
      buffer.destroy = () => {
        alive.delete(buffer);
        return destroy();
      };
      return buffer;
    },
    createComputePipelineAsync(descriptor: GPUComputePipelineDescriptor) {
      counts.pipelines++;
      return real.createComputePipelineAsync(descriptor);
    },
    createBindGroup(descriptor: GPUBindGroupDescriptor) {
      counts.bindGroups++;
      return real.createBindGroup(descriptor);
    },
    destroy() {
      counts.destroyed++;
      real.destroy();
    },
    queue: through(real.queue, (name) => {
      if (name === "submit") counts.submits++;
      return undefined;
    }),
  };
  const device = through(real, (name) => replace[name as keyof GPUDevice] ?? own[name]);
  return { device, alive, counts, replace };
}

/** WebGPU's methods need the real object as `this`. */
function through<T extends object>(real: T, instead: (name: string) => unknown): T {
  return new Proxy(real, {
    get(target, name) {
      const replaced = typeof name === "string" ? instead(name) : undefined;
      if (replaced !== undefined) return replaced;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
