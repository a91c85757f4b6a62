/** Every failure that a page may want to tell apart has a class of its own; the messages are for its developer. */

export type UnsupportedReason = "insecure-context" | "no-webgpu" | "no-adapter" | "limits";

/** WebGPU is not there, or the device lacks something that the kernels need. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
  readonly reason: UnsupportedReason;

  constructor(reason: UnsupportedReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The weights could not be loaded, or are not those of this network. */
export class WeightsError extends Error {
  override readonly name = "WeightsError";
}

/** A buffer could not be had; `bytes` is everything that the network wanted. */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";
  readonly bytes: number;

  constructor(bytes: number, what: string) {
    super(`there is no GPU memory for ${what}: ${bytes} bytes (${(bytes / 2 ** 20).toFixed(1)} MiB) are needed`);
    this.bytes = bytes;
  }
}

/** The device is gone. `reason` is WebGPU's: "destroyed" or "unknown". Create the network again, on a new device. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
  readonly reason: string;

  constructor(info: { readonly reason?: string | undefined; readonly message: string }) {
    super(`the WebGPU device was lost${info.message ? `: ${info.message}` : ""}`);
    this.reason = info.reason ?? "unknown";
  }
}

/** dispose() was called before the work was done, or before it was asked for. */
export class DisposedError extends Error {
  override readonly name = "DisposedError";

  constructor() {
    super("the network was disposed of");
  }
}

/** WebGPU refused what the network asked for: a kernel, a buffer of another device, a bug in sec. */
export class GpuError extends Error {
  override readonly name = "GpuError";
}
