import { decodeUtf8, encodeUtf8 } from "../syntax/utf8.ts";
import { quote } from "./header.ts";
import { storedDTypes, type StoredDType, type StoredTensor } from "./stored.ts";

export type NpyFile =
  { readonly ok: true; readonly tensor: StoredTensor } | { readonly ok: false; readonly message: string };

/** As NumPy's own reader: a longer header is an attack on its parser, or not an array of numbers. */
const maxHeaderBytes = 10_000;
const maxRank = 8;

/**
 * Reads one .npy array of numbers, versions 1 to 3, little-endian. An array in Fortran order is brought to row-major.
 * The header is a Python dict; only the literal that NumPy writes is read, nothing is evaluated.
 */
export function readNpy(bytes: Uint8Array): NpyFile {
  if (bytes.length < 12 || !magic.every((byte, i) => bytes[i] === byte)) {
    return refuse("not a .npy file: it does not begin with NumPy's mark");
  }
  const version = bytes[6]!;
  if (version < 1 || version > 3) return refuse(`.npy version ${version}.${bytes[7]} is not known; expected 1, 2 or 3`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = version === 1 ? 10 : 12;
  const headerLength = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerLength > maxHeaderBytes) {
    return refuse(`the header is ${headerLength} bytes long, the limit is ${maxHeaderBytes}`);
  }
  if (start + headerLength > bytes.length) {
    return refuse(
      `cut short: the header should be ${headerLength} bytes long, the file has ${bytes.length - start} after its length`,
    );
  }

  const text = decodeUtf8(bytes.subarray(start, start + headerLength));
  if (!text.ok) return refuse(`the header is not UTF-8 at byte ${start + text.at}`);
  const header = parseDict(text.text);
  if (typeof header === "string") return refuse(header);
  const { dtype, fortran, shape } = header;

  const size = storedDTypes[dtype].bytes;
  const expected = shape.reduce((product, extent) => product * extent, size);
  const data = bytes.subarray(start + headerLength);
  if (data.length !== expected) {
    return refuse(
      `${dtype}[${shape.join(", ")}] takes ${expected} bytes, the file has ${data.length} after its header`,
    );
  }
  return { ok: true, tensor: { dtype, shape, bytes: fortran ? rowMajor(data, shape, size) : data } };
}

/** The bytes of an f32 array, version 1. */
export function writeNpy(shape: readonly number[], values: ArrayLike<number>): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${tuple}), }`;
  const header = encodeUtf8(`${dict.padEnd(Math.ceil((10 + dict.length + 1) / 64) * 64 - 11)}\n`);
  const data = new Uint8Array(Float32Array.from(values).buffer);

  const file = new Uint8Array(10 + header.length + data.length);
  file.set([...magic, 1, 0, header.length & 0xff, header.length >> 8]);
  file.set(header, 10);
  file.set(data, 10 + header.length);
  return file;
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

interface NpyHeader {
  readonly dtype: StoredDType;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/** The header's three facts, or what is wrong with it. The keys come in any order, each once. */
function parseDict(text: string): NpyHeader | string {
  const dict =
    /^\{\s*((?:'[a-z_]+'\s*:\s*(?:'[^'\\\n]*'|True|False|\([0-9,\s]*\)|\[[^\]]*\])\s*(?:,\s*)?)*)\}\s*$/.exec(text);
  if (!dict) return `the header is not the dict that NumPy writes: ${quote(text.trim())}`;
  const values = new Map<string, string>();
  for (const [, key, value] of dict[1]!.matchAll(/'([a-z_]+)'\s*:\s*('[^']*'|True|False|\([^)]*\)|\[[^\]]*\])/g)) {
    if (values.has(key!)) return `the header has ${quote(key!)} twice`;
    values.set(key!, value!);
  }
  const [descr, order, tuple] = [values.get("descr"), values.get("fortran_order"), values.get("shape")];
  if (descr === undefined || order === undefined || tuple === undefined || values.size !== 3) {
    return `the header should have descr, fortran_order and shape, found ${[...values.keys()].join(", ") || "nothing"}`;
  }
  const dtype = dtypeOf(descr);
  if (!dtype.ok) return dtype.message;
  if (order !== "True" && order !== "False") return `fortran_order should be True or False, found ${quote(order)}`;
  if (!/^\(\s*(\d+\s*,\s*)*(\d+\s*)?\)$/.test(tuple))
    return `the shape should be a tuple of integers, found ${quote(tuple)}`;
  const shape = (tuple.match(/\d+/g) ?? []).map(Number);
  if (shape.length > maxRank) return `the shape has ${shape.length} extents, at most ${maxRank} are supported`;
  if (!shape.every(Number.isSafeInteger)) return `the shape ${quote(tuple)} holds a number above 2^53`;
  return { dtype: dtype.dtype, fortran: order === "True", shape };
}

function dtypeOf(descr: string): { ok: true; dtype: StoredDType } | { ok: false; message: string } {
  const no = (message: string) => ({ ok: false, message }) as const;
  if (!descr.startsWith("'")) return no("an array of records is not supported; save one field of it");
  const name = descr.slice(1, -1);
  const dtype = dtypes.get(name);
  if (dtype) return { ok: true, dtype };
  if (name.includes("O"))
    return no("an array of Python objects is a pickle, which sec never opens; save numbers: array.astype('float32')");
  if (name.startsWith(">"))
    return no(`big-endian numbers (${quote(name)}) are not supported; save array.astype('float32')`);
  return no(`the element type ${quote(name)} is not supported; save array.astype('float32')`);
}

const dtypes = new Map<string, StoredDType>([
  ["|b1", "BOOL"],
  ["|u1", "U8"],
  ["|i1", "I8"],
  ["<i2", "I16"],
  ["<u2", "U16"],
  ["<f2", "F16"],
  ["<i4", "I32"],
  ["<u4", "U32"],
  ["<f4", "F32"],
  ["<f8", "F64"],
  ["<i8", "I64"],
  ["<u8", "U64"],
]);

/** Elements whose first axis runs fastest, brought to the order in which the last one does. */
function rowMajor(data: Uint8Array, shape: readonly number[], size: number): Uint8Array {
  const out = new Uint8Array(data.length);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, extent) => product * extent, size));
  for (let to = 0; to < data.length; to += size) {
    let rest = to / size;
    let from = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += (rest % shape[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    out.set(data.subarray(from, from + size), to);
  }
  return out;
}

function refuse(message: string): NpyFile {
  return { ok: false, message };
}
