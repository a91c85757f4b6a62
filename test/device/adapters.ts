import { openChromium } from "./chromium.ts";
import { openDawn } from "./dawn.ts";
import { openNaga } from "./naga.ts";
import { stage, type Files, type Stage } from "./stage.ts";
import type { Message, Values } from "./wire.ts";

export { DeviceAbsent } from "../../src/device/node.ts";
export type { JobFunction } from "./job.ts";
export type { Value, Values } from "./wire.ts";

/**
 * Three implementations of WebGPU: `dawn` (Tint, in this process), `naga` (wgpu, in a Deno process) and `chromium` (a
 * page of a real browser; Tint again, in another version).
 */
export const adapterNames = ["dawn", "naga", "chromium"] as const;
export type AdapterName = (typeof adapterNames)[number];

export interface Job {
  /** A self-contained ES module, or the URL of one (TypeScript too), whose default export is a JobFunction. */
  readonly entry: string | URL;
  /** What the module can import as `./net.js` and load: a folder, or files as `compile` returns them. */
  readonly files?: Files;
  readonly inputs?: Values;
  /** Chromium only: headers of the page and of the files, such as Content-Security-Policy. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds; ten minutes unless given. */
  readonly timeout?: number;
}

export interface Adapter {
  readonly name: AdapterName;
  /** The device in words. */
  readonly info: string;
  /** Runs a job and gives what its function returned. Jobs run one after the other, without a start of their own. */
  run(job: Job): Promise<Values>;
  /** Ends processes and servers and destroys devices. */
  close(): Promise<void>;
}

/** What is different between the adapters. */
export interface Transport {
  readonly info: string;
  /** Runs the module of a stage where the device is; the answer is a message of `runJob`. */
  send(stage: Stage, inputs: Values, headers: Readonly<Record<string, string>>): Promise<Message>;
  /** Gives up the running job after a time-out; the next one starts anew. */
  abandon(): Promise<void>;
  close(): Promise<void>;
}

const transports: Readonly<Record<AdapterName, () => Promise<Transport>>> = {
  dawn: openDawn,
  naga: openNaga,
  chromium: openChromium,
};

/** Throws DeviceAbsent, with a message that says what is missing. */
export async function openAdapter(name: AdapterName): Promise<Adapter> {
  const transport = await transports[name]();
  let previous: Promise<unknown> = Promise.resolve();
  return {
    name,
    info: transport.info,
    run(job) {
      const result = previous.then(() => runOn(name, transport, job));
      previous = result.catch(() => {});
      return result;
    },
    close: () => transport.close(),
  };
}

/** A job failed where it ran: `stack` is of that place. */
export class JobFailed extends Error {
  override readonly name = "JobFailed";
}

async function runOn(name: AdapterName, transport: Transport, job: Job): Promise<Values> {
  const { entry, files, inputs = {}, headers = {}, timeout = 600_000 } = job;
  const staged = await stage(entry, files);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new JobFailed(`${name}: the job took longer than ${timeout} ms`)), timeout);
  });
  try {
    const { head, values } = await Promise.race([transport.send(staged, inputs, headers), late]);
    if (head["state"] === "done") return values;
    const failed = new JobFailed(`${name}: ${head["error"]}: ${head["message"]}`);
    failed.stack = `${failed.message}\n${head["stack"]}`;
    throw failed;
  } catch (error) {
    if (error instanceof JobFailed && error.message.includes("took longer")) await transport.abandon();
    throw error;
  } finally {
    clearTimeout(timer);
    staged.remove();
  }
}
