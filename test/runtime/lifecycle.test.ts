import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installWebGpu, openDevice, type InstalledWebGpu, type OpenDevice } from "../../src/device/node.ts";
import type { Net } from "../../targets/wgsl/runtime/net.ts";
import { watched, type Watched } from "./device.ts";
import { expected, importText, inputs, moduleText, tiny, weightsBin, type NetModule } from "./tiny.ts";

let gpu: InstalledWebGpu;
let open: OpenDevice;
let module: NetModule;
let watch: Watched;

beforeAll(async () => {
  gpu = await installWebGpu();
  open = await openDevice();
  module = await importText(moduleText());
  watch = watched(open.device);
});
afterAll(async () => {
  await open?.close();
  gpu?.uninstall();
});

const weights = weightsBin();
const create = (options: object = {}) => module.create({ weights, device: watch.device, ...options });

test("fault 95: importing has no side effects, needs nothing of a page", async () => {
  gpu.uninstall();
  const before = Object.getOwnPropertyNames(globalThis).sort();
  const fresh = await importText(`${moduleText()}\n// imported once more`);
  expect(Object.getOwnPropertyNames(globalThis).sort()).toEqual(before);
  expect(Object.keys(fresh).sort()).toEqual([
    "DeviceLostError",
    "DisposedError",
    "GpuError",
    "OutOfMemoryError",
    "UnsupportedError",
    "WeightsError",
    "create",
    "isSupported",
    "meta",
  ]);
  gpu = await installWebGpu();
});

