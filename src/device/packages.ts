import { createRequire } from "node:module";
import { join } from "node:path";

/** The main file of an optional package: beside sec, or in the project that sec runs in. */
export function findPackage(name: string): string | undefined {
  const places = [import.meta.url, join(process.cwd(), "package.json")];
  for (const place of places) {
    try {
      return createRequire(place).resolve(name);
    } catch {
      // Not installed there; the caller says so in its own words when no place has it.
    }
  }
  return undefined;
}
