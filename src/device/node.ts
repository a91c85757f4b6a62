import { pathToFileURL } from "node:url";
import { DeviceAbsent } from "./absent.ts";
import { findPackage } from "./packages.ts";
import { findSwiftShader, hasSystemVulkan, withSwiftShader } from "./swiftshader.ts";

export { DeviceAbsent } from "./absent.ts";

/**
 * Which WebGPU adapter Node uses. `auto`: the machine's own, and SwiftShader (on the CPU) where it has none.
 * The environment variable SEC_ADAPTER chooses where the caller does not.
 */
export type AdapterChoice = "auto" | "system" | "swiftshader";

export interface DeviceOptions {
  readonly adapter?: AdapterChoice;
  readonly requiredFeatures?: readonly GPUFeatureName[];
  readonly requiredLimits?: Readonly<Record<string, number>>;
}

export interface OpenDevice {
  readonly device: GPUDevice;
  /** The adapter in words, for messages. */
  readonly adapter: string;
  /** Destroys the device and waits until Dawn is done with it. */
  close(): Promise<void>;
}

/** A WebGPU device in Node, with the default limits unless others are asked for. Throws DeviceAbsent. */
export async function openDevice(options: DeviceOptions = {}): Promise<OpenDevice> {
  const { gpu } = await openGpu(options.adapter ?? choiceOfEnvironment());
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new DeviceAbsent("the WebGPU adapter is gone");
  const { requiredFeatures, requiredLimits } = options;
  const device = await adapter.requestDevice({
    ...(requiredFeatures && { requiredFeatures }),
    ...(requiredLimits && { requiredLimits }),
  });
  return {
    device,
    adapter: describeAdapter(adapter.info),
    async close() {
      device.destroy();
      await device.lost;
    },
  };
}

export interface InstalledWebGpu {
  /** The adapter in words, for messages. */
  readonly adapter: string;
  /** Takes `navigator.gpu` away again. */
  uninstall(): void;
}

/** Makes `navigator.gpu` as in a page, for code that is written for one. Throws DeviceAbsent. */
export async function installWebGpu(choice: AdapterChoice = choiceOfEnvironment()): Promise<InstalledWebGpu> {
  const { gpu, adapter } = await openGpu(choice);
  const page = globalThis as { navigator?: object };
  // Node 20 has no navigator.
  const navigator = (page.navigator ??= {});
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  return { adapter, uninstall: () => void Reflect.deleteProperty(navigator, "gpu") };
}

/** What WebGPU says about an adapter; implementations leave different parts empty. */
export function describeAdapter(info: GPUAdapterInfo): string {
  return [info.vendor, info.architecture, info.description || info.device].filter((part) => part !== "").join(" ");
}

export function choiceOfEnvironment(): AdapterChoice {
  const choice = process.env["SEC_ADAPTER"] || "auto";
  if (choice === "auto" || choice === "system" || choice === "swiftshader") return choice;
  throw new DeviceAbsent(`there is no adapter "${choice}": SEC_ADAPTER is auto, system or swiftshader`);
}

interface OpenGpu {
  readonly gpu: GPU;
  readonly adapter: string;
}

async function openGpu(choice: AdapterChoice): Promise<OpenGpu> {
  const dawn = await loadDawn();
  if (choice !== "swiftshader") {
    const found = await once("system", async () => (hasSystemVulkan() ? start(dawn, []) : undefined));
    if (found?.adapter !== undefined) return { gpu: found.gpu, adapter: found.adapter };
  }
  const swiftShader = choice === "system" ? undefined : findSwiftShader();
  if (swiftShader !== undefined) {
    const found = await once("swiftshader", () => withSwiftShader(swiftShader, () => start(dawn, swiftShaderFlags)));
    if (found?.adapter !== undefined) return { gpu: found.gpu, adapter: found.adapter };
  }
  const looked =
    choice === "swiftshader" ? "SwiftShader is not there" : "it finds no GPU with a driver on this machine";
  throw new DeviceAbsent(
    `the package webgpu is installed, but ${looked}; ` +
      "a software adapter (Linux on x86-64) comes with: npm install --save-dev @sparticuz/chromium",
  );
}

/**
 * Workgroup memory is set to zero by a loop in the shader and not by an initializer: SwiftShader expands an initializer
 * word by word, and a pipeline with 1000 words of workgroup memory takes half a second instead of a tenth of that.
 */
const swiftShaderFlags = ["disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension"];

interface Started {
  readonly gpu: GPU;
  /** Absent where Dawn finds no adapter. */
  readonly adapter: string | undefined;
}

async function start(dawn: Dawn, flags: readonly string[]): Promise<Started> {
  const gpu = dawn.create(flags);
  const adapter = await gpu.requestAdapter();
  return { gpu, adapter: adapter === null ? undefined : describeAdapter(adapter.info) };
}

/**
 * Dawn's GPU objects stay for the life of the process, also across copies of this module: when one is collected while
 * Dawn still has an event to deliver, Dawn locks freed memory and the process hangs or aborts. Kept, they do not
 * hold the process open.
 */
function once(name: "system" | "swiftshader", start: () => Promise<Started | undefined>): Promise<Started | undefined> {
  const kept = globalThis as { [key: symbol]: Promise<Started | undefined> | undefined };
  return (kept[Symbol.for(`se-compiler.gpu.${name}`)] ??= start());
}

interface Dawn {
  create(flags: readonly string[]): GPU;
  /** GPUBufferUsage and the others, which a page has as globals. */
  readonly globals: Readonly<Record<string, unknown>>;
}

async function loadDawn(): Promise<Dawn> {
  const main = findPackage("webgpu");
  if (main === undefined) {
    throw new DeviceAbsent("WebGPU in Node needs the package webgpu: npm install --save-dev webgpu");
  }
  let dawn: Dawn;
  try {
    dawn = (await import(pathToFileURL(main).href)) as Dawn;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DeviceAbsent(`the package webgpu is installed but does not load on this machine: ${reason}`);
  }
  Object.assign(globalThis, dawn.globals);
  return dawn;
}
