import { appendFileSync, mkdtempSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { readBytes } from "../../src/cli/files.ts";

/** What happens to the file between two of our reads. */
let between: (() => void) | undefined;

vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const readSync = ((...args: Parameters<typeof fs.readSync>) => {
    between?.();
    between = undefined;
    return fs.readSync(...args);
  }) as typeof fs.readSync;
  return { ...fs, readSync };
});

test.each<[string, (path: string) => void]>([
  ["grows", (path) => appendFileSync(path, "more")],
  ["shrinks", (path) => truncateSync(path, 3)],
])("fault 51: a file that %s while it is read is refused", (_, change) => {
  const path = join(mkdtempSync(join(tmpdir(), "sec-changing-")), "w.safetensors");
  writeFileSync(path, "0123456789");
  expect(readBytes(path, 100)).toMatchObject({ ok: true });
  between = () => change(path);
  expect(readBytes(path, 100)).toEqual({ ok: false, message: `${path}: the file changed while it was read` });
});
