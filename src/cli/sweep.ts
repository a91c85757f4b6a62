import { setImmediate } from "node:timers/promises";
import { levels, placeIn, planOf } from "../compile.ts";
import { Problems } from "../diagnostics.ts";
import { GENERATED } from "../marker.ts";
import type { Plan } from "../plan/plan.ts";
import type { Traffic } from "../plan/traffic.ts";
import { paperTables } from "../report/paper.ts";
import { pointsOf, sweepRow, type Axis, type SweepRow } from "../report/sweep.ts";
import { literalTexts } from "../syntax/parse.ts";
import type { SweepFlags } from "./commands.ts";
import { csv } from "./csv.ts";
import { diagnosticsJson, exitOf, showDiagnostics } from "./diagnostics.ts";
import { exit, Refusal, usage } from "./exit.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { progressOn } from "./progress.ts";
import { openProject } from "./project.ts";
import { networkOf } from "./settings.ts";
import { bytesText, grouped, table } from "./table.ts";
import type { Timing } from "./timing.ts";
import { writeOne } from "./writeAll.ts";

/** A point of a sweep with its time, where that was asked for. */
type Row = SweepRow & { readonly time?: Timing };

/** Some settings, and the parameters that are varied. */
interface Sweep {
  readonly set: ReadonlyMap<string, string>;
  readonly axes: readonly Axis[];
}

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
  const text = flags.csv ? csvText(sweeps, rows) : tableText(sweeps, rows, flags);
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

/** The parameters that are varied anywhere, in order. */
function namesOf(sweeps: readonly Sweep[]): readonly string[] {
  return [...new Set(sweeps.flatMap(({ axes }) => axes.map(({ name }) => name)))];
}

function tableText(sweeps: readonly Sweep[], rows: readonly Row[], { table: number }: SweepFlags): string {
  const names = namesOf(sweeps);
  const share = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(2)} %`;
  const withPaper = rows.some(({ paper }) => paper);
  const [{ time } = {}] = rows;
  const lines = rows.map((row) => [
    ...names.map((name) => row.set[name] ?? ""),
    grouped(row.params),
    grouped(row.params + row.buffers),
    grouped(row.macs),
    share(row.se.params, row.params),
    share(row.se.macs, row.macs),
    String(row.kernels),
    bytesText(bytesOf(row.traffic)),
    bytesText(bytesOf(row.added.traffic)),
    ...(time ? [`${row.time!.medianMs.toFixed(3)} ms`] : []),
    ...(withPaper ? paperCells(row) : []),
  ]);
  const head = [
    ...[...names, "params", "with BN", "macs", "SE params", "SE macs", "kernels", "bytes moved", "SE adds"],
    ...(time ? ["median"] : []),
    ...(withPaper ? ["|", "paper: top-1", "top-5", "GFLOPs", "params"] : []),
  ];
  const title = number === undefined ? "" : titleText(number, sweeps);
  const timing = time ? `\nmedian of ${time.runs} runs of one image on ${time.adapter}\n` : "";
  return `${title}${table([head, ...lines])}${timing}`;
}

function titleText(number: string, sweeps: readonly Sweep[]): string {
  const lines = sweeps.map(({ set, axes }) => {
    const flags = [
      ...[...set].map(([name, value]) => `--set ${name}=${value}`),
      ...axes.map(({ name, values }) => `--over ${quoted(`${name}=${values.join(",")}`)}`),
    ];
    return `  ${flags.join(" ")}\n`;
  });
  return `Table ${number} of Hu et al. 2018, ${paperTables[Number(number)]!.title}:\n${lines.join("")}\n`;
}

/** For a shell, which may take brackets for a pattern. */
function quoted(text: string): string {
  return /^[\w=,.-]+$/.test(text) ? text : `'${text}'`;
}

function paperCells({ paper }: Row): readonly string[] {
  if (!paper) return ["|"];
  return [
    "|",
    paper.top1.toFixed(2),
    paper.top5.toFixed(2),
    paper.gflops?.toFixed(2) ?? "",
    paper.params === undefined ? "" : `${paper.params.toFixed(1)} M`,
  ];
}

/** One column a number, none rounded. */
function csvText(sweeps: readonly Sweep[], rows: readonly Row[]): string {
  const names = namesOf(sweeps);
  const columns: readonly (readonly [string, (row: Row) => string | number | undefined])[] = [
    ...names.map((name) => [name, (row: Row) => row.set[name]] as const),
    ["params", (row) => row.params],
    ["buffers", (row) => row.buffers],
    ["macs", (row) => row.macs],
    ["se_params", (row) => row.se.params],
    ["se_macs", (row) => row.se.macs],
    ["kernels", (row) => row.kernels],
    ["bytes_moved", (row) => bytesOf(row.traffic)],
    ["weight_bytes", (row) => row.weightBytes],
    ["se_kernels", (row) => row.added.kernels],
    ["se_bytes_maps", (row) => row.added.traffic.maps],
    ["se_bytes_vectors", (row) => row.added.traffic.vectors],
    ["se_bytes_parts", (row) => row.added.traffic.parts],
    ["median_ms", (row) => row.time?.medianMs],
    ["adapter", (row) => row.time?.adapter],
    ["paper_top1", (row) => row.paper?.top1],
    ["paper_top5", (row) => row.paper?.top5],
    ["paper_gflops", (row) => row.paper?.gflops],
    ["paper_params_millions", (row) => row.paper?.params],
  ];
  return csv([columns.map(([name]) => name), ...rows.map((row) => columns.map(([, cell]) => cell(row)))]);
}

function bytesOf({ maps, vectors, parts }: Traffic): number {
  return maps + vectors + parts;
}
