import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDevice, type OpenDevice } from "../../src/device/node.ts";
import type { Progress, WeightsSource } from "../../targets/wgsl/runtime/weights.ts";
import { watched, type Watched } from "./device.ts";
import { writeBinHeader } from "../../src/weights/binHeader.ts";
import { halfOf } from "../../src/tensor/halves.ts";
import { storages } from "../../src/weights/storage.ts";
import type { NetworkDescription, SegmentDescription } from "../../targets/wgsl/description.ts";
import { expected, importText, inputs, moduleText, tiny, u, v, w, weightsBin, type NetModule } from "./tiny.ts";

let open: OpenDevice;
let module: NetModule;
let watch: Watched;

beforeAll(async () => {
  open = await openDevice();
  module = await importText(moduleText());
  watch = watched(open.device);
});
afterAll(() => open?.close());

const bytes = weightsBin();
const url = "https://example.test/net/weights.bin";

describe("weights from", () => {
  const streamOf = (sizes: () => number) =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length;) {
          const size = sizes();
          controller.enqueue(bytes.slice(at, at + size));
          at += size;
        }
        controller.close();
      },
    });
  const sources: Record<string, () => WeightsSource> = {
    "an ArrayBuffer": () => bytes.slice().buffer,
    "a typed array inside a larger one": () => {
      const larger = new Uint8Array(bytes.length + 10);
      larger.set(bytes, 3);
      return larger.subarray(3, 3 + bytes.length);
    },
    "a Float32Array": () => new Float32Array(bytes.slice().buffer),
    "a Blob": () => new Blob([bytes]),
    "a Response": () => new Response(bytes),
    "a stream of single bytes": () => streamOf(() => 1),
    "a stream of odd pieces": () => {
      let size = 0;
      return streamOf(() => (size = (size + 7) % 23) || 5);
    },
    "a stream with empty pieces": () => {
      let even = false;
      return streamOf(() => ((even = !even) ? 0 : 50));
    },
  };
  test.each(Object.entries(sources))("%s", async (_, source) => {
    await works({ weights: source() });
  });

  test.each([
    ["a string", url],
    ["a URL", new URL(url)],
    ["a Request", new Request(url)],
  ])("%s", async (_, weights) => {
    const asked: unknown[] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      asked.push(input);
      expect(init?.signal).toBeInstanceOf(AbortSignal);
      return new Response(bytes);
    };
    await works({ weights, fetch });
    expect(asked).toEqual([weights]);
  });

  test("something else", async () => {
    await expect(module.create({ weights: 7 as never, device: watch.device })).rejects.toThrow(
      new TypeError(
        "weights should be a URL, Request, Response, ArrayBuffer, typed array, Blob or ReadableStream of weights.bin",
      ),
    );
    await expect(module.create({} as never)).rejects.toThrow(
      new TypeError("create() needs the weights: create({ weights: url })"),
    );
  });
});

test("progress grows to the whole file, then says ready", async () => {
  const progress: Progress[] = [];
  await works({ weights: new Blob([bytes]), onProgress: (event) => progress.push(event) });
  expect(progress.at(-1)).toEqual({ status: "ready", loaded: bytes.length, total: bytes.length });
  expect(progress.at(-2)).toEqual({ status: "loading", loaded: bytes.length, total: bytes.length });
  expect(progress.every((event, i) => event.loaded >= (progress[i - 1]?.loaded ?? 0))).toBe(true);
});

describe("fault 84: weights of another network, or of another version", () => {
  test("another network", async () => {
    await refused(
      weightsBin({ network: "SEResNet50", fingerprint: "fedcba9876543210" }),
      "the array of weights holds weights of another network: of SEResNet50 (fedcba9876543210), " +
        "but this is Tiny (0123456789abcdef)",
    );
  });
  test("a newer format", async () => {
    const newer = weightsBin();
    newer[4] = 2;
    await refused(
      newer,
      "the array of weights has version 2 of the format, this net.js reads 1: compile or pack again",
    );
  });
  test("a header that is wrong about the length", async () => {
    const wrong = weightsBin();
    wrong[16] = 0;
    await refused(wrong, "the array of weights says that it has 512 bytes, not 576");
  });
});

test("a fingerprint may begin with the byte of a brace, as the header of safetensors does", async () => {
  const fingerprint = "7b23456789abcdef";
  const braced = await importText(moduleText({ ...tiny, fingerprint }));
  const net = await braced.create({ weights: weightsBin({ fingerprint }), device: watch.device });
  net.dispose();
});

