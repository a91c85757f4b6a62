import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeUtf8 } from "../../src/syntax/utf8.ts";
import { readNpy, writeNpy } from "../../src/weights/npy.ts";
import { toFloat64 } from "../../src/weights/stored.ts";

/** A .npy file with this header, written as it is. */
function file(header: string, data: ArrayLike<number> = [], version = 1): Uint8Array {
  const text = encodeUtf8(header);
  const length =
    version === 1 ? [text.length & 0xff, text.length >> 8] : [...new Uint8Array(Uint32Array.of(text.length).buffer)];
  return Uint8Array.from([0x93, ...encodeUtf8("NUMPY"), version, 0, ...length, ...text, ...Array.from(data)]);
}

const dict = (descr: string, shape: string, fortran = "False") =>
  `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

function values(bytes: Uint8Array): unknown {
  const read = readNpy(bytes);
  return read.ok ? [...read.tensor.shape, ":", ...toFloat64(read.tensor)] : read.message;
}

const f4 = (...numbers: number[]) => new Uint8Array(Float32Array.from(numbers).buffer);

describe("arrays of numbers", () => {
  test.each([
    ["<f4", f4(1, -2), [2, ":", 1, -2]],
    ["<f8", new Uint8Array(Float64Array.of(0.1, 3).buffer), [2, ":", 0.1, 3]],
    ["<f2", [0, 0x3c, 0, 0xc0], [2, ":", 1, -2]],
    ["|u1", [0, 255], [2, ":", 0, 255]],
    ["<i4", new Uint8Array(Int32Array.of(-1, 7).buffer), [2, ":", -1, 7]],
    ["<i8", new Uint8Array(BigInt64Array.of(-1n, 7n).buffer), [2, ":", -1, 7]],
    ["|b1", [0, 1], [2, ":", 0, 1]],
  ])("%s", (descr, data, expected) => {
    expect(values(file(dict(`'${descr}'`, "(2,)"), data))).toEqual(expected);
  });

  test.each([1, 2, 3])("version %i", (version) => {
    expect(values(file(dict("'<f4'", "(1, 2)"), f4(1, 2), version))).toEqual([1, 2, ":", 1, 2]);
  });

  test("a scalar, an empty array, keys in another order", () => {
    expect(values(file(dict("'<f4'", "()"), f4(5)))).toEqual([":", 5]);
    expect(values(file(dict("'<f4'", "(0, 3)")))).toEqual([0, 3, ":"]);
    expect(values(file("{'shape': (1,), 'fortran_order': False, 'descr': '<f4'}", f4(5)))).toEqual([1, ":", 5]);
  });

  test("fault 59: Fortran order is brought to row-major", () => {
    // numpy.asfortranarray(numpy.arange(12).reshape(2, 3, 2)): the first axis runs fastest.
    const stored = [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11];
    const expected = [2, 3, 2, ":", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    expect(values(file(dict("'<f4'", "(2, 3, 2)", "True"), f4(...stored)))).toEqual(expected);
  });
});

describe("fault 59: what is refused", () => {
  test.each([
    [
      "big-endian",
      dict("'>f4'", "(1,)"),
      "big-endian numbers (\">f4\") are not supported; save array.astype('float32')",
    ],
    [
      "objects",
      dict("'|O'", "(1,)"),
      "an array of Python objects is a pickle, which sec never opens; save numbers: array.astype('float32')",
    ],
    ["records", dict("[('x', '<f4')]", "(1,)"), "an array of records is not supported; save one field of it"],
    ["text", dict("'<U5'", "(1,)"), "the element type \"<U5\" is not supported; save array.astype('float32')"],
    ["complex", dict("'<c8'", "(1,)"), "the element type \"<c8\" is not supported; save array.astype('float32')"],
    [
      "Python code",
      "{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (1,), }",
      "the header is not the dict that NumPy writes: \"{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (1,), }\"",
    ],
    ["a computed shape", dict("'<f4'", "(2**40,)"), /^the header is not the dict that NumPy writes/],
    ["a negative shape", dict("'<f4'", "(-1,)"), /^the header is not the dict that NumPy writes/],
    ["a shape that is no tuple", dict("'<f4'", "(1 2)"), 'the shape should be a tuple of integers, found "(1 2)"'],
    [
      "a shape above 2^53",
      dict("'<f4'", "(9007199254740993,)"),
      'the shape "(9007199254740993,)" holds a number above 2^53',
    ],
    [
      "an enormous shape",
      dict("'<f4'", "(4294967296, 4294967296)"),
      "F32[4294967296, 4294967296] takes 73786976294838210000 bytes, the file has 4 after its header",
    ],
    ["nine extents", dict("'<f4'", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "the shape has 9 extents, at most 8 are supported"],
    [
      "a key twice",
      "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
      'the header has "descr" twice',
    ],
    [
      "a missing key",
      "{'descr': '<f4', 'shape': (1,)}",
      "the header should have descr, fortran_order and shape, found descr, shape",
    ],
    ["a strange order", dict("'<f4'", "(1,)", "'C'"), "fortran_order should be True or False, found \"'C'\""],
    ["missing bytes", dict("'<f4'", "(2,)"), "F32[2] takes 8 bytes, the file has 4 after its header"],
    ["trailing bytes", dict("'|u1'", "(1,)"), "U8[1] takes 1 bytes, the file has 4 after its header"],
  ])("%s", (_, header, message) => {
    expect(values(file(header, f4(1)))).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
  });

  test("a header bomb", () => {
    const bomb = dict("'<f4'", "(1,)").padEnd(20_000);
    expect(values(file(bomb, f4(1), 2))).toBe("the header is 20000 bytes long, the limit is 10000");
    const claimed = Uint8Array.from([0x93, ...encodeUtf8("NUMPY"), 2, 0, 255, 255, 255, 255]);
    expect(values(claimed)).toBe("the header is 4294967295 bytes long, the limit is 10000");
  });

  test("a header that would make a careless pattern slow", () => {
    const start = performance.now();
    values(file(`{'a': True${" ".repeat(9_900)}x`));
    values(file(`{'a': (${"1,".repeat(4_900)}x`));
    values(file(`{${"'a':True,".repeat(1_100)}x`));
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test("other files, another version, a file cut short", () => {
    expect(values(new Uint8Array(0))).toBe("not a .npy file: it does not begin with NumPy's mark");
    expect(values(encodeUtf8("PK\x03\x04 and more than that"))).toBe(
      "not a .npy file: it does not begin with NumPy's mark",
    );
    expect(values(file(dict("'<f4'", "(1,)"), f4(1), 4))).toBe(".npy version 4.0 is not known; expected 1, 2 or 3");
    expect(values(file(dict("'<f4'", "(1,)")).subarray(0, 40))).toBe(
      "cut short: the header should be 58 bytes long, the file has 30 after its length",
    );
  });
});

describe("properties", () => {
  test("what is written is read, and the data is aligned as NumPy wants it", () => {
    const array = fc.array(fc.nat(4), { maxLength: 4 }).chain((shape) => {
      const length = shape.reduce((product, extent) => product * extent, 1);
      return fc.tuple(fc.constant(shape), fc.array(fc.float(), { minLength: length, maxLength: length }));
    });
    fc.assert(
      fc.property(array, ([shape, numbers]) => {
        const bytes = writeNpy(shape, numbers);
        expect((bytes.length - 4 * numbers.length) % 64).toBe(0);
        expect(values(bytes)).toEqual([...shape, ":", ...numbers]);
      }),
      { numRuns: 500 },
    );
  });

  test("bytes changed at random never throw", () => {
    const valid = file(dict("'<f4'", "(2, 3)", "True"), f4(1, 2, 3, 4, 5, 6));
    const mutation = fc.record({ at: fc.nat(valid.length - 1), to: fc.nat(255), drop: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        const bytes = [...valid];
        for (const { at, to, drop } of mutations) bytes.splice(at, drop, to);
        values(Uint8Array.from(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});
