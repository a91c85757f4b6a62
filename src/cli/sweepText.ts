import type { Traffic } from "../plan/traffic.ts";
import { paperTables } from "../report/paper.ts";
import type { Axis, SweepRow } from "../report/sweep.ts";
import { csv } from "./csv.ts";
import { bytesText, grouped, table } from "./table.ts";
import type { Timing } from "./timing.ts";

/** A point of a sweep with its time, where that was asked for. */
export type Row = SweepRow & { readonly time?: Timing };

/** Some settings, and the parameters that are varied. */
export interface Sweep {
  readonly set: ReadonlyMap<string, string>;
  readonly axes: readonly Axis[];
}

/** @param number of the paper's table, if it is one */
export function tableText(sweeps: readonly Sweep[], rows: readonly Row[], number: string | undefined): string {
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
      ...[...set].map(([name, value]) => `--set ${quoted(`${name}=${value}`)}`),
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
export function csvText(sweeps: readonly Sweep[], rows: readonly Row[]): string {
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

/** The parameters that are varied anywhere, in order. */
function namesOf(sweeps: readonly Sweep[]): readonly string[] {
  return [...new Set(sweeps.flatMap(({ axes }) => axes.map(({ name }) => name)))];
}
