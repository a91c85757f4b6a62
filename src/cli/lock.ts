import { closeSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

/** How long to wait for another process that writes into the same folder. */
const patienceMs = 60_000;

/**
 * Runs `work` while no other sec writes into the folder, so that of two compilers the last complete set wins, and not
 * some files of each. The lock is a file that holds the process id; one whose process is gone is taken over.
 */
export async function withLock<T>(path: string, work: () => T): Promise<T> {
  const deadline = Date.now() + patienceMs;
  while (!tryLock(path)) {
    if (isStale(path)) removeQuietly(path);
    else if (Date.now() > deadline) throw new Error(`another sec is writing here; if none is, delete ${path}`);
    else await setTimeout(20);
  }
  try {
    return work();
  } finally {
    removeQuietly(path);
  }
}

function tryLock(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  try {
    writeSync(file, String(process.pid));
  } catch (error) {
    removeQuietly(path);
    throw error;
  } finally {
    closeSync(file);
  }
  return true;
}

/** Its process is gone; or it died before it wrote its id; or, if it runs on another machine, it takes too long. */
function isStale(path: string): boolean {
  try {
    const owner = Number(readFileSync(path, "latin1"));
    if (owner > 0) process.kill(owner, 0);
    return Date.now() - statSync(path).mtimeMs > (owner > 0 ? patienceMs : 2000);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else took it over.
  }
}
