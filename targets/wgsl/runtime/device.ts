import type { NetworkDescription } from "../description.ts";
import { UnsupportedError, type UnsupportedReason } from "./errors.ts";

export type Support =
  | {
      readonly supported: true;
      /** True where WebGPU runs in software: correct, and slow. */
      readonly fallbackAdapter: boolean;
    }
  | { readonly supported: false; readonly reason: UnsupportedReason; readonly message: string };

/** Whether the network can run here. Asks for an adapter, makes no device. */
export async function support(network: NetworkDescription): Promise<Support> {
  try {
    const adapter = await findAdapter(network);
    // Older browsers have it on the adapter.
    const { info, isFallbackAdapter } = adapter as GPUAdapter & { isFallbackAdapter?: boolean };
    return { supported: true, fallbackAdapter: info?.isFallbackAdapter ?? isFallbackAdapter ?? false };
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    return { supported: false, reason: error.reason, message: error.message };
  }
}

/**
 * The user's device, checked, or a new one with no more than the network needs. The adapter is fetched right before:
 * it gives one device only.
 */
export async function acquireDevice(network: NetworkDescription, given: GPUDevice | undefined): Promise<GPUDevice> {
  if (given) {
    checkLimits(network, given.limits, "the device");
    return given;
  }
  const adapter = await findAdapter(network);
  try {
    return await adapter.requestDevice({ label: network.name, requiredLimits: { ...network.requiredLimits } });
  } catch (error) {
    throw new UnsupportedError("no-adapter", `the WebGPU adapter gives no device: ${(error as Error).message}`);
  }
}

async function findAdapter(network: NetworkDescription): Promise<GPUAdapter> {
  const { navigator, isSecureContext } = globalThis as { navigator?: { gpu?: GPU }; isSecureContext?: boolean };
  if (!navigator?.gpu) {
    if (isSecureContext === false) {
      throw new UnsupportedError("insecure-context", "WebGPU is only there on pages served by https or from localhost");
    }
    throw new UnsupportedError("no-webgpu", "there is no navigator.gpu: this browser has no WebGPU");
  }
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new UnsupportedError("no-adapter", "WebGPU has no adapter here: no GPU that it can use");
  checkLimits(network, adapter.limits, "the adapter");
  return adapter;
}

function checkLimits(network: NetworkDescription, limits: GPUSupportedLimits, whose: string): void {
  const available = limits as unknown as Readonly<Record<string, number | undefined>>;
  for (const [name, needed] of Object.entries(network.requiredLimits)) {
    const found = available[name] ?? 0;
    if (found < needed) {
      throw new UnsupportedError("limits", `${network.name} needs a ${name} of ${needed}, ${whose} has ${found}`);
    }
  }
}