describe("fault 52 at run time: something else where weights should be", () => {
  const text = (content: string) => new TextEncoder().encode(content);
  const cases: Record<string, [content: Uint8Array<ArrayBuffer>, message: string]> = {
    "the start page of an application": [
      text(`\n<!DOCTYPE html><html>${" ".repeat(600)}</html>`),
      "the array of weights is an HTML or XML page, not weights: is the path right?",
    ],
    "a Git LFS pointer": [
      text("version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123\n"),
      "the array of weights is a Git LFS pointer, not the weights: run git lfs pull",
    ],
    safetensors: [
      text(`\x40\0\0\0\0\0\0\0{"a":{"dtype":"F32"}}${" ".repeat(300)}`),
      "the array of weights is a safetensors file: sec pack makes a weights.bin of it",
    ],
    nothing: [text(""), "the array of weights is too short to be weights: 0 bytes"],
    noise: [new Uint8Array(600).fill(7), "the array of weights is not a weights.bin of sec"],
  };
  test.each(Object.entries(cases))("%s", (_, [content, message]) => refused(content, message));
});

describe("fault 85: loading fails", () => {
  test("404", async () => {
    const fetch = async () => new Response("not here", { status: 404, statusText: "Not Found" });
    await failed({ weights: url, fetch }, `${url} could not be fetched: HTTP 404 Not Found`);
  });
  test("the network or CORS", async () => {
    const fetch = async () => Promise.reject(new TypeError("Failed to fetch"));
    await failed({ weights: url, fetch }, `${url} could not be fetched: Failed to fetch`);
  });
  test.each([576 - 4, 300, 255])("cut after %i bytes", async (length) => {
    const message = length < 256 ? "is too short to be weights: 255 bytes" : `ends after ${length} of 576 bytes`;
    await refused(bytes.slice(0, length), `the array of weights ${message}`);
  });
  test("bytes behind the end", async () => {
    await refused(new Uint8Array([...bytes, 0, 0, 0, 0]), "the array of weights goes on after its 576 bytes");
  });
  test("broken at 99%", async () => {
    let pulls = 0;
    const weights = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulls++ === 0) controller.enqueue(bytes.slice(0, 570));
        else controller.error(new Error("connection reset"));
      },
    });
    await failed({ weights }, "the stream of weights broke off after 570 of 576 bytes: connection reset");
  });
  test("a stalled stream ends with the signal, and a second try works", async () => {
    let cancelled: unknown;
    const stalling = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes.slice(0, 400)),
      cancel: (reason) => void (cancelled = reason),
    });
    const before = watch.alive.size;
    const signal = AbortSignal.timeout(50);
    const error: unknown = await module
      .create({ weights: stalling, device: watch.device, signal })
      .catch((error: unknown) => error);
    expect(error).toBe(signal.reason);
    expect(signal.reason).toMatchObject({ name: "TimeoutError" });
    expect(cancelled).toBe(signal.reason);
    expect(watch.alive.size).toBe(before);
    await works({ weights: bytes });
  });
  test("an exception of onProgress is the caller's, and nothing stays behind", async () => {
    const before = watch.alive.size;
    const onProgress = () => {
      throw new Error("mine");
    };
    await expect(module.create({ weights: bytes, device: watch.device, onProgress })).rejects.toThrow(
      new Error("mine"),
    );
    expect(watch.alive.size).toBe(before);
  });
});

test("large weights arrive whole: several blocks, waits for the queue, buffers that end inside a block", async () => {
  const buffers = [(1 << 20) * 18 + 256, 48];
  const byteLength = 256 + buffers[0]! + buffers[1]!;
  const [scale, sum] = tiny.launches;
  const last = buffers[0]! - 256;
  const large = {
    ...tiny,
    requiredLimits: {},
    weights: { byteLength, buffers },
    launches: [
      {
        ...scale!,
        bindings: scale!.bindings.map((binding) =>
          !("weights" in binding) ? binding : { ...binding, byteOffset: binding.byteOffset === 0 ? 0 : last },
        ),
      },
      sum!,
    ],
  };
  const file = new Uint8Array(byteLength).fill(255, 256);
  file.set(bytes.subarray(0, 256));
  new DataView(file.buffer).setUint32(16, byteLength, true);
  file.set(bytes.subarray(256, 304), 256);
  file.set(bytes.subarray(512, 560), 256 + last);
  file.set(bytes.subarray(560, 576), 256 + buffers[0]!);

  const largeModule = await importText(moduleText(large));
  const progress: number[] = [];
  const net = await largeModule.create({
    weights: file,
    device: watch.device,
    onProgress: ({ loaded }) => progress.push(loaded),
  });
  const given = inputs(2);
  expect(await net.run(given)).toEqual(expected(given));
  expect(progress.length).toBeGreaterThan(18);
  net.dispose();
});

