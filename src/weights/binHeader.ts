import { encodeUtf8 } from "../syntax/utf8.ts";
import { storages, type Storage } from "./storage.ts";

/**
 * weights.bin: a header of 256 bytes; then, stored as f32, the buffers of a plan one after the other, or else its tensors
 * (docs/weights.md). All numbers are little-endian; the rest of the header is zero. The runtime of net.js and the host code of net.cu read the same file.
 */
export const binHeader = {
  bytes: 256,
  /** u32 at 0: "SECW" */
  magic: 0x57434553,
  /** u32 at 4. */
  version: 1,
  /** 8 bytes, in the order of its hexadecimal digits. */
  fingerprintAt: 8,
  /** u64: of the whole file. */
  byteLengthAt: 16,
  /** u32: how many buffers. */
  buffersAt: 24,
  /** u32, then UTF-8: the network's name, for messages. */
  nameLengthAt: 28,
  nameAt: 32,
  /** u32: how the weights are stored, an index into `storages`. */
  storageAt: 252,
} as const;

/** Whose weights a file has that begins with these bytes: the fingerprint in hexadecimal, or undefined where none is. */
export function fingerprintIn(start: Uint8Array): string | undefined {
  const { bytes, magic, fingerprintAt } = binHeader;
  if (start.length < bytes || new DataView(start.buffer, start.byteOffset).getUint32(0, true) !== magic)
    return undefined;
  const digits = [...start.subarray(fingerprintAt, fingerprintAt + 8)].map((byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  return digits.join("");
}

export function writeBinHeader(
  file: Uint8Array,
  header: {
    readonly network: string;
    readonly fingerprint: string;
    readonly buffers: readonly number[];
    readonly storage?: Storage;
  },
): void {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  view.setUint32(0, binHeader.magic, true);
  view.setUint32(4, binHeader.version, true);
  for (let i = 0; i < 8; i++) {
    file[binHeader.fingerprintAt + i] = Number.parseInt(header.fingerprint.slice(2 * i, 2 * i + 2), 16);
  }
  view.setBigUint64(binHeader.byteLengthAt, BigInt(file.length), true);
  view.setUint32(binHeader.buffersAt, header.buffers.length, true);
  const name = encodeUtf8(header.network).subarray(0, binHeader.storageAt - binHeader.nameAt);
  view.setUint32(binHeader.nameLengthAt, name.length, true);
  file.set(name, binHeader.nameAt);
  view.setUint32(binHeader.storageAt, storages.indexOf(header.storage ?? "f32"), true);
}
