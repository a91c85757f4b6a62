import type { NetworkDescription, TensorDescription } from "../description.ts";
import { DisposedError, GpuError, type DeviceLostError } from "./errors.ts";
import { causeOf, createBuffer, mapModeRead, scoped, usage } from "./gpu.ts";
import type { Step } from "./pipelines.ts";
import { checkInputs, checkTargets, floatsPerImage, isBuffer } from "./values.ts";

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** How many images GPUBuffers hold; without it their size says it. */
  readonly batch?: number | undefined;
  /** `gpu-buffer`: results stay on the GPU, in buffers that belong to the caller. */
  readonly outputs?: "array" | "gpu-buffer" | undefined;
}

export type Inputs = Readonly<Record<string, Float32Array | GPUBuffer>>;
export type Outputs = Record<string, Float32Array | GPUBuffer>;

export interface Net {
  readonly device: GPUDevice;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  /** The most images that one chunk has here, and that encode() takes. */
  readonly maxBatch: number;
  run(inputs: Inputs, options?: RunOptions): Promise<Outputs>;
  encode(
    encoder: GPUCommandEncoder,
    inputs: Readonly<Record<string, GPUBuffer>>,
    outputs: Readonly<Record<string, GPUBuffer>>,
    options?: { readonly batch?: number | undefined },
  ): void;
  warmup(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  dispose(): void;
}

/** `lost` is called when the device is; without it nothing of the network is kept alive by its device. */
export interface LossWatch {
  lost?: (error: DeviceLostError) => void;
}

/** What create() has made, and what is to be freed. */
export interface Parts {
  readonly network: NetworkDescription;
  readonly device: GPUDevice;
  readonly ownsDevice: boolean;
  readonly watch: LossWatch;
  readonly steps: readonly Step[];
  readonly weights: readonly GPUBuffer[];
  readonly maxBatch: number;
}

/** Chunks in flight: while one is read back the next runs. */
const lanes = 3;

/** Activations and bind groups for up to `capacity` images. */
interface Arena {
  readonly capacity: number;
  readonly slots: readonly GPUBuffer[];
  readonly groups: readonly GPUBindGroup[];
  /** Rejects if there was no memory for it. */
  readonly ready: Promise<void>;
  /** encode() has put it into commands that the caller will submit: it must outlive us until then. */
  lent: boolean;
}

interface Lane {
  staging?: GPUBuffer;
}

/** One call of run(): waits in a queue, runs in chunks, settles once. */
interface Job {
  readonly images: number;
  /** Inputs from image `base` on. */
  data: readonly (Float32Array | GPUBuffer)[];
  base: number;
  /** The first image that has not started. */
  next: number;
  /** Images whose results are there. */
  finished: number;
  readonly results: readonly (Float32Array | GPUBuffer)[];
  /** Rejects if there was no memory for the results. */
  readonly ready: Promise<void>;
  settled: boolean;
  settle(error?: unknown): void;
}

/** `lose` is to be called when the device is lost; `ready` when the first arena has its memory. */
export function makeNet(parts: Parts): { net: Net; lose: (error: DeviceLostError) => void; ready: Promise<void> } {
  const { network, device, steps, weights, maxBatch } = parts;
  const outputFloats = network.outputs.map(floatsPerImage);
  const outputBytes = 4 * outputFloats.reduce((a, b) => a + b, 0);
  const allLanes: Lane[] = Array.from({ length: lanes }, () => ({}));
  const idle = [...allLanes];
  const queue: Job[] = [];
  const jobs = new Set<Job>();
  /** Set when nothing can run any more: disposed, or the device lost. */
  let ended: Error | undefined;
  let arena: Arena | undefined;

  const net: Net = {
    device,
    inputs: network.inputs,
    outputs: network.outputs,
    maxBatch,
    run: async (inputs, options = {}) => run(inputs, options),
    encode(encoder, inputs, outputs, options = {}) {
      if (ended) throw ended;
      const { images, data } = checkInputs(network.inputs, inputs, options.batch);
      const buffers = data.map((value, index) => {
        if (isBuffer(value)) return value;
        throw new TypeError(
          `input ${network.inputs[index]!.name} of encode() should be a GPUBuffer, got a Float32Array`,
        );
      });
      if (images > maxBatch) throw new RangeError(`encode() takes at most ${maxBatch} images, got ${images}`);
      const targets = checkTargets(network.outputs, outputs, images);
      if (images === 0) return;
      const current = arenaFor(images);
      current.lent = true;
      encodeImages(encoder, current, images, buffers, 0, (index) => ({ target: targets[index], offset: 0 }));
    },
    async warmup(options = {}) {
      const zeros = network.inputs.map((input) => [input.name, new Float32Array(floatsPerImage(input))]);
      await run(Object.fromEntries(zeros) as Inputs, options);
    },
    dispose() {
      if (ended instanceof DisposedError) return;
      end(new DisposedError());
      delete parts.watch.lost;
      arena?.slots.forEach((buffer) => buffer.destroy());
      weights.forEach((buffer) => buffer.destroy());
      allLanes.forEach((lane) => lane.staging?.destroy());
      if (parts.ownsDevice) device.destroy();
    },
  };
  if (Symbol.dispose) Object.defineProperty(net, Symbol.dispose, { value: net.dispose });
  const lose = (error: DeviceLostError) => {
    if (!ended) end(error);
  };
  return { net, lose, ready: arenaFor(1).ready };

  function end(error: Error): void {
    ended = error;
    for (const job of jobs) job.settle(error);
  }

  function run(inputs: Inputs, { signal, batch, outputs = "array" }: RunOptions): Promise<Outputs> {
    if (ended) throw ended;
    signal?.throwIfAborted();
    if (outputs !== "array" && outputs !== "gpu-buffer") {
      throw new TypeError(`outputs should be "array" or "gpu-buffer", got ${JSON.stringify(outputs)}`);
    }
    const { images, data } = checkInputs(network.inputs, inputs, batch);
    const { made: results, done: ready } =
      outputs === "array" ? { made: makeArrays(images), done: Promise.resolve() } : makeBuffers(images);

    return new Promise((resolve, reject) => {
      const abort = () => job.settle(signal!.reason);
      const job: Job = {
        images,
        data,
        base: 0,
        next: 0,
        finished: 0,
        results,
        ready,
        settled: false,
        settle(error) {
          if (job.settled) return;
          job.settled = true;
          jobs.delete(job);
          if (queue.includes(job)) queue.splice(queue.indexOf(job), 1);
          signal?.removeEventListener("abort", abort);
          if (error === undefined) {
            resolve(Object.fromEntries(network.outputs.map(({ name }, index) => [name, results[index]!])));
          } else {
            for (const result of results) if (isBuffer(result)) result.destroy();
            reject(error as Error);
          }
        },
      };
      if (images === 0) return job.settle();
      signal?.addEventListener("abort", abort, { once: true });
      jobs.add(job);
      queue.push(job);
      startChunks();
      // What could not start now is copied: the caller may use its arrays again as soon as run() returns.
      job.data = data.map((value, index) =>
        isBuffer(value) ? value : value.slice(job.next * floatsPerImage(network.inputs[index]!)),
      );
      job.base = job.next;
    });
  }

  function makeArrays(images: number): Float32Array[] {
    return outputFloats.map((floats) => new Float32Array(images * floats));
  }

  function makeBuffers(images: number): { made: GPUBuffer[]; done: Promise<void> } {
    const flags = usage.storage | usage.copySource | usage.copyTarget;
    return scoped(
      device,
      () =>
        network.outputs.map(({ name }, index) => {
          const label = `${network.name} output ${name}`;
          return device.createBuffer({ label, size: 4 * images * outputFloats[index]!, usage: flags });
        }),
      { what: `the outputs of ${images} images`, bytes: images * outputBytes },
    );
  }

  /** In order of the calls, as far as lanes are idle. */
  function startChunks(): void {
    while (queue.length > 0 && idle.length > 0) {
      const job = queue[0]!;
      const first = job.next;
      const count = Math.min(maxBatch, job.images - first);
      job.next += count;
      if (job.next === job.images) queue.shift();
      const lane = idle.pop()!;
      runChunk(job, lane, first, count)
        .catch(async (error: unknown) => {
          const cause = await causeOf(device, error);
          job.settle(ended ?? cause);
        })
        .finally(() => {
          idle.push(lane);
          if (!ended) startChunks();
        });
    }
  }

  /** Up to the first await this is synchronous: inputs are read and everything is submitted when it returns. */
  async function runChunk(job: Job, lane: Lane, first: number, count: number): Promise<void> {
    const current = arenaFor(count);
    const readBytes = isBuffer(job.results[0]) ? 0 : count * outputBytes;
    const grows = readBytes > (lane.staging?.size ?? 0);
    const memory = { what: `reading back the outputs of ${count} images`, bytes: readBytes };
    const { done } = scoped(
      device,
      () => submitChunk(job, lane, current, first, count, readBytes),
      grows ? memory : undefined,
    );
    const mapped = readBytes > 0 ? lane.staging!.mapAsync(mapModeRead, 0, readBytes) : undefined;
    try {
      // All, also if one fails: the lane is free only when its buffer is.
      const outcomes = await Promise.allSettled([current.ready, job.ready, done, mapped]);
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
      if (readBytes > 0) {
        const bytes = lane.staging!.getMappedRange(0, readBytes);
        let at = 0;
        (job.results as Float32Array[]).forEach((result, index) => {
          const floats = outputFloats[index]!;
          result.set(new Float32Array(bytes, at, count * floats), first * floats);
          at += 4 * count * floats;
        });
        lane.staging!.unmap();
      }
    } catch (error) {
      lane.staging?.destroy();
      delete lane.staging;
      if (!(error instanceof GpuError) || !job.data.some(isBuffer)) throw error;
      throw new TypeError(
        `a GPUBuffer of this call is destroyed, mapped, or of another device, or sec is wrong: ${error.message}`,
      );
    }
    job.finished += count;
    if (job.finished === job.images) job.settle();
  }

  function submitChunk(job: Job, lane: Lane, current: Arena, first: number, count: number, readBytes: number): void {
    if (readBytes > (lane.staging?.size ?? 0)) {
      lane.staging?.destroy();
      const flags = usage.mapRead | usage.copyTarget;
      lane.staging = createBuffer(device, `${network.name} staging`, readBytes, flags);
    }
    network.inputs.forEach((input, index) => {
      const value = job.data[index]!;
      if (isBuffer(value)) return;
      const floats = floatsPerImage(input);
      const from = value.subarray((first - job.base) * floats, (first - job.base + count) * floats);
      device.queue.writeBuffer(current.slots[input.slot]!, 0, from as Float32Array<ArrayBuffer>);
    });
    const encoder = device.createCommandEncoder({ label: network.name });
    let stagingAt = 0;
    encodeImages(encoder, current, count, job.data, first, (index) => {
      const result = job.results[index]!;
      const bytes = 4 * outputFloats[index]!;
      if (isBuffer(result)) return { target: result, offset: first * bytes };
      stagingAt += count * bytes;
      return { target: lane.staging, offset: stagingAt - count * bytes };
    });
    device.queue.submit([encoder.finish()]);
  }

  /** The commands for some images: copies in, one pass with every launch, copies out. */
  function encodeImages(
    encoder: GPUCommandEncoder,
    { slots, groups }: Arena,
    images: number,
    data: readonly (Float32Array | GPUBuffer)[],
    first: number,
    output: (index: number) => { target: GPUBuffer | undefined; offset: number },
  ): void {
    network.inputs.forEach((input, index) => {
      const value = data[index]!;
      const bytes = 4 * floatsPerImage(input);
      if (isBuffer(value)) encoder.copyBufferToBuffer(value, first * bytes, slots[input.slot]!, 0, images * bytes);
    });
    const pass = encoder.beginComputePass({ label: network.name });
    let pipeline: GPUComputePipeline | undefined;
    steps.forEach((step, index) => {
      if (step.pipeline !== pipeline) pass.setPipeline((pipeline = step.pipeline));
      pass.setBindGroup(0, groups[index]!);
      pass.dispatchWorkgroups(step.grid[0], step.grid[1], images);
    });
    pass.end();
    network.outputs.forEach((tensor, index) => {
      const { target, offset } = output(index);
      const bytes = images * 4 * outputFloats[index]!;
      if (target) encoder.copyBufferToBuffer(slots[tensor.slot]!, 0, target, offset, bytes);
    });
  }

  /** The arena, made anew if it is too small: its memory follows the largest chunk that was asked for. */
  function arenaFor(images: number): Arena {
    if (arena && arena.capacity >= images) return arena;
    // Commands that are submitted keep what they use; those of encode() may not be submitted yet.
    if (arena && !arena.lent) arena.slots.forEach((buffer) => buffer.destroy());

    const flags = usage.storage | usage.copySource | usage.copyTarget;
    const slotBytes = network.slots.reduce((a, b) => a + b, 0);
    const { made, done } = scoped(
      device,
      () => {
        const slots = network.slots.map((bytes, index) =>
          createBuffer(device, `${network.name} slot ${index}`, bytes * images, flags),
        );
        const groups = steps.map(({ name, layout, bindings }) =>
          device.createBindGroup({
            label: `${network.name} ${name}`,
            layout,
            entries: bindings.map((bound, binding) => ({
              binding,
              resource:
                "slot" in bound
                  ? { buffer: slots[bound.slot]! }
                  : { buffer: weights[bound.weights]!, offset: bound.byteOffset, size: bound.byteLength },
            })),
          }),
        );
        return { slots, groups };
      },
      {
        what: `the activations of ${images} images of ${network.name} beside its weights`,
        bytes: network.weights.byteLength + images * slotBytes,
      },
    );
    const next: Arena = { capacity: images, ...made, ready: done, lent: false };
    done.catch(() => {
      next.slots.forEach((buffer) => buffer.destroy());
      if (arena === next) arena = undefined;
    });
    return (arena = next);
  }
}
