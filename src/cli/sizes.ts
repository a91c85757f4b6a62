import { brotliCompressSync, constants } from "node:zlib";
import type { OutputFile } from "../compile.ts";
import { bytesText, table } from "./table.ts";

export interface Size {
  readonly path: string;
  readonly bytes: number;
  /** What a server would send; weights do not get smaller, and trying takes long. */
  readonly brotli?: number;
}

export function sizesOf(files: readonly OutputFile[]): readonly Size[] {
  return files.map(({ path, bytes }) => {
    if (path === "weights.bin") return { path, bytes: bytes.length };
    // Level 6 is within a tenth of the best and takes a twentieth of its time.
    const packed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } });
    return { path, bytes: bytes.length, brotli: packed.length };
  });
}

/** Kernels share one row: net.js holds them, too. */
export function sizesText(sizes: readonly Size[]): string {
  const kernels = sizes.filter(({ path }) => path.startsWith("kernels/"));
  const others = sizes.filter((size) => !kernels.includes(size));
  const sum = (pick: (size: Size) => number) => kernels.reduce((total, size) => total + pick(size), 0);
  const rows = [
    ...others,
    { path: `kernels/ (${kernels.length})`, bytes: sum(({ bytes }) => bytes), brotli: sum(({ brotli = 0 }) => brotli) },
  ];
  return table([
    ["  file", "raw", "brotli"],
    ...rows.map(({ path, bytes, brotli }) => [
      `  ${path}`,
      bytesText(bytes),
      brotli === undefined ? "" : bytesText(brotli),
    ]),
  ]);
}
