import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { isFolder } from "./files.ts";

/** Makes a folder and those above it. Not with Node's `recursive`, which never ends where nothing can be made, as in /proc. */
export function makeFolder(path: string): void {
  if (isFolder(path)) return;
  try {
    mkdirSync(path);
  } catch (error) {
    const isOrphan = (error as NodeJS.ErrnoException).code === "ENOENT" && !isFolder(dirname(path));
    if (isOrphan) makeFolder(dirname(path));
    // Another sec may have been faster.
    if (isFolder(path)) return;
    if (!isOrphan) throw error;
    makeFolder(path);
  }
}
