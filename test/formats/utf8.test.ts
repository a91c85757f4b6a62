import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeUtf8, encodeUtf8 } from "../../src/syntax/utf8.ts";

const text = (...bytes: number[]) => decodeUtf8(Uint8Array.from(bytes));

describe("decodeUtf8", () => {
  test("fault 2: a byte order mark is accepted and dropped", () => {
    expect(text(0xef, 0xbb, 0xbf, 0x61)).toEqual({ ok: true, text: "a" });
  });

  test.each([
    ["a lone continuation byte", [0x61, 0x80], 1],
    ["an overlong form", [0x61, 0x62, 0xc0, 0xaf], 2],
    ["an overlong form of three bytes", [0xe0, 0x80, 0xaf], 0],
    ["a surrogate", [0x61, 0xed, 0xa0, 0x80], 1],
    ["a code point above U+10FFFF", [0xf4, 0x90, 0x80, 0x80], 0],
    ["a character cut off at the end", [0x61, 0xe2, 0x82], 1],
    ["UTF-16 with its mark", [0xff, 0xfe, 0x61, 0x00], 0],
    ["Latin-1", [0x63, 0x61, 0x66, 0xe9], 3],
  ])("fault 3: %s is named by its position", (_, bytes, at) => {
    expect(text(...bytes)).toEqual({ ok: false, at });
  });

  test("any text survives", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(decodeUtf8(encodeUtf8(`\ufeff${text}`))).toEqual({ ok: true, text });
      }),
    );
  });

  test("what stands before a fault is UTF-8, and no more than it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.uint8Array({ max: 255, maxLength: 8 }), (text, tail) => {
        const bytes = Uint8Array.from([...encodeUtf8(`-${text}`), ...tail]);
        const decoded = decodeUtf8(bytes);
        if (decoded.ok) return;
        expect(decodeUtf8(bytes.subarray(0, decoded.at))).toMatchObject({ ok: true });
        for (let length = 1; length <= 4; length++) {
          expect(decodeUtf8(bytes.subarray(decoded.at, decoded.at + length))).toEqual({ ok: false, at: 0 });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
