import { cachingDevice } from "./cachingDevice.ts";
import type { Message, Values } from "./wire.ts";

/**
 * What the module of a job exports by default. It runs in Node, in Deno or in a page, with `navigator.gpu`, and returns
 * what the test wants to see.
 */
export type JobFunction = (
  inputs: Values,
  /** The bytes of a file of the job's folder. */
  load: (path: string) => Promise<ArrayBuffer>,
  /** A device with the default limits which all jobs of an adapter share, so that pipelines are made once. */
  device: () => Promise<GPUDevice>,
) => Values | Promise<Values>;

/** Runs a job where it is; never throws, so that a failure travels with its stack. */
export async function runJob(
  importEntry: () => Promise<unknown>,
  inputs: Values,
  load: (path: string) => Promise<ArrayBuffer>,
): Promise<Message> {
  try {
    uncaptured.length = 0;
    const { default: job } = (await importEntry()) as { default: JobFunction };
    if (typeof job !== "function") throw new TypeError("the module of a job exports a function by default");
    const values = await job(inputs, load, sharedDevice);
    await reportUncaptured();
    return { head: { state: "done" }, values };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    return {
      head: { state: "failed", error: error.name, message: error.message, stack: error.stack ?? "" },
      values: {},
    };
  }
}

let shared: Promise<{ device: GPUDevice; caching: GPUDevice }> | undefined;

/** Errors of the shared device that no error scope caught, since the job began. */
const uncaptured: string[] = [];

async function sharedDevice(): Promise<GPUDevice> {
  shared ??= openShared();
  return (await shared).caching;
}

async function openShared() {
  const { navigator } = globalThis as unknown as { navigator: { gpu: GPU } };
  const adapter = await navigator.gpu.requestAdapter();
  if (adapter === null) throw new Error("navigator.gpu has no adapter");
  const device = await adapter.requestDevice();
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    uncaptured.push((event as GPUUncapturedErrorEvent).error.message);
  });
  void device.lost.then(() => (shared = undefined));
  return { device, caching: cachingDevice(device) };
}

/** Errors arrive as events; when all that was submitted is done they have been sent, and after a turn they are here. */
async function reportUncaptured(): Promise<void> {
  if (shared === undefined) return;
  await (await shared).device.queue.onSubmittedWorkDone();
  await new Promise((resolve) => setTimeout(resolve, 0));
  if (uncaptured.length > 0) throw new Error(`the device reported: ${uncaptured.join("\n")}`);
}

export async function closeSharedDevice(): Promise<void> {
  if (shared === undefined) return;
  const { device } = await shared;
  device.destroy();
  await device.lost;
}
