import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDevice, type OpenDevice } from "../../src/device/node.ts";
import type { Net } from "../../targets/wgsl/runtime/net.ts";
import { watched, type Watched } from "./device.ts";
import { expected, importText, inputs, moduleText, weightsBin, type NetModule } from "./tiny.ts";

// GPUBufferUsage, which Node does not have.
const [copySource, copyTarget, storage, mapRead] = [0x4, 0x8, 0x80, 0x1];

let open: OpenDevice;
let module: NetModule;
let watch: Watched;
let net: Net;

beforeAll(async () => {
  open = await openDevice();
  module = await importText(moduleText());
  watch = watched(open.device);
  net = await module.create({ weights: weightsBin(), device: watch.device, maxBatch: 4 });
});
afterAll(async () => {
  net?.dispose();
  await open?.close();
});

describe("run", () => {
  test.each([1, 2, 3, 4, 5, 8, 11])("%i images, in chunks of 4", async (images) => {
    const given = inputs(images);
    expect(await net.run(given)).toEqual(expected(given));
  });

  test("no images: empty outputs, nothing is submitted", async () => {
    const before = watch.counts.submits;
    expect(await net.run(inputs(0))).toEqual({ scaled: new Float32Array(0), y: new Float32Array(0) });
    expect(watch.counts.submits).toBe(before);
  });

  test("one submit for a chunk, one pipeline for a kernel, bind groups made once", async () => {
    await net.run(inputs(4));
    const before = { ...watch.counts };
    await net.run(inputs(4));
    await net.run(inputs(1));
    expect(watch.counts).toEqual({ ...before, submits: before.submits + 2 });
    expect(watch.counts.pipelines).toBe(2);
  });

  test("the same bits in runs 1, 2 and 3", async () => {
    const given = inputs(7);
    const [first, ...others] = [await net.run(given), await net.run(given), await net.run(given)];
    for (const other of others) expect(other).toEqual(first);
  });

  test("results are copies: a later run leaves them alone", async () => {
    const given = inputs(2);
    const first = await net.run(given);
    await net.run(inputs(2, 5));
    expect(first).toEqual(expected(given));
  });

  test("fault 93: 100 overlapping calls, of different sizes", async () => {
    const calls = Array.from({ length: 100 }, (_, index) => inputs(1 + (index % 9), index));
    const before = watch.alive.size;
    const results = await Promise.all(calls.map((given) => net.run(given)));
    results.forEach((result, index) => expect(result).toEqual(expected(calls[index]!)));
    // At most one staging buffer for each of three lanes is new.
    expect(watch.alive.size - before).toBeLessThanOrEqual(3);
  });

  test("arrays may be used again as soon as run() returns", async () => {
    const shared = inputs(9);
    const runs = Array.from({ length: 12 }, (_, index) => {
      const given = inputs(9, index);
      shared.map.set(given.map);
      shared.vector.set(given.vector);
      const result = net.run(shared);
      shared.map.fill(77);
      shared.vector.fill(77);
      return { given, result };
    });
    for (const { given, result } of runs) expect(await result).toEqual(expected(given));
  });

  test("warmup", async () => {
    await net.warmup();
  });

  test("describes itself", () => {
    expect(net.inputs.map(({ name, shape }) => ({ name, shape }))).toEqual([
      { name: "map", shape: ["N", 3, 2, 2] },
      { name: "vector", shape: ["N", 4] },
    ]);
    expect(net.outputs.map(({ name }) => name)).toEqual(["scaled", "y"]);
    expect(net.maxBatch).toBe(4);
    expect(module.meta).toMatchObject({ network: "Tiny", weightsByteLength: 576 });
  });
});

describe("on the GPU", () => {
  test("GPUBuffers in, arrays out, also in chunks", async () => {
    const given = inputs(6);
    const map = upload(given.map);
    const vector = upload(given.vector);
    expect(await net.run({ map, vector })).toEqual(expected(given));
    expect(await net.run({ map, vector: given.vector })).toEqual(expected(given));
  });

  test("a larger buffer with `batch`", async () => {
    const given = inputs(5);
    const map = upload(new Float32Array([...given.map, ...new Float32Array(100)]));
    const vector = upload(new Float32Array([...given.vector, ...new Float32Array(30)]));
    expect(await net.run({ map, vector }, { batch: 5 })).toEqual(expected(given));
  });

  test("outputs: gpu-buffer", async () => {
    const given = inputs(6);
    const { scaled, y } = await net.run(given, { outputs: "gpu-buffer" });
    expect(await download(scaled as GPUBuffer)).toEqual(expected(given).scaled);
    expect(await download(y as GPUBuffer)).toEqual(expected(given).y);
    (scaled as GPUBuffer).destroy();
    (y as GPUBuffer).destroy();
  });

  test("encode() records, the caller submits", async () => {
    const given = inputs(3);
    const y = watch.device.createBuffer({ size: 48, usage: copyTarget | copySource });
    const encoder = watch.device.createCommandEncoder();
    net.encode(encoder, { map: upload(given.map), vector: upload(given.vector) }, { y });
    // A larger run in between makes new buffers; what was recorded keeps the old ones.
    const larger = inputs(4);
    expect(await net.run(larger)).toEqual(expected(larger));
    watch.device.queue.submit([encoder.finish()]);
    expect(await download(y)).toEqual(expected(given).y);
  });

  test("encode() refuses arrays, and more images than one chunk", () => {
    const encoder = watch.device.createCommandEncoder();
    const given = inputs(5);
    const buffers = { map: upload(given.map), vector: upload(given.vector) };
    expect(() => net.encode(encoder, given as never, {})).toThrow(
      new TypeError("input map of encode() should be a GPUBuffer, got a Float32Array"),
    );
    expect(() => net.encode(encoder, buffers, {})).toThrow(new RangeError("encode() takes at most 4 images, got 5"));
    expect(() => net.encode(encoder, buffers, { z: buffers.map }, { batch: 1 })).toThrow(
      new TypeError("there is no output z; the outputs are: scaled, y"),
    );
    expect(() => net.encode(encoder, buffers, { y: upload(new Float32Array(2)) }, { batch: 1 })).toThrow(
      new TypeError("output y takes 16 bytes, the buffer has 8"),
    );
  });
});

