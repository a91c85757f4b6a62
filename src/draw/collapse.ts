import { distinct, type Box, type Drawing, type Edge, type Group } from "./drawing.ts";

/**
 * Units that follow one another and are alike are drawn once: `layer1.1` for `layer1.1` and `layer1.2`. Alike are units with
 * the same layers, shapes and edges, each of which reads one box and is read through one.
 */
export function foldUnits(drawing: Drawing): Drawing {
  const units = drawing.groups.filter(({ kind }) => kind === "unit");
  const forms = new Map(units.map((unit) => [unit, formOf(unit, drawing)]));
  // From a box that goes to an earlier one, which may go, too, where units stand in units.
  const standsFor = new Map<string, string>();
  const counts = new Map<Group, Group[]>();
  let first: Group | undefined;
  for (const [index, unit] of units.entries()) {
    const form = forms.get(unit);
    const before = units[index - 1];
    const isNext = before && parentOf(before.title) === parentOf(unit.title);
    const isLike = isNext && form !== undefined && form === forms.get(before);
    if (!isLike) first = unit;
    if (!first || !isLike) continue;
    unit.boxes.forEach((id, box) => standsFor.set(id, first!.boxes[box]!));
    counts.set(first, [...(counts.get(first) ?? [first]), unit]);
  }
  if (standsFor.size === 0) return drawing;

  const kept = (id: string) => !standsFor.has(id);
  const drawn = (id: string): string => (kept(id) ? id : drawn(standsFor.get(id)!));
  const edges = drawing.edges.flatMap(({ from, to }) => (kept(to) ? [{ from: drawn(from), to }] : []));
  const groups = drawing.groups.flatMap((group): Group[] => {
    const boxes = group.boxes.filter(kept);
    if (boxes.length === 0) return [];
    const run = counts.get(group);
    const title = run ? `${group.title} to ${run.at(-1)!.title}: ${run.length} alike` : group.title;
    return [{ ...group, title, boxes }];
  });
  return { ...drawing, boxes: drawing.boxes.filter(({ id }) => kept(id)), edges: distinct(edges), groups };
}

function parentOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf(".")));
}

/** Everything but the names; undefined if it reads several boxes, or is read through several. */
function formOf({ title, boxes }: Group, drawing: Drawing): string | undefined {
  const inside = new Set(boxes);
  const entering = drawing.edges.filter(({ from, to }) => !inside.has(from) && inside.has(to));
  const leaving = drawing.edges.filter(({ from, to }) => inside.has(from) && !inside.has(to));
  const [inputs, outs] = [new Set(entering.map(({ from }) => from)), new Set(leaving.map(({ from }) => from))];
  if (inputs.size !== 1 || outs.size !== 1) return undefined;
  const [[input], [out]] = [[...inputs], [...outs]] as [[string], [string]];
  // A unit of one op is called like its layer: `layer1.0: conv 8, 3x3`.
  const isOwn = (text: string) => text.startsWith(title) && !/^\w/.test(text.slice(title.length));
  const short = (text: string) => (isOwn(text) ? text.slice(title.length) : text);
  const end = (id: string) => (inside.has(id) ? short(id) : "outside");
  const members = drawing.boxes.filter(({ id }) => inside.has(id));
  return JSON.stringify([
    drawing.boxes.find(({ id }) => id === input)!.note,
    members.map((box) => [short(box.id), box.rows.map(({ text }) => short(text)), box.note]),
    drawing.edges.filter(({ to }) => inside.has(to)).map(({ from, to }) => [end(from), end(to)]),
    short(out),
  ]);
}

/** Every repeat that stands in no other becomes one box. */
export function collapseRepeats(drawing: Drawing): Drawing {
  const boxOf = new Map<string, Box>();
  const byId = new Map(drawing.boxes.map((box) => [box.id, box]));
  for (const group of drawing.groups) {
    if (group.kind !== "repeat" || boxOf.has(group.boxes[0]!)) continue;
    const box = repeatBox(group, drawing, byId);
    for (const id of group.boxes) boxOf.set(id, box);
  }
  const idOf = (id: string) => boxOf.get(id)?.id ?? id;
  const groups = drawing.groups.filter(({ boxes }) => boxes.every((id) => !boxOf.has(id)));
  return {
    ...drawing,
    // A box stands where its last part stood, so that it follows all that it reads.
    boxes: distinctBoxes(drawing.boxes.map((box) => boxOf.get(box.id) ?? box)),
    edges: distinct(drawing.edges.map(({ from, to }): Edge => ({ from: idOf(from), to: idOf(to) }))),
    groups,
  };
}

function repeatBox({ id, title, boxes }: Group, drawing: Drawing, byId: ReadonlyMap<string, Box>): Box {
  const inside = new Set(boxes);
  const titles = drawing.groups.flatMap((group) => {
    return group.kind === "se" && group.boxes.every((each) => inside.has(each)) ? [group.title] : [];
  });
  const blocks = [...new Set(titles)].map((text) => ({
    text: `${text}, ${titles.filter((other) => other === text).length} times`,
    isSe: true,
  }));
  const last = boxes.map((each) => byId.get(each)!).at(-1)!;
  return {
    id,
    kind: "layer",
    rows: [{ text: title, isSe: false }, ...blocks],
    note: last.note,
    isSe: false,
    isAside: false,
  };
}

function distinctBoxes(boxes: readonly Box[]): readonly Box[] {
  return boxes.filter((box, index) => boxes.lastIndexOf(box) === index);
}
