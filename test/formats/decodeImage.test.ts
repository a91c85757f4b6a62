import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeImage } from "../../src/cli/decodeImage.ts";
import { chunk, png } from "./png.ts";

function pixels(bytes: Uint8Array): unknown {
  const decoded = decodeImage(bytes);
  if (!decoded.ok) return decoded.message;
  const { width, height, channels, data } = decoded.picture;
  return [`${width}x${height}x${channels}`, ...data];
}

const picture = (name: string) => new Uint8Array(readFileSync(new URL(`pictures/${name}`, import.meta.url)));

describe("PNG", () => {
  test.each([
    ["grey stays one channel", { depth: 8, colorType: 0, rows: [0, 10, 20] }, ["2x1x1", 10, 20]],
    ["colour", { depth: 8, colorType: 2, rows: [0, 1, 2, 3, 4, 5, 6] }, ["2x1x3", 1, 2, 3, 4, 5, 6]],
    [
      "alpha is dropped, not blended",
      { depth: 8, colorType: 6, rows: [0, 1, 2, 3, 0, 4, 5, 6, 128] },
      ["2x1x3", 1, 2, 3, 4, 5, 6],
    ],
    ["grey with alpha", { depth: 8, colorType: 4, rows: [0, 10, 0, 20, 255] }, ["2x1x1", 10, 20]],
    [
      "a transparent colour keeps its colour",
      { depth: 8, colorType: 2, rows: [0, 1, 2, 3, 4, 5, 6], chunks: { tRNS: [0, 1, 0, 2, 0, 3] } },
      ["2x1x3", 1, 2, 3, 4, 5, 6],
    ],
    [
      "a palette is colour, also a transparent entry",
      { depth: 8, colorType: 3, rows: [0, 1, 0], chunks: { PLTE: [7, 8, 9, 1, 2, 3], tRNS: [255, 0] } },
      ["2x1x3", 1, 2, 3, 7, 8, 9],
    ],
    ["1 bit", { depth: 1, colorType: 0, rows: [0, 0b0100_0000] }, ["2x1x1", 0, 255]],
    ["4 bits", { depth: 4, colorType: 0, rows: [0, 0x1f] }, ["2x1x1", 17, 255]],
    [
      "16 bits are rounded to the nearest, v / 257",
      { depth: 16, colorType: 0, rows: [0, 0x00, 0x80, 0xff, 0x7e] },
      ["2x1x1", 0, 254],
    ],
    ["16 bits, halfway up", { depth: 16, colorType: 0, rows: [0, 0x00, 0x81, 0xff, 0xff] }, ["2x1x1", 1, 255]],
    [
      "gamma is not applied",
      { depth: 8, colorType: 0, rows: [0, 10, 20], chunks: { gAMA: [0, 0, 0x4e, 0x20] } },
      ["2x1x1", 10, 20],
    ],
  ])("%s", (_, fields, expected) => {
    expect(pixels(png({ width: 2, height: 1, ...fields }))).toEqual(expected);
  });

  test("interlaced, all sizes up to 9x9", () => {
    // Which of Adam7's seven passes holds a pixel, for each place of an 8x8 tile.
    const passes = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"];
    for (let height = 1; height <= 9; height++) {
      for (let width = 1; width <= 9; width++) {
        const rows: number[] = [];
        const expected: number[] = [];
        for (const pass of "1234567") {
          for (let y = 0; y < height; y++) {
            const row = Array.from({ length: width }, (_, x) => 16 * y + x).filter(
              (_, x) => passes[y % 8]![x % 8] === pass,
            );
            if (row.length > 0) rows.push(0, ...row);
          }
        }
        for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) expected.push(16 * y + x);
        const bytes = png({ width, height, depth: 8, colorType: 0, interlaced: true, rows });
        expect(pixels(bytes)).toEqual([`${width}x${height}x1`, ...expected]);
      }
    }
  });

  test("what follows the end of the picture is ignored", () => {
    const bytes = png({ width: 1, height: 1, depth: 8, colorType: 0, rows: [0, 9] });
    expect(pixels(Buffer.concat([bytes, Buffer.from("more")]))).toEqual(["1x1x1", 9]);
  });

  const good = png({ width: 2, height: 2, depth: 8, colorType: 0, rows: [0, 1, 2, 0, 3, 4] });
  const bomb = Array.from({ length: 1_000_000 }, () => 0);
  const bad = (rows: number[], more = {}) => png({ width: 2, height: 2, depth: 8, colorType: 0, rows, ...more });
  test.each([
    ["cut short", good.subarray(0, good.length - 20), "damaged PNG: it is cut short"],
    ["only a signature", good.subarray(0, 8), "damaged PNG: it does not start with its header"],
    ["a wrong checksum", good.map((byte, i) => (i === 29 ? byte ^ 1 : byte)), /^damaged PNG: /],
    ["too few rows", bad([0, 1, 2]), "damaged PNG: its data is not the 6 bytes that 2x2 pixels take"],
    ["a filter that does not exist", bad([9, 1, 2, 0, 3, 4]), /^damaged PNG: /],
    [
      "a palette index out of range",
      bad([0, 1, 2, 0, 3, 4], { colorType: 3, chunks: { PLTE: [1, 2, 3] } }),
      /^damaged PNG: index 1 not in palette/,
    ],
    ["a depth of 3", bad([0, 1, 2, 0, 3, 4], { depth: 3 }), /^damaged PNG: /],
    ["no pixels", png({ width: 0, height: 2, depth: 8, colorType: 0, rows: [] }), "the picture is empty: 0x2"],
    [
      "too large",
      png({ width: 200_000, height: 2_000, depth: 8, colorType: 0, rows: [] }),
      "the picture is too large: 200000x2000, at most 100 megapixels",
    ],
    [
      "bytes that are no deflate data",
      Buffer.concat([good.subarray(0, 33), chunk("IDAT", [1, 2, 3, 4, 5]), chunk("IEND", [])]),
      /^damaged PNG: /,
    ],
    ["a bomb, interlaced", bad(bomb, { interlaced: true }), /^damaged PNG: /],
    ["a bomb", bad(bomb), /^damaged PNG: /],
  ])("%s is refused", (_, bytes, message) => {
    expect(pixels(bytes)).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
  });
});

