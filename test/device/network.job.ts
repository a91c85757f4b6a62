import type { JobFunction } from "./job.ts";

/** Runs the package of the job's folder: inputs in, outputs of the last of `runs` runs; the others must have the same bits. */
const job: JobFunction = async ({ runs, ...inputs }, load, openDevice) => {
  // A file of the job, not of this repository.
  const module = "./net.js";
  const { create } = (await import(module)) as typeof import("../../targets/wgsl/runtime/main.ts");
  const net = await create({ weights: await load("weights.bin"), device: await openDevice() });
  let outputs: Record<string, Float32Array> = {};
  for (let run = 0; run < ((runs as number | undefined) ?? 1); run++) {
    const before = outputs;
    outputs = (await net.run(inputs as Record<string, Float32Array>)) as Record<string, Float32Array>;
    for (const [name, values] of Object.entries(before)) {
      const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
      const now = new Uint32Array(outputs[name]!.buffer, outputs[name]!.byteOffset, values.length);
      const at = bits.findIndex((word, index) => word !== now[index]);
      if (at >= 0) throw new Error(`run ${run + 1} gave other bits for ${name}[${at}]`);
    }
  }
  net.dispose();
  return outputs;
};
export default job;
