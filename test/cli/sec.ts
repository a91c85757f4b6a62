import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { main } from "../../src/cli/main.ts";
import type { Io } from "../../src/cli/io.ts";

export const repository = fileURLToPath(new URL("../..", import.meta.url));

export interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** One command line in this process. */
export async function sec(argv: readonly string[], io: Partial<Io> = {}): Promise<Ran> {
  let out = "";
  let err = "";
  const exit = await main(argv, {
    out: (data) => void (out += typeof data === "string" ? data : Buffer.from(data).toString("latin1")),
    err: (text) => void (err += text),
    stdin: () => Promise.resolve(new Uint8Array()),
    stdinIsTerminal: false,
    interactive: false,
    colour: false,
    width: 100,
    env: {},
    sources: new Map(),
    ...io,
  });
  return { exit, out, err };
}

/** The program as users run it; `dist/` must be built. */
export function spawnSec(
  argv: readonly string[],
  options: { readonly cwd?: string; readonly input?: string | Uint8Array; readonly env?: Record<string, string> } = {},
): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(repository, "bin/sec.cjs"), ...argv], {
    cwd: options.cwd,
    input: options.input ?? "",
    env: { ...process.env, ...options.env },
  });
  return { exit: status ?? -1, out: stdout.toString(), err: stderr.toString() };
}

/** A folder of its own with these files. */
export function folder(files: Readonly<Record<string, string | Uint8Array>>): string {
  const path = mkdtempSync(join(tmpdir(), "sec-cli-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

/** Runs `work` with a folder as the current one. */
export async function within<T>(path: string, work: () => Promise<T>): Promise<T> {
  const before = process.cwd();
  process.chdir(path);
  try {
    return await work();
  } finally {
    process.chdir(before);
  }
}
