import { check } from "../check/check.ts";
import { levels, lower } from "../compile.ts";
import { Problems } from "../diagnostics.ts";
import type { GraphFormat } from "../draw/drawing.ts";
import { formats } from "../draw/formats.ts";
import { networkDrawing } from "../draw/network.ts";
import { planDrawing } from "../draw/plan.ts";
import type { GraphFlags } from "./commands.ts";
import { diagnosticsJson, exitOf, showDiagnostics } from "./diagnostics.ts";
import { exit, Refusal, usage } from "./exit.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { openProject } from "./project.ts";
import { networkOf } from "./settings.ts";
import { writeOne } from "./writeAll.ts";

/** Draws a network as it is written, or the kernels that it becomes. */
export async function graphCommand(file: string, flags: GraphFlags, io: Io): Promise<Outcome> {
  const format = flags.format ?? formatOf(flags.out);
  const project = await openProject(file, flags, io);
  const problems = new Problems();
  const graph = check({ ...project, ...networkOf(flags), problems });
  const plan = graph && flags.plan ? lower(graph, { level: levels.O1 }, problems) : undefined;
  showDiagnostics(problems.list, io, flags);
  const diagnostics = diagnosticsJson(problems.list, io);
  if (!graph || problems.failed) return { exit: exitOf(problems.list), document: { ok: false, diagnostics } };

  const drawing = plan ? planDrawing(plan, flags.detail) : networkDrawing(graph, flags.detail);
  const text = formats[format](drawing);
  const document = { ok: true, network: graph.name, format, ...drawing, diagnostics };
  if (flags.out === undefined || flags.out === "-") return { exit: exit.done, document, text };
  const options = { force: flags.force === true, inputs: project.inputs() };
  const written = await writeOne(flags.out, new TextEncoder().encode(text), options);
  if (!written.ok) throw new Refusal(exit.unwritten, written.message);
  return { exit: exit.done, document: { ...document, output: flags.out } };
}

const endings: ReadonlyMap<string, GraphFormat> = new Map([
  ["svg", "svg"],
  ["dot", "dot"],
  ["gv", "dot"],
  ["mmd", "mermaid"],
  ["mermaid", "mermaid"],
]);

/** As the name of the file ends: a drawing is never a picture of another kind than it says. */
function formatOf(out: string | undefined): GraphFormat {
  if (out === undefined || out === "-") return "svg";
  const format = endings.get(/\.(\w+)$/.exec(out)?.[1]?.toLowerCase() ?? "");
  if (format !== undefined) return format;
  throw usage(
    `-o ${out}: a drawing ends with ${[...endings.keys()].map((ending) => `.${ending}`).join(", ")}`,
    "or say --format",
  );
}
