import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeUtf8, encodeUtf8 } from "../../src/syntax/utf8.ts";
import { readSafetensors, writeSafetensors } from "../../src/weights/safetensors.ts";
import {
  countNonFinite,
  storedDTypes,
  storeFloat32,
  toFloat32,
  toFloat64,
  type StoredDType,
  type StoredTensor,
} from "../../src/weights/stored.ts";

/** A file with this header, written as it is, and so many bytes of data. */
function file(header: string | Uint8Array, dataBytes = 0): Uint8Array {
  const text = typeof header === "string" ? encodeUtf8(header) : header;
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

/** A file that claims a header of this length. */
function claiming(length: bigint, rest = 16): Uint8Array {
  const bytes = new Uint8Array(8 + rest);
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  return bytes;
}

const one = (name: string, shape: string, offsets: string, dtype = "F32") =>
  `"${name}":{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

function refusal(bytes: Uint8Array): string {
  const read = readSafetensors(bytes);
  return read.ok ? `accepted: ${[...read.tensors.keys()].join()}` : read.message;
}

describe("what must be refused", () => {
  test("fault 39: an empty file", () => expect(refusal(new Uint8Array(0))).toBe("the file is empty"));

  test.each([1, 7])("fault 39: a file of %i bytes", (length) => {
    expect(refusal(new Uint8Array(length))).toBe(`too short: ${length} bytes, a safetensors file has at least 8`);
  });

  test.each([
    [17n, "cut short, or not a safetensors file: the header should be 17 bytes long, the file has 16 after its length"],
    [100_000_001n, "not a safetensors file: its header would be 100000001 bytes long, the limit is 100000000"],
    [2n ** 63n, "not a safetensors file: its header would be 9223372036854775808 bytes long, the limit is 100000000"],
  ])("fault 40: a header of %s bytes", (length, message) => {
    expect(refusal(claiming(length))).toBe(message);
  });

  test.each([
    ["not UTF-8", file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), "the header is not UTF-8 at byte 10"],
    ["not JSON", file("{nonsense}"), 'the header is not valid: a key should be a string, found "n"'],
    ["an array", file("[]"), "not a safetensors file: the header does not begin with {"],
    ["leading space", file(" {}"), "not a safetensors file: the header does not begin with {"],
    ["a byte order mark", file("\ufeff{}"), "not a safetensors file: the header does not begin with {"],
    ["cut off", file('{"a":{"dtype":"F32"'), 'tensor "a": expected "," or "}", found the end of the header'],
    ["two objects", file("{}{}"), 'the header is not valid: "{" follows the closing brace'],
    ["a comma too many", file("{,}"), 'the header is not valid: a key should be a string, found ","'],
    ["a NUL after the end", file("{}\0"), 'the header is not valid: "\\u0000" follows the closing brace'],
  ])("fault 41: a header that is %s", (_, bytes, message) => {
    expect(refusal(bytes)).toBe(message);
  });

  test("fault 41: {} is a file without tensors", () => {
    expect(readSafetensors(file("{}      "))).toEqual({ ok: true, tensors: new Map(), metadata: new Map() });
  });

  test.each([
    [
      "tensor",
      `{${one("a", "[1]", "[0,4]")},${one("a", "[1]", "[0,4]")}}`,
      'the header is not valid: "a" is there twice',
    ],
    [
      "tensor, once escaped",
      `{${one("a", "[1]", "[0,4]")},${one("\\u0061", "[1]", "[0,4]")}}`,
      'the header is not valid: "a" is there twice',
    ],
    [
      "key of a tensor",
      '{"a":{"dtype":"F32","dtype":"F16","shape":[],"data_offsets":[0,4]}}',
      'tensor "a": "dtype" is there twice',
    ],
    ["key of the metadata", '{"__metadata__":{"k":"1","k":"2"}}', '__metadata__: "k" is there twice'],
    ["metadata", '{"__metadata__":{},"__metadata__":{}}', 'the header is not valid: "__metadata__" is there twice'],
  ])("fault 42: the same %s twice", (_, header, message) => {
    expect(refusal(file(header, 4))).toBe(message);
  });

  test.each([
    [
      "overlapping",
      `{${one("a", "[2]", "[0,8]")},${one("b", "[2]", "[4,12]")}}`,
      'tensor "b": starts at 4, overlapping "a", which ends at 8',
    ],
    [
      "the same",
      `{${one("a", "[3]", "[0,12]")},${one("b", "[3]", "[0,12]")}}`,
      'tensor "b": starts at 0, overlapping "a", which ends at 12',
    ],
    [
      "with a hole",
      `{${one("a", "[1]", "[0,4]")},${one("b", "[1]", "[8,12]")}}`,
      'tensor "b": starts at 8, leaving a hole after the end of "a" at 4',
    ],
    [
      "not from 0",
      `{${one("a", "[2]", "[4,12]")}}`,
      'tensor "a": starts at 4, leaving a hole after the start of the data at 0',
    ],
    ["reversed", `{${one("a", "[1]", "[12,8]")}}`, 'tensor "a": its bytes end at 8, before they start at 12'],
    [
      "negative",
      `{${one("a", "[1]", "[-4,0]")}}`,
      'tensor "a": data_offsets should hold integers of at least 0, found -4',
    ],
    [
      "fractional",
      `{${one("a", "[1]", "[0,4.5]")}}`,
      'tensor "a": data_offsets should hold integers of at least 0, found 4.5',
    ],
    [
      "written as 4.0",
      `{${one("a", "[1]", "[0,4.0]")}}`,
      'tensor "a": data_offsets should hold integers of at least 0, found 4.0',
    ],
    [
      "written as 4e0",
      `{${one("a", "[1]", "[0,4e0]")}}`,
      'tensor "a": data_offsets should hold integers of at least 0, found 4e0',
    ],
    [
      "written as 04",
      `{${one("a", "[1]", "[0,04]")}}`,
      'tensor "a": data_offsets should hold integers of at least 0, found 04',
    ],
    [
      "above 2^53",
      `{${one("a", "[1]", "[0,9007199254740993]")}}`,
      'tensor "a": data_offsets holds 9007199254740993, which is above 2^53',
    ],
    [
      "beyond the file",
      `{${one("a", "[4]", "[0,16]")}}`,
      'tensor "a": its bytes end at 16, but the file has 12 bytes of data; is it cut short?',
    ],
    ["three numbers", `{${one("a", "[1]", "[0,4,8]")}}`, 'tensor "a": data_offsets has 3 numbers, expected 2'],
    ["a string", `{${one("a", "[1]", '"0,4"')}}`, 'tensor "a": data_offsets should be a list of integers, found "\\""'],
    ["missing", '{"a":{"dtype":"F32","shape":[1]}}', 'tensor "a": data_offsets is missing'],
    [
      "with another key beside",
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}',
      'tensor "a": "x" is not a key of the format (dtype, shape, data_offsets)',
    ],
  ])("fault 43: offsets %s", (_, header, message) => {
    expect(refusal(file(header, 12))).toBe(message);
  });

  test("fault 44: trailing bytes", () => {
    expect(refusal(file(`{${one("a", "[1]", "[0,4]")}}`, 4 + 3))).toBe(
      "3 bytes follow the last tensor: the tensors end at 4, the file has 7 bytes of data",
    );
    expect(refusal(file("{}", 1))).toBe(
      "1 bytes follow the last tensor: the tensors end at 0, the file has 1 bytes of data",
    );
  });

  test("fault 44: missing bytes", () => {
    expect(refusal(file(`{${one("a", "[1]", "[0,4]")},${one("b", "[2]", "[4,12]")}}`, 11))).toBe(
      'tensor "b": its bytes end at 12, but the file has 11 bytes of data; is it cut short?',
    );
  });

  test.each([
    ["more bytes than the shape", "[1]", "[0,12]", "F32", 'tensor "a": F32[1] takes 4 bytes, its data_offsets give 12'],
    ["fewer", "[2,3]", "[0,12]", "F32", 'tensor "a": F32[2, 3] takes 24 bytes, its data_offsets give 12'],
    ["another type", "[3]", "[0,12]", "F16", 'tensor "a": F16[3] takes 6 bytes, its data_offsets give 12'],
    [
      "an overflow",
      "[4294967296,4294967296]",
      "[0,12]",
      "F32",
      'tensor "a": F32[4294967296, 4294967296] is larger than 2^53 bytes',
    ],
    [
      "an overflow times 0",
      "[4294967296,4294967296,0]",
      "[0,0]",
      "F32",
      'tensor "a": F32[4294967296, 4294967296, 0] is larger than 2^53 bytes',
    ],
    [
      "an extent above 2^53",
      "[18446744073709551616]",
      "[0,12]",
      "F32",
      'tensor "a": shape holds 18446744073709551616, which is above 2^53',
    ],
    [
      "nine extents",
      "[1,1,1,1,1,1,1,1,3]",
      "[0,12]",
      "F32",
      'tensor "a": the shape has 9 extents, at most 8 are supported',
    ],
  ])("fault 45: a shape with %s", (_, shape, offsets, dtype, message) => {
    expect(refusal(file(`{${one("a", shape, offsets, dtype)}}`, 12))).toBe(message);
  });

  test.each([
    ["F8_E4M3", "dtype F8_E4M3 (8-bit float) is not supported; convert the tensor to F32"],
    ["F8_E5M2", "dtype F8_E5M2 (8-bit float) is not supported; convert the tensor to F32"],
    ["F4", "dtype F4 (4-bit float) is not supported; convert the tensor to F32"],
    ["C64", "dtype C64 (complex) is not supported; convert the tensor to F32"],
    ["F128", 'unknown dtype "F128"; convert the tensor to F32'],
    ["toString", 'unknown dtype "toString"; convert the tensor to F32'],
  ])("fault 46: dtype %s", (dtype, message) => {
    expect(refusal(file(`{${one("layer1.weight", "[1]", "[0,1]", dtype)}}`, 1))).toBe(
      `tensor "layer1.weight": ${message}`,
    );
  });

  test.each([
    ["a number", '{"__metadata__":{"k":1}}', '__metadata__: the value of "k" should be a string, found "1"'],
    ["a list", '{"__metadata__":[]}', '__metadata__: expected an object, found "["'],
    ["null", '{"__metadata__":null}', '__metadata__: expected an object, found "n"'],
    ["nested", '{"__metadata__":{"k":{}}}', '__metadata__: the value of "k" should be a string, found "{"'],
  ])("fault 47: metadata that is %s", (_, header, message) => {
    expect(refusal(file(header))).toBe(message);
  });

  test("fault 47: the names of JavaScript's prototypes are ordinary names", () => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
    const tensors = new Map(names.map((name, i) => [name, storeFloat32([1], [i])]));
    const metadata = new Map(names.map((name) => [name, name]));
    const read = readSafetensors(writeSafetensors(tensors, metadata));
    expect(read).toMatchObject({ ok: true, metadata });
    expect(read.ok && names.map((name) => toFloat32(read.tensors.get(name)!)[0])).toEqual([0, 1, 2, 3]);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  // The bounds are far above what it takes (1 s), and far below what a quadratic reader would take.
  test("fault 48: a million tiny tensors are refused at the limit, soon", () => {
    const entries = Array.from({ length: 1_000_000 }, (_, i) => one(`t${i}`, "[1]", `[${i},${i + 1}]`, "U8"));
    const bytes = file(`{${entries.join()}}`, 1_000_000);
    const start = performance.now();
    expect(refusal(bytes)).toBe("the header is not valid: there are more than 100000 tensors");
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test("fault 48: at the limit they are read", () => {
    const entries = Array.from({ length: 100_000 }, (_, i) => one(`t${i}`, "[1]", `[${i},${i + 1}]`, "U8"));
    const start = performance.now();
    expect(readSafetensors(file(`{${entries.join()}}`, 100_000))).toMatchObject({ ok: true });
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test("names are shown without what a terminal would obey", () => {
    expect(refusal(file(`{${one("\\u001b[31m\u009b\u202e", "[1]", "[0,8]")}}`, 8))).toBe(
      'tensor "\\u001b[31m\\u{9b}\\u{202e}": F32[1] takes 4 bytes, its data_offsets give 8',
    );
  });
});

describe("other files in place of weights", () => {
  const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
  const zip = (entry: string) =>
    latin1(`PK\x03\x04${"\0".repeat(22)}${String.fromCharCode(entry.length)}\0\0\0${entry}`);

  test.each([
    ["52", "an HTML page", latin1("\n<!DOCTYPE html><html><body>404</body></html>"), /^this is a web page/],
    [
      "52",
      "a Git LFS pointer",
      latin1("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
      /^this is a Git LFS pointer.*git lfs pull$/,
    ],
    [
      "53",
      "a PyTorch pickle",
      latin1("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."),
      /^this is a PyTorch pickle, .*can run code; convert it with Python:\n {4}import torch, .*\n {4}safetensors\.torch\.save_file\(/,
    ],
    ["53", "a short pickle", latin1("\x80\x04."), /^this is a PyTorch pickle/],
    [
      "53",
      "a PyTorch zip",
      zip("archive/data.pkl"),
      /^this is a PyTorch checkpoint \(.*can run code; convert it with Python:\n {4}import torch, .*\n {4}safetensors\.torch\.save_file\(/,
    ],
    ["53", "an .npz archive", zip("conv1.npy"), /^this is a NumPy \.npz archive/],
    ["53", "another zip", zip("readme.txt"), /^this is a zip archive/],
    ["53", "GGUF", latin1("GGUF\x03\0\0\0\0\0\0\0"), /^this is a GGUF file/],
    ["53", ".npy", latin1("\x93NUMPY\x01\0v\0{'descr'"), /^this is a single NumPy array/],
    ["53", "HDF5", latin1("\x89HDF\r\n\x1a\n\0\0\0\0"), /^this is an HDF5 file/],
    ["53", "gzip", latin1("\x1f\x8b\x08\0\0\0\0\0\0\x03"), /^this is gzip data/],
    ["54", "a shard index", latin1('{\n  "metadata": {}, "weight_map": {}\n}'), /^this is JSON text/],
  ])("fault %s: %s is recognised", (_, _name, bytes, message) => {
    expect(refusal(bytes)).toMatch(message);
  });

  test("a header of 0x280 bytes is not taken for a pickle, whose first bytes are 80 02", () => {
    const header = `{${one("a", "[1]", "[0,4]")}}`.padEnd(0x280);
    expect(readSafetensors(file(header, 4))).toMatchObject({ ok: true });
  });
});

describe("values", () => {
  const stored = (dtype: StoredDType, ...bytes: number[]): StoredTensor => ({
    dtype,
    shape: [bytes.length / storedDTypes[dtype].bytes],
    bytes: Uint8Array.from(bytes),
  });

  test.each([
    ["BOOL", stored("BOOL", 0, 1), [0, 1]],
    ["U8", stored("U8", 0, 255), [0, 255]],
    ["I8", stored("I8", 0x80, 0xff), [-128, -1]],
    ["I16", stored("I16", 0x00, 0x80, 0xff, 0x7f), [-32768, 32767]],
    ["U16", stored("U16", 0xff, 0xff), [65535]],
    ["I32", stored("I32", 0, 0, 0, 0x80), [-(2 ** 31)]],
    ["U32", stored("U32", 0xff, 0xff, 0xff, 0xff), [2 ** 32 - 1]],
    ["I64", stored("I64", 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), [-1]],
    ["U64", stored("U64", 0, 0, 0, 0, 0, 0, 0x10, 0), [2 ** 52]],
    ["F32", stored("F32", 0, 0, 0x80, 0x3f), [1]],
    ["F64", stored("F64", 0, 0, 0, 0, 0, 0, 0xf0, 0xbf), [-1]],
    ["BF16: 1, -2, NaN", stored("BF16", 0x80, 0x3f, 0x00, 0xc0, 0xc0, 0x7f), [1, -2, NaN]],
    [
      "F16: 1, -2, the least, the largest, infinity, NaN, -0",
      stored("F16", 0, 0x3c, 0, 0xc0, 1, 0, 0xff, 0x7b, 0, 0xfc, 0, 0x7e, 0, 0x80),
      [1, -2, 2 ** -24, 65504, -Infinity, NaN, -0],
    ],
  ])("%s", (_, value, numbers) => {
    expect([...toFloat64(value)]).toEqual(numbers);
    expect([...toFloat32(value)]).toEqual(numbers.map(Math.fround));
  });

  test("bytes that lie at an odd place are copied to be read", () => {
    const bytes = new Uint8Array(9);
    bytes.set([0, 0, 0x80, 0x3f, 0, 0, 0, 0x40], 1);
    expect([...toFloat32({ dtype: "F32", shape: [2], bytes: bytes.subarray(1) })]).toEqual([1, 2]);
  });

  test("fault 50: NaN and infinity are counted", () => {
    expect(countNonFinite(storeFloat32([5], [NaN, 1, Infinity, -Infinity, NaN]))).toEqual({ nan: 2, infinite: 2 });
    expect(countNonFinite(stored("I32", 0, 0, 0xc0, 0x7f))).toEqual({ nan: 0, infinite: 0 });
  });
});

describe("the writer", () => {
  const folder = new URL("../fixtures/", import.meta.url);
  const fixtures = readdirSync(folder).filter((name) => name.endsWith(".weights.safetensors"));

  test.each(fixtures)("writes %s as the format's own writer did, byte for byte", (name) => {
    const original = new Uint8Array(readFileSync(new URL(name, folder)));
    const read = readSafetensors(original);
    if (!read.ok) throw new Error(read.message);
    const shuffled = new Map([...read.tensors].reverse());
    expect(Buffer.from(writeSafetensors(shuffled, read.metadata)).equals(original)).toBe(true);
  });

  test("pads the header, puts the metadata first and the widest elements before the others", () => {
    const tensors = new Map<string, StoredTensor>([
      ["b", storeFloat32([1], [1])],
      ["a", { dtype: "U8", shape: [1], bytes: Uint8Array.of(7) }],
      ["z", { dtype: "F64", shape: [1], bytes: new Uint8Array(8) }],
      ["empty", storeFloat32([0, 3], [])],
    ]);
    const bytes = writeSafetensors(tensors, new Map([["format", "pt"]]));
    const length = new DataView(bytes.buffer).getUint32(0, true);
    expect(length % 8).toBe(0);
    expect(decodeUtf8(bytes.subarray(8, 8 + length))).toMatchObject({
      text: `{"__metadata__":{"format":"pt"},${[
        one("z", "[1]", "[0,8]", "F64"),
        one("b", "[1]", "[8,12]"),
        one("empty", "[0,3]", "[12,12]"),
        one("a", "[1]", "[12,13]", "U8"),
      ].join()}}`.padEnd(length),
    });
  });
});

describe("properties", () => {
  const dtype = fc.constantFrom(...(Object.keys(storedDTypes) as StoredDType[]));
  const tensor = fc
    .tuple(dtype, fc.array(fc.nat(4), { maxLength: 4 }), fc.infiniteStream(fc.nat(255)))
    .map(([dtype, shape, stream]): StoredTensor => {
      const length = shape.reduce((product, extent) => product * extent, 1) * storedDTypes[dtype].bytes;
      return { dtype, shape, bytes: Uint8Array.from({ length }, () => stream.next().value!) };
    });
  const name = fc.string({ unit: "binary" }).filter((text) => text !== "__metadata__");
  const tensors = fc.array(fc.tuple(name, tensor), { maxLength: 6 }).map((pairs) => new Map(pairs));
  const metadata = fc.array(fc.tuple(fc.string(), fc.string())).map((pairs) => new Map(pairs));

  test("what is written is read", () => {
    fc.assert(
      fc.property(tensors, metadata, (tensors, metadata) => {
        const read = readSafetensors(writeSafetensors(tensors, metadata));
        if (!read.ok) throw new Error(read.message);
        const sorted = <T>(map: Map<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
        expect(sorted(read.tensors)).toEqual(sorted(tensors));
        expect(sorted(read.metadata)).toEqual(sorted(metadata));
      }),
      { numRuns: 2000 },
    );
  });

  test("bytes changed at random never throw, and what is accepted can be read", () => {
    const valid = writeSafetensors(
      new Map<string, StoredTensor>([
        ["conv1.weight", storeFloat32([2, 3], [1, 2, 3, 4, 5, 6])],
        ["label", { dtype: "I64", shape: [2], bytes: new Uint8Array(16) }],
        ["é", { dtype: "BF16", shape: [3], bytes: new Uint8Array(6) }],
      ]),
      new Map([["format", "pt"]]),
    );
    const mutation = fc.record({ at: fc.nat(valid.length - 1), to: fc.nat(255), drop: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        const bytes = [...valid];
        for (const { at, to, drop } of mutations) bytes.splice(at, drop, to);
        const read = readSafetensors(Uint8Array.from(bytes));
        if (read.ok) for (const tensor of read.tensors.values()) toFloat64(tensor);
        else expect(read.message).not.toBe("");
      }),
      { numRuns: 2000 },
    );
  });
});
