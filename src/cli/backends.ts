import { setImmediate } from "node:timers/promises";
import { wgsl } from "../../targets/index.ts";
import { levels, lower } from "../compile.ts";
import { Bug, Problems, type Span } from "../diagnostics.ts";
import type { Graph } from "../ir/graph.ts";
import { interpret } from "../reference/interpret.ts";
import { tensor, type Tensor } from "../tensor/tensor.ts";
import { packWeights, weightLayout } from "../weights/pack.ts";
import { exit, Refusal } from "./exit.ts";
import { inOnePiece } from "./signals.ts";

/** A network with everything that a run of it needs. */
export interface Work {
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly batch: number;
  readonly maxBatch: number | undefined;
  /** Spans in words, for the comments of generated code. */
  readonly place: (span: Span) => string;
  readonly progress: (text: string) => void;
}

export interface Ran {
  /** By the outputs' names, dense. */
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** What it ran on, in words. */
  readonly on: string;
}

/** float64 on the CPU, image by image, so that memory stays small and a signal is heard in between. */
export async function runReference({ graph, inputs, parameters, batch, progress }: Work): Promise<Ran> {
  const parts = new Map<string, Tensor[]>(graph.outputs.map(({ name }) => [name, []]));
  for (let n = 0; n < batch; n++) {
    progress(`image ${n + 1} of ${batch}`);
    await setImmediate();
    const image = new Map([...inputs].map(([name, value]) => [name, imageOf(value, n)]));
    const values = inOnePiece(() => interpret(graph, new Map([...parameters, ...image]), 1));
    for (const { name, node } of graph.outputs) parts.get(name)!.push(values.get(node)!);
  }
  return { outputs: new Map([...parts].map(([name, images]) => [name, joined(images)])), on: "reference, float64" };
}

/** The generated net.js on a device, as a page would run it; batches that are too large run in chunks. */
export async function runWebGpu(work: Work): Promise<Ran> {
  const { graph, inputs, parameters, batch, maxBatch, place, progress } = work;
  // First the device: without one, nothing else is worth the wait.
  const { openDevice } = await import("../device/node.ts");
  const { device, adapter, close } = await openDevice();
  try {
    const problems = new Problems();
    const plan = lower(graph, { level: levels.O1 }, problems);
    if (!plan) throw new Refusal(exit.wrong, problems.list.map(({ message }) => message).join("; "));
    progress("packing the weights");
    const packed = inOnePiece(() => packWeights(weightLayout(plan), parameters));
    if (!packed.ok) throw new Bug(packed.messages.join("; "));
    const module = wgsl.files(plan, place).find(({ path }) => path === "net.js")!;

    progress("compiling the kernels");
    const { create } = await importModule(module.bytes);
    const net = await create({ weights: packed.bytes, device, maxBatch });
    progress(`running ${batch} image${batch === 1 ? "" : "s"}`);
    const given = [...inputs].map(([name, { data }]) => [name, Float32Array.from(data)]);
    const results = await net.run(Object.fromEntries(given));
    net.dispose();
    const outputs = graph.outputs.map(({ name, node }): [string, Tensor] => {
      return [name, tensor([batch, ...(node.type.shape.slice(1) as number[])], results[name]!)];
    });
    return { outputs: new Map(outputs), on: adapter };
  } finally {
    await close();
  }
}

interface NetModule {
  create(options: { weights: Uint8Array; device: GPUDevice; maxBatch?: number | undefined }): Promise<Net>;
}

/** The part of a generated net.js that is used by sec and its benchmark; net.d.ts has the whole. */
export interface Net {
  readonly maxBatch: number;
  run(inputs: Readonly<Record<string, Float32Array>>): Promise<Readonly<Record<string, Float32Array>>>;
  encode(
    encoder: GPUCommandEncoder,
    inputs: Readonly<Record<string, GPUBuffer>>,
    outputs: Readonly<Record<string, GPUBuffer>>,
    options?: { readonly batch?: number },
  ): void;
  dispose(): void;
}

export async function importModule(bytes: Uint8Array): Promise<NetModule> {
  return (await import(`data:text/javascript;base64,${Buffer.from(bytes).toString("base64")}`)) as NetModule;
}

function imageOf({ shape, data }: Tensor, n: number): Tensor {
  const size = data.length / shape[0]!;
  return { shape: [1, ...shape.slice(1)], data: data.subarray(n * size, (n + 1) * size) };
}

function joined(images: readonly Tensor[]): Tensor {
  const [first] = images;
  const size = first!.data.length;
  const data = new Float64Array(images.length * size);
  images.forEach((image, n) => data.set(image.data, n * size));
  return { shape: [images.length, ...first!.shape.slice(1)], data };
}
