import { expect, test } from "vitest";
import { JobFailed, type Adapter } from "./adapters.ts";
import { onEachAdapter } from "./onEachAdapter.ts";
import { checkShader } from "./shaders.ts";

onEachAdapter((adapter, name) => {
  test("doubles 1000 floats", async () => {
    const input = Float32Array.from({ length: 1000 }, (_, index) => index / 7);
    const { output } = await compute(adapter(), doubling, input, 1000, 16);
    expect(output).toEqual(input.map((value) => 2 * value));
  });

  test("sums in workgroup memory, with barriers", async () => {
    const input = Float32Array.from({ length: 256 }, (_, index) => index);
    const { output } = await compute(adapter(), sums, input, 4, 4);
    // 0 to 63, 64 to 127, ...: exact in f32.
    expect(output).toEqual(new Float32Array([2016, 6112, 10208, 14304]));
  });

  test("carries every kind of value, both ways", async () => {
    const inputs = {
      floats: new Float32Array([1.5, -0, NaN, Infinity]),
      whole: new Uint32Array([0xffffffff]),
      bytes: new Uint8Array([1, 2, 3]),
      text: "größer",
      number: -Infinity,
      none: new Float32Array(0),
    };
    expect(await adapter().run({ entry: "export default (inputs) => inputs", inputs })).toEqual(inputs);
  });

  test("a job imports and loads files of its folder", async () => {
    const files = [
      { path: "net.js", bytes: new TextEncoder().encode("export const answer = 42;") },
      { path: "kernels/a.wgsl", bytes: new TextEncoder().encode("// a kernel") },
    ];
    const entry = `
      import { answer } from "./net.js";
      export default async (inputs, load) => ({ answer, text: new TextDecoder().decode(await load("kernels/a.wgsl")) });
    `;
    expect(await adapter().run({ entry, files })).toEqual({ answer: 42, text: "// a kernel" });
  });

  test("a job has navigator.gpu, with a device of its own", async () => {
    const entry = `
      export default async () => {
        const device = await (await navigator.gpu.requestAdapter()).requestDevice();
        const { maxStorageBuffersPerShaderStage, maxComputeInvocationsPerWorkgroup } = device.limits;
        device.destroy();
        return { buffers: maxStorageBuffersPerShaderStage, invocations: maxComputeInvocationsPerWorkgroup };
      };
    `;
    expect(await adapter().run({ entry })).toEqual({ buffers: 8, invocations: 256 });
  });

  test("an exception comes back with its stack, and the next job runs", async () => {
    const entry = `
      export default function failing() { throw new RangeError("too far"); }
    `;
    const failure = await adapter()
      .run({ entry })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(JobFailed);
    expect((failure as JobFailed).message).toBe(`${name}: RangeError: too far`);
    expect((failure as JobFailed).stack).toMatch(/failing .*job\.entry\.js:2/);
    expect(await adapter().run({ entry: "export default () => ({ well: 1 })" })).toEqual({ well: 1 });
  });

  test("an error of the device that nothing caught fails the job", async () => {
    const entry = `
      export default async (inputs, load, device) => {
        (await device()).createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.MAP_WRITE });
        return {};
      };
    `;
    await expect(adapter().run({ entry })).rejects.toThrow(/the device reported: .*MAP/is);
    expect(await adapter().run({ entry: "export default () => ({ well: 1 })" })).toEqual({ well: 1 });
  });

  test("a job that never ends is given up, and the next one runs", async () => {
    const entry = "export default () => new Promise(() => {})";
    await expect(adapter().run({ entry, timeout: 300 })).rejects.toThrow("longer than 300 ms");
    const { output } = await compute(adapter(), doubling, new Float32Array([3]), 1, 1);
    expect(output).toEqual(new Float32Array([6]));
  });

  test("a caching device makes equal pipelines once, and refuses what is wrong each time", async () => {
    const entry = new URL("caching.job.ts", import.meta.url);
    const wrong = doubling.replace("2.0 * input[id.x]", "2i");
    const { same, other, pipelines, refusals, limit, reason, set } = await adapter().run({
      entry,
      inputs: { wgsl: doubling, wrong },
    });
    expect({ same, other, refusals, limit, reason, set }).toEqual({
      same: "true",
      other: "true",
      refusals: 4,
      limit: 4,
      reason: "destroyed",
      set: "true",
    });
    // The right one with its own layout and with an automatic one, and the wrong one four times.
    expect(pipelines).toBe(6);
  });

  test("a valid shader has no messages", async () => {
    expect(await checkShader(adapter(), doubling)).toEqual([]);
    expect(await checkShader(adapter(), sums)).toEqual([]);
  });

  test("a shader with a wrong type is refused, with the place", async () => {
    const messages = await checkShader(adapter(), "\n@compute @workgroup_size(1) fn main() {\n  let x: i32 = 1.5;\n}");
    expect(messages).toContainEqual(expect.objectContaining({ type: "error", line: 3 }));
  });

  test("a shader over the default limits is refused when its pipeline is made", async () => {
    const messages = await checkShader(adapter(), "@compute @workgroup_size(1024) fn main() {}");
    expect(messages.map(({ type }) => type)).toEqual(["error"]);
  });
});

onEachAdapter(
  (adapter) => {
    test("a page has the headers of its job", async () => {
      const entry = `
        export default () => {
          try { return { result: new Function("return 'evaluated'")() }; } catch (error) { return { result: error.name }; }
        };
      `;
      expect(await adapter().run({ entry })).toEqual({ result: "evaluated" });
      const headers = { "content-security-policy": "script-src 'self'" };
      expect(await adapter().run({ entry, headers })).toEqual({ result: "EvalError" });
    });
  },
  ["chromium"],
);

const doubling = `
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&result)) {
    result[id.x] = 2.0 * input[id.x];
  }
}
`;

/** One workgroup sums 64 floats. */
const sums = `
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  partial[lane] = input[group.x * 64u + lane];
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (lane < half) {
      partial[lane] += partial[lane + half];
    }
    workgroupBarrier();
  }
  if (lane == 0u) {
    result[group.x] = partial[0];
  }
}
`;

function compute(adapter: Adapter, wgsl: string, input: Float32Array, length: number, workgroups: number) {
  return adapter.run({
    entry: new URL("compute.job.ts", import.meta.url),
    inputs: { wgsl, input, length, workgroups },
  });
}