test("fault 95: no eval, no import, no wasm, no window", () => {
  expect(moduleText()).not.toMatch(/\beval\b|\bFunction\(|\bimport\b|WebAssembly|\bwindow\b|\bdocument\b|\bprocess\b/);
});

describe("fault 81: no WebGPU", () => {
  const cases: [name: string, globals: object, reason: string, message: string][] = [
    [
      "a page without https",
      { navigator: {}, isSecureContext: false },
      "insecure-context",
      "WebGPU is only there on pages served by https or from localhost",
    ],
    [
      "a browser without WebGPU",
      { navigator: {}, isSecureContext: true },
      "no-webgpu",
      "there is no navigator.gpu: this browser has no WebGPU",
    ],
    [
      "no adapter",
      { navigator: { gpu: { requestAdapter: async () => null } } },
      "no-adapter",
      "WebGPU has no adapter here: no GPU that it can use",
    ],
    [
      "an adapter that is too small",
      { navigator: { gpu: { requestAdapter: async () => ({ limits: { maxStorageBuffersPerShaderStage: 3 } }) } } },
      "limits",
      "Tiny needs a maxStorageBuffersPerShaderStage of 4, the adapter has 3",
    ],
  ];
  test.each(cases)("%s", async (_, globals, reason, message) => {
    await withGlobals(globals, async () => {
      expect(await module.isSupported()).toEqual({ supported: false, reason, message });
      const error: unknown = await module.create({ weights }).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(module.UnsupportedError);
      expect(error).toMatchObject({ reason, message });
    });
  });

  test("a software adapter is supported, and said to be one", async () => {
    const adapter = { limits: tiny.requiredLimits, info: { isFallbackAdapter: true } };
    await withGlobals({ navigator: { gpu: { requestAdapter: async () => adapter } } }, async () => {
      expect(await module.isSupported()).toEqual({ supported: true, fallbackAdapter: true });
    });
    expect(await module.isSupported()).toMatchObject({ supported: true });
  });
});

test("faults 82, 83: a device that is too small is refused before anything is made", async () => {
  const small = await importText(moduleText({ ...tiny, requiredLimits: { maxStorageBuffersPerShaderStage: 1000 } }));
  const before = { ...watch.counts };
  const error: unknown = await small.create({ weights, device: watch.device }).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(small.UnsupportedError);
  expect((error as Error).message).toMatch(
    /^Tiny needs a maxStorageBuffersPerShaderStage of 1000, the device has \d+$/,
  );
  expect(watch.counts).toEqual(before);
});

describe("fault 87: abort", () => {
  const reason = new Error("changed my mind");

  test("before", async () => {
    await expect(create({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test("while weights load; nothing stays behind, and the next load works", async () => {
    for (const status of ["loading", "ready"]) {
      const controller = new AbortController();
      const before = watch.alive.size;
      const onProgress = (progress: { status: string }) => {
        if (progress.status === status) controller.abort(reason);
      };
      await expect(create({ signal: controller.signal, onProgress })).rejects.toBe(reason);
      expect(watch.alive.size).toBe(before);
    }
    await runsOnce(await create());
  });

  test("while fetch waits, which hears of it", async () => {
    const controller = new AbortController();
    let heard = false;
    const fetch = (_: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise(() => signal.addEventListener("abort", () => (heard = true)));
    const created = create({ weights: "https://example.test/w.bin", fetch, signal: controller.signal });
    setTimeout(() => controller.abort(reason), 5);
    await expect(created).rejects.toBe(reason);
    expect(heard).toBe(true);
  });

  test("after it is loaded: no effect", async () => {
    const controller = new AbortController();
    const net = await create({ signal: controller.signal });
    controller.abort(reason);
    await runsOnce(net);
  });

  test("before and during run; later runs are right", async () => {
    const net = await create({ maxBatch: 2 });
    await expect(net.run(inputs(1), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const aborted = [1, 9, 20].map((images) => net.run(inputs(images), { signal: controller.signal }));
    const kept = inputs(5, 3);
    const result = net.run(kept);
    controller.abort(reason);
    for (const run of aborted) await expect(run).rejects.toBe(reason);
    expect(await result).toEqual(expected(kept));
    await runsOnce(net);
  });
});

describe("fault 90: out of memory", () => {
  /** The `count`-th out-of-memory scope from now on reports an error. */
  const failMemory = (count: number) => {
    const filters: string[] = [];
    let seen = 0;
    watch.replace.pushErrorScope = (filter: GPUErrorFilter) => {
      filters.push(filter);
      open.device.pushErrorScope(filter);
    };
    watch.replace.popErrorScope = async () => {
      const filter = filters.pop();
      const error = await open.device.popErrorScope();
      return filter === "out-of-memory" && ++seen === count ? { message: "no memory" } : error;
    };
  };
  const repair = () => {
    delete watch.replace.pushErrorScope;
    delete watch.replace.popErrorScope;
  };

  test.each([
    [1, "there is no GPU memory for the weights of Tiny: 576 bytes (0.0 MiB) are needed"],
    [
      2,
      "there is no GPU memory for the activations of 1 images of Tiny beside its weights: 704 bytes (0.0 MiB) are needed",
    ],
  ])("on create, allocation %i", async (count, message) => {
    const before = watch.alive.size;
    failMemory(count);
    const error: unknown = await create().catch((error: unknown) => error);
    repair();
    expect(error).toBeInstanceOf(module.OutOfMemoryError);
    expect((error as Error).message).toBe(message);
    expect(watch.alive.size).toBe(before);
  });

  test("on a batch that is too large: that run rejects, a smaller one works", async () => {
    const net = await create();
    failMemory(1);
    const error: unknown = await net.run(inputs(50)).catch((error: unknown) => error);
    repair();
    expect(error).toBeInstanceOf(module.OutOfMemoryError);
    expect((error as { bytes: number }).bytes).toBe(576 + 50 * 128);
    await runsOnce(net);
  });

  test("a buffer that WebGPU really refuses", async () => {
    const huge = await importText(moduleText({ ...tiny, slots: [48, 16, 48, 2 ** 40], maxBatch: 1 }));
    const before = watch.alive.size;
    const error: unknown = await huge.create({ weights, device: watch.device }).catch((error: unknown) => error);
    expect(error).toMatchObject({
      name: "UnsupportedError",
      reason: "limits",
      message: "one image of Tiny does not fit the device's buffers",
    });
    expect(watch.alive.size).toBe(before);
  });
});

test("a kernel that does not compile is named", async () => {
  const text = moduleText().replace("max(x[group", "mux(x[group");
  const broken = await importText(text);
  const before = watch.alive.size;
  const error: unknown = await broken.create({ weights, device: watch.device }).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(broken.GpuError);
  expect((error as Error).message).toMatch(/^kernels\/scale\.wgsl \(block\.scale\) does not compile here: /);
  expect(watch.alive.size).toBe(before);
});

describe("fault 91: the device is lost", () => {
  test("by destroy(): runs in flight and later ones reject, also encode()", async () => {
    const other = await openDevice();
    const net = await module.create({ weights, device: other.device, maxBatch: 1 });
    await net.run(inputs(1));
    const running = [1, 5, 9].map((images) => net.run(inputs(images)).catch((error: unknown) => error));
    other.device.destroy();
    for (const error of await Promise.all(running)) {
      expect(error).toBeInstanceOf(module.DeviceLostError);
      expect(error).toMatchObject({ reason: "destroyed" });
    }
    await other.device.lost;
    await expect(net.run(inputs(1))).rejects.toBeInstanceOf(module.DeviceLostError);
    expect(() => net.encode(undefined as never, {}, {})).toThrow(module.DeviceLostError);
    net.dispose();
    await expect(net.run(inputs(1))).rejects.toBeInstanceOf(module.DisposedError);
  });

  test("during the load", async () => {
    const other = await openDevice();
    const stalled = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(weights.slice(0, 300)),
    });
    const created = module.create({ weights: stalled, device: other.device });
    setTimeout(() => other.device.destroy(), 20);
    await expect(created).rejects.toBeInstanceOf(module.DeviceLostError);
  });

  test("before the load", async () => {
    const other = await openDevice();
    await other.close();
    await expect(module.create({ weights, device: other.device })).rejects.toBeInstanceOf(module.DeviceLostError);
  });

  test("with a device of its own: create() again makes a new one", async () => {
    const first = await module.create({ weights });
    first.device.destroy();
    await expect(first.run(inputs(1))).rejects.toBeInstanceOf(module.DeviceLostError);
    const second = await module.create({ weights });
    await runsOnce(second);
    second.dispose();
  });
});

describe("fault 92: dispose", () => {
  test("twice, and then run", async () => {
    const net = await create();
    net.dispose();
    net.dispose();
    await expect(net.run(inputs(1))).rejects.toBeInstanceOf(module.DisposedError);
    await expect(net.warmup()).rejects.toBeInstanceOf(module.DisposedError);
    expect(() => net.encode(undefined as never, {}, {})).toThrow(module.DisposedError);
  });

  test("during runs: they reject, and nothing is unhandled", async () => {
    const before = watch.alive.size;
    const net = await create({ maxBatch: 1 });
    const runs = [1, 5, 20].map((images) => net.run(inputs(images)));
    net.dispose();
    for (const run of runs) await expect(run).rejects.toBeInstanceOf(module.DisposedError);
    await open.device.queue.onSubmittedWorkDone();
    expect(watch.alive.size).toBe(before);
  });

  test("frees its own device, and never the caller's", async () => {
    const own = await module.create({ weights });
    own.dispose();
    expect((await own.device.lost).reason).toBe("destroyed");
    const shared = await create();
    shared.dispose();
    expect(watch.counts.destroyed).toBe(0);
  });

  test("Symbol.dispose", async () => {
    const net = await create();
    const symbol = (Symbol as { dispose?: symbol }).dispose!;
    (net as unknown as Record<symbol, () => void>)[symbol]!();
    await expect(net.run(inputs(1))).rejects.toBeInstanceOf(module.DisposedError);
  });
});

test("fault 94: two networks on one device; dispose of one", async () => {
  const [first, second] = [await create(), await create()];
  const given = inputs(3);
  expect(await Promise.all([first.run(given), second.run(given)])).toEqual([expected(given), expected(given)]);
  first.dispose();
  expect(await second.run(given)).toEqual(expected(given));
  second.dispose();
});

test("200 times create, run and dispose leave no buffer alive", async () => {
  const before = watch.alive.size;
  for (let cycle = 0; cycle < 200; cycle++) {
    const net = await create({ maxBatch: 2 });
    const given = inputs(1 + (cycle % 5), cycle);
    expect(await net.run(given)).toEqual(expected(given));
    net.dispose();
  }
  expect(watch.alive.size).toBe(before);
  expect(watch.counts.destroyed).toBe(0);
});

test("a device that is shared does not keep a network that is disposed of", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const made: WeakRef<Net>[] = [];
  for (let i = 0; i < 5; i++) {
    const net = await module.create({ weights, device: open.device });
    await net.run(inputs(2));
    net.dispose();
    made.push(new WeakRef(net));
  }
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
  // The last one may still be in a register.
  expect(made.slice(0, -1).map((reference) => reference.deref())).toEqual([undefined, undefined, undefined, undefined]);
});

async function runsOnce(net: Net): Promise<void> {
  const given = inputs(3, 4);
  expect(await net.run(given)).toEqual(expected(given));
}

async function withGlobals(globals: object, body: () => Promise<void>): Promise<void> {
  const before = Object.keys(globals).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value: value as unknown, configurable: true, writable: true });
  }
  try {
    await body();
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else Reflect.deleteProperty(globalThis, name);
    }
  }
}
