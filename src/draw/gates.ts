import { sampledChannels, type BlockGates, type GateReport, type GateStatistics } from "../report/gates.ts";
import { margin, panel, type Box, type Panel, type Series } from "./panel.ts";
import { element, picture, text } from "./svg.ts";

/** More lines could not be told apart, and more panels not be looked at. */
export const maxDrawnClasses = 20;

/** The paper's Figure 6: the mean gate of some channels, one line a class and one for all images, one panel a block. */
export function gateMeans(report: GateReport): string {
  const panels = report.blocks.map((block): Panel => {
    const values = at(block);
    const lines = drawn(block).map((each, index) => ({
      look: look(index),
      label: each.label,
      values: values(each.mean),
    }));
    const all: Series = { look: "all", label: "all images", values: values(block.all.mean) };
    return { ...frame(block, `${block.name}, ${block.channels} channels`), series: [...lines, all] };
  });
  const labels = [...drawn(report.blocks[0]!).map(({ label }) => label), "all images"];
  const columns = Math.min(3, panels.length);
  return sheet(`Mean SE gates of ${report.network} by channel`, { columns, width: 300, height: 150 }, panels, labels);
}

/** Figure 7: mean and standard deviation over the images of a class; one row a block, one column a class. */
export function gateSpread(report: GateReport): string {
  const groups = (block: BlockGates): readonly (GateStatistics & { readonly label: string })[] =>
    block.classes.length > 0 ? drawn(block) : [{ label: "all images", ...block.all }];
  const panels = report.blocks.flatMap((block) => {
    const values = at(block);
    return groups(block).map(({ label, mean, deviation }, index): Panel => {
      const series = { look: look(index), label, values: values(mean), spread: values(deviation) };
      return { ...frame(block, `${block.name}: ${label}`), series: [series] };
    });
  });
  const columns = groups(report.blocks[0]!).length;
  const title = `SE gates of ${report.network} by channel: mean and standard deviation over the images of a class`;
  return sheet(title, { columns, width: 170, height: 90 }, panels, []);
}

/** Those with the most images, in their order. */
function drawn({ classes }: BlockGates): BlockGates["classes"] {
  const most = [...classes].sort((a, b) => b.images - a.images).slice(0, maxDrawnClasses);
  return classes.filter((each) => most.includes(each));
}

function at({ channels }: BlockGates): (values: readonly number[]) => readonly number[] {
  const sampled = sampledChannels(channels);
  return (values) => sampled.map((channel) => values[channel]!);
}

function frame(block: BlockGates, title: string): Omit<Panel, "series"> {
  const sampled = sampledChannels(block.channels);
  const last = sampled.length - 1;
  const ticks = [...new Set([0, Math.round(last / 2), last])].map((index): [number, string] => [
    last === 0 ? 0.5 : index / last,
    String(sampled[index]),
  ]);
  return { title, ticks, range: rangeOf(block) };
}

/** The gate's own range; a ReLU has none, and gets its largest mean. */
function rangeOf({ gate, all, classes }: BlockGates): readonly [number, number] {
  if (gate === "relu") return [0, Math.max(1e-6, ...[all, ...classes].flatMap(({ mean }) => mean))];
  return gate === "tanh" ? [-1, 1] : [0, 1];
}

interface Grid {
  readonly columns: number;
  /** Of one plot. */
  readonly width: number;
  readonly height: number;
}

function sheet(title: string, grid: Grid, panels: readonly Panel[], labels: readonly string[]): string {
  const [wide, high] = [grid.width + margin.left + margin.right, grid.height + margin.top + margin.bottom];
  const width = Math.max(600, grid.columns * wide + 20);
  const legend = legendOf(labels, width - 20);
  const top = 34 + legend.height;
  const boxes = panels.map((_, index): Box => {
    const [column, row] = [index % grid.columns, Math.floor(index / grid.columns)];
    return {
      x: 10 + column * wide + margin.left,
      y: top + row * high + margin.top,
      width: grid.width,
      height: grid.height,
    };
  });
  const height = top + Math.ceil(panels.length / grid.columns) * high + 10;
  return picture({ width, height }, title, colours, [
    text(title, { class: "title", x: 10, y: 22 }),
    legend.svg,
    ...panels.map((each, index) => panel(each, boxes[index]!)),
  ]);
}

/** Lines with their labels, in rows of the width. */
function legendOf(labels: readonly string[], width: number): { readonly svg: string; readonly height: number } {
  let [x, row] = [0, 0];
  const entries = labels.map((label, index) => {
    // Without fonts the width of a text is a guess, on the safe side.
    const wide = 34 + 7 * [...label].length;
    if (x > 0 && x + wide > width) [x, row] = [0, row + 1];
    const entry = element(
      "g",
      { class: "entry", transform: `translate(${10 + x} ${36 + 18 * row})` },
      element("path", { class: `line ${index === labels.length - 1 ? "all" : look(index)}`, d: "M0 4h20" }),
      text(label, { x: 26, y: 8 }),
    );
    x += wide;
    return entry;
  });
  return { svg: element("g", { class: "legend" }, ...entries, ""), height: labels.length > 0 ? 18 * (row + 1) : 0 };
}

function look(index: number): string {
  return `c${index % maxDrawnClasses}`;
}

/** Ten colours that are seen on light and on dark, then the same dashed. */
const palette = [
  "#4e79a7",
  "#f28e2b",
  "#e15759",
  "#3aa6a0",
  "#59a14f",
  "#c9a227",
  "#b07aa1",
  "#ff7f9e",
  "#9c755f",
  "#7f8c8d",
];

const colours = {
  style: [
    ".line { fill: none; stroke-width: 1.3; stroke-linejoin: round; }",
    ".band { stroke: none; fill-opacity: 0.25; }",
    ...Array.from({ length: maxDrawnClasses }, (_, index) => {
      const colour = palette[index % palette.length]!;
      const dash = index < palette.length ? "" : ` .line.c${index} { stroke-dasharray: 4 2; }`;
      return `.line.c${index} { stroke: ${colour}; } .band.c${index} { fill: ${colour}; }${dash}`;
    }),
    ".line.all { stroke: #24292f; stroke-width: 2; }",
    "",
  ].join("\n"),
  dark: ".line.all { stroke: #e6edf3; }\n",
};
