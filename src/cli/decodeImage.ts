import { inflateSync } from "node:zlib";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import type { Picture } from "../image/picture.ts";
import { jpegHeader } from "./jpegHeader.ts";

export type Decoded =
  | { readonly ok: true; readonly picture: Picture; readonly notes: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** Above this a picture is refused before it is unpacked. */
const maxPixels = 100_000_000;

/**
 * Decodes a PNG or a JPEG, told apart by their first bytes. The rules that a network can see:
 * - Alpha is dropped, not blended: a pixel keeps the colour that is stored, also where it is transparent.
 * - 16-bit PNG is brought to 8 bits by round(v / 257), halves up; 1, 2 and 4 bits spread over 0 to 255.
 * - Grey pictures have one channel; a palette is three.
 * - Colour profiles, gamma and EXIF orientation are not applied; an orientation other than upright gives a note.
 * - JPEG chroma is enlarged by repetition, which can differ from other decoders by a few levels at edges.
 */
export function decodeImage(bytes: Uint8Array): Decoded {
  if (pngSignature.every((byte, i) => bytes[i] === byte)) return decodePng(bytes);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return decodeJpeg(bytes);
  return refuse("neither PNG nor JPEG");
}

const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

function decodePng(bytes: Uint8Array): Decoded {
  const chunks = pngChunks(bytes);
  const header = chunks[0];
  if (header?.type !== "IHDR" || header.data.length !== 13)
    return refuse("damaged PNG: it does not start with its header");
  if (chunks.at(-1)!.type !== "IEND") return refuse("damaged PNG: it is cut short");
  const view = new DataView(header.data.buffer, header.data.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const tooLarge = sizeFault(width, height);
  if (tooLarge !== undefined) return refuse(tooLarge);

  try {
    // Unpacked once by hand, with a bound and to the byte: the decoder fills missing rows with 0, and unpacks an
    // interlaced picture however large it becomes.
    const packed = Buffer.concat(chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data));
    const expected = rowBytes(width, height, header.data);
    if (inflateSync(packed, { maxOutputLength: expected + 1 }).length !== expected) {
      return refuse(`damaged PNG: its data is not the ${expected} bytes that ${width}x${height} pixels take`);
    }
    // Without tRNS, which would make the decoder blacken the transparent pixels.
    const kept = chunks.filter(({ type }) => type !== "tRNS").map(({ whole }) => whole);
    const png = PNG.sync.read(Buffer.concat([bytes.subarray(0, 8), ...kept]));
    return accept(picture(png.width, png.height, png.color ? 3 : 1, png.data, 4));
  } catch (error) {
    return refuse(`damaged PNG: ${(error as Error).message}`);
  }
}

/** How many bytes all rows take, each with its filter byte. */
function rowBytes(width: number, height: number, header: Uint8Array): number {
  const [depth, colorType, interlaced] = [header[8]!, header[9]!, header[12] === 1];
  const bits = depth * ([1, 1, 3, 1, 2, 1, 4][colorType] ?? 1);
  const passes = interlaced ? adam7 : [{ x: 0, y: 0, dx: 1, dy: 1 }];
  return passes.reduce((sum, { x, y, dx, dy }) => {
    const columns = Math.ceil((width - x) / dx);
    const rows = Math.ceil((height - y) / dy);
    return columns > 0 && rows > 0 ? sum + rows * (1 + Math.ceil((columns * bits) / 8)) : sum;
  }, 0);
}

const adam7 = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];

/** Up to and with IEND, or as far as whole chunks go; `whole` includes length, type and checksum. */
function pngChunks(bytes: Uint8Array): { type: string; data: Uint8Array; whole: Uint8Array }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chunks: { type: string; data: Uint8Array; whole: Uint8Array }[] = [];
  let at = 8;
  while (at + 12 <= bytes.length) {
    const end = at + 12 + view.getUint32(at);
    if (end > bytes.length) break;
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    chunks.push({ type, data: bytes.subarray(at + 8, end - 4), whole: bytes.subarray(at, end) });
    if (type === "IEND") break;
    at = end;
  }
  return chunks;
}

function decodeJpeg(bytes: Uint8Array): Decoded {
  const header = jpegHeader(bytes);
  if (!header) return refuse("damaged JPEG: no frame was found");
  const { width, height, components, orientation } = header;
  if (!header.decodable)
    return refuse("this kind of JPEG (lossless or arithmetic-coded) is not supported; save it as a baseline JPEG");
  if (header.bits !== 8) return refuse(`a JPEG of ${header.bits} bits is not supported; save it with 8 bits`);
  if (components !== 1 && components !== 3) {
    return refuse(`a JPEG of ${components} channels (CMYK) is not supported; save it as RGB`);
  }
  const tooLarge = sizeFault(width, height);
  if (tooLarge !== undefined) return refuse(tooLarge);

  try {
    const { data } = jpeg.decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      colorTransform: !header.storesRgb,
      maxResolutionInMP: maxPixels / 1e6,
      maxMemoryUsageInMB: 2048,
    });
    const notes = orientation === 1 ? [] : [`its EXIF orientation (${orientation}) is not applied`];
    return accept(picture(width, height, components, data, 3), notes);
  } catch (error) {
    return refuse(`damaged JPEG: ${(error as Error).message}`);
  }
}

/** Keeps the first `channels` of `stride` values a pixel. */
function picture(width: number, height: number, channels: 1 | 3, values: Uint8Array, stride: number): Picture {
  const data = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let c = 0; c < channels; c++) data[pixel * channels + c] = values[pixel * stride + c]!;
  }
  return { width, height, channels, data };
}

function sizeFault(width: number, height: number): string | undefined {
  if (width === 0 || height === 0) return `the picture is empty: ${width}x${height}`;
  if (width * height > maxPixels)
    return `the picture is too large: ${width}x${height}, at most ${maxPixels / 1e6} megapixels`;
  return undefined;
}

function accept(picture: Picture, notes: readonly string[] = []): Decoded {
  return { ok: true, picture, notes };
}

function refuse(message: string): Decoded {
  return { ok: false, message };
}
