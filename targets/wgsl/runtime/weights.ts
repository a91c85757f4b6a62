import { binHeader } from "../../../src/weights/binHeader.ts";
import type { NetworkDescription, SegmentDescription } from "../description.ts";
import { WeightsError } from "./errors.ts";
import { createBuffer, scoped, unlessAborted, usage } from "./gpu.ts";
import { isA } from "./values.ts";

/** Where weights.bin comes from. A string is a URL. */
export type WeightsSource =
  string | URL | Request | Response | ArrayBuffer | ArrayBufferView | Blob | ReadableStream<Uint8Array>;

export interface Progress {
  readonly status: "loading" | "ready";
  /** Bytes of weights.bin. */
  readonly loaded: number;
  readonly total: number;
}

export interface LoadOptions {
  readonly fetch: typeof fetch | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly signal: AbortSignal;
}

/** Bytes in one writeBuffer; after so many of them the queue is awaited, so that few copies are in flight. */
const blockBytes = 1 << 20;
const blockFloats = blockBytes / 4;
const blocksInFlight = 16;

/**
 * Streams weights.bin into GPU buffers, which it adds to `buffers` (the caller frees them, also after a failure). The
 * header is checked before anything is allocated, the length at the end.
 */
export async function loadWeights(
  device: GPUDevice,
  network: NetworkDescription,
  weights: WeightsSource,
  options: LoadOptions,
  buffers: GPUBuffer[],
): Promise<void> {
  const { signal, onProgress } = options;
  const { byteLength: total, buffers: sizes } = network.weights;
  const source = await open(weights, options);
  const block = new Uint8Array(blockBytes);
  let rest: Uint8Array = new Uint8Array(0);
  let loaded = 0;

  /** Fills the start of the block with the next bytes; with fewer only at the end. */
  const fill = async (length: number): Promise<number> => {
    let filled = 0;
    while (filled < length) {
      if (rest.length === 0) {
        const next = await unlessAborted(source.read(), signal).catch((error: Error) => {
          signal.throwIfAborted();
          throw new WeightsError(`${source.name} broke off after ${loaded} of ${total} bytes: ${error.message}`, {
            cause: error,
          });
        });
        if (!next) break;
        rest = next;
        loaded += rest.length;
        onProgress?.({ status: "loading", loaded, total });
        signal.throwIfAborted();
      }
      const part = rest.subarray(0, length - filled);
      block.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
    }
    return filled;
  };

  try {
    const fault = headerFault(network, block.subarray(0, await fill(binHeader.bytes)));
    if (fault !== undefined) throw new WeightsError(`${source.name} ${fault}`);

    const { done } = scoped(
      device,
      () => {
        for (const [index, size] of sizes.entries()) {
          const label = `${network.name} weights ${index}`;
          buffers.push(createBuffer(device, label, size, usage.storage | usage.copyTarget));
        }
      },
      { what: `the weights of ${network.name}`, bytes: total },
    );
    await unlessAborted(done, signal);

    const filled = async (wanted: number): Promise<Uint8Array<ArrayBuffer>> => {
      if ((await fill(wanted)) < wanted)
        throw new WeightsError(`${source.name} ends after ${loaded} of ${total} bytes`);
      return block.subarray(0, wanted);
    };
    let blocks = 0;
    for (const [form, buffer, at, floats, columns] of network.weights.segments ?? sizes.map(wholeBuffer)) {
      const scales = form === int8 ? new Float32Array((await filled(4 * columns)).slice().buffer) : undefined;
      const width = 4 >> form;
      for (let i = 0; i < floats; i += blockFloats) {
        const count = Math.min(blockFloats, floats - i);
        const stored = await filled(count * width);
        const values = form === 0 ? stored : decode(stored, count, i, scales);
        device.queue.writeBuffer(buffers[buffer]!, at + 4 * i, values);
        if (++blocks % blocksInFlight === 0) await unlessAborted(device.queue.onSubmittedWorkDone(), signal);
      }
    }
    if ((await fill(1)) > 0) throw new WeightsError(`${source.name} goes on after its ${total} bytes`);
  } catch (error) {
    source.cancel(error);
    throw error;
  }
}

/** As an index into `storages`; 0 is f32, 1 is f16. Elements of form i have 4 >> i bytes. */
const int8 = 2;

function wholeBuffer(bytes: number, buffer: number): SegmentDescription {
  return [0, buffer, 0, bytes / 4, 1];
}

/** f16 or, with scales, int8 as f32; `first` is the index of the first element in its tensor. */
function decode(bytes: Uint8Array<ArrayBuffer>, count: number, first: number, scales?: Float32Array) {
  const values = new Float32Array(count);
  if (scales) {
    const codes = new Int8Array(bytes.buffer, 0, count);
    for (let i = 0; i < count; i++) values[i] = codes[i]! * scales[(first + i) % scales.length]!;
    return values;
  }
  // The bits of a half's exponent and fraction, as those of an f32, are its value times 2^-112, also below 2^-14.
  const bits = new Uint32Array(values.buffer);
  const halves = new Uint16Array(bytes.buffer, 0, count);
  for (let i = 0; i < count; i++) {
    bits[i] = (halves[i]! & 0x7fff) << 13;
    values[i] = values[i]! * (halves[i]! & 0x8000 ? -(2 ** 112) : 2 ** 112);
  }
  return values;
}

