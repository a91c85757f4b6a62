import { fromStored, toStored } from "../plan/layout.ts";
import type { Launch } from "../plan/plan.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** One kernel as it will be dispatched: text, entry point, workgroups in x and y; z is the image. */
export interface Kernel {
  readonly text: string;
  readonly entryPoint: string;
  readonly grid: readonly [number, number];
}

/** Runs single launches with given inputs, so that each can be compared with its body. Pipelines are kept by text. */
export class KernelRunner {
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>();
  private readonly device: GPUDevice;

  constructor(device: GPUDevice) {
    this.device = device;
  }

  /**
   * @param reads what the launch reads, by the values' names
   * @param weights the launch's weight section
   * @returns what it wrote; an element that the kernel left alone is NaN
   */
  async run(
    launch: Launch,
    kernel: Kernel,
    reads: ReadonlyMap<string, Tensor>,
    weights: Float32Array | undefined,
    batch: number,
  ): Promise<Map<string, Tensor>> {
    const { device } = this;
    const pipeline = await this.pipeline(kernel);
    const buffers: GPUBuffer[] = [];
    const upload = (data: Float32Array) => {
      const buffer = device.createBuffer({
        size: Math.max(16, data.byteLength),
        usage: storage | copySource | copyTarget,
      });
      device.queue.writeBuffer(buffer, 0, data.buffer, data.byteOffset, data.byteLength);
      buffers.push(buffer);
      return buffer;
    };
    const bound = launch.reads.map((value) => upload(toStored(value, reads.get(value.name)!)));
    if (weights) bound.push(upload(weights));
    const written = launch.writes.map((value) => upload(new Float32Array(value.floatsPerImage * batch).fill(NaN)));

    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [...bound, ...written].map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(kernel.grid[0], kernel.grid[1], batch);
    pass.end();
    const staging = written.map((buffer) => {
      const copy = device.createBuffer({ size: buffer.size, usage: mapRead | copyTarget });
      encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
      buffers.push(copy);
      return copy;
    });
    device.queue.submit([encoder.finish()]);

    const results = new Map<string, Tensor>();
    for (const [index, value] of launch.writes.entries()) {
      const copy = staging[index]!;
      await copy.mapAsync(mapModeRead);
      results.set(value.name, fromStored(value, new Float32Array(copy.getMappedRange().slice(0)), batch));
      copy.unmap();
    }
    for (const buffer of buffers) buffer.destroy();
    return results;
  }

  private pipeline(kernel: Kernel): Promise<GPUComputePipeline> {
    const known = this.pipelines.get(kernel.text);
    if (known) return known;
    const made = this.device.createComputePipelineAsync({
      layout: "auto",
      compute: { module: this.device.createShaderModule({ code: kernel.text }), entryPoint: kernel.entryPoint },
    });
    this.pipelines.set(kernel.text, made);
    return made;
  }
}

// The numbers of GPUBufferUsage and GPUMapMode: their global objects exist in pages, not in Node.
const mapRead = 0x1;
const copySource = 0x4;
const copyTarget = 0x8;
const storage = 0x80;
const mapModeRead = 0x1;
