import { crc32, deflateSync } from "node:zlib";

export interface PngFields {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** 0 grey, 2 colour, 3 palette, 4 grey and alpha, 6 colour and alpha. */
  readonly colorType: number;
  readonly interlaced?: boolean;
  /** Rows with their filter byte in front, packed as the format says. */
  readonly rows: Uint8Array | readonly number[];
  /** Chunks between the header and the data: PLTE, tRNS, gAMA. */
  readonly chunks?: Readonly<Record<string, readonly number[]>>;
}

/** A PNG made by hand, so that a test can hold what no encoder writes. */
export function png(fields: PngFields): Uint8Array {
  const { width, height, depth, colorType, interlaced = false, rows, chunks = {} } = fields;
  const size = new Uint8Array(8);
  new DataView(size.buffer).setUint32(0, width);
  new DataView(size.buffer).setUint32(4, height);
  return Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", [...size, depth, colorType, 0, 0, Number(interlaced)]),
    ...Object.entries(chunks).map(([type, data]) => chunk(type, data)),
    chunk("IDAT", deflateSync(Uint8Array.from(rows))),
    chunk("IEND", []),
  ]);
}

export function chunk(type: string, data: Uint8Array | readonly number[]): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, "latin1"), Uint8Array.from(data)]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  out.set(body, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
