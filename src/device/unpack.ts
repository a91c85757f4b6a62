import { createHash, randomUUID } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize, sep } from "node:path";
import { brotliDecompressSync } from "node:zlib";

/**
 * The folder that `fill` makes from the files `sources`, made once per content of these files.
 * Safe with several processes: each fills a folder of its own, and the first rename wins.
 */
export function unpackOnce(sources: readonly string[], fill: (folder: string) => void): string {
  const hash = createHash("sha256");
  for (const source of sources) hash.update(readFileSync(source));
  const folder = join(cacheFolder(sources[0] ?? ""), hash.digest("hex").slice(0, 16));
  if (existsSync(folder)) return folder;

  const unfinished = `${folder}.${randomUUID()}`;
  try {
    mkdirSync(unfinished, { mode: 0o700 });
    fill(unfinished);
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another process was faster, and its folder has the same content.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** `node_modules/.cache/sec` beside the package; where that cannot be written, a folder of this user's among temporary files. */
export function cacheFolder(packaged: string): string {
  const modules = `${sep}node_modules${sep}`;
  const at = packaged.lastIndexOf(modules);
  if (at >= 0) {
    const folder = join(packaged.slice(0, at + modules.length), ".cache", "sec");
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK);
      return folder;
    } catch {
      // A read-only installation.
    }
  }
  // Libraries are loaded from here, so nobody else may be able to put one in.
  const user = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `sec-${user}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== user || (found.mode & 0o022) !== 0) {
    throw new Error(`${folder} is not a folder that only this user can write`);
  }
  return folder;
}

/** Unpacks a `.tar.br` archive of plain files and folders. */
export function unpackTar(archive: string, folder: string): void {
  const tar = brotliDecompressSync(readFileSync(archive));
  const text = (at: number, length: number) => tar.toString("latin1", at, at + length).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const name = [text(at + 345, 155), text(at, 100)].filter((part) => part !== "").join("/");
    const mode = parseInt(text(at + 100, 8), 8);
    const size = parseInt(text(at + 124, 12), 8);
    const kind = text(at + 156, 1);
    const target = normalize(join(folder, name));
    if (!target.startsWith(folder)) throw new Error(`${archive} has an entry outside its folder: ${name}`);
    if (kind === "5") {
      mkdirSync(target, { recursive: true });
    } else if (kind === "0" || kind === "") {
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, tar.subarray(at + 512, at + 512 + size), { mode });
    } else {
      throw new Error(`${archive} has an entry of a kind that is not read here: ${name} (${kind})`);
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
