/** What a JPEG says about itself before its pixels. */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly components: number;
  /** Whether three components are red, green and blue as they are, rather than luma and chroma. */
  readonly storesRgb: boolean;
  /** Baseline or progressive, with Huffman codes: the kinds that are decoded. */
  readonly decodable: boolean;
  /** EXIF: 1 is upright. */
  readonly orientation: number;
}

/** Walks the segments up to the frame's header; undefined where there is none. */
export function jpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let orientation = 1;
  let adobeTransform: number | undefined;
  let jfif = false;

  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const length = view.getUint16(at + 2);
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (length < 2 || segment.length !== length - 2) return undefined;
    if (marker === 0xe0) jfif ||= startsWith(segment, "JFIF\0");
    if (marker === 0xe1 && startsWith(segment, "Exif\0\0")) orientation = exifOrientation(segment.subarray(6));
    if (marker === 0xee && startsWith(segment, "Adobe") && segment.length >= 12) adobeTransform = segment[11];
    if (frameMarkers.has(marker)) {
      if (segment.length < 6 || segment.length < 6 + 3 * segment[5]!) return undefined;
      const ids = Array.from({ length: segment[5]! }, (_, i) => segment[6 + 3 * i]!);
      return {
        bits: segment[0]!,
        height: (segment[1]! << 8) | segment[2]!,
        width: (segment[3]! << 8) | segment[4]!,
        components: ids.length,
        storesRgb:
          adobeTransform === 0 || (adobeTransform === undefined && !jfif && String.fromCharCode(...ids) === "RGB"),
        decodable: marker <= 0xc2,
        orientation,
      };
    }
    at += 2 + length;
  }
  return undefined;
}

/** SOF0 to SOF15, among which DHT, JPG and DAC are not frames. */
const frameMarkers = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);

function startsWith(bytes: Uint8Array, text: string): boolean {
  return [...text].every((character, i) => bytes[i] === character.charCodeAt(0));
}

/** The orientation tag of a TIFF structure's first directory, else upright. */
function exifOrientation(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  const little = tiff[0] === 0x49;
  const directory = tiff.length >= 8 ? view.getUint32(4, little) : tiff.length;
  if (directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let entry = directory + 2; entry + 12 <= tiff.length && entry < directory + 2 + 12 * entries; entry += 12) {
    if (view.getUint16(entry, little) === 0x0112) return view.getUint16(entry + 8, little);
  }
  return 1;
}
