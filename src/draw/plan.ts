import type { Launch, Plan } from "../plan/plan.ts";
import { collapseRepeats, foldUnits } from "./collapse.ts";
import { distinct, type Box, type Detail, type Drawing, type Edge } from "./drawing.ts";
import { groupsOf, seTest, shortNames } from "./groups.ts";
import { opText, shapeText } from "./opText.ts";

/** The launches of a plan: a box for each, with what is fused into it. Edges are values in memory. */
export function planDrawing(plan: Plan, detail: Detail): Drawing {
  const isSe = seTest(plan.written);
  const writer = new Map<string, string>(plan.inputs.map(({ name, value }) => [value.name, `input ${name}`]));
  const edges: Edge[] = [];
  const launches = plan.launches.map((launch): Box => {
    // Before its own values are known: a slot is used again, but never a name.
    for (const { name } of launch.reads) edges.push({ from: writer.get(name)!, to: launch.name });
    for (const { name } of launch.writes) writer.set(name, launch.name);
    return launchBox(launch, isSe);
  });
  const inputs = plan.inputs.map(({ name, value }) => port("input", name, shapeText(value.type)));
  const outputs = plan.outputs.map(({ name, value }) => port("output", name, shapeText(value.type)));
  for (const { name, value } of plan.outputs) edges.push({ from: writer.get(value.name)!, to: `output ${name}` });
  const drawing: Drawing = {
    title: `${plan.name}, ${plan.launches.length} launches`,
    boxes: [...inputs, ...launches, ...outputs],
    edges: distinct(edges),
    groups: groupsOf(plan.written, launches).filter(({ kind, boxes }) => kind !== "se" || boxes.length > 1),
  };
  if (detail === "stages") return collapseRepeats(drawing);
  return shortNames(detail === "units" ? foldUnits(drawing) : drawing);
}

function launchBox({ name, kernel, body, writes }: Launch, isSe: (name: string) => boolean): Box {
  const steps = body.nodes.filter(({ op }) => op !== "input" && op !== "parameter");
  const rows = steps.map((node) => ({ text: `  ${opText(node)}`, isSe: isSe(node.name) }));
  const kept = writes.filter(({ layout }) => layout !== "parts").map(({ type }) => shapeText(type));
  return {
    id: name,
    kind: "launch",
    rows: [{ text: `${name} (${kernel})`, isSe: false }, ...rows],
    note: kept.length > 0 ? kept.join(", ") : undefined,
    isSe: isSe(`${name}.gate`),
    isAside: kernel === "chain" && isSe(`${name}.gate`),
  };
}

function port(kind: "input" | "output", name: string, note: string): Box {
  return {
    id: `${kind} ${name}`,
    kind,
    rows: [{ text: `${kind} ${name}`, isSe: false }],
    note,
    isSe: false,
    isAside: false,
  };
}
