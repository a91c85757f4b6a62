import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { installWebGpu } from "../../src/device/node.ts";
import type { Transport } from "./adapters.ts";
import { closeSharedDevice, runJob } from "./job.ts";

const nativeImport = createRequire(import.meta.url)("./nativeImport.cjs") as (url: string) => Promise<unknown>;

/** Dawn in this process. */
export async function openDawn(): Promise<Transport> {
  const { adapter, uninstall } = await installWebGpu();
  return {
    info: adapter,
    send({ folder, entry }, inputs) {
      const url = pathToFileURL(join(folder, entry)).href;
      const load = async (path: string) => new Uint8Array(await readFile(join(folder, path))).buffer;
      return runJob(() => nativeImport(url), inputs, load);
    },
    // A module cannot be stopped in its own process. The next job gets a new device.
    abandon: closeSharedDevice,
    async close() {
      await closeSharedDevice();
      uninstall();
    },
  };
}
