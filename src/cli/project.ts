import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import type { Code } from "../codes.ts";
import { Bug, Unreadable } from "../diagnostics.ts";
import { decodeUtf8 } from "../syntax/utf8.ts";
import type { NetworkFlags } from "./commands.ts";
import { exit, Refusal, usage, type ExitCode } from "./exit.ts";
import { maxSourceBytes, readSource } from "./files.ts";
import type { Io } from "./io.ts";

/** Where a network's sources lie, as the compiler wants to know it. */
export interface Project {
  /** The entry's path below the root, with `/`: what messages and generated code show. */
  readonly entry: string;
  /** A source below the root. */
  readonly load: (path: string) => string | undefined;
  /** The files that were read, as paths of this machine: none of them may be written over. */
  readonly inputs: () => readonly string[];
}

/** Flags that name what a command reads. */
type ReadingFlags = NetworkFlags & { readonly weights?: string; readonly input?: readonly string[] };

/**
 * The project of a file is the nearest folder above it with a sec.config or a package.json; without one, the folder of
 * the file. So the paths in generated code are the same wherever the project lies, and wherever sec is called.
 */
export async function openProject(file: string, flags: ReadingFlags, io: Io): Promise<Project> {
  const { stdinFilename, weights, input = [] } = flags;
  if ([file, weights, ...input].filter((path) => path === "-").length > 1) {
    throw usage("standard input can be read once: `-` stands here twice");
  }
  const named = file === "-" ? (stdinFilename ?? "stdin.se") : file;
  if (file !== "-" && stdinFilename !== undefined) throw usage("--stdin-filename goes with the file `-`");
  const text = await readText(file, io);
  const path = resolve(named);
  const root = rootOf(dirname(path));
  const entry = relative(root, path).split(sep).join("/");

  const inputs = file === "-" ? [] : [path];
  const load = (wanted: string): string | undefined => {
    const found = wanted === entry ? text : sourceBelow(root, wanted);
    if (found === undefined) return undefined;
    io.sources.set(wanted, found);
    if (wanted !== entry) inputs.push(join(root, wanted));
    // How the tests see what a bug looks like.
    if (io.env.SEC_TEST_CRASH) throw new Bug(io.env.SEC_TEST_CRASH);
    return found;
  };
  return { entry, load, inputs: () => inputs };
}

export const configNames = ["sec.config.json", "sec.config.js", "sec.config.ts"] as const;

function rootOf(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if ([...configNames, "package.json"].some((name) => existsSync(join(at, name)))) return at;
    if (dirname(at) === at) return folder;
  }
}

/** A source as it was named; `-` is standard input. */
export async function readText(file: string, io: Io): Promise<string> {
  if (file === "-") return textOfStdin(io);
  const read = readSource(file);
  if (read.ok) return read.text;
  throw new Refusal(read.code === "SE0121" ? exit.wrong : exit.usage, read.message, undefined, { code: read.code });
}

async function textOfStdin(io: Io): Promise<string> {
  if (io.stdinIsTerminal) {
    throw usage("standard input is a terminal", "pipe a source into it: sec check - < net.se");
  }
  const bytes = await io.stdin(maxSourceBytes);
  const refuse = (code: Code, why: string, exitCode: ExitCode) =>
    new Refusal(exitCode, `standard input: ${why}`, undefined, { code });
  if (bytes === undefined) throw refuse("SE0108", `more than ${maxSourceBytes} bytes`, exit.usage);
  const decoded = decodeUtf8(bytes);
  if (!decoded.ok) throw refuse("SE0121", `not UTF-8 at byte ${decoded.at}`, exit.wrong);
  return decoded.text;
}

/** Links are followed, but not out of the project. The compiler says where the file was asked for. */
function sourceBelow(root: string, path: string): string | undefined {
  const full = join(root, path);
  if (isAbsent(full)) return undefined;
  const read = readSource(full);
  if (!read.ok) throw new Unreadable(read.message.replace(full, path));
  if (!realpathSync(full).startsWith(realpathSync(root) + sep)) {
    throw new Unreadable(`${path} is a link that leads out of the project`);
  }
  return read.text;
}

/** Links that lead to each other and forbidden folders are not: reading says what they are. */
function isAbsent(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}
