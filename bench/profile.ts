import { renderKernels } from "../targets/wgsl/kernels.ts";
import type { Launch, Plan } from "../src/plan/plan.ts";
import { macsOf } from "../src/report/count.ts";
import { binHeader } from "../src/weights/binHeader.ts";

/** What one launch took on the device, beside what it cannot avoid. */
export interface LaunchTime {
  readonly name: string;
  readonly kernel: string;
  /** The device's time, milliseconds: the least of several. */
  readonly ms: number;
  /** What it reads and writes, each binding once, weights included; 10^9 bytes per second. */
  readonly bytes: number;
  readonly bandwidth: number;
  /** Multiply-adds of its convolution or dense layers; 10^9 operations (two each) per second. */
  readonly macs: number;
  readonly rate: number;
}

/**
 * Every launch of a plan in its own pass with timestamps, on the device's buffers as the plan lays them out. Passes in a row do
 * not overlap, so the sum is more than a run takes.
 */
export async function profile(device: GPUDevice, plan: Plan, packed: Uint8Array, batch: number): Promise<LaunchTime[]> {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const slots = plan.slots.map(({ floatsPerImage }) =>
    device.createBuffer({ size: Math.max(16, floatsPerImage * 4 * batch), usage }),
  );
  let start: number = binHeader.bytes;
  const weights = plan.weights.buffers.map((size) => {
    const buffer = device.createBuffer({ size, usage });
    device.queue.writeBuffer(buffer, 0, packed.buffer, packed.byteOffset + start, size);
    start += size;
    return buffer;
  });
  const kernels = renderKernels(plan, ({ file }) => file);
  const pipelines = await Promise.all(
    kernels.map(({ text, name }) =>
      device.createComputePipelineAsync({
        layout: "auto",
        compute: { module: device.createShaderModule({ code: text }), entryPoint: name },
      }),
    ),
  );
  const steps = plan.launches.map((launch, index) => {
    const at = kernels.findIndex(({ launches }) => launches.includes(index));
    const pipeline = pipelines[at]!;
    const resources: GPUBindingResource[] = [
      ...launch.reads.map(({ slot }) => ({ buffer: slots[slot]! })),
      ...(launch.weights
        ? [
            {
              buffer: weights[launch.weights.buffer]!,
              offset: launch.weights.byteOffset,
              size: launch.weights.byteLength,
            },
          ]
        : []),
      ...launch.writes.map(({ slot }) => ({ buffer: slots[slot]! })),
    ];
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: resources.map((resource, binding) => ({ binding, resource })),
    });
    return { pipeline, group, grid: kernels[at]!.grid };
  });

  const best = plan.launches.map(() => Infinity);
  const count = steps.length * 2;
  const querySet = device.createQuerySet({ type: "timestamp", count });
  const resolved = device.createBuffer({
    size: count * 8,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const staging = device.createBuffer({ size: count * 8, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  for (let round = 0; round < 5; round++) {
    const encoder = device.createCommandEncoder();
    steps.forEach(({ pipeline, group, grid }, index) => {
      const pass = encoder.beginComputePass({
        timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * index, endOfPassWriteIndex: 2 * index + 1 },
      });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(grid[0], grid[1], batch);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, count * 8);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const nanoseconds = new BigUint64Array(staging.getMappedRange().slice(0));
    staging.unmap();
    for (const index of best.keys()) {
      const ms = Number(nanoseconds[2 * index + 1]! - nanoseconds[2 * index]!) / 1e6;
      best[index] = Math.min(best[index]!, ms);
    }
  }
  querySet.destroy();
  for (const buffer of [...slots, ...weights, resolved, staging]) buffer.destroy();
  return plan.launches.map((launch, index) => described(launch, best[index]!, batch));
}

function described(launch: Launch, ms: number, batch: number): LaunchTime {
  const values = [...launch.reads, ...launch.writes];
  const floats = values.reduce((sum, { floatsPerImage }) => sum + floatsPerImage, 0);
  const bytes = floats * 4 * batch + (launch.weights?.byteLength ?? 0);
  const macs = batch * launch.body.nodes.reduce((sum, node) => sum + macsOf(node), 0);
  return {
    name: launch.name,
    kernel: launch.kernel,
    ms,
    bytes,
    bandwidth: bytes / ms / 1e6,
    macs,
    rate: (2 * macs) / ms / 1e6,
  };
}
