import { check } from "../check/check.ts";
import { placeIn } from "../compile.ts";
import { Problems, type Span } from "../diagnostics.ts";
import type { Graph } from "../ir/graph.ts";
import type { NetworkFlags } from "./commands.ts";
import { diagnosticsJson, exitOf, showDiagnostics } from "./diagnostics.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { openProject } from "./project.ts";
import { networkOf } from "./settings.ts";

export interface OpenNetwork {
  /** As it is written. */
  readonly graph: Graph;
  /** A span in words. */
  readonly place: (span: Span) => string;
  readonly inputs: () => readonly string[];
  readonly diagnostics: readonly unknown[];
}

/** The network of a source; what the command ends with if the source is wrong. Diagnostics are shown. */
export async function openNetwork(file: string, flags: NetworkFlags, io: Io): Promise<OpenNetwork | Outcome> {
  const project = await openProject(file, flags, io);
  const problems = new Problems();
  const graph = check({ ...project, ...networkOf(flags), problems });
  showDiagnostics(problems.list, io, flags);
  const diagnostics = diagnosticsJson(problems.list, io);
  if (!graph) return { exit: exitOf(problems.list), document: { ok: false, diagnostics } };
  return { graph, place: placeIn(project.load), inputs: project.inputs, diagnostics };
}