describe("fault 88: wrong inputs are told before anything is submitted", () => {
  const good = inputs(2);
  const cases: Record<string, [given: unknown, message: string]> = {
    "no object": [good.map, "inputs should be an object with map, vector, got Float32Array"],
    nothing: [undefined, "inputs should be an object with map, vector, got nothing"],
    "a name is missing": [
      { map: good.map },
      "input vector should be a Float32Array or a GPUBuffer of f32[N, 4], got nothing",
    ],
    "an unknown name": [{ ...good, image: good.map }, "there is no input image; the inputs are: map, vector"],
    "an array of numbers": [
      { ...good, map: [1, 2] },
      "input map should be a Float32Array or a GPUBuffer of f32[N, 3, 2, 2], got Array",
    ],
    "another element type": [
      { ...good, map: new Float64Array(24) },
      "input map should be a Float32Array or a GPUBuffer of f32[N, 3, 2, 2], got Float64Array",
    ],
    "not a multiple": [
      { ...good, map: new Float32Array(25) },
      "input map should be f32[N, 3, 2, 2]: N times 12 floats, got 25",
    ],
    "batches that differ": [
      { map: good.map, vector: new Float32Array(12) },
      "input vector holds 3 images, but input map says 2",
    ],
    NaN: [
      { ...good, map: Float32Array.from(good.map, (value, i) => (i === 5 ? NaN : value)) },
      "input map should hold finite numbers, element 5 is NaN",
    ],
    "an infinity": [
      { ...good, vector: Float32Array.from(good.vector, (value, i) => (i === 7 ? -Infinity : value)) },
      "input vector should hold finite numbers, element 7 is -Infinity",
    ],
  };
  test.each(Object.entries(cases))("%s", async (_, [given, message]) => {
    const before = watch.counts.submits;
    await expect(net.run(given as never)).rejects.toThrow(new TypeError(message));
    expect(watch.counts.submits).toBe(before);
  });

  test("a detached array", async () => {
    const given = inputs(2);
    structuredClone(given.map.buffer, { transfer: [given.map.buffer as ArrayBuffer] });
    await expect(net.run(given)).rejects.toThrow(
      new TypeError("input map: its ArrayBuffer is detached (was it transferred to a worker?)"),
    );
  });

  test("a GPUBuffer without COPY_SRC, or too small", async () => {
    const map = watch.device.createBuffer({ size: 96, usage: storage | copyTarget });
    await expect(net.run({ ...good, map })).rejects.toThrow(
      new TypeError("input map should have the usage GPUBufferUsage.COPY_SRC, the buffer's is 136"),
    );
    await expect(net.run({ map: upload(new Float32Array(23)), vector: good.vector })).rejects.toThrow(
      new TypeError("input map should be f32[N, 3, 2, 2]: N times 12 floats, got 23"),
    );
    await expect(net.run({ map: upload(new Float32Array(12)), vector: good.vector }, { batch: 2 })).rejects.toThrow(
      new TypeError("input map holds 1 images, but the batch says 2"),
    );
  });

  test("a destroyed GPUBuffer, and one of another device", async () => {
    const destroyed = upload(good.map);
    destroyed.destroy();
    await expect(net.run({ ...good, map: destroyed })).rejects.toThrow(/^a GPUBuffer of this call is destroyed/);

    const other = await openDevice();
    const foreign = other.device.createBuffer({ size: 96, usage: storage | copySource });
    await expect(net.run({ ...good, map: foreign })).rejects.toThrow(/^a GPUBuffer of this call is destroyed/);
    await other.close();
    // Nothing of it is left behind.
    expect(await net.run(good)).toEqual(expected(good));
  });

  test.each([
    [{ batch: 1.5 }, "batch should be a whole number of images, got 1.5"],
    [{ batch: 3 }, "input map holds 2 images, but the batch says 3"],
    [{ outputs: "texture" }, 'outputs should be "array" or "gpu-buffer", got "texture"'],
  ])("options %o", async (options, message) => {
    await expect(net.run(good, options as never)).rejects.toThrow(new TypeError(message));
  });
});

function upload(values: Float32Array): GPUBuffer {
  const buffer = open.device.createBuffer({ size: values.byteLength, usage: storage | copySource | copyTarget });
  open.device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
  return buffer;
}

async function download(buffer: GPUBuffer): Promise<Float32Array> {
  const staging = open.device.createBuffer({ size: buffer.size, usage: mapRead | copyTarget });
  const encoder = open.device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  open.device.queue.submit([encoder.finish()]);
  await staging.mapAsync(0x1);
  return new Float32Array(staging.getMappedRange().slice(0));
}
