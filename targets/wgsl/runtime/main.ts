import type { NetworkDescription } from "../description.ts";
import { createNet, type CreateOptions } from "./create.ts";
import { support, type Support } from "./device.ts";
import type { Net } from "./net.ts";

/** The end of net.js. The beginning, which sec writes for each network, declares these two. */
declare const NETWORK: NetworkDescription;
declare const KERNELS: Readonly<Record<string, string>>;

/** What is known without a device. */
export const meta = {
  network: NETWORK.name,
  compilerVersion: NETWORK.compilerVersion,
  fingerprint: NETWORK.fingerprint,
  inputs: NETWORK.inputs,
  outputs: NETWORK.outputs,
  weightsByteLength: NETWORK.weights.byteLength,
};

export function create(options: CreateOptions): Promise<Net> {
  return createNet(NETWORK, KERNELS, options);
}

export function isSupported(): Promise<Support> {
  return support(NETWORK);
}

export {
  DeviceLostError,
  DisposedError,
  GpuError,
  OutOfMemoryError,
  UnsupportedError,
  WeightsError,
} from "./errors.ts";
