import { lstatSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, type Stats } from "node:fs";
import { basename, dirname } from "node:path";
import { setImmediate } from "node:timers/promises";
import { reasonOf } from "./files.ts";
import { withLock } from "./lock.ts";
import { makeFolder } from "./makeFolder.ts";
import { outputPathClash, outputPathFault } from "./outputPath.ts";
import { filesOfManifest, isMarked, isOurs } from "./ours.ts";
import { replaceFiles } from "./replaceFiles.ts";

export interface OutputFile {
  /** Below the output folder, with `/`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface WriteOptions {
  /** Write over files that sec did not write. */
  readonly force: boolean;
  /** The files that were read; none of them is ever written over. */
  readonly inputs: readonly string[];
}

export type Written =
  | { readonly ok: true; readonly written: readonly string[]; readonly unchanged: readonly string[] }
  | { readonly ok: false; readonly message: string };

/**
 * Writes a set of files into a folder, all or none. On a refusal, whose message begins with the path as typed, the
 * command exits 3.
 *
 * The manifest, which holds the hashes of the others, comes last: a set that a power cut left half new is not accepted by
 * the runtime. A file whose content is the same already is not touched and keeps its time. Once writing has begun a signal
 * waits until the set is complete, and then ends the process (130, 143).
 */
export async function writeAll(folder: string, files: readonly OutputFile[], options: WriteOptions): Promise<Written> {
  const paths = files.map(({ path }) => path);
  const fault = paths.map(outputPathFault).find((message) => message !== undefined) ?? outputPathClash(paths);
  if (fault !== undefined) return refuse(`${folder}: ${fault}`);
  const prefix = folder.endsWith("/") ? folder : `${folder}/`;
  const targets = files.map(({ path, bytes }) => ({ path, bytes, destination: prefix + path }));
  return holdingSignals(() => writeTargets(folder, targets, options));
}

/** Writes one file, whose path a user typed, by the same rules. */
export async function writeOne(path: string, bytes: Uint8Array, options: WriteOptions): Promise<Written> {
  const target = { path: basename(path), bytes, destination: path };
  return holdingSignals(() => writeTargets(dirname(path), [target], options));
}

/** Why `writeOne` would refuse a path: asked before long work. */
export function whyNotOver(path: string, options: WriteOptions): string | undefined {
  const reason = refusal(dirname(path), { path: basename(path), destination: path }, options);
  return reason === undefined ? undefined : `${path}: ${reason}`;
}

interface Target extends OutputFile {
  /** The folder as typed, and the path below it. */
  readonly destination: string;
}

async function writeTargets(folder: string, targets: readonly Target[], options: WriteOptions): Promise<Written> {
  if (targets.every(isUnchanged)) return { ok: true, written: [], unchanged: targets.map(({ path }) => path) };
  try {
    makeFolder(folder);
    return await withLock(`${folder}/.sec.lock`, () => {
      const unchanged = targets.filter(isUnchanged);
      const changed = manifestLast(targets.filter((target) => !unchanged.includes(target)));
      for (const target of changed) {
        const reason = refusal(folder, target, options);
        if (reason !== undefined) return refuse(`${target.destination}: ${reason}`);
      }
      const before = filesOfManifest(folder);
      const failure = replaceFiles(changed);
      if (failure) return refuse(`${failure.destination}: ${reasonOf(failure.error)}`);
      const paths = new Set(targets.map(({ path }) => path));
      if (before && paths.has("manifest.json"))
        removeStale(
          folder,
          [...before].filter((path) => !paths.has(path)),
        );
      return { ok: true, written: changed.map(({ path }) => path), unchanged: unchanged.map(({ path }) => path) };
    });
  } catch (error) {
    return refuse(`${folder}: ${reasonOf(error)}`);
  }
}

/** Texts of the package that was here before, which the new one lacks: kernels of other names. weights.bin stays. */
function removeStale(folder: string, paths: readonly string[]): void {
  for (const path of paths) {
    const place = `${folder}/${path}`;
    if (outputPathFault(path) !== undefined || !lstatOf(place)?.isFile()) continue;
    if (!isMarked(path, readFileSync(place))) continue;
    rmSync(place);
    if (path.includes("/") && readdirSync(dirname(place)).length === 0) rmdirSync(dirname(place));
  }
}

/** Why a file must not be written where it should go. */
function refusal(
  folder: string,
  { path, destination }: Omit<Target, "bytes">,
  { force, inputs }: WriteOptions,
): string | undefined {
  const parts = path.split("/");
  for (let depth = 1; depth < parts.length; depth++) {
    const parent = lstatOf(`${folder}/${parts.slice(0, depth).join("/")}`);
    if (parent && !parent.isDirectory()) return `${parts.slice(0, depth).join("/")} is not a folder`;
  }
  const there = lstatOf(destination);
  if (!there) return undefined;
  if (inputs.some((input) => isSameFile(input, destination))) return "is an input, too; choose another output";
  if (there.isSymbolicLink()) return force ? undefined : "is a symbolic link; --force replaces the link";
  if (!there.isFile()) return "is not a regular file";
  if (force || isOurs(folder, path, readFileSync(destination))) return undefined;
  return "was not written by sec; --force writes over it";
}

function isUnchanged({ destination, bytes }: Target): boolean {
  const there = lstatOf(destination);
  return (
    there !== undefined && there.isFile() && there.size === bytes.length && readFileSync(destination).equals(bytes)
  );
}

function isSameFile(a: string, b: string): boolean {
  const [statA, statB] = [a, b].map((path) => statSync(path, { throwIfNoEntry: false }));
  return statA !== undefined && statB !== undefined && statA.dev === statB.dev && statA.ino === statB.ino;
}

/** Undefined if nothing is there, or nothing that can be looked at: then writing will say why. */
function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function manifestLast(targets: readonly Target[]): Target[] {
  const isManifest = ({ path }: Target) => path === "manifest.json";
  return [...targets.filter((target) => !isManifest(target)), ...targets.filter(isManifest)];
}

/**
 * The files are written without giving way to the event loop, so a signal is seen after that, in the turns that follow:
 * two, because a signal that came during one turn's callbacks is delivered in the next.
 */
async function holdingSignals<T>(work: () => Promise<T>): Promise<T> {
  const stop = (signal: NodeJS.Signals) => process.exit(signal === "SIGINT" ? 130 : 143);
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    const result = await work();
    await setImmediate();
    await setImmediate();
    return result;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function refuse(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message };
}
