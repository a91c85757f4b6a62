import { element, escaped, hundredths, points, text } from "./svg.ts";

/** A diagram with axes: what is measured, at some channels. */
export interface Panel {
  readonly title: string;
  /** What stands below each tick of the x axis, and where: a fraction of its length. */
  readonly ticks: readonly (readonly [at: number, label: string])[];
  /** The ends of the y axis. */
  readonly range: readonly [number, number];
  /** Drawn in this order. */
  readonly series: readonly Series[];
}

export interface Series {
  /** The class of its line in the picture's style. */
  readonly look: string;
  readonly label: string;
  readonly values: readonly number[];
  /** A band of this height to both sides. */
  readonly spread?: readonly number[];
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Room around the plot for its title and the labels of its axes. */
export const margin = { left: 34, right: 10, top: 24, bottom: 24 };

/** @param box of the plot, without its margin */
export function panel({ title, ticks, range, series }: Panel, box: Box): string {
  const [low, high] = range;
  const y = (value: number) => {
    const inside = Math.min(high, Math.max(low, value));
    return hundredths(box.y + box.height * (1 - (inside - low) / (high - low)));
  };
  const x = (fraction: number) => hundredths(box.x + box.width * fraction);
  const line = (values: readonly number[]) =>
    values.map((value, index): [number, number] => [
      x(values.length === 1 ? 0.5 : index / (values.length - 1)),
      y(value),
    ]);

  const levels = [low, (low + high) / 2, high];
  const bottom = box.y + box.height;
  return element(
    "g",
    { class: "panel" },
    text(fitting(title, box.width + margin.right), { class: "title", x: box.x, y: box.y - 9 }),
    ...levels.map((level) => element("path", { class: "grid", d: `M${box.x} ${y(level)}h${box.width}` })),
    ...levels.map((level) =>
      text(numberText(level), { class: "muted", x: box.x - 6, y: y(level) + 4, "text-anchor": "end" }),
    ),
    ...ticks.map(([at]) => element("path", { class: "axis", d: `M${x(at)} ${bottom}v4` })),
    ...ticks.map(([at, label]) => text(label, { class: "muted", x: x(at), y: bottom + 16, "text-anchor": "middle" })),
    ...series.flatMap(({ values, spread, look }) => {
      if (!spread) return [];
      const upper = line(values.map((value, index) => value + spread[index]!));
      const lower = line(values.map((value, index) => value - spread[index]!));
      return [element("polygon", { class: `band ${look}`, points: points([...upper, ...lower.reverse()]) })];
    }),
    ...series.map(({ values, look, label }) =>
      element(
        "polyline",
        { class: `line ${look}`, points: points(line(values)) },
        element("title", {}, escaped(label)),
      ),
    ),
    element("path", { class: "axis", d: `M${box.x} ${box.y}v${box.height}h${box.width}` }),
  );
}

/** The end of a long name tells more than its beginning. Without fonts the width of a text is a guess, on the safe side. */
function fitting(title: string, width: number): string {
  const characters = [...title];
  const most = Math.floor(width / 7.5);
  return characters.length <= most ? title : `…${characters.slice(1 - most).join("")}`;
}

function numberText(value: number): string {
  return String(Number(value.toPrecision(3)));
}
