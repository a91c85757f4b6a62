import type { TensorDescription } from "../description.ts";
import { usage } from "./gpu.ts";

/** What users give to run() and encode(), checked before anything is submitted. */

export interface CheckedInputs {
  readonly images: number;
  /** In the order of the description. */
  readonly data: readonly (Float32Array | GPUBuffer)[];
}

export function checkInputs(
  expected: readonly TensorDescription[],
  given: unknown,
  batch: number | undefined,
): CheckedInputs {
  if (batch !== undefined && !(Number.isInteger(batch) && batch >= 0)) {
    throw new TypeError(`batch should be a whole number of images, got ${batch}`);
  }
  const values = named(expected, given, "input");
  let images = batch;
  let decidedBy = "the batch";
  const data = expected.map((tensor) => {
    const value = values.get(tensor.name);
    const floats = floatsPerImage(tensor);
    let count: number | undefined;
    if (isA<Float32Array>(value, "Float32Array")) {
      checkArray(tensor, value);
      count = value.length / floats;
    } else if (isBuffer(value)) {
      checkBuffer(tensor, "input", value, usage.copySource, "COPY_SRC");
      // A buffer may be larger than what is in it, if it is said how much that is.
      count = images ?? value.size / (4 * floats);
      if (images !== undefined && value.size < 4 * floats * images) {
        throw new TypeError(
          `input ${tensor.name}: ${images} images take ${4 * floats * images} bytes, the buffer has ${value.size}`,
        );
      }
    } else {
      throw new TypeError(
        `input ${tensor.name} should be a Float32Array or a GPUBuffer of ${shapeText(tensor)}, got ${kindOf(value)}`,
      );
    }
    if (!Number.isInteger(count)) {
      const unit = isBuffer(value) ? "bytes" : "elements";
      const [perImage, size] = isBuffer(value) ? [4 * floats, value.size] : [floats, value.length];
      throw new TypeError(
        `input ${tensor.name} should be ${shapeText(tensor)}: N times ${perImage} ${unit}, got ${size}`,
      );
    }
    if (images !== undefined && count !== images) {
      throw new TypeError(`input ${tensor.name} holds ${count} images, but ${decidedBy} says ${images}`);
    }
    images = count;
    decidedBy = `input ${tensor.name}`;
    return value;
  });
  return { images: images ?? 0, data };
}

/** The buffers into which encode() copies outputs; an output that is not named stays inside. */
export function checkTargets(
  expected: readonly TensorDescription[],
  given: unknown,
  images: number,
): (GPUBuffer | undefined)[] {
  const values = named(expected, given, "output");
  return expected.map((tensor) => {
    const value = values.get(tensor.name);
    if (value === undefined) return undefined;
    if (!isBuffer(value)) throw new TypeError(`output ${tensor.name} should be a GPUBuffer, got ${kindOf(value)}`);
    checkBuffer(tensor, "output", value, usage.copyTarget, "COPY_DST");
    const bytes = 4 * floatsPerImage(tensor) * images;
    if (value.size < bytes) {
      throw new TypeError(`output ${tensor.name}: ${images} images take ${bytes} bytes, the buffer has ${value.size}`);
    }
    return value;
  });
}

export function floatsPerImage({ shape: [, ...rest] }: TensorDescription): number {
  return rest.reduce((a, b) => a * b, 1);
}

/** Also for objects of another realm (an iframe), which `instanceof` does not know. */
export function isA<T>(value: unknown, tag: string): value is T {
  return Object.prototype.toString.call(value) === `[object ${tag}]`;
}

export function isBuffer(value: unknown): value is GPUBuffer {
  return typeof (value as GPUBuffer | null | undefined)?.mapAsync === "function";
}

function named(
  expected: readonly TensorDescription[],
  given: unknown,
  role: "input" | "output",
): ReadonlyMap<string, unknown> {
  if (typeof given !== "object" || given === null || ArrayBuffer.isView(given) || isBuffer(given)) {
    const names = expected.map((tensor) => tensor.name).join(", ");
    throw new TypeError(`${role}s should be an object with ${names}, got ${kindOf(given)}`);
  }
  const values = new Map<string, unknown>(Object.entries(given));
  for (const name of values.keys()) {
    if (expected.some((tensor) => tensor.name === name)) continue;
    const names = expected.map((tensor) => tensor.name).join(", ");
    throw new TypeError(`there is no ${role} ${name}; the ${role}s are: ${names}`);
  }
  return values;
}

function checkArray(tensor: TensorDescription, array: Float32Array): void {
  try {
    // Throws if the buffer is detached, which otherwise looks like an empty batch.
    new Uint8Array(array.buffer);
  } catch {
    throw new TypeError(`input ${tensor.name}: its ArrayBuffer is detached (was it transferred to a worker?)`);
  }
  // NaN and the infinities make the sum NaN; without a branch this takes little more than reading the array.
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += array[i]! * 0;
  if (sum !== 0) {
    const index = array.findIndex((value) => !Number.isFinite(value));
    throw new TypeError(`input ${tensor.name} should hold finite numbers, element ${index} is ${array[index]}`);
  }
}

function checkBuffer(tensor: TensorDescription, role: string, buffer: GPUBuffer, needed: number, flag: string): void {
  if (buffer.usage & needed) return;
  throw new TypeError(
    `${role} ${tensor.name}: the GPUBuffer should be made with GPUBufferUsage.${flag}, its usage is ${buffer.usage}`,
  );
}

function shapeText(tensor: TensorDescription): string {
  return `${tensor.dtype}[${tensor.shape.join(", ")}]`;
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value !== "object" || value === null) return value === null ? "null" : `a ${typeof value}`;
  return Object.prototype.toString.call(value).slice(8, -1);
}
