/** The table of a results file of measure.py in docs/performance.md: bench/cuda/run --table FILE [DOCUMENT] */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { format } from "prettier";

interface Results {
  readonly device: { readonly name: string; readonly driver: string };
  readonly date: string;
  readonly compiler: string;
  readonly batches: readonly number[];
  readonly quick: boolean;
  readonly rounds: number;
  readonly fragments: { readonly skipped?: string; readonly agrees?: boolean; readonly said?: string };
  readonly groups: readonly { readonly title: string; readonly networks: readonly Network[] }[];
  readonly peers: { readonly skipped?: string; readonly torch?: string; readonly results?: readonly Peer[] };
}

interface Network {
  readonly name: string;
  readonly programs: readonly Program[];
}

interface Program {
  readonly precision: string;
  readonly skipped?: string;
  readonly agrees?: boolean;
  readonly difference?: number | null;
  readonly tolerance?: number;
  readonly sanitizer?: Readonly<Record<string, string>>;
  readonly timings?: readonly Timing[];
}

interface Peer {
  readonly network: string;
  readonly precision: string;
  readonly peer: string;
  readonly skipped?: string;
  readonly difference?: number;
  readonly timings: readonly Timing[];
}

interface Timing {
  readonly batch: number;
  readonly ms?: number;
  /** To the first network of the group. */
  readonly ratio?: number;
  readonly failed?: string;
}

const [file, document = "docs/performance.md"] = process.argv.slice(2);
if (file === undefined) throw new Error("table.ts RESULTS [DOCUMENT]");
const results = JSON.parse(readFileSync(file, "utf8")) as Results;
const [begin, end] = ["<!-- bench/cuda/run writes this -->", "<!-- until here -->"];
const old = existsSync(document) ? readFileSync(document, "utf8") : "# Performance\n";
const [before, rest = `${end}\n`] = old.includes(begin) ? old.split(begin) : [`${old}\n`];
const behind = rest.slice(rest.indexOf(end) + end.length);
const text = [before, begin, "\n\n", ...sections(), "\n", end, behind].join("");
writeFileSync(document, await format(text, { parser: "markdown", printWidth: 120 }));
console.log(`wrote ${document}`);

function sections(): string[] {
  const { device, date, compiler, rounds, quick, fragments, groups, peers, batches } = results;
  const beside = peers.torch === undefined ? `Peers were skipped: ${peers.skipped}.` : `Peers: PyTorch ${peers.torch}.`;
  return [
    `## CUDA on ${device.name}\n\n`,
    `${date}, ${device.driver}, ${compiler}; all figures are in bench/results/${basename(file!)}. `,
    `A time is that of a run as a CUDA graph, the median of ${rounds} rounds, each the least of 20. ${beside} `,
    `Fragments of tensor cores: ${fragments.agrees ? "agree" : "see below"}.\n\n`,
    quick ? "This is a try of the script with small networks: the times mean nothing.\n\n" : "",
    "Milliseconds of a batch, by its size:\n\n",
    ...markdown([
      ["network", "precision", "by", ...batches.map(String), "off by", "allowed"],
      ...groups.flatMap(({ networks }) => networks.flatMap(rowsOf)),
    ]),
    "\nWhat SE costs: the time over that of the same network without it, median of the rounds:\n\n",
    ...markdown([
      ["network", "precision", ...batches.map(String)],
      ...groups.flatMap(({ networks }) =>
        networks
          .slice(1)
          .flatMap(({ name, programs }) =>
            programs.map(({ precision, timings }) => [
              name,
              precision,
              ...batches.map((batch) => timings?.find((each) => each.batch === batch)?.ratio?.toFixed(3) ?? ""),
            ]),
          ),
      ),
    ]),
    ...remarks(),
  ];
}

/** Ours, then the peers, in each precision. */
function rowsOf({ name, programs }: Network): string[][] {
  const peers = results.peers.results ?? [];
  return programs.flatMap(({ precision, difference, tolerance, timings = [] }) => [
    [name, precision, "sec", ...times(timings), off(difference), off(tolerance)],
    ...peers
      .filter((each) => each.network === name && each.precision === precision && each.skipped === undefined)
      .map((each) => [name, precision, each.peer, ...times(each.timings), off(each.difference), ""]),
  ]);
}

function times(timings: readonly Timing[]): string[] {
  return results.batches.map((batch) => {
    const timing = timings.find((each) => each.batch === batch);
    return timing?.ms?.toFixed(3) ?? (timing?.failed === undefined ? "" : "failed");
  });
}

function off(difference: number | null | undefined): string {
  return difference?.toExponential(1) ?? "";
}

/** What is wrong or was left out, by name. */
function remarks(): string[] {
  const ours = results.groups.flatMap(({ networks }) =>
    networks.flatMap(({ name, programs }) =>
      programs.flatMap(({ precision, skipped, agrees, sanitizer = {}, timings = [] }) => [
        ...(skipped === undefined ? [] : [`${name} ${precision}: skipped, ${skipped}`]),
        ...(agrees === false ? [`${name} ${precision}: DIFFERS from the reference`] : []),
        ...Object.entries(sanitizer).flatMap(([tool, said]) => {
          if (tool === "skipped") return [`compute-sanitizer: skipped, ${said}`];
          return said === "clean" ? [] : [`${name} ${precision}: ${tool}: ${said}`];
        }),
        ...failures(`${name} ${precision}`, timings),
      ]),
    ),
  );
  const theirs = (results.peers.results ?? []).flatMap(({ network, precision, peer, skipped, timings }) => [
    ...(skipped === undefined ? [] : [`${peer}: skipped, ${skipped}`]),
    ...failures(`${network} ${precision} ${peer}`, timings),
  ]);
  const { skipped, agrees, said } = results.fragments;
  const layouts = agrees ? [] : [`fragments: ${said === undefined ? `skipped, ${skipped}` : `DIFFER: ${said}`}`];
  const all = [...new Set([...layouts, ...ours, ...theirs])];
  return all.length === 0 ? [] : ["\n", ...all.map((each) => `- ${each.replace(/\s+/g, " ")}\n`)];
}

function failures(what: string, timings: readonly Timing[]): string[] {
  return timings.flatMap(({ batch, failed }) => (failed === undefined ? [] : [`${what} batch ${batch}: ${failed}`]));
}

function markdown([head, ...rows]: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return [line(head!), line(head!.map(() => "---")), ...rows.map(line)];
}
