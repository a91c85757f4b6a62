import { check, outline } from "../check/check.ts";
import { Problems, type Diagnostic } from "../diagnostics.ts";
import type { NetworkFlags } from "./commands.ts";
import { diagnosticsJson, exitOf, showDiagnostics } from "./diagnostics.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { openProject } from "./project.ts";
import { networkOf } from "./settings.ts";

/** Everything that compile would find fault with, and no output: in the network that is named, or in all of the file. */
export async function checkCommand(file: string, flags: NetworkFlags, io: Io): Promise<Outcome> {
  const source = { ...(await openProject(file, flags, io)), ...networkOf(flags) };
  const declared = outline({ ...source, problems: new Problems() }).networks.map(({ name }) => name);
  // None or one is chosen by the checker, which says why if it cannot.
  const chosen = source.network === undefined && declared.length > 1 ? [...new Set(declared)] : [source.network];

  const found = new Problems();
  const names = chosen.flatMap((network) => {
    const problems = new Problems();
    const graph = check({ ...source, network, problems });
    problems.list.map(blocksAlone).forEach((diagnostic) => found.report(diagnostic));
    return graph ? [graph.name] : [];
  });
  showDiagnostics(found.list, io, flags);
  return {
    exit: exitOf(found.list),
    document: {
      ok: !found.failed,
      ...(chosen.length > 1 ? { networks: names } : { network: names[0] }),
      diagnostics: diagnosticsJson(found.list, io),
    },
  };
}

/** A file of blocks for others to import cannot be compiled, and is not wrong. */
function blocksAlone(diagnostic: Diagnostic): Diagnostic {
  if (diagnostic.code !== "SE0209") return diagnostic;
  return {
    ...diagnostic,
    severity: "note",
    hint: "names are checked here; shapes are where a network uses the blocks",
  };
}
