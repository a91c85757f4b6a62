import { levels, planOf } from "../compile.ts";
import { Problems } from "../diagnostics.ts";
import { reportOf, type Report } from "../report/report.ts";
import { unsupported } from "../supported.ts";
import type { ReportFlags } from "./commands.ts";
import { diagnosticsJson, exitOf, showDiagnostics } from "./diagnostics.ts";
import { exit } from "./exit.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { openProject } from "./project.ts";
import { networkOf } from "./settings.ts";
import { bytesText, grouped, table } from "./table.ts";

/** Counts of the network as written; kernels and memory on a target. */
export async function reportCommand(file: string, flags: ReportFlags, io: Io): Promise<Outcome> {
  const problems = new Problems();
  unsupported(flags.target, "f32", "run").forEach((diagnostic) => problems.report(diagnostic));
  const source = { ...(await openProject(file, flags, io)), ...networkOf(flags) };
  const planned = problems.failed ? undefined : planOf(source, { level: levels.O1 }, problems);
  showDiagnostics(problems.list, io, flags);
  const diagnostics = diagnosticsJson(problems.list, io);
  if (!planned) return { exit: exitOf(problems.list), document: { ok: false, diagnostics } };

  const report = reportOf(planned.graph, planned.plan);
  return {
    exit: exit.done,
    document: { ok: true, ...report, target: flags.target, diagnostics },
    text: textOf(report, flags),
  };
}

function textOf(report: Report, flags: ReportFlags): string {
  return [
    layersText(report),
    ...(report.stages.length > 0 ? [stagesText(report)] : []),
    summaryText(report),
    ...(flags.kernels ? [kernelsText(report), fusionText(report)] : []),
    ...(flags.memory ? [memoryText(report)] : []),
  ].join("\n");
}

/** Layers with parameters or multiply-adds; the others cost nothing, and `--json` has them all. */
function layersText({ layers }: Report): string {
  const rows = layers
    .filter(({ params, buffers, macs }) => params + buffers + macs > 0)
    .map(({ name, op, shape, params, buffers, macs }) => [
      name,
      op,
      shape.join(" x "),
      grouped(params),
      buffers === 0 ? "" : grouped(buffers),
      macs === 0 ? "" : grouped(macs),
    ]);
  return table([["layer", "op", "shape", "params", "buffers", "macs"], ...rows]);
}

function stagesText({ stages }: Report): string {
  const rows = stages.map(({ stage, name, params, buffers, macs, se, kernels, traffic, weightBytes }) => [
    stage === null ? "" : String(stage),
    name,
    grouped(params),
    grouped(buffers),
    grouped(macs),
    grouped(se.params),
    grouped(se.macs),
    String(kernels),
    bytesText(traffic.maps + traffic.vectors + traffic.parts),
    bytesText(weightBytes),
  ]);
  return table([
    ["stage", "", "params", "buffers", "macs", "SE params", "SE macs", "kernels", "activations", "weights"],
    ...rows,
  ]);
}

function summaryText(report: Report): string {
  const { network, params, buffers, macs, se, insertions, kernels, peakActivationBytes, weightBytes, traffic } = report;
  const share = (part: number, whole: number) =>
    `${grouped(part)} (${((100 * part) / Math.max(1, whole)).toFixed(2)} %)`;
  const rows: [string, string][] = [
    ["network", network],
    ["parameters", grouped(params)],
    ["BatchNorm statistics", grouped(buffers)],
    ["multiply-adds, one image", grouped(macs)],
    ["SE blocks", String(insertions.length)],
    ["  parameters", share(se.params, params)],
    ["  multiply-adds", share(se.macs, macs)],
    ["kernels, one run", String(kernels)],
    ["weights", bytesText(weightBytes)],
    ["activations, one image", bytesText(peakActivationBytes)],
    ["activations read and written", bytesText(traffic.maps + traffic.vectors + traffic.parts)],
  ];
  return rows.map(([what, value]) => `${what.padEnd(30)}${value}\n`).join("");
}

function kernelsText({ launches }: Report): string {
  const rows = launches.map(({ name, kernel, traffic, weightBytes, ops }) => [
    name,
    kernel,
    bytesText(traffic.maps + traffic.vectors + traffic.parts),
    weightBytes === 0 ? "" : bytesText(weightBytes),
    ops.join(" "),
  ]);
  return table([["kernel", "family", "activations", "weights", "computes"], ...rows]);
}

function fusionText({ fusion, added, traffic }: Report): string {
  if (fusion.length === 0) return "";
  const share = (bytes: number) => `${bytesText(bytes)} (${((100 * bytes) / traffic.maps).toFixed(2)} %)`;
  const { maps, vectors, parts } = added.traffic;
  const blocks = fusion
    .map(
      ({ name, point, squeeze, gate, scale }) =>
        `${name} (${point})\n  squeeze  ${squeeze}\n  gate     ${gate}\n  scale    ${scale}\n`,
    )
    .join("");
  return `${blocks}
SE adds ${added.kernels} kernels, and for one image these bytes read and written, beside the feature maps' own:
  feature maps  ${share(maps)}
  vectors       ${share(vectors)}
  partial sums  ${share(parts)}
`;
}

function memoryText({ buffersOfActivations }: Report): string {
  const rows = buffersOfActivations.map(({ bytes, values }, slot) => [
    String(slot),
    bytesText(bytes),
    values.join(" "),
  ]);
  return table([["buffer", "one image", "values, in turn"], ...rows]);
}
