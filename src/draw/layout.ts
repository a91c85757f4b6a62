import type { Box, Drawing, Edge, Group } from "./drawing.ts";
import { gridOf } from "./grid.ts";

/** Where everything is. All lengths in pixels, from the top left corner. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly { readonly box: Box; readonly rect: Rect }[];
  readonly edges: readonly { readonly edge: Edge; readonly route: Route }[];
  /** Outer ones first; a group whose outline would take in others' boxes has none. */
  readonly groups: readonly { readonly group: Group; readonly rect: Rect }[];
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** From the bottom of a box, down one vertical line, to the top of another. */
export interface Route {
  readonly from: Point;
  readonly to: Point;
  /** The vertical line; undefined between neighbours. */
  readonly down: { readonly x: number; readonly top: number; readonly bottom: number } | undefined;
}

export type Point = readonly [x: number, y: number];

export const line = { character: 6.7, height: 15, padding: 8 };
const gap = { rank: 26, column: 26, lane: 18, title: 16, group: 8 };

/** Gives the rows and columns of the grid their heights and widths. */
export function layout(drawing: Drawing): Layout {
  const { boxes, edges, groups } = drawing;
  const { ranks, columns, lanes } = gridOf(drawing);

  // Across: a column is as wide as its widest box.
  const widths = new Map<number, number>();
  const widen = (column: number, width: number) => widths.set(column, Math.max(widths.get(column) ?? 0, width));
  for (const box of boxes) widen(columns.get(box.id)!, widthOf(box));
  for (const lane of lanes) if (lane !== undefined) widen(lane, gap.lane);
  const centres = centresOf(widths);

  // Down: a rank is as high as its highest box, and groups have room for their titles.
  const last = Math.max(...ranks.values());
  const heights = Array.from({ length: last + 1 }, () => 0);
  for (const box of boxes) heights[ranks.get(box.id)!] = Math.max(heights[ranks.get(box.id)!]!, heightOf(box));
  const spans = groups.map((group) => spanOf(group.boxes, ranks));
  const tops: number[] = [];
  let y = 40;
  for (let rank = 0; rank <= last; rank++) {
    const opened = spans.filter(({ first }) => first === rank).length;
    const closed = spans.filter((span) => span.last === rank - 1).length;
    y += opened * (gap.title + gap.group) + closed * gap.group + (rank === 0 ? 0 : gap.rank);
    tops.push(y);
    y += heights[rank]!;
  }
  const height = y + 10 + spans.filter((span) => span.last === last).length * gap.group;

  const rects = new Map(
    boxes.map((box): [string, Rect] => {
      const [rank, width, high] = [ranks.get(box.id)!, widthOf(box), heightOf(box)];
      const x = centres.get(columns.get(box.id)!)! - width / 2;
      // At the top of its rank, so that ways into a rank end before any of its boxes.
      return [box.id, { x, y: tops[rank]!, width, height: high }];
    }),
  );
  const routes = edges.map((edge, index): Route => {
    const [from, to] = [rects.get(edge.from)!, rects.get(edge.to)!];
    const [start, end] = [ranks.get(edge.from)!, ranks.get(edge.to)!];
    const lane = lanes[index];
    return {
      from: [from.x + from.width / 2, from.y + from.height],
      to: [to.x + to.width / 2, to.y],
      down:
        lane === undefined
          ? undefined
          : { x: centres.get(lane)!, top: tops[start + 1]!, bottom: tops[end - 1]! + heights[end - 1]! },
    };
  });

  const outlines = outline(drawing, rects, routes);
  const all = [
    ...rects.values(),
    ...outlines.map(({ rect }) => rect),
    ...routes.flatMap(({ down }) => (down ? [{ x: down.x, y: 0, width: 0, height: 0 }] : [])),
  ];
  const left = Math.min(...all.map(({ x }) => x)) - 10;
  const right = Math.max(...all.map(({ x, width }) => x + width)) + 10;
  const shift = <T extends Rect>(rect: T) => ({ ...rect, x: rect.x - left });
  return {
    width: right - left,
    height,
    boxes: boxes.map((box) => ({ box, rect: shift(rects.get(box.id)!) })),
    edges: edges.map((edge, index) => {
      const { from, to, down } = routes[index]!;
      return {
        edge,
        route: {
          from: [from[0] - left, from[1]],
          to: [to[0] - left, to[1]],
          down: down && { ...down, x: down.x - left },
        },
      };
    }),
    groups: outlines.map(({ group, rect }) => ({ group, rect: shift(rect) })),
  };
}

function centresOf(widths: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  const centres = new Map<number, number>([[0, 0]]);
  for (const side of [1, -1]) {
    let edge = (widths.get(0) ?? 0) / 2;
    for (let column = side; widths.has(column); column += side) {
      const width = widths.get(column)!;
      centres.set(column, side * (edge + gap.column + width / 2));
      edge += gap.column + width;
    }
  }
  return centres;
}

function widthOf({ rows, note }: Box): number {
  const longest = Math.max(...[...rows.map(({ text }) => text), note ?? ""].map((text) => [...text].length));
  return longest * line.character + 2 * line.padding;
}

function heightOf({ rows, note }: Box): number {
  return (rows.length + (note === undefined ? 0 : 1)) * line.height + line.padding;
}

function spanOf(ids: readonly string[], ranks: ReadonlyMap<string, number>): { first: number; last: number } {
  const all = ids.map((id) => ranks.get(id)!);
  return { first: Math.min(...all), last: Math.max(...all) };
}

/** Inner groups first, each with room around what is in it. */
function outline(
  { groups, edges }: Drawing,
  rects: ReadonlyMap<string, Rect>,
  routes: readonly Route[],
): { readonly group: Group; readonly rect: Rect }[] {
  const done: { readonly group: Group; readonly members: ReadonlySet<string>; readonly rect: Rect }[] = [];
  for (const group of groups.toReversed()) {
    const members = new Set(group.boxes);
    const own = group.boxes.map((id) => rects.get(id)!);
    const inner = done.filter((other) => other.group.boxes.every((id) => members.has(id))).map(({ rect }) => rect);
    const parts = [...own, ...inner];
    const [top, bottom] = [
      Math.min(...parts.map((rect) => rect.y)),
      Math.max(...parts.map((rect) => rect.y + rect.height)),
    ];
    // Skips that run beside the group's boxes.
    const ways = routes.flatMap(({ down }, index): Rect[] => {
      const belongs = down && down.bottom <= bottom + 1 && members.has(edges[index]!.to);
      return belongs && down.top >= top - 1 ? [{ x: down.x - 4, y: top, width: 8, height: 0 }] : [];
    });
    const all = [...parts, ...ways];
    const x = Math.min(...all.map((rect) => rect.x)) - gap.group;
    const right =
      Math.max(...all.map((rect) => rect.x + rect.width), x + group.title.length * line.character) + gap.group;
    const rect = { x, y: top - gap.title - 4, width: right - x, height: bottom - top + gap.title + 4 + gap.group };
    const takesIn = [...rects].some(([id, other]) => !members.has(id) && overlap(rect, other));
    const crosses = done.some(
      (other) => overlap(rect, other.rect) && !other.group.boxes.every((id) => members.has(id)),
    );
    if (!takesIn && !crosses) done.push({ group, members, rect });
  }
  return done.toReversed().map(({ group, rect }) => ({ group, rect }));
}

function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
