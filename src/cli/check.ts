import { check } from "../check/check.ts";
import { Problems } from "../diagnostics.ts";
import type { NetworkFlags } from "./commands.ts";
import { diagnosticsJson, exitOf, showDiagnostics } from "./diagnostics.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { openProject } from "./project.ts";
import { networkOf } from "./settings.ts";

/** Everything that compile would find fault with, and no output. */
export async function checkCommand(file: string, flags: NetworkFlags, io: Io): Promise<Outcome> {
  const source = { ...(await openProject(file, flags, io)), ...networkOf(flags) };
  const problems = new Problems();
  const graph = check({ ...source, problems });
  showDiagnostics(problems.list, io, flags);
  return {
    exit: exitOf(problems.list),
    document: { ok: !problems.failed, network: graph?.name, diagnostics: diagnosticsJson(problems.list, io) },
  };
}
