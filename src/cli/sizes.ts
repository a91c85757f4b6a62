import { brotliCompressSync, constants } from "node:zlib";
import type { OutputFile } from "../compile.ts";
import { bytesText, table } from "./table.ts";

export interface Size {
  readonly path: string;
  readonly bytes: number;
  /** What a server would send of it. Not of kernels, which net.js holds, and not of weights, which do not get smaller. */
  readonly brotli?: number;
}

export function sizesOf(files: readonly OutputFile[]): readonly Size[] {
  return files.map(({ path, bytes }) => {
    if (path.startsWith("weights.") || isKernel(path)) return { path, bytes: bytes.length };
    // Level 6 is within a tenth of the best and takes a twentieth of its time.
    const packed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } });
    return { path, bytes: bytes.length, brotli: packed.length };
  });
}

/** Kernels share one row. */
export function sizesText(sizes: readonly Size[]): string {
  const kernels = sizes.filter(({ path }) => isKernel(path));
  const others = sizes.filter(({ path }) => !isKernel(path));
  const bytes = kernels.reduce((sum, size) => sum + size.bytes, 0);
  const row = { path: `kernels/ (${kernels.length}, in net.js, too)`, bytes };
  const rows: readonly Size[] = kernels.length > 0 ? [...others, row] : others;
  return table([
    ["  file", "raw", "brotli"],
    ...rows.map(({ path, bytes, brotli }) => [
      `  ${path}`,
      bytesText(bytes),
      brotli === undefined ? "" : bytesText(brotli),
    ]),
  ]);
}

function isKernel(path: string): boolean {
  return path.startsWith("kernels/");
}
