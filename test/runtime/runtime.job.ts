import type { JobFunction } from "../device/job.ts";
import type { NetModule } from "./tiny.ts";

/** What the runtime promises, on whatever WebGPU this is: runs where navigator.gpu is, and says what it saw. */
const job: JobFunction = async (given, load) => {
  const module = (await import("./net.js" as string)) as NetModule;
  const weights = await load("weights.bin");
  const map = given["map"] as Float32Array;
  const vector = given["vector"] as Float32Array;
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => "no error",
      (error: Error) => error.name,
    );

  const support = await module.isSupported();
  const net = await module.create({ weights, maxBatch: 4 });
  await net.warmup();
  const whole = await net.run({ map, vector });
  const images = map.length / 12;
  const overlapping = await Promise.all(
    Array.from({ length: 100 }, (_, index) => {
      const image = index % images;
      return net.run({
        map: map.slice(image * 12, (image + 1) * 12),
        vector: vector.slice(image * 4, (image + 1) * 4),
      });
    }),
  );
  const wrong = overlapping.filter(({ y }, index) => {
    const image = index % images;
    return (y as Float32Array).some((value, k) => value !== (whole["y"] as Float32Array)[image * 4 + k]);
  });

  const onGpu = (await net.run({ map, vector }, { outputs: "gpu-buffer" })) as Record<string, GPUBuffer>;
  const vectors = net.device.createBuffer({ size: 4 * vector.length, usage: 0x4 | 0x8 });
  net.device.queue.writeBuffer(vectors, 0, vector as Float32Array<ArrayBuffer>);
  const again = await net.run({ map: onGpu["scaled"]!, vector: vectors });

  const encoder = net.device.createCommandEncoder();
  const target = net.device.createBuffer({ size: 16, usage: 0x4 | 0x8 });
  net.encode(encoder, { map: onGpu["scaled"]!, vector: vectors }, { y: target }, { batch: 1 });
  net.device.queue.submit([encoder.finish()]);
  const staging = net.device.createBuffer({ size: 16, usage: 0x1 | 0x8 });
  const copying = net.device.createCommandEncoder();
  copying.copyBufferToBuffer(target, 0, staging, 0, 16);
  net.device.queue.submit([copying.finish()]);
  await staging.mapAsync(0x1);
  const encoded = new Float32Array(staging.getMappedRange().slice(0));

  const destroyed = net.device.createBuffer({ size: 48, usage: 0x4 });
  destroyed.destroy();
  const deadBuffer = await failure(net.run({ map: destroyed, vector: vector.slice(0, 4) }));
  const cut = await failure(module.create({ weights: weights.slice(0, 400) }));
  const page = await failure(module.create({ weights: new Blob(["<!doctype html>"]) }));
  const aborting = new AbortController();
  const pending = failure(net.run({ map, vector }, { signal: aborting.signal }));
  aborting.abort();
  const aborted = await pending;
  const running = failure(net.run({ map, vector }));
  net.device.destroy();
  const lost = await running;
  net.dispose();
  net.dispose();
  const disposed = await failure(net.run({ map, vector }));

  const second = await module.create({ weights });
  const after = await second.run({ map, vector });
  const duringRun = failure(second.run({ map, vector }));
  second.dispose();
  return {
    supported: String(support.supported),
    scaled: whole["scaled"] as Float32Array,
    y: whole["y"] as Float32Array,
    wrong: wrong.length,
    again: again["y"] as Float32Array,
    encoded,
    after: after["y"] as Float32Array,
    errors: [deadBuffer, cut, page, aborted, lost, disposed, await duringRun].join(),
  };
};

export default job;