describe("JPEG", () => {
  const expected = JSON.parse(
    picture("expected.json").reduce((text, byte) => text + String.fromCharCode(byte), ""),
  ) as Record<string, number[]>;

  test.each([
    ["colour", 3, 3],
    ["progressive", 3, 3],
    ["grey", 1, 1],
    ["turned", 3, 3],
    // Chroma of half the size is enlarged by repetition here, and smoothly there.
    ["subsampled", 3, 40],
  ])("%s.jpg is what Pillow decodes, to a few levels", (name, channels, levels) => {
    const decoded = decodeImage(picture(`${name}.jpg`));
    if (!decoded.ok) throw new Error(decoded.message);
    expect(decoded.picture).toMatchObject({ width: 20, height: 12, channels });
    const differences = [...decoded.picture.data].map((value, i) => Math.abs(value - expected[name]![i]!));
    expect(Math.max(...differences)).toBeLessThanOrEqual(levels);
  });

  test("an orientation that is not applied is said", () => {
    expect(decodeImage(picture("turned.jpg"))).toMatchObject({ notes: ["its EXIF orientation (6) is not applied"] });
    expect(decodeImage(picture("colour.jpg"))).toMatchObject({ notes: [] });
  });

  const colour = picture("colour.jpg");
  const frame = colour.findIndex((byte, i) => byte === 0xff && colour[i + 1] === 0xc0);
  const patched = (at: number, ...values: number[]) => colour.map((byte, i) => values[i - frame - at] ?? byte);
  test.each([
    ["CMYK", picture("cmyk.jpg"), "a JPEG of 4 channels (CMYK) is not supported; save it as RGB"],
    ["cut short", colour.subarray(0, colour.length - 100), /^damaged JPEG: /],
    ["cut in its header", colour.subarray(0, 40), "damaged JPEG: no frame was found"],
    ["lossless", patched(1, 0xc3), /^this kind of JPEG \(lossless or arithmetic-coded\) is not supported/],
    ["12 bits", patched(4, 12), "a JPEG of 12 bits is not supported; save it with 8 bits"],
    ["no rows", patched(5, 0, 0), "the picture is empty: 20x0"],
    ["too large", patched(5, 0xff, 0xff, 0xff, 0xff), "the picture is too large: 65535x65535, at most 100 megapixels"],
  ])("%s is refused", (_, bytes, message) => {
    expect(pixels(bytes)).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
  });
});

test("another file is refused", () => {
  expect(pixels(Buffer.from("GIF89a"))).toBe("neither PNG nor JPEG");
  expect(pixels(new Uint8Array(0))).toBe("neither PNG nor JPEG");
});

test.each(["colour.jpg", "progressive.jpg", "turned.jpg"])("bytes of %s changed at random never throw", (name) => {
  const valid = picture(name);
  const mutation = fc.record({ at: fc.nat(valid.length - 1), to: fc.nat(255), drop: fc.nat(2) });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      const bytes = [...valid];
      for (const { at, to, drop } of mutations) bytes.splice(at, drop, to);
      pixels(Uint8Array.from(bytes));
    }),
    { numRuns: 300 },
  );
});

test("PNG data changed at random, with its checksum mended, never throws", () => {
  const rows = Array.from({ length: 9 * 8 }, (_, i) => (i % 9 === 0 ? i % 5 : i));
  const valid = png({ width: 8, height: 8, depth: 8, colorType: 0, rows });
  const [start, end] = [41, valid.length - 16];
  fc.assert(
    fc.property(fc.nat(end - start - 1), fc.nat(255), (at, to) => {
      const data = valid.slice(start, end);
      data[at] = to;
      pixels(Buffer.concat([valid.subarray(0, 33), chunk("IDAT", data), chunk("IEND", [])]));
    }),
    { numRuns: 2000 },
  );
});
