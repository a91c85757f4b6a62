import type { Graph } from "../ir/graph.ts";
import type { Box, Drawing, Group } from "./drawing.ts";

/** The repeats, units and SE blocks of the text, by the names of the boxes; outer ones first, empty ones left out. */
export function groupsOf({ repeats, insertions }: Graph, boxes: readonly Box[]): readonly Group[] {
  const inside = (prefixes: readonly string[]) => {
    const set = new Set(prefixes);
    return boxes.flatMap(({ id }) => (prefixesOf(id).some((prefix) => set.has(prefix)) ? [id] : []));
  };
  const repeated = repeats.flatMap(({ name, stage, block, units }): Group[] => {
    const words = [stage === undefined ? [] : [`stage ${stage}`], name === "" ? [] : [name]].flat().join(" ");
    const title = `${words === "" ? "" : `${words}: `}${units.length} of ${block}`;
    return [
      { id: `repeat ${name} ${units[0]}`, kind: "repeat", title, boxes: inside(units) },
      ...units.map((unit): Group => ({ id: `unit ${unit}`, kind: "unit", title: unit, boxes: inside([unit]) })),
    ];
  });
  const blocks = insertions.map(({ name, point, block = "SE" }): Group => {
    return { id: `se ${name}`, kind: "se", title: `${block} at ${point}`, boxes: inside([name]) };
  });
  return [...repeated, ...blocks].filter((group) => group.boxes.length > 0);
}

/** In the outline of a unit its layers need not be called after it; one box that stands for itself needs no outline. */
export function shortNames(drawing: Drawing): Drawing {
  const unitOf = new Map<string, string>();
  const groups = drawing.groups.filter(
    ({ kind, id, title, boxes }) => kind !== "unit" || boxes.length > 1 || id !== `unit ${title}`,
  );
  for (const { kind, id, boxes } of groups) {
    if (kind === "unit") for (const box of boxes) unitOf.set(box, `${id.slice("unit ".length)}.`);
  }
  const boxes = drawing.boxes.map((box): Box => {
    const unit = unitOf.get(box.id);
    if (unit === undefined) return box;
    const short = (text: string) => (text.startsWith(unit) ? text.slice(unit.length) : text);
    return { ...box, rows: box.rows.map((row) => ({ ...row, text: short(row.text) })) };
  });
  return { ...drawing, boxes, groups };
}

/** `a.b.c`, `a.b`, `a` */
export function prefixesOf(name: string): readonly string[] {
  const prefixes: string[] = [];
  for (let end = name.length; end > 0; end = name.lastIndexOf(".", end - 1)) prefixes.push(name.slice(0, end));
  return prefixes;
}

/** Whether a layer belongs to one of the SE blocks. */
export function seTest({ insertions }: Graph): (name: string) => boolean {
  const names = new Set(insertions.map(({ name }) => name));
  return (name) => prefixesOf(name).some((prefix) => names.has(prefix));
}
