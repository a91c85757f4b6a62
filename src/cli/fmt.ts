import { realpathSync } from "node:fs";
import { Problems } from "../diagnostics.ts";
import { format } from "../syntax/format.ts";
import { encodeUtf8 } from "../syntax/utf8.ts";
import type { FormatFlags } from "./commands.ts";
import { diagnosticsJson, exitOf, showDiagnostics } from "./diagnostics.ts";
import { exit, Refusal, usage, type ExitCode } from "./exit.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { readText } from "./project.ts";
import { writeOne } from "./writeAll.ts";

/** The canonical form, in place; with `--check` the names of files that are not in it. A wrong file is left alone. */
export async function formatCommand(files: readonly string[], flags: FormatFlags, io: Io): Promise<Outcome> {
  if (files.includes("-") && files.length > 1) throw usage("`-` cannot be formatted together with files");
  const problems = new Problems();
  const changed: string[] = [];
  let text: string | undefined;
  for (const file of files) {
    const source = await readText(file, io);
    const name = file === "-" ? "stdin.se" : file;
    io.sources.set(name, source);
    const formatted = format(source, name, problems);
    if (formatted === undefined) continue;
    if (formatted !== source) changed.push(file);
    if (flags.check) continue;
    if (file === "-") text = formatted;
    else if (formatted !== source) {
      // A link stays a link: the file behind it is written.
      const result = await writeOne(realpathSync(file), encodeUtf8(formatted), { force: true, inputs: [] });
      if (!result.ok) throw new Refusal(exit.unwritten, result.message);
    }
  }
  showDiagnostics(problems.list, io, flags);
  if (flags.check && !flags.quiet) for (const file of changed) io.err(`${file}: not formatted\n`);
  const code: ExitCode = flags.check && changed.length > 0 ? exit.wrong : exitOf(problems.list);
  return {
    exit: code,
    document: { ok: code === exit.done, changed, diagnostics: diagnosticsJson(problems.list, io) },
    ...(text !== undefined && { text }),
  };
}
