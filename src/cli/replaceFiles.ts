import { randomBytes } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "./makeFolder.ts";

export interface Replacement {
  readonly destination: string;
  readonly bytes: Uint8Array;
}

/** What failed, and at which file. */
export interface Failure {
  readonly destination: string;
  readonly error: unknown;
}

/**
 * Puts new contents in place of files, in the order given. All are first written beside their destinations and flushed,
 * then all are renamed. After a failure everything is as it was before, and no temporary file is left either way.
 */
export function replaceFiles(files: readonly Replacement[]): Failure | undefined {
  const moves = files.map(({ destination, bytes }) => ({
    destination,
    bytes,
    temporary: beside(destination, "tmp"),
    backup: beside(destination, "old"),
  }));
  const done: Move[] = [];
  let current = "";
  try {
    for (const { destination, temporary, bytes } of moves) {
      current = destination;
      makeFolder(dirname(destination));
      writeFlushed(temporary, bytes);
    }
    for (const move of moves) {
      current = move.destination;
      if (existsSync(move.destination)) keep(move);
      renameSync(move.temporary, move.destination);
      done.push(move);
    }
    return undefined;
  } catch (error) {
    for (const move of done.reverse()) takeBack(move);
    return { destination: current, error };
  } finally {
    for (const { temporary, backup } of moves) {
      rmSync(temporary, { force: true });
      rmSync(backup, { force: true });
    }
  }
}

interface Move {
  readonly destination: string;
  readonly temporary: string;
  readonly backup: string;
}

/** `.net.js.tmp-4711-9f86d081`, in the same folder, so that renaming never copies. */
function beside(destination: string, purpose: string): string {
  const name = `.${basename(destination)}.${purpose}-${process.pid}-${randomBytes(4).toString("hex")}`;
  return join(dirname(destination), name);
}

function writeFlushed(path: string, bytes: Uint8Array): void {
  const file = openSync(path, "wx");
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A second name for the old content; a copy, where the file system has no such thing. */
function keep({ destination, backup }: Move): void {
  try {
    linkSync(destination, backup);
  } catch {
    copyFileSync(destination, backup);
  }
}

function takeBack({ destination, backup }: Move): void {
  if (existsSync(backup)) renameSync(backup, destination);
  else rmSync(destination, { force: true });
}