describe("weights that are stored smaller are f32 on the device", () => {
  const storedAs = (storage: 1 | 2, buffers: number[], segments: SegmentDescription[], parts: ArrayBufferView[]) => {
    const file = new Uint8Array(256 + parts.reduce((sum, part) => sum + part.byteLength, 0));
    let at = 256;
    for (const part of parts) {
      file.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
      at += part.byteLength;
    }
    writeBinHeader(file, { network: "Tiny", fingerprint: tiny.fingerprint, buffers, storage: storages[storage]! });
    const network = { ...tiny, weights: { byteLength: file.length, buffers, storage, segments } };
    return { file, network };
  };
  const runs = async (network: NetworkDescription, file: Uint8Array<ArrayBuffer>) => {
    const odd = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0, size = 1; at < file.length; at += size, size = 1 + ((size * 7) % 99991)) {
          controller.enqueue(file.slice(at, at + size));
        }
        controller.close();
      },
    });
    for (const weights of [file, odd]) {
      const net = await (await importText(moduleText(network))).create({ weights, device: watch.device });
      const given = inputs(2);
      expect(await net.run(given)).toEqual(expected(given));
      net.dispose();
    }
  };

  test("f16, with vectors in f32 among them", async () => {
    const { file, network } = storedAs(
      1,
      [256 + 48, 16],
      [
        [1, 0, 0, 12, 12],
        [0, 0, 256, 12, 12],
        [1, 1, 0, 4, 4],
      ],
      [Uint16Array.from(w, halfOf), Float32Array.from(v), Uint16Array.from(u, halfOf)],
    );
    await runs(network, file);
  });

  test("int8: scales go on over the blocks of a large tensor", async () => {
    const bytes = (1 << 20) * 2 + 256;
    const scales = Float32Array.from({ length: 12 }, (_, i) => [1, 0.5, 0.25][i % 3]!);
    const last = bytes - 256;
    const codes = new Int8Array(bytes / 4).fill(99);
    for (const [start, values] of [
      [0, w],
      [last / 4, v],
    ] as const) {
      values.forEach((value, i) => (codes[start + i] = value / scales[(start + i) % 12]!));
    }
    const buffers = [bytes, 16];
    const segments: SegmentDescription[] = [
      [2, 0, 0, bytes / 4, 12],
      [0, 1, 0, 4, 4],
    ];
    const { file, network } = storedAs(2, buffers, segments, [scales, codes, Float32Array.from(u)]);
    const [scale, sum] = network.launches;
    const bindings = scale!.bindings.map((binding) => {
      return "weights" in binding && binding.byteOffset > 0 ? { ...binding, byteOffset: last } : binding;
    });
    await runs({ ...network, requiredLimits: {}, launches: [{ ...scale!, bindings }, sum!] }, file);
  });

  test("fault 84: a file that is stored otherwise", async () => {
    await refused(
      weightsBin({ storage: "int8" }),
      "the array of weights holds weights as int8, this net.js reads f32: pack again",
    );
  });
});

async function works(options: Omit<Parameters<NetModule["create"]>[0], "device">): Promise<void> {
  const net = await module.create({ ...options, device: watch.device });
  const given = inputs(2);
  expect(await net.run(given)).toEqual(expected(given));
  net.dispose();
}

function refused(content: Uint8Array<ArrayBuffer>, message: string): Promise<void> {
  return failed({ weights: content }, message);
}

async function failed(options: Omit<Parameters<NetModule["create"]>[0], "device">, message: string): Promise<void> {
  const before = watch.alive.size;
  const error: unknown = await module.create({ ...options, device: watch.device }).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(module.WeightsError);
  expect((error as Error).message).toBe(message);
  expect(watch.alive.size).toBe(before);
}
