import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GENERATED, GENERATOR } from "../marker.ts";
import { decodeUtf8 } from "../syntax/utf8.ts";

/**
 * Whether sec wrote a file: its first line has the mark; or it is a manifest.json of ours; or the manifest.json of ours
 * in the same output folder lists it (weights.bin, which has no lines).
 */
export function isOurs(folder: string, path: string, content: Uint8Array): boolean {
  if (isMarked(path, content)) return true;
  const listed = filesOfManifest(folder);
  return listed !== undefined && (path === "manifest.json" || listed.has(path));
}

export function isMarked(path: string, content: Uint8Array): boolean {
  return firstLine(path, content).includes(GENERATED);
}

/** At most 1,000 bytes, one character a byte: the mark is ASCII. A safetensors file has its length before its text. */
function firstLine(path: string, content: Uint8Array): string {
  const text = content.subarray(path.endsWith(".safetensors") ? 8 : 0);
  const end = text.indexOf(0x0a);
  return String.fromCharCode(...text.subarray(0, Math.min(end < 0 ? text.length : end, 1000)));
}

/** The paths in `files: [{ path }]` of a manifest of ours; undefined where there is none. */
export function filesOfManifest(folder: string): ReadonlySet<string> | undefined {
  try {
    const text = decodeUtf8(readFileSync(join(folder, "manifest.json")));
    if (!text.ok) return undefined;
    const manifest: unknown = JSON.parse(text.text);
    if (!isRecord(manifest) || manifest.generator !== GENERATOR || !Array.isArray(manifest.files)) return undefined;
    const paths = manifest.files.map((file: unknown) => (isRecord(file) ? file.path : undefined));
    return new Set(paths.filter((path) => typeof path === "string"));
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