interface Source {
  /** For messages. */
  readonly name: string;
  /** The next bytes; undefined at the end. */
  read(): Promise<Uint8Array | undefined>;
  cancel(reason: unknown): void;
}

async function open(weights: WeightsSource, options: LoadOptions): Promise<Source> {
  if (isA<Response>(weights, "Response")) return ofResponse(weights, weights.url || "the response with the weights");
  if (isA<ReadableStream<Uint8Array>>(weights, "ReadableStream")) return ofStream(weights, "the stream of weights");
  if (isA<Blob>(weights, "Blob") || isA<Blob>(weights, "File"))
    return ofStream(weights.stream(), "the blob of weights");
  if (isA<ArrayBuffer>(weights, "ArrayBuffer")) return ofBytes(new Uint8Array(weights));
  if (ArrayBuffer.isView(weights)) {
    return ofBytes(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength));
  }
  const request = isA<Request>(weights, "Request");
  if (!request && typeof weights !== "string" && !isA<URL>(weights, "URL")) {
    throw new TypeError(
      "weights should be a URL, Request, Response, ArrayBuffer, typed array, Blob or ReadableStream of weights.bin",
    );
  }
  const url = request ? weights.url : String(weights);
  const { signal } = options;
  const load = options.fetch ?? globalThis.fetch;
  const response = await unlessAborted(load(weights, { signal }), signal).catch((error: Error) => {
    signal.throwIfAborted();
    throw new WeightsError(`${url} could not be fetched: ${error.message}`, { cause: error });
  });
  return ofResponse(response, url);
}

function ofResponse(response: Response, name: string): Source {
  if (!response.ok) {
    response.body?.cancel().catch(() => {});
    throw new WeightsError(`${name} could not be fetched: HTTP ${response.status} ${response.statusText}`.trimEnd());
  }
  return response.body ? ofStream(response.body, name) : ofBytes(new Uint8Array(0));
}

function ofStream(stream: ReadableStream<Uint8Array>, name: string): Source {
  const reader = stream.getReader();
  return {
    name,
    read: async () => (await reader.read()).value,
    // Not awaited: a stream that stalls may stall here too.
    cancel: (reason) => void reader.cancel(reason).catch(() => {}),
  };
}

function ofBytes(bytes: Uint8Array): Source {
  let at = 0;
  return {
    name: "the array of weights",
    // In blocks, so that progress is seen and an abort heard.
    read: async () => (at < bytes.length ? bytes.subarray(at, (at += blockBytes)) : undefined),
    cancel() {},
  };
}

/** What is wrong with the first bytes of a file, as the end of a sentence. */
function headerFault(network: NetworkDescription, bytes: Uint8Array): string | undefined {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 64)).trimStart();
  if (text.startsWith("<")) return "is an HTML or XML page, not weights: is the path right?";
  if (text.startsWith("version https://git-lfs")) return "is a Git LFS pointer, not the weights: run git lfs pull";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const ours = bytes.length >= 4 && view.getUint32(0, true) === binHeader.magic;
  // A safetensors header begins at byte 8 with a brace; so may a fingerprint of ours.
  if (!ours && bytes[8] === 0x7b) return "is a safetensors file: sec pack makes a weights.bin of it";
  if (bytes.length < binHeader.bytes) return `is too short to be weights: ${bytes.length} bytes`;
  if (!ours) return "is not a weights.bin of sec";
  const version = view.getUint32(4, true);
  if (version !== binHeader.version) {
    return `has version ${version} of the format, this net.js reads ${binHeader.version}: compile or pack again`;
  }
  const [stored, expected] = [view.getUint32(binHeader.storageAt, true), network.weights.storage ?? 0];
  if (stored !== expected) {
    const forms = ["f32", "f16", "int8"];
    return `holds weights as ${forms[stored]}, this net.js reads ${forms[expected]}: pack again`;
  }
  const fingerprint = Array.from(bytes.subarray(binHeader.fingerprintAt, binHeader.fingerprintAt + 8), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  if (fingerprint !== network.fingerprint) {
    const nameEnd = binHeader.nameAt + view.getUint32(binHeader.nameLengthAt, true);
    const name = new TextDecoder().decode(bytes.subarray(binHeader.nameAt, nameEnd));
    return (
      `holds weights of another network: of ${name} (${fingerprint}), ` +
      `but this is ${network.name} (${network.fingerprint})`
    );
  }
  const length =
    view.getUint32(binHeader.byteLengthAt, true) + view.getUint32(binHeader.byteLengthAt + 4, true) * 2 ** 32;
  if (length !== network.weights.byteLength)
    return `says that it has ${length} bytes, not ${network.weights.byteLength}`;
  return undefined;
}
