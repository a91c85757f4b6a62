import { constants } from "node:os";
import { dirname, join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { DeviceAbsent } from "./absent.ts";
import { findPackage } from "./packages.ts";
import { unpackOnce, unpackTar } from "./unpack.ts";

/** Vulkan on the CPU, and the environment in which a process finds it. */
export interface SwiftShader {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** SwiftShader as `@sparticuz/chromium` packs it, unpacked; undefined where the package is absent or not for this machine. */
export function findSwiftShader(): SwiftShader | undefined {
  const archives = chromiumArchives();
  if (archives === undefined) return undefined;
  const archive = join(archives, "swiftshader.tar.br");
  const folder = unpackOnce([archive], (unfinished) => unpackTar(archive, unfinished));
  return { folder, environment: swiftShaderEnvironment(folder) };
}

/** The folder of the package's compressed archives. They are built for Linux on x86-64 only. */
export function chromiumArchives(): string | undefined {
  const main = findPackage("@sparticuz/chromium");
  if (main === undefined || process.platform !== "linux" || process.arch !== "x64") return undefined;
  // The main file is build/cjs/index.cjs.
  return join(dirname(main), "..", "..", "bin");
}

/** The Vulkan loader reads these when an instance is made; the first name is the older one, the second wins where both are known. */
function swiftShaderEnvironment(folder: string): Record<string, string> {
  const driver = join(folder, "vk_swiftshader_icd.json");
  return { VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver };
}

/**
 * Makes this process find SwiftShader while `open` runs, whatever Vulkan drivers the machine has.
 * The package's Vulkan loader is loaded under its soname, so that Dawn's `dlopen("libvulkan.so.1")` gets it.
 */
export async function withSwiftShader<T>(swiftShader: SwiftShader, open: () => Promise<T>): Promise<T> {
  if (!isMainThread) {
    throw new DeviceAbsent(
      "SwiftShader can be opened from the main thread only: a worker cannot change the environment",
    );
  }
  hasSystemVulkan();
  const before = new Map<string, string | undefined>();
  for (const [name, value] of Object.entries(swiftShader.environment)) {
    before.set(name, process.env[name]);
    process.env[name] = value;
  }
  try {
    loadLibrary(join(swiftShader.folder, "libvulkan.so.1"));
    return await open();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

/**
 * Whether this machine has a Vulkan loader of its own. Asking Dawn instead makes it print a warning where there is none.
 * Asked once in a process, before SwiftShader is loaded: afterwards its loader would be taken for the machine's.
 */
export function hasSystemVulkan(): boolean {
  const known = globalThis as { [key: symbol]: boolean | undefined };
  return (known[Symbol.for("se-compiler.systemVulkan")] ??=
    process.platform !== "linux" || loadLibrary("libvulkan.so.1"));
}

/**
 * Loads a shared library that is no Node addon; false if it cannot be loaded.
 * Node loads it, misses the addon's registration, closes it and throws. RTLD_NODELETE (0x1000) is what keeps it loaded.
 */
function loadLibrary(file: string): boolean {
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  try {
    process.dlopen({ exports: {} }, file, RTLD_NOW | RTLD_GLOBAL | 0x1000);
    return true;
  } catch (error) {
    return error instanceof Error && error.message.startsWith("Module did not self-register");
  }
}
