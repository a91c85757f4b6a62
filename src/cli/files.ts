import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import type { Code } from "../codes.ts";
import { decodeUtf8 } from "../syntax/utf8.ts";

/**
 * Reading what a user named. Nothing here throws: a failure is a sentence that begins with the path as it was typed, and
 * the command exits 2. The limits are checked before anything is read.
 */
export type Read<T> = ({ readonly ok: true } & T) | Unread;

export interface Unread {
  readonly ok: false;
  readonly message: string;
  /** Where `sec explain` says more. */
  readonly code?: Code;
}

export const maxSourceBytes = 1 << 20;
/** What a Uint8Array holds on every host. */
export const maxWeightBytes = 2 ** 32 - 1;

/** The bytes of a regular file. `-` is standard input. */
export function readBytes(path: string, maxBytes: number, tooLarge?: Code): Read<{ readonly bytes: Uint8Array }> {
  let file: number | undefined;
  try {
    if (path === "-") return readStandardInput(maxBytes);
    // Asked before opening: opening a pipe would wait for its writer.
    if (!statSync(path).isFile()) return refuse(`${path}: ${kindOf(path)}, expected a file`);
    file = openSync(path, "r");
    const { size } = fstatSync(file);
    if (size > maxBytes) return refuse(`${path}: the file has ${size} bytes, the limit is ${maxBytes}`, tooLarge);
    const bytes = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const got = readSync(file, bytes, filled, Math.min(size - filled, 1 << 30), filled);
      if (got === 0) break;
      filled += got;
    }
    if (filled !== size || fstatSync(file).size !== size) return refuse(`${path}: the file changed while it was read`);
    return { ok: true, bytes };
  } catch (error) {
    return refuse(`${path}: ${reasonOf(error)}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The first bytes of a regular file, or all if it has fewer. */
export function readStart(path: string, count: number): Read<{ readonly bytes: Uint8Array }> {
  let file: number | undefined;
  try {
    if (!statSync(path).isFile()) return refuse(`${path}: ${kindOf(path)}, expected a file`);
    file = openSync(path, "r");
    const bytes = new Uint8Array(count);
    return { ok: true, bytes: bytes.subarray(0, readSync(file, bytes, 0, count, 0)) };
  } catch (error) {
    return refuse(`${path}: ${reasonOf(error)}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** A source file's text. A wrong encoding is named by the first byte that is not UTF-8. */
export function readSource(path: string): Read<{ readonly text: string }> {
  const read = readBytes(path, maxSourceBytes, "SE0108");
  if (!read.ok) return read;
  const decoded = decodeUtf8(read.bytes);
  if (!decoded.ok) return refuse(`${path}: not UTF-8 at byte ${decoded.at}${utf16Hint(read.bytes)}`, "SE0121");
  return { ok: true, text: decoded.text };
}

/** The names in a folder, in the one order that is the same everywhere. */
export function readFolder(path: string): Read<{ readonly names: readonly string[] }> {
  try {
    return { ok: true, names: readdirSync(path).sort((a, b) => (a < b ? -1 : 1)) };
  } catch (error) {
    return refuse(`${path}: ${reasonOf(error)}`);
  }
}

export function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** An error of the file system in words, without its path, which the message shows as it was typed. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasons.get(code) ?? (error instanceof Error ? error.message : String(error));
}

const reasons = new Map([
  ["ENOENT", "no such file or folder"],
  ["EACCES", "permission denied"],
  ["EPERM", "not permitted"],
  ["EISDIR", "a folder, expected a file"],
  ["EEXIST", "something else is there already"],
  ["ENOTDIR", "a part of the path is a file, not a folder"],
  ["ELOOP", "symbolic links that lead to each other"],
  ["ENAMETOOLONG", "the name is too long"],
  ["ENOSPC", "no space left on the device"],
  ["EDQUOT", "the disk quota is used up"],
  ["EROFS", "the file system is read-only"],
  ["EXDEV", "a move to another file system"],
  ["EBUSY", "the file is in use"],
  ["EMFILE", "too many open files"],
  ["EIO", "the device failed"],
]);

function readStandardInput(maxBytes: number): Read<{ readonly bytes: Uint8Array }> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const part = new Uint8Array(1 << 16);
    const got = readChunk(part);
    if (got === 0) return { ok: true, bytes: Buffer.concat(parts) };
    size += got;
    if (size > maxBytes) return refuse(`standard input: more than ${maxBytes} bytes`);
    parts.push(part.subarray(0, got));
  }
}

/** Standard input may be in non-blocking mode, where an empty pipe is an error; then wait a moment and ask again. */
function readChunk(into: Uint8Array): number {
  for (;;) {
    try {
      return readSync(0, into);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EOF") return 0;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

function kindOf(path: string): string {
  const stat = statSync(path);
  if (stat.isDirectory()) return "a folder";
  if (stat.isFIFO()) return "a pipe";
  return stat.isSocket() ? "a socket" : "a device";
}

function utf16Hint(bytes: Uint8Array): string {
  const mark = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return mark ? "; the file is UTF-16, save it as UTF-8" : "";
}

function refuse(message: string, code?: Code): Unread {
  return { ok: false, message, ...(code && { code }) };
}
