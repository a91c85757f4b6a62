import type { Graph } from "../../ir/graph.ts";

/**
 * How a public layout of checkpoints calls the weights that a network of ours calls otherwise. The rules go from our names
 * to theirs, because our names come with the whole network: where torchvision numbers layers, the number follows from it.
 */
export interface NameMap {
  /** For `--json`. */
  readonly id: string;
  /** "read as …" */
  readonly title: string;
  /** Keys by which a checkpoint is known that no network was given for: each pattern finds one. */
  readonly signs: readonly RegExp[];
  /** The first rule that matches a name renames it; a name that none matches is the same there. */
  readonly rules: readonly Rule[];
  /** The same names do not make the same function: what this network has otherwise, and what to set. */
  readonly differs?: (network: Graph) => string | undefined;
}

export type Rule =
  | readonly [ours: RegExp, theirs: string]
  | {
      /** The beginning of our names that a unit's layers share, with its dot. */
      readonly unit: RegExp;
      /** The layers of a unit, as they go on after that, and their whole names there. */
      readonly layers: (unit: Unit) => Readonly<Record<string, string>>;
    };

export interface Unit {
  /** 0 for the first that the pattern finds in the network. */
  readonly number: number;
  /** What the pattern captured. */
  readonly at: readonly string[];
  has(layer: string): boolean;
}

/** What a map calls the weights of a network. */
export function theirNames({ rules }: NameMap, ours: readonly string[]): Map<string, string> {
  const renamers = rules.map((rule) => renamerOf(rule, ours));
  const renamed = new Map<string, string>();
  for (const name of ours) {
    let theirs: string | undefined;
    for (const rename of renamers) if ((theirs = rename(name)) !== undefined) break;
    renamed.set(name, theirs ?? name);
  }
  return renamed;
}

function renamerOf(rule: Rule, ours: readonly string[]): (name: string) => string | undefined {
  if (!("unit" in rule)) {
    const [pattern, theirs] = rule;
    return (name) => (pattern.test(name) ? name.replace(pattern, theirs) : undefined);
  }
  const units = new Map<string, Readonly<Record<string, string>>>();
  for (const name of ours) {
    const match = rule.unit.exec(name);
    if (!match || units.has(match[0])) continue;
    const [prefix, ...at] = match;
    const has = (layer: string) => ours.some((other) => other.startsWith(`${prefix}${layer}.`));
    units.set(prefix, rule.layers({ number: units.size, at, has }));
  }
  return (name) => {
    const [prefix] = rule.unit.exec(name) ?? [];
    if (prefix === undefined) return undefined;
    const rest = name.slice(prefix.length);
    for (const [layer, theirs] of Object.entries(units.get(prefix)!)) {
      if (rest.startsWith(`${layer}.`)) return theirs + rest.slice(layer.length);
    }
    return undefined;
  };
}

/** For the function of a network: its BatchNorms' epsilon, where it is not this one. */
export function differentEps(network: Graph, eps: number): string | undefined {
  const other = network.nodes.find((node) => node.op === "batchNorm" && node.attrs.eps !== eps);
  return other?.op === "batchNorm"
    ? `these checkpoints were trained with a BatchNorm eps of ${eps}, ${other.name} has ${other.attrs.eps}: the names fit, the function is another. Compile with --set eps=${eps}`
    : undefined;
}
