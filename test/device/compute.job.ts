import type { JobFunction } from "./job.ts";

/** Runs one compute shader: binding 0 is `input`, binding 1 the result, of `length` floats. */
const job: JobFunction = async ({ wgsl, input, length, workgroups }, _load, openDevice) => {
  const device = await openDevice();
  const data = input as Float32Array<ArrayBuffer>;
  const bytes = 4 * (length as number);
  const source = device.createBuffer({
    size: data.byteLength,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
  });
  const result = device.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const readable = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(source, 0, data);

  const module = device.createShaderModule({ code: wgsl as string });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  const buffers = [source, result].map((buffer, binding) => ({ binding, resource: { buffer } }));
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: buffers }));
  pass.dispatchWorkgroups(workgroups as number);
  pass.end();
  encoder.copyBufferToBuffer(result, 0, readable, 0, bytes);
  device.queue.submit([encoder.finish()]);

  await readable.mapAsync(GPUMapMode.READ);
  const output = new Float32Array(readable.getMappedRange().slice(0));
  for (const buffer of [source, result, readable]) buffer.destroy();
  return { output };
};
export default job;
