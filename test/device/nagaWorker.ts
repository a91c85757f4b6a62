/**
 * The Deno process of the adapter `naga`: reads jobs from standard input, writes what they return to standard output, and
 * ends with its input. The first message that it writes describes the adapter.
 */
import { runJob } from "./job.ts";
import { frame, messages, type Message } from "./wire.ts";

declare const Deno: {
  readonly stdin: { readonly readable: AsyncIterable<Uint8Array> };
  readonly stdout: { writeSync(bytes: Uint8Array): number };
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
  exit(code: number): never;
};

// Standard output carries messages only.
console.log = console.info = console.debug = console.error;

// Deno ends with an error when a job waits for nothing that can happen; the test's time-out says it better.
setInterval(() => {}, 60_000);

const { gpu } = (globalThis as unknown as { navigator: { gpu: GPU } }).navigator;
const adapter = await gpu.requestAdapter();
if (adapter === null) {
  write({ head: { state: "absent" }, values: {} });
  Deno.exit(0);
}
const { vendor, architecture, device, description } = adapter.info;
write({ head: { state: "ready", vendor, architecture, device, description }, values: {} });

let running: Promise<void> = Promise.resolve();
for await (const { head, values } of messages(Deno.stdin.readable)) {
  const load = async (path: string) => (await Deno.readFile(`${head["folder"]}/${path}`)).buffer;
  // The loop goes on reading, so that the end of the input is seen also while a job hangs.
  running = running.then(async () => write(await runJob(() => import(head["entry"] ?? ""), values, load)));
}
Deno.exit(0);

function write(message: Message): void {
  const bytes = frame(message);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
