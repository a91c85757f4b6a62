import { wgsl } from "../../targets/index.ts";
import { Bug, type Span } from "../diagnostics.ts";
import { choiceOfEnvironment, DeviceAbsent, openDevice, type OpenDevice } from "../device/node.ts";
import type { Plan } from "../plan/plan.ts";
import { elementsPerImage } from "../tensor/type.ts";
import { packWeights, weightLayout } from "../weights/pack.ts";
import { drawWeights } from "../weights/seed.ts";
import { importModule } from "./backends.ts";

export interface Timing {
  /** Of one image, from the first kernel to the last; without the way of input and output over the bus. */
  readonly medianMs: number;
  readonly runs: number;
  readonly adapter: string;
}

const runs = 20;
const warmups = 3;

/** A GPU. What a software adapter takes says nothing, so it has to be asked for by name. */
export async function openTimer(): Promise<OpenDevice> {
  const choice = choiceOfEnvironment();
  try {
    return await openDevice({ adapter: choice === "auto" ? "system" : choice });
  } catch (error) {
    if (!(error instanceof DeviceAbsent) || choice !== "auto") throw error;
    throw new DeviceAbsent(
      `--time: ${error.message.split(";")[0]}; SEC_ADAPTER=swiftshader times the software adapter`,
    );
  }
}

/** The generated net.js with made-up weights, one image at a time. */
export async function timeOf(
  plan: Plan,
  { device, adapter }: OpenDevice,
  place: (span: Span) => string,
): Promise<Timing> {
  const packed = packWeights(weightLayout(plan), drawWeights(plan.written, 0));
  if (!packed.ok) throw new Bug(packed.messages.join("; "));
  const module = wgsl.files(plan, place).find(({ path }) => path === "net.js")!;
  const { create } = await importModule(module.bytes);
  const net = await create({ weights: packed.bytes, device, maxBatch: 1 });
  const { inputs, outputs, destroy } = boundaryBuffers(device, plan, 1);
  const times: number[] = [];
  for (let run = 0; run < warmups + runs; run++) {
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    net.encode(encoder, inputs, outputs);
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    if (run >= warmups) times.push(performance.now() - start);
  }
  net.dispose();
  destroy();
  return { medianMs: median(times), runs, adapter };
}

/** Buffers for `net.encode`, by the names of inputs and outputs. */
export function boundaryBuffers(device: GPUDevice, plan: Plan, batch: number) {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffersOf = (values: Plan["inputs"]) =>
    Object.fromEntries(
      values.map(({ name, value }) => {
        return [name, device.createBuffer({ size: 4 * elementsPerImage(value.type) * batch, usage })];
      }),
    );
  const [inputs, outputs] = [buffersOf(plan.inputs), buffersOf(plan.outputs)];
  const destroy = () => [inputs, outputs].flatMap(Object.values<GPUBuffer>).forEach((buffer) => buffer.destroy());
  return { inputs, outputs, destroy };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
}
