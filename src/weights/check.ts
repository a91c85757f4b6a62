import type { Span } from "../diagnostics.ts";
import type { Graph } from "../ir/graph.ts";
import { nearest } from "../suggest.ts";
import { quote } from "./header.ts";
import { likelyCauses } from "./causes.ts";
import { nameMaps } from "./maps/index.ts";
import { ownLayouts } from "./maps/own.ts";
import { theirNames, type NameMap } from "./maps/map.ts";
import { fits, likelyCause, shapeText } from "./shapes.ts";

/** One difference between a checkpoint and what a network needs. */
export interface WeightFault {
  readonly kind: "missing" | "unexpected" | "shape";
  /** The tensor's name: the network's, or of what is unexpected the file's. */
  readonly name: string;
  readonly message: string;
}

/** How the names of a checkpoint were read. */
export interface Reading {
  /** The layout whose names they are; undefined: the network's own. */
  readonly map: NameMap | undefined;
  /** What stands before every name in the file and was left out, as DataParallel's `module.`. */
  readonly prefix: string;
  /** From the network's names to the file's. */
  readonly names: ReadonlyMap<string, string>;
  /** Every difference; none if the checkpoint fits. */
  readonly faults: readonly WeightFault[];
  /** What may be behind the faults, and what to try. */
  readonly causes: readonly string[];
}

type Shapes = ReadonlyMap<string, readonly number[]>;

/**
 * Compares a checkpoint with a graph's (or a weight program's) parameters: by the network's own names, then by those of each
 * public layout. The first that leaves no difference is taken, else the one that leaves the fewest, with all of them.
 * BatchNorm's `num_batches_tracked` is ignored.
 *
 * @param place a span in words; without it messages do not say where a layer stands
 */
export function readNames(graph: Graph, given: Shapes, place?: (span: Span) => string): Reading {
  const needed = new Map<string, readonly number[]>();
  for (const node of graph.nodes) if (node.op === "parameter") needed.set(node.name, node.type.shape as number[]);

  const reading = nearestReading(needed, given);
  const { map, prefix, names, wrong } = reading;
  const faults = faultsOf(graph, needed, given, reading, place);
  const causes = faults.length === 0 ? [] : likelyCauses(graph, layoutsOf(given).titles, map, wrong);
  return { map, prefix, names, faults, causes };
}

function nearestReading(needed: Shapes, given: Shapes): Candidate {
  const ours = [...needed.keys()];
  const byOwnNames = candidateOf(needed, given, undefined, "", new Map(ours.map((name) => [name, name])));
  let best = byOwnNames;
  for (const map of [undefined, ...nameMaps]) {
    const theirs = map ? theirNames(map, ours) : byOwnNames.names;
    for (const prefix of prefixesOf(given)) {
      if (best.count === 0) return best;
      const names = new Map([...theirs].map(([our, their]) => [our, prefix + their]));
      const candidate = candidateOf(needed, given, map, prefix, names);
      if (candidate.count < best.count) best = candidate;
    }
  }
  // Another network has a few names in common with every layout; then none is worth telling.
  return best.wrong.missing.length > needed.size / 2 ? byOwnNames : best;
}

function candidateOf(
  needed: Shapes,
  given: Shapes,
  map: NameMap | undefined,
  prefix: string,
  names: ReadonlyMap<string, string>,
): Candidate {
  const wrong = differences(needed, names, given);
  const count = wrong.missing.length + wrong.unexpected.length + wrong.shape.length;
  return { map, prefix, names, wrong, count };
}

/** The public layouts that a checkpoint's keys look like, without a network: those with the most signs. */
export function layoutsOf(given: ReadonlyMap<string, unknown>): {
  readonly titles: readonly string[];
  readonly prefix: string;
} {
  const prefix = prefixesOf(given).at(-1)!;
  const keys = [...given.keys()].map((key) => key.slice(prefix.length));
  const found = [...nameMaps, ...ownLayouts].filter(({ signs }) =>
    signs.every((sign) => keys.some((key) => sign.test(key))),
  );
  const most = Math.max(0, ...found.map(({ signs }) => signs.length));
  return { titles: found.filter(({ signs }) => signs.length === most).map(({ title }) => title), prefix };
}

/** Names, not messages: many candidates are compared, one is told. */
export interface Differences {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly shape: readonly string[];
}

interface Candidate {
  readonly map: NameMap | undefined;
  readonly prefix: string;
  readonly names: ReadonlyMap<string, string>;
  readonly wrong: Differences;
  readonly count: number;
}

function differences(needed: Shapes, names: ReadonlyMap<string, string>, given: Shapes): Differences {
  const missing: string[] = [];
  const shape: string[] = [];
  const used = new Set<string>();
  for (const [name, wanted] of needed) {
    const theirs = names.get(name)!;
    const found = given.get(theirs);
    used.add(theirs);
    if (!found) missing.push(name);
    else if (!fits(wanted, found)) shape.push(name);
  }
  const unexpected = [...given.keys()].filter((name) => !used.has(name) && !isIgnored(name));
  return { missing, unexpected, shape };
}

function isIgnored(name: string): boolean {
  return name.endsWith("num_batches_tracked");
}

/** In the network's order, then what is left over. */
function faultsOf(
  graph: Graph,
  needed: Shapes,
  given: Shapes,
  { names, wrong }: Candidate,
  place: ((span: Span) => string) | undefined,
): WeightFault[] {
  const spans = new Map(graph.nodes.map(({ name, span }) => [name, span]));
  const at = (name: string) => (place ? ` (${place(spans.get(name)!)})` : "");
  const faults: WeightFault[] = [];
  const candidates = wrong.unexpected.slice(0, 200);
  const [missing, shape] = [new Set(wrong.missing), new Set(wrong.shape)];
  for (const [name, wanted] of needed) {
    const theirs = names.get(name)!;
    if (missing.has(name)) {
      const asked = theirs === name ? "" : `, in the file ${quote(theirs)}`;
      const alike = candidates.filter((other) => fits(wanted, given.get(other)!));
      const near = faults.length < 50 ? nearest(theirs, alike) : undefined;
      const hint = near === undefined ? "" : `; did you mean ${quote(near)}?`;
      faults.push({
        kind: "missing",
        name,
        message: `${quote(name)}${asked} ${shapeText(wanted)} is missing${at(name)}${hint}`,
      });
    } else if (shape.has(name)) {
      const found = given.get(theirs)!;
      const message = `${quote(theirs)} should be ${shapeText(wanted)}, but is ${shapeText(found)}${likelyCause(wanted, found)}${at(name)}`;
      faults.push({ kind: "shape", name, message });
    }
  }
  for (const name of wrong.unexpected) {
    const message = `${quote(name)} ${shapeText(given.get(name)!)} is in the file, but nothing in the network is called so`;
    faults.push({ kind: "unexpected", name, message });
  }
  return faults;
}

/** What training scripts put before a whole network. */
const wrappers = ["module", "model", "backbone", "state_dict", "net", "encoder", "_orig_mod"];

/** The beginnings that every name has and that are no part of it: none, then one word, two… */
function prefixesOf(given: ReadonlyMap<string, unknown>): string[] {
  const names = [...given.keys()];
  const prefixes = [""];
  for (;;) {
    const before = prefixes.at(-1)!;
    const longer = wrappers
      .map((word) => `${before}${word}.`)
      .find((prefix) => names.length > 0 && names.every((name) => name.startsWith(prefix)));
    if (longer === undefined) return prefixes;
    prefixes.push(longer);
  }
}
