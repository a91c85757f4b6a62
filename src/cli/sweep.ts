import { setImmediate } from "node:timers/promises";
import { levels, placeIn, planOf } from "../compile.ts";
import { Problems } from "../diagnostics.ts";
import { GENERATED } from "../marker.ts";
import type { Plan } from "../plan/plan.ts";
import { paperTables } from "../report/paper.ts";
import { pointsOf, sweepRow, type Axis } from "../report/sweep.ts";
import { literalTexts } from "../syntax/parse.ts";
import type { SweepFlags } from "./commands.ts";
import { diagnosticsJson, exitOf, showDiagnostics } from "./diagnostics.ts";
import { exit, Refusal, usage } from "./exit.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { progressOn } from "./progress.ts";
import { openProject } from "./project.ts";
import { networkOf } from "./settings.ts";
import { csvText, tableText, type Row, type Sweep } from "./sweepText.ts";
import { writeOne } from "./writeAll.ts";

const maxPoints = 1000;

/** What a network costs at every combination of some parameters' values. */
export async function sweepCommand(file: string, flags: SweepFlags, io: Io): Promise<Outcome> {
  const project = await openProject(file, flags, io);
  const sweeps = sweepsOf(flags);
  const points = sweeps.flatMap(({ set, axes }) => pointsOf(axes).map((point) => ({ set, point })));
  if (points.length > maxPoints) throw usage(`that would be ${points.length} networks; ${maxPoints} are allowed`);

  const problems = new Problems();
  const { network } = networkOf(flags);
  const progress = progressOn(io, flags);
  const planned: { readonly row: Row; readonly plan: Plan }[] = [];
  for (const [index, { set, point }] of points.entries()) {
    progress.show(`network ${index + 1} of ${points.length}`);
    await setImmediate();
    const source = { ...project, network, set: new Map([...set, ...Object.entries(point)]) };
    const one = planOf(source, { level: levels.O1 }, problems);
    if (one) planned.push({ row: sweepRow(point, one.graph, one.plan), plan: one.plan });
  }
  progress.end();
  showDiagnostics(problems.list, io, flags);
  const diagnostics = diagnosticsJson(problems.list, io);
  if (problems.failed) return { exit: exitOf(problems.list), document: { ok: false, diagnostics } };

  const rows = flags.time
    ? await timed(planned, placeIn(project.load), (text) => progress.show(text)).finally(progress.end)
    : planned.map(({ row }) => row);
  const text = flags.csv ? csvText(sweeps, rows) : tableText(sweeps, rows, flags.table);
  const toFile = flags.out !== undefined && flags.out !== "-";
  if (toFile) {
    const bytes = new TextEncoder().encode(`# ${GENERATED}\n${text}`);
    const written = await writeOne(flags.out, bytes, { force: flags.force === true, inputs: project.inputs() });
    if (!written.ok) throw new Refusal(exit.unwritten, written.message);
  }
  return {
    exit: exit.done,
    document: {
      ok: true,
      network: planned[0]!.plan.name,
      sweeps: sweeps.map(({ set, axes }) => ({ set: Object.fromEntries(set), over: axes })),
      rows,
      ...(toFile && { output: flags.out }),
      diagnostics,
    },
    ...(!toFile && { text }),
  };
}

/** What the flags ask for: one sweep, or those of a table of the paper. A `--set` wins over the table's own. */
function sweepsOf(flags: SweepFlags): readonly Sweep[] {
  const { set } = networkOf(flags);
  const { over = [], table: number } = flags;
  if (number === undefined) {
    if (over.length === 0) throw usage("nothing is varied", "--over ratio=2,4,8, or --table 10");
    return [{ set, axes: axesOf(over, set) }];
  }
  if (over.length > 0) throw usage("--table has its own --over; choose one");
  const { set: preset, sweeps } = paperTables[Number(number)]!;
  const all = new Map([...networkOf({ set: preset }).set, ...set]);
  return sweeps.map((axes) => ({ set: all, axes: axesOf(axes, all) }));
}

function axesOf(over: readonly string[], set: ReadonlyMap<string, string>): readonly Axis[] {
  const names = new Set<string>();
  return over.map((axis) => {
    const [, name, text] = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/s.exec(axis) ?? [];
    if (name === undefined || text === undefined) {
      throw usage(
        `--over ${axis}: expected name=value,value`,
        "as in --over ratio=2,4,8 or --over stages=[2],[3],[2,3]",
      );
    }
    if (set.has(name)) throw usage(`${name} is both fixed and varied, by --set and by --over`);
    if (names.has(name)) throw usage(`--over gives ${name} twice`);
    names.add(name);
    const values = literalTexts(text);
    const twice = values.find((value, index) => values.indexOf(value) !== index);
    if (twice !== undefined) throw usage(`--over ${axis}: ${twice} is there twice`);
    return { name, values };
  });
}

async function timed(
  planned: readonly { readonly row: Row; readonly plan: Plan }[],
  place: ReturnType<typeof placeIn>,
  show: (text: string) => void,
): Promise<readonly Row[]> {
  const { openTimer, timeOf } = await import("./timing.ts");
  const device = await openTimer();
  try {
    const rows: Row[] = [];
    for (const { row, plan } of planned) {
      show(`timing network ${rows.length + 1} of ${planned.length}`);
      rows.push({ ...row, time: await timeOf(plan, device, place) });
    }
    return rows;
  } finally {
    await device.close();
  }
}
