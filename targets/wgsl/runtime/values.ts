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
    const what = `input ${tensor.name}`;
    const isArray = isA<Float32Array>(value, "Float32Array");
    if (isArray) checkArray(what, value);
    else if (isBuffer(value)) checkUsage(what, value, usage.copySource, "COPY_SRC");
    else
      throw new TypeError(
        `${what} should be a Float32Array or a GPUBuffer of ${shapeText(tensor)}, got ${kindOf(value)}`,
      );

    const floats = floatsPerImage(tensor);
    const size = isArray ? value.length : value.size / 4;
    // A buffer may be larger than what is in it, if something says how much that is.
    const larger = !isArray && images !== undefined && size > floats * images;
    const count = larger ? images! : size / floats;
    if (!Number.isInteger(count)) {
      throw new TypeError(`${what} should be ${shapeText(tensor)}: N times ${floats} floats, got ${size}`);
    }
    if (images !== undefined && count !== images) {
      throw new TypeError(`${what} holds ${count} images, but ${decidedBy} says ${images}`);
    }
    images = count;
    decidedBy = what;
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
    const what = `output ${tensor.name}`;
    if (!isBuffer(value)) throw new TypeError(`${what} should be a GPUBuffer, got ${kindOf(value)}`);
    checkUsage(what, value, usage.copyTarget, "COPY_DST");
    const bytes = 4 * floatsPerImage(tensor) * images;
    if (value.size < bytes) throw new TypeError(`${what} takes ${bytes} bytes, the buffer has ${value.size}`);
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
  const names = expected.map((tensor) => tensor.name).join(", ");
  if (typeof given !== "object" || given === null || ArrayBuffer.isView(given) || isBuffer(given)) {
    throw new TypeError(`${role}s should be an object with ${names}, got ${kindOf(given)}`);
  }
  const values = new Map<string, unknown>(Object.entries(given));
  for (const name of values.keys()) {
    if (expected.some((tensor) => tensor.name === name)) continue;
    throw new TypeError(`there is no ${role} ${name}; the ${role}s are: ${names}`);
  }
  return values;
}

function checkArray(what: string, array: Float32Array): void {
  try {
    // Throws if the buffer is detached, which otherwise looks like an empty batch.
    new Uint8Array(array.buffer);
  } catch {
    throw new TypeError(`${what}: its ArrayBuffer is detached (was it transferred to a worker?)`);
  }
  // NaN and the infinities are the numbers whose exponent is all ones.
  const bits = new Uint32Array(array.buffer, array.byteOffset, array.length);
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i]! & exponent) !== exponent) continue;
    throw new TypeError(`${what} should hold finite numbers, element ${i} is ${array[i]}`);
  }
}

const exponent = 0x7f800000;

function checkUsage(what: string, buffer: GPUBuffer, flag: number, name: string): void {
  if (buffer.usage & flag) return;
  throw new TypeError(`${what} should have the usage GPUBufferUsage.${name}, the buffer's is ${buffer.usage}`);
}

function shapeText(tensor: TensorDescription): string {
  return `${tensor.dtype}[${tensor.shape.join(", ")}]`;
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value !== "object" || value === null) return value === null ? "null" : `a ${typeof value}`;
  return Object.prototype.toString.call(value).slice(8, -1);
}
