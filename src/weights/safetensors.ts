import { Bug } from "../diagnostics.ts";
import { decodeUtf8, encodeUtf8 } from "../syntax/utf8.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { parseHeader, quote, type HeaderEntry } from "./header.ts";
import { recognise } from "./recognise.ts";
import { storedDTypes, type StoredDType, type StoredTensor } from "./stored.ts";

export type SafetensorsFile =
  | { readonly ok: true; readonly tensors: Map<string, StoredTensor>; readonly metadata: Map<string, string> }
  | { readonly ok: false; readonly message: string };

export const maxHeaderBytes = 100_000_000;

/**
 * Reads a safetensors file, whose layout is: the header's length (u64), the header (JSON), the tensors' bytes. Everything
 * is checked before anything is allocated, and every byte of the file belongs to exactly one of the three. Stricter than
 * the format's own reader in one point: the header must begin with `{`, as the format says, without leading space.
 * Tensors are views of `bytes`. A file without tensors is valid.
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  const header = headerBytes(bytes);
  if (!header.ok) return { ok: false, message: recognise(bytes) ?? header.message };

  const decoded = decodeUtf8(header.bytes);
  if (!decoded.ok) return { ok: false, message: `the header is not UTF-8 at byte ${8 + decoded.at}` };
  const parsed = parseHeader(decoded.text);
  if (!parsed.ok) return parsed;

  const data = bytes.subarray(8 + header.bytes.length);
  const message = layoutFault(parsed.entries, data.length);
  if (message !== undefined) return { ok: false, message };

  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, start, end } of parsed.entries) {
    tensors.set(name, { dtype, shape, bytes: data.subarray(start, end) });
  }
  return { ok: true, tensors, metadata: parsed.metadata };
}

/**
 * The bytes of a safetensors file: the same for the same tensors in any order, and the same as the format's own writer
 * makes. Widest elements come first, then names in order, so that every tensor is aligned.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const dtypes = Object.keys(storedDTypes) as StoredDType[];
  const sorted = [...tensors].sort(([nameA, a], [nameB, b]) => {
    return dtypes.indexOf(b.dtype) - dtypes.indexOf(a.dtype) || (nameA < nameB ? -1 : 1);
  });

  const members: string[] = [];
  if (metadata.size > 0) {
    const pairs = [...metadata].sort(([a], [b]) => (a < b ? -1 : 1));
    members.push(
      `"__metadata__":{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`,
    );
  }
  let end = 0;
  for (const [name, { dtype, shape, bytes }] of sorted) {
    if (name === "__metadata__") throw new Bug("a tensor cannot be called __metadata__");
    if (bytes.length !== sizeOf(shape) * storedDTypes[dtype].bytes) {
      throw new Bug(`tensor ${name}: ${dtype}[${shape.join(", ")}] with ${bytes.length} bytes`);
    }
    const start = end;
    end += bytes.length;
    members.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join()}],"data_offsets":[${start},${end}]}`,
    );
  }
  const header = encodeUtf8(`{${members.join()}}`);
  const padded = Math.ceil(header.length / 8) * 8;

  const file = new Uint8Array(8 + padded + end).fill(0x20, 0, 8 + padded);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(header, 8);
  let at = 8 + padded;
  for (const [, { bytes }] of sorted) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

/** The header's bytes, if the file can be safetensors at all. */
function headerBytes(bytes: Uint8Array): { ok: true; bytes: Uint8Array } | { ok: false; message: string } {
  if (bytes.length === 0) return { ok: false, message: "the file is empty" };
  if (bytes.length < 8) {
    return { ok: false, message: `too short: ${bytes.length} bytes, a safetensors file has at least 8` };
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > maxHeaderBytes) {
    const message = `not a safetensors file: its header would be ${length} bytes long, the limit is ${maxHeaderBytes}`;
    return { ok: false, message };
  }
  const rest = bytes.length - 8;
  if (length > rest) {
    const message = `cut short, or not a safetensors file: the header should be ${length} bytes long, the file has ${rest} after its length`;
    return { ok: false, message };
  }
  if (bytes[8] !== 0x7b || length === 0n) {
    return { ok: false, message: "not a safetensors file: the header does not begin with {" };
  }
  return { ok: true, bytes: bytes.subarray(8, 8 + Number(length)) };
}

/** What is wrong with the tensors' sizes and places: they must fill the data without a gap and without sharing a byte. */
function layoutFault(entries: readonly HeaderEntry[], available: number): string | undefined {
  for (const entry of entries) {
    const { dtype, shape, start, end } = entry;
    const type = `${dtype}[${shape.join(", ")}]`;
    const where = `tensor ${quote(entry.name)}`;
    if (end < start) return `${where}: its bytes end at ${end}, before they start at ${start}`;
    const expected = byteLength(dtype, shape);
    if (expected === undefined) return `${where}: ${type} is larger than 2^53 bytes`;
    if (end - start !== expected)
      return `${where}: ${type} takes ${expected} bytes, its data_offsets give ${end - start}`;
    if (end > available)
      return `${where}: its bytes end at ${end}, but the file has ${available} bytes of data; is it cut short?`;
  }

  let filled = 0;
  let previous: string | undefined;
  for (const { name, start, end } of [...entries].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const where = `tensor ${quote(name)}`;
    const before = previous === undefined ? "the start of the data" : `the end of ${quote(previous)}`;
    if (start > filled) return `${where}: starts at ${start}, leaving a hole after ${before} at ${filled}`;
    if (start < filled) return `${where}: starts at ${start}, overlapping ${quote(previous!)}, which ends at ${filled}`;
    filled = end;
    previous = name;
  }
  if (filled < available) {
    return `${available - filled} bytes follow the last tensor: the tensors end at ${filled}, the file has ${available} bytes of data`;
  }
  return undefined;
}

/** Undefined where the product leaves the exact integers, even if a later extent is 0. */
function byteLength(dtype: StoredDType, shape: readonly number[]): number | undefined {
  let product: number = storedDTypes[dtype].bytes;
  for (const extent of shape) {
    product *= extent;
    if (!Number.isSafeInteger(product)) return undefined;
  }
  return product;
}
