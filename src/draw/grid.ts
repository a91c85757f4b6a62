import type { Box, Drawing, Edge } from "./drawing.ts";

/** Rows and columns of a drawing. */
export interface Grid {
  /** From the top, by the box. */
  readonly ranks: ReadonlyMap<string, number>;
  /** 0 is the straight one, to its right are positive numbers. */
  readonly columns: ReadonlyMap<string, number>;
  /** For every edge the column in which it passes the ranks between its ends; undefined where there are none. */
  readonly lanes: readonly (number | undefined)[];
}

/**
 * A box stands below all that it reads. The longest way through the network is one straight column. What goes beside it
 * and comes back stands in columns of its own, gates to the right and skips to the left, the shorter the nearer; an edge
 * that passes boxes has a lane there.
 */
export function gridOf(drawing: Drawing): Grid {
  const ranks = rankBoxes(drawing.boxes, drawing.edges);
  const taken = new Columns();
  const columns = placeBoxes(drawing, ranks, taken);
  const lanes = drawing.edges.map(({ from, to }) =>
    taken.route(ranks.get(from)!, ranks.get(to)!, columns.get(from)!, columns.get(to)!),
  );
  return { ranks, columns, lanes };
}

/** The longest way from any box that reads nothing. */
function rankBoxes(boxes: readonly Box[], edges: readonly Edge[]): ReadonlyMap<string, number> {
  const ranks = new Map<string, number>(boxes.map(({ id }) => [id, 0]));
  const into = byEnd(edges, "to");
  for (const { id } of boxes) {
    for (const { from } of into.get(id) ?? []) ranks.set(id, Math.max(ranks.get(id)!, ranks.get(from)! + 1));
  }
  return ranks;
}

function placeBoxes(
  { boxes, edges }: Drawing,
  ranks: ReadonlyMap<string, number>,
  columns: Columns,
): Map<string, number> {
  const [into, outOf] = [byEnd(edges, "to"), byEnd(edges, "from")];
  const placed = new Map<string, number>();
  for (const id of longestWay(boxes, into)) placed.set(id, 0);
  const straight = [...placed.keys()].map((id) => ranks.get(id)!);
  for (const rank of straight) columns.take(0, rank, rank);

  const byId = new Map(boxes.map((box) => [box.id, box]));
  const chains: Chain[] = [];
  const inChain = new Set(placed.keys());
  for (const box of boxes) {
    if (inChain.has(box.id)) continue;
    const members = [box];
    inChain.add(box.id);
    for (;;) {
      const next = (outOf.get(members.at(-1)!.id) ?? []).find(({ to }) => !inChain.has(to));
      if (!next) break;
      inChain.add(next.to);
      members.push(byId.get(next.to)!);
    }
    chains.push(chainOf(members, ranks, into, outOf));
  }
  // The shorter the nearer; what is equal stays in the order of the text.
  chains.sort((a, b) => a.last - a.first - (b.last - b.first));
  for (const { members, side, first, last } of chains) {
    const column = columns.free(side, first, last);
    columns.take(column, first, last);
    for (const { id } of members) {
      placed.set(id, column);
      columns.put(column, ranks.get(id)!);
    }
  }
  return placed;
}

interface Chain {
  readonly members: readonly Box[];
  readonly side: 1 | -1;
  /** The ranks that it takes, with its ways from and to the boxes around. */
  readonly first: number;
  readonly last: number;
}

function chainOf(
  members: readonly Box[],
  ranks: ReadonlyMap<string, number>,
  into: ReadonlyMap<string, readonly Edge[]>,
  outOf: ReadonlyMap<string, readonly Edge[]>,
): Chain {
  const [head, tail] = [members[0]!, members.at(-1)!];
  const before = (into.get(head.id) ?? []).map(({ from }) => ranks.get(from)! + 1);
  const after = (outOf.get(tail.id) ?? []).map(({ to }) => ranks.get(to)! - 1);
  return {
    members,
    side: members.every(({ isAside }) => isAside) ? 1 : -1,
    first: Math.min(ranks.get(head.id)!, ...before),
    last: Math.max(ranks.get(tail.id)!, ...after),
  };
}

/** Through as many boxes as possible, but not through those that compute gates where there is another way. */
function longestWay(boxes: readonly Box[], into: ReadonlyMap<string, readonly Edge[]>): readonly string[] {
  const length = new Map<string, number>();
  const previous = new Map<string, string>();
  for (const { id, isAside } of boxes) {
    let longest = -Infinity;
    for (const { from } of into.get(id) ?? []) {
      if (length.get(from)! <= longest) continue;
      longest = length.get(from)!;
      previous.set(id, from);
    }
    length.set(id, Math.max(longest, 0) + (isAside ? -0.001 : 1));
  }
  const way: string[] = [];
  let at = [...length].reduce<[string, number] | undefined>(
    (best, each) => (best && best[1] >= each[1] ? best : each),
    undefined,
  )?.[0];
  for (; at !== undefined; at = previous.get(at)) way.unshift(at);
  return way;
}

function byEnd(edges: readonly Edge[], end: "from" | "to"): ReadonlyMap<string, readonly Edge[]> {
  const map = new Map<string, Edge[]>();
  for (const edge of edges) map.set(edge[end], [...(map.get(edge[end]) ?? []), edge]);
  return map;
}

/** Which ranks of which columns are taken, and where boxes are. */
class Columns {
  private readonly boxes = new Map<number, Set<number>>();
  private readonly taken = new Map<number, { readonly first: number; readonly last: number }[]>();

  take(column: number, first: number, last: number): void {
    this.taken.set(column, [...(this.taken.get(column) ?? []), { first, last }]);
  }

  put(column: number, rank: number): void {
    this.boxes.set(column, (this.boxes.get(column) ?? new Set()).add(rank));
  }

  private hasBox(column: number, first: number, last: number): boolean {
    const ranks = this.boxes.get(column);
    for (let rank = first; rank <= last; rank++) if (ranks?.has(rank)) return true;
    return false;
  }

  private isFree(column: number, first: number, last: number): boolean {
    return (this.taken.get(column) ?? []).every((span) => span.last < first || span.first > last);
  }

  /** The nearest column on a side whose ranks are free. */
  free(side: 1 | -1, first: number, last: number): number {
    let column: number = side;
    while (!this.isFree(column, first, last)) column += side;
    return column;
  }

  /** Where an edge goes down past the ranks between its ends; undefined if there are none. */
  route(from: number, to: number, start: number, end: number): number | undefined {
    const [first, last] = [from + 1, to - 1];
    if (first > last) return undefined;
    // The ranks of a chain are taken for its ways, too.
    for (const column of [start, end]) if (column !== 0 && !this.hasBox(column, first, last)) return column;
    if (this.isFree(0, first, last)) return 0;
    const lane = this.free(-1, first, last);
    this.take(lane, first, last);
    return lane;
  }
}
