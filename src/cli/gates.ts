import { gateMeans, gateSpread, maxDrawnClasses } from "../draw/gates.ts";
import { expose } from "../ir/expose.ts";
import { GENERATED } from "../marker.ts";
import { gateReport, type GateReport } from "../report/gates.ts";
import { runReference, runWebGpu } from "./backends.ts";
import type { GatesFlags } from "./commands.ts";
import { csv } from "./csv.ts";
import { exit, Refusal, usage } from "./exit.ts";
import { isFolder, readFolder } from "./files.ts";
import { readInputs } from "./inputs.ts";
import type { Io } from "./io.ts";
import { labelsOfFolders, readLabels } from "./labels.ts";
import { openNetwork } from "./openNetwork.ts";
import type { Outcome } from "./outcome.ts";
import { progressOn } from "./progress.ts";
import { inputsOf } from "./run.ts";
import { table } from "./table.ts";
import { parametersOf } from "./weights.ts";
import { writeAll } from "./writeAll.ts";

/** Runs a network with the gates of all its SE blocks as outputs, and draws how they are distributed. */
export async function gatesCommand(file: string, flags: GatesFlags, io: Io): Promise<Outcome> {
  const opened = await openNetwork(file, flags, io);
  if ("exit" in opened) return opened;
  const { graph, place, diagnostics } = opened;
  const nodes = new Set(graph.nodes.map(({ name }) => name));
  // A block of the source that stands where an SE block would calls its gate so, if it has one.
  const insertions = graph.insertions.filter(({ name }) => nodes.has(`${name}.gate`));
  const names = new Set(insertions.map(({ name }) => `${name}.gate`));
  if (names.size === 0) throw usage(`${graph.name} has no SE blocks`, "sec gates draws the gates of `insert se(…)`");

  const note = (text: string) => void (flags.quiet || io.err(`note: ${text}\n`));
  const inputs = readInputs(foldersInside(flags.input), inputsOf(graph));
  if (!inputs.ok) throw usage(inputs.message);
  inputs.notes.forEach(note);
  const { sources, batch } = inputs;
  const labels = flags.labels === undefined ? labelsOfFolders(sources) : readLabels(flags.labels, sources);
  if (!labels) note("no classes: give a folder for every class, or --labels");
  const { tensors: parameters, json: weights } = parametersOf(graph, flags, io, { place });

  const progress = progressOn(io, flags);
  const run = flags.backend === "reference" ? runReference : runWebGpu;
  const ran = await run({
    graph: expose(
      graph,
      graph.nodes.filter(({ name }) => names.has(name)),
    ),
    inputs: inputs.tensors,
    parameters,
    batch,
    maxBatch: flags.maxBatch,
    place,
    progress: progress.show,
  }).finally(progress.end);
  note(`ran ${batch} image${batch === 1 ? "" : "s"} on ${ran.on}`);

  const report = gateReport(graph.name, insertions, ran.outputs, labels);
  const classes = report.blocks[0]!.classes.length;
  if (classes > maxDrawnClasses) note(`${classes} classes: the ${maxDrawnClasses} with the most images are drawn`);
  const document = { ok: true, on: ran.on, ...report, ...(weights && { weights }), diagnostics };
  if (flags.out === "-") return { exit: exit.done, document, text: csvText(report) };
  const read = [...opened.inputs(), ...sources, ...[flags.weights, flags.labels].filter((path) => path !== undefined)];
  const written = await writeAll(flags.out, filesOf(report), { force: flags.force === true, inputs: read });
  if (!written.ok) throw new Refusal(exit.unwritten, written.message);
  return { exit: exit.done, document: { ...document, out: flags.out }, text: summaryText(report) };
}

/** A folder that holds one folder for every class stands for those. */
function foldersInside(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    const folder = isFolder(path) ? readFolder(path) : undefined;
    if (!folder?.ok) return [path];
    const inside = folder.names.map((name) => `${path.replace(/\/+$/, "")}/${name}`);
    return inside.length > 0 && inside.every(isFolder) ? inside : [path];
  });
}

function filesOf(report: GateReport): { path: string; bytes: Uint8Array }[] {
  const texts = {
    "mean.svg": gateMeans(report),
    "spread.svg": gateSpread(report),
    "gates.json": `${JSON.stringify({ generator: GENERATED, schemaVersion: 1, ...report })}\n`,
    "gates.csv": `# ${GENERATED}\n${csvText(report)}`,
  };
  return Object.entries(texts).map(([path, text]) => ({ path, bytes: new TextEncoder().encode(text) }));
}

/** One line a block, class and channel; the class of all images is empty. */
function csvText({ blocks }: GateReport): string {
  const rows = blocks.flatMap(({ name, all, classes }) =>
    [{ label: "", ...all }, ...classes].flatMap(({ label, images, mean, deviation }) =>
      mean.map((value, channel) => [name, label, images, channel, value, deviation[channel]]),
    ),
  );
  return csv([["block", "class", "images", "channel", "mean", "deviation"], ...rows]);
}

/** How much a block's gates tell the classes apart: the paper's Section 7.2 in one line a block. */
function summaryText({ blocks }: GateReport): string {
  const rows = blocks.map(({ name, channels, all, classes }) => {
    const between = all.mean.map((mean, channel) => {
      const squares = classes.map((each) => each.images * (each.mean[channel]! - mean) ** 2);
      return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / all.images);
    });
    return [
      name,
      String(channels),
      average(all.mean).toFixed(4),
      average(all.deviation).toFixed(4),
      classes.length === 0 ? "" : average(between).toFixed(4),
    ];
  });
  return table([["SE block", "channels", "mean gate", "deviation", "between classes"], ...rows]);
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
