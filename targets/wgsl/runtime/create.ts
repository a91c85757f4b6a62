import type { NetworkDescription } from "../description.ts";
import { acquireDevice } from "./device.ts";
import { DeviceLostError, UnsupportedError } from "./errors.ts";
import { causeOf, unlessAborted } from "./gpu.ts";
import { makeNet, type LossWatch, type Net } from "./net.ts";
import { makeSteps } from "./pipelines.ts";
import { loadWeights, type Progress, type WeightsSource } from "./weights.ts";
import { floatsPerImage } from "./values.ts";

export interface CreateOptions {
  readonly weights: WeightsSource;
  /** Yours: checked, shared, never destroyed by the network. Without it the network has a device of its own. */
  readonly device?: GPUDevice | undefined;
  /** At most so many images at a time: bounds the GPU memory of large batches. */
  readonly maxBatch?: number | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly fetch?: typeof fetch | undefined;
}

/** Loads the network: compiles its kernels while the weights stream in. Whatever fails frees everything. */
export async function createNet(
  network: NetworkDescription,
  kernels: Readonly<Record<string, string>>,
  options: CreateOptions,
): Promise<Net> {
  const { weights, signal, maxBatch, fetch, onProgress } = options;
  if (weights === undefined) throw new TypeError("create() needs the weights: create({ weights: url })");
  if (maxBatch !== undefined && !(Number.isInteger(maxBatch) && maxBatch > 0)) {
    throw new TypeError(`maxBatch should be a positive whole number, got ${maxBatch}`);
  }
  signal?.throwIfAborted();
  const device = await acquireDevice(network, options.device);
  const ownsDevice = device !== options.device;

  // One switch for everything that ends the loading: the caller's signal, a lost device, the failure of one part.
  const stop = new AbortController();
  const abort = () => stop.abort(signal!.reason);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  const watch = watchLoss(device);
  watch.lost = (error) => stop.abort(error);

  const buffers: GPUBuffer[] = [];
  let net: Net | undefined;
  try {
    stop.signal.throwIfAborted();
    const [steps] = await Promise.all([
      unlessAborted(makeSteps(device, network, kernels), stop.signal),
      loadWeights(device, network, weights, { fetch, onProgress, signal: stop.signal }, buffers),
    ]);
    const most = Math.min(largestBatch(network, device), maxBatch ?? Infinity);
    const made = makeNet({ network, device, ownsDevice, watch, steps, weights: buffers, maxBatch: most });
    net = made.net;
    await unlessAborted(made.ready, stop.signal);
    watch.lost = made.lose;
    const total = network.weights.byteLength;
    onProgress?.({ status: "ready", loaded: total, total });
    signal?.throwIfAborted();
    return net;
  } catch (error) {
    if (!stop.signal.aborted) stop.abort(await causeOf(device, error));
    delete watch.lost;
    net?.dispose();
    buffers.forEach((buffer) => buffer.destroy());
    if (ownsDevice) device.destroy();
    throw stop.signal.reason;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** A promise keeps its reactions: through an object that can be emptied, and out of sight of everything else. */
function watchLoss(device: GPUDevice): LossWatch {
  const watch: LossWatch = {};
  void device.lost.then((info) => watch.lost?.(new DeviceLostError(info)));
  return watch;
}

/** What the plan allows, or less on a device with smaller buffers. */
function largestBatch(network: NetworkDescription, { limits }: GPUDevice): number {
  const slot = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize) / Math.max(...network.slots);
  const outputBytes = network.outputs.reduce((sum, output) => sum + 4 * floatsPerImage(output), 0);
  const most = Math.floor(Math.min(network.maxBatch, slot, limits.maxBufferSize / outputBytes));
  if (most < 1) throw new UnsupportedError("limits", `one image of ${network.name} does not fit the device's buffers`);
  return most;
}
