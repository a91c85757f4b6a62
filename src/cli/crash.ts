import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../version.ts";
import { exit } from "./exit.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";

/**
 * What a user sees of a bug in sec: one line, a file that reproduces it and where to send it. The file holds what was
 * compiled and the versions, nothing else: no environment, no paths of the machine, no stack.
 */
export function reportCrash(error: unknown, argv: readonly string[], io: Io): Outcome {
  const message = error instanceof Error ? error.message : String(error);
  const crashFile = writeCrashFile(io);
  io.err(`error[SE9999]: internal error: ${message}\n`);
  if (argv.includes("--debug") && error instanceof Error) io.err(`${error.stack ?? ""}\n`);
  io.err("  This is a bug in sec, not in your program. Please report it");
  io.err(crashFile === undefined ? ".\n" : ` with this file, which holds your source and versions:\n  ${crashFile}\n`);
  return { exit: exit.bug, document: { ok: false, error: { code: "SE9999", message, crashFile } } };
}

function writeCrashFile({ sources }: Io): string | undefined {
  const { versions, platform, arch } = process;
  const content = { sec: version, node: versions.node, platform, arch, sources: Object.fromEntries(sources) };
  try {
    const path = join(mkdtempSync(join(tmpdir(), "sec-crash-")), "crash.json");
    writeFileSync(path, `${JSON.stringify(content, undefined, 2)}\n`, { flag: "wx" });
    return path;
  } catch {
    // The message has to do; a full disk is not the bug to report.
    return undefined;
  }
}
