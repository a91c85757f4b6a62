import { DeviceLostError, GpuError, OutOfMemoryError } from "./errors.ts";

/** The numbers of GPUBufferUsage and its kin: their global objects are missing outside pages. */
export const usage = { mapRead: 0x1, copySource: 0x4, copyTarget: 0x8, storage: 0x80 } as const;
export const mapModeRead = 0x1;
export const computeStage = 0x4;

/**
 * Runs `make` inside error scopes. `done` rejects with what WebGPU reported about it. `make` is synchronous, so that the
 * scopes of other users of the device never interleave with these.
 *
 * @param memory set if `make` allocates: what the memory is for, and how many bytes of it
 */
export function scoped<T>(
  device: GPUDevice,
  make: () => T,
  memory?: { readonly what: string; readonly bytes: number },
): { readonly made: T; readonly done: Promise<void> } {
  device.pushErrorScope("validation");
  if (memory) device.pushErrorScope("out-of-memory");
  let done: Promise<void> | undefined;
  try {
    const made = make();
    return { made, done: (done = pop()) };
  } finally {
    done ??= pop();
    // Whoever awaits it sees the rejection; if `make` threw, nobody will.
    done.catch(() => {});
  }

  async function pop(): Promise<void> {
    const outOfMemory = memory && device.popErrorScope();
    const invalid = device.popErrorScope();
    const errors = await Promise.all([outOfMemory, invalid]);
    if (memory && errors[0]) throw new OutOfMemoryError(memory.bytes, memory.what);
    if (errors[1]) throw new GpuError(errors[1].message);
  }
}

export function createBuffer(device: GPUDevice, label: string, bytes: number, flags: number): GPUBuffer {
  // Kernels may read vectors of 16 bytes up to the end.
  return device.createBuffer({ label, size: Math.max(16, Math.ceil(bytes / 16) * 16), usage: flags });
}

/** Settles as `promise` does, or rejects with the signal's reason as soon as it is aborted. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** WebGPU's own errors may come before the news that the device is lost, which explains them. */
export async function causeOf(device: GPUDevice, error: unknown): Promise<unknown> {
  if (!/^(Operation|Abort|GPUPipeline|Gpu)Error$/.test((error as Error | undefined)?.name ?? "")) return error;
  const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 100));
  const info = await Promise.race([device.lost, late]);
  return info ? new DeviceLostError(info) : error;
}
