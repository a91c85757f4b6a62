/**
 * Values that travel between the tests and a job in another process or in a page.
 * Runs in Node, in Deno and in a page, so it uses nothing but the language.
 */
export type Value = Float32Array | Uint32Array | Uint8Array | string | number;
export type Values = Readonly<Record<string, Value>>;

/** `head` says what the message is; `values` are what a job takes or gives. */
export interface Message {
  readonly head: Readonly<Record<string, string>>;
  readonly values: Values;
}

type Kind = "f32" | "u32" | "u8" | "string" | "number";

interface Entry {
  readonly name: string;
  readonly kind: Kind;
  readonly bytes: number;
}

/** [length of the header: u32][header: JSON][the values' bytes, one after the other] */
export function encode({ head, values }: Message): Uint8Array {
  const parts = Object.entries(values).map(([name, value]) => ({ name, ...toBytes(name, value) }));
  const entries: Entry[] = parts.map(({ name, kind, bytes }) => ({ name, kind, bytes: bytes.length }));
  const header = new TextEncoder().encode(JSON.stringify({ head, entries }));
  const out = new Uint8Array(4 + header.length + parts.reduce((sum, { bytes }) => sum + bytes.length, 0));
  new DataView(out.buffer).setUint32(0, header.length, true);
  out.set(header, 4);
  let at = 4 + header.length;
  for (const { bytes } of parts) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

export function decode(message: Uint8Array): Message {
  const headerLength = new DataView(message.buffer, message.byteOffset).getUint32(0, true);
  const header = new TextDecoder().decode(message.subarray(4, 4 + headerLength));
  const { head, entries } = JSON.parse(header) as { head: Record<string, string>; entries: Entry[] };
  const values: Record<string, Value> = {};
  let at = 4 + headerLength;
  for (const { name, kind, bytes } of entries) {
    // A copy, because a view of floats must start at a multiple of four.
    values[name] = fromBytes(kind, new Uint8Array(message.subarray(at, at + bytes)));
    at += bytes;
  }
  return { head, values };
}

function toBytes(name: string, value: unknown): { kind: Kind; bytes: Uint8Array } {
  const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  if (value instanceof Float32Array) return { kind: "f32", bytes: bytesOf(value) };
  if (value instanceof Uint32Array) return { kind: "u32", bytes: bytesOf(value) };
  if (value instanceof Uint8Array) return { kind: "u8", bytes: bytesOf(value) };
  if (typeof value === "string") return { kind: "string", bytes: new TextEncoder().encode(value) };
  if (typeof value === "number") return { kind: "number", bytes: bytesOf(new Float64Array([value])) };
  const found = value === null || typeof value !== "object" ? String(value) : value.constructor.name;
  throw new TypeError(`the value "${name}" is ${found}; a job takes and gives typed arrays, strings and numbers`);
}

function fromBytes(kind: Kind, bytes: Uint8Array): Value {
  switch (kind) {
    case "f32":
      return new Float32Array(bytes.buffer);
    case "u32":
      return new Uint32Array(bytes.buffer);
    case "u8":
      return bytes;
    case "string":
      return new TextDecoder().decode(bytes);
    case "number":
      return new DataView(bytes.buffer).getFloat64(0, true);
    default:
      return kind satisfies never;
  }
}

/** A message as it goes through a pipe: [length: u32][message]. */
export function frame(message: Message): Uint8Array {
  const bytes = encode(message);
  const framed = new Uint8Array(4 + bytes.length);
  new DataView(framed.buffer).setUint32(0, bytes.length, true);
  framed.set(bytes, 4);
  return framed;
}

/** The messages that come through a pipe, which cuts them anywhere. */
export async function* messages(pipe: AsyncIterable<Uint8Array>): AsyncGenerator<Message> {
  let chunks: Uint8Array[] = [];
  let received = 0;
  /** Bytes that the next step needs: a length, then as many as it says. */
  let needed = 4;
  let length: number | undefined;
  for await (const chunk of pipe) {
    chunks.push(chunk);
    received += chunk.length;
    while (received >= needed) {
      const all = joined(chunks, received);
      const taken = all.subarray(0, needed);
      chunks = [all.subarray(needed)];
      received -= needed;
      if (length === undefined) {
        length = new DataView(taken.buffer, taken.byteOffset).getUint32(0, true);
        needed = length;
      } else {
        yield decode(taken);
        length = undefined;
        needed = 4;
      }
    }
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
