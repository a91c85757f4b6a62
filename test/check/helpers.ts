import { readFileSync } from "node:fs";
import { check, type CheckOptions } from "../../src/check/check.ts";
import { Problems, type Diagnostic } from "../../src/diagnostics.ts";
import type { Graph } from "../../src/ir/graph.ts";

export interface Checked {
  readonly graph: Graph | undefined;
  readonly problems: readonly Diagnostic[];
  /** `SE0401 8..20 message`, one line each. */
  readonly text: string;
}

export function checkFiles(
  files: Readonly<Record<string, string>>,
  options: Partial<Pick<CheckOptions, "entry" | "network" | "set">> = {},
): Checked {
  const problems = new Problems();
  const entry = options.entry ?? Object.keys(files)[0]!;
  const load = (path: string) => (Object.hasOwn(files, path) ? files[path] : undefined);
  const graph = check({ ...options, entry, load, problems });
  const text = problems.list.map((it) => `${it.code} ${it.message}`).join("\n");
  return { graph, problems: problems.list, text };
}

/** A network's body and the definitions beside it, with one map of 8 channels, 8 x 8, as input `image`. */
export function checkBody(body: string, beside = "", set: Readonly<Record<string, string>> = {}): Checked {
  return checkFiles(
    { "net.se": `se 1\n${beside}\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n${body}\n  output y\n}\n` },
    { set },
  );
}

/** A file of the repository. */
export function checkRepositoryFile(entry: string, set: Readonly<Record<string, string>> = {}): Checked {
  return checkFiles({ [entry]: readFileSync(entry, "utf8") }, { set });
}
