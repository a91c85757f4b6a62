/** What a picture of a network shows, before it has a place: the same for SVG, DOT and Mermaid. */
export interface Drawing {
  readonly title: string;
  /** Every box follows those that it reads. */
  readonly boxes: readonly Box[];
  readonly edges: readonly Edge[];
  /** Groups that contain others come first. */
  readonly groups: readonly Group[];
}

export interface Box {
  /** Unique: the dotted name of its first layer, or of the launch. */
  readonly id: string;
  readonly kind: "input" | "output" | "layer" | "launch";
  readonly rows: readonly Row[];
  /** The shape of its result. */
  readonly note: string | undefined;
  /** It belongs to an SE block, all of it. */
  readonly isSe: boolean;
  /** It computes a gate: a way round, beside the map's own. */
  readonly isAside: boolean;
}

export interface Row {
  readonly text: string;
  readonly isSe: boolean;
}

export interface Edge {
  readonly from: string;
  readonly to: string;
}

export interface Group {
  readonly id: string;
  readonly kind: "repeat" | "unit" | "se";
  readonly title: string;
  readonly boxes: readonly string[];
}

export const details = ["stages", "units", "layers"] as const;

/**
 * How much of a network is drawn.
 * - `layers`: a box for every layer;
 * - `units`: a layer with the BatchNorm and the activation behind it is one box, and units that are alike stand once;
 * - `stages`: a box for every repeat.
 */
export type Detail = (typeof details)[number];

export const graphFormats = ["svg", "dot", "mermaid"] as const;
export type GraphFormat = (typeof graphFormats)[number];

/** Without the edges that stand twice, and those of a box to itself. */
export function distinct(edges: readonly Edge[]): readonly Edge[] {
  const seen = new Set<string>();
  return edges.filter(({ from, to }) => {
    const key = `${from} ${to}`;
    if (from === to || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
