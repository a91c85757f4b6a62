import type { Box, Drawing } from "./drawing.ts";
import { layout, line, type Rect, type Route } from "./layout.ts";
import { element, escaped, hundredths, picture, text } from "./svg.ts";
import { colours } from "./theme.ts";

/** A picture that needs no other program. */
export function drawingSvg(drawing: Drawing): string {
  const { width, height, boxes, edges, groups } = layout(drawing);
  const title = titleOf(drawing);
  return picture({ width: Math.max(width, 20 + 7.5 * title.length), height }, drawing.title, look, [
    text(title, { class: "title", x: 10, y: 20 }),
    ...groups.map(({ group, rect }) => element("rect", { class: `group ${group.kind}`, ...rect, rx: 6 })),
    ...edges.map(({ edge, route }) =>
      element(
        "path",
        { class: "edge", d: pathOf(route), "marker-end": "url(#arrow)" },
        element("title", {}, escaped(`${edge.from} to ${edge.to}`)),
      ),
    ),
    element(
      "defs",
      {},
      element(
        "marker",
        { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
        element("path", { class: "head", d: "M0 0.5L8 4L0 7.5z" }),
      ),
    ),
    ...groups.map(({ group, rect }) =>
      text(group.title, { class: `name ${group.kind}`, x: rect.x + 8, y: rect.y + 13 }),
    ),
    ...boxes.map(({ box, rect }) => boxSvg(box, rect)),
  ]);
}

function titleOf({ title, boxes }: Drawing): string {
  return boxes.some(({ kind }) => kind === "launch")
    ? `${title}: a box is a kernel, with what is fused into it`
    : title;
}

function boxSvg({ id, kind, rows, note, isSe }: Box, rect: Rect): string {
  const y = (index: number) => rect.y + line.padding / 2 + (index + 1) * line.height - 4;
  const x = rect.x + line.padding;
  return element(
    "g",
    { class: `box ${kind}${isSe ? " se" : ""}` },
    element("title", {}, escaped(id)),
    element("rect", { ...rect, rx: kind === "input" || kind === "output" ? rect.height / 2 : 4 }),
    ...rows.map((row, index) => text(row.text.trimEnd(), { class: row.isSe ? "row gate" : "row", x, y: y(index) })),
    ...(note === undefined ? [] : [text(note, { class: "row muted", x, y: y(rows.length) })]),
  );
}

function pathOf({ from, to, down }: Route): string {
  const start = `M${pair(from)}`;
  if (!down) return `${start}${curve(from, to)}`;
  const [top, bottom] = [
    [down.x, down.top],
    [down.x, down.bottom],
  ] as const;
  return `${start}${curve(from, top)}V${hundredths(down.bottom)}${curve(bottom, to)}`;
}

/** Leaves and arrives vertically. */
function curve(from: readonly [number, number], to: readonly [number, number]): string {
  if (from[0] === to[0]) return `L${pair(to)}`;
  const middle = (from[1] + to[1]) / 2;
  return `C${pair([from[0], middle])} ${pair([to[0], middle])} ${pair(to)}`;
}

function pair([x, y]: readonly [number, number]): string {
  return `${hundredths(x)},${hundredths(y)}`;
}

const look = {
  style: `.row { font: 11px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre; }
.box rect { fill: #ffffff; stroke: #8c959f; }
.box.input rect, .box.output rect { fill: #f6f8fa; }
.box.launch rect { stroke: ${colours.launch}; stroke-width: 1.8; }
.box.se rect { fill: #fff4e8; stroke: ${colours.se}; }
.row.gate { fill: #b35900; }
.edge { stroke: #8c959f; stroke-width: 1.2; fill: none; }
.head { fill: #8c959f; }
.name { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; }
.group { fill: #8c959f; fill-opacity: 0.06; stroke: #8c959f; stroke-opacity: 0.5; }
.group.se { fill: ${colours.se}; fill-opacity: 0.08; stroke: ${colours.se}; stroke-dasharray: 4 3; stroke-opacity: 1; }
.name.se { fill: ${colours.se}; font-weight: 600; }
`,
  dark: `.name { stroke: #0d1117; }
.box rect { fill: #161b22; }
.box.input rect, .box.output rect { fill: #21262d; }
.box.se rect { fill: #2d2113; }
.row.gate { fill: #f0a050; }
`,
};
