import { inputsOf, type Insertion, type Node, type SeInsertion } from "../ir/graph.ts";
import type { Launch, Plan } from "./plan.ts";

/** What became of one SE block: where its squeeze, its gate and its scale are computed, and why not for free if so. */
export interface FusionNote {
  readonly name: string;
  readonly point: SeInsertion["point"];
  readonly squeeze: string;
  readonly gate: string;
  readonly scale: string;
  /** Launches that exist for this block alone. */
  readonly launches: readonly string[];
}

/** Read off the bodies of the launches, so that it tells what happened and not what was planned. */
export function fusionNotes(plan: Plan, insertions: readonly Insertion[]): FusionNote[] {
  return insertions.flatMap((insertion) => {
    if (insertion.block !== undefined) return [];
    const own = new Set<string>();
    return {
      name: insertion.name,
      point: insertion.point,
      squeeze: squeezeNote(plan, insertion, own),
      gate: gateNote(plan, insertion, own),
      scale: scaleNote(plan, insertion, own),
      launches: [...own],
    };
  });
}

function squeezeNote(plan: Plan, { name, squeeze }: SeInsertion, own: Set<string>): string {
  if (squeeze === "none") return "none: the gate keeps the map's height and width";
  const source = plan.launches.find((launch) =>
    launch.writes.some((value) => value.layout === "parts" && value.name.startsWith(`${name}.squeeze`)),
  );
  const finished = find(
    plan,
    (node) =>
      node.op === "squeezeFinish" &&
      (node.name.startsWith(`${name}.squeeze`) || node.inputs.parts.name.startsWith(`${name}.squeeze`)),
  );
  const shared =
    finished &&
    plan.launches.find((launch) =>
      launch.writes.some(
        (value) =>
          value.layout === "parts" &&
          value.name === (finished.node as Node & { op: "squeezeFinish" }).inputs.parts.name,
      ),
    );
  const producer = source ?? shared;
  if (!producer) return "shared with another squeeze";
  const what = squeeze === "max" ? "partial maxima" : "partial sums";
  if (
    producer.anchor === undefined &&
    producer.body.nodes.every((node) => node.op === "input" || node.op === "squeezeParts")
  ) {
    own.add(producer.name);
    return `${what} in a launch of its own, ${producer.name}: the map is not made by a kernel that could sum it`;
  }
  const hoisted = producer.body.nodes.find(
    (node) => node.op === "squeezeParts" && node.attrs.window.kernel.some((extent) => extent > 1),
  );
  const taps =
    hoisted?.op === "squeezeParts"
      ? `, one for each of the ${hoisted.attrs.window.kernel.join("x")} taps' classes of pixels`
      : "";
  return `${what} in the epilogue of ${producer.name}${taps}`;
}

function gateNote(plan: Plan, { name }: SeInsertion, own: Set<string>): string {
  const found = find(plan, (node) => node.name === `${name}.gate`);
  if (!found) return "not computed";
  if (found.launch.kernel === "chain") {
    own.add(found.launch.name);
    return `one launch, ${found.launch.name}: ${found.launch.body.nodes.filter((node) => node.op !== "input" && node.op !== "parameter").length} steps, one workgroup per image`;
  }
  return `in ${found.launch.name}`;
}

function scaleNote(plan: Plan, { name, squeeze, point }: SeInsertion, own: Set<string>): string {
  const places = plan.launches.flatMap((launch) => {
    const scale = launch.body.nodes.find((node) => node.op !== "input" && node.name === `${name}.scale`);
    return scale ? [{ launch, scale }] : [];
  });
  if (places.length === 0) return "folded into vectors";
  return places
    .map(({ launch, scale }) => {
      if (launch.anchor && reaches(scale, launch.anchor)) return `in the epilogue of ${launch.name}`;
      if (launch.anchor && reaches(launch.anchor, scale)) return `as ${launch.name} loads its operand`;
      if (launch.anchor) return `as ${launch.name} loads its residual`;
      const reason =
        squeeze === "max" && point === "standard"
          ? "a maximum cannot be hoisted over a convolution, so the gate is known only after the map is stored"
          : "the gate is known only after the map is stored";
      own.add(launch.name);
      return `in a launch of its own, ${launch.name} (one more read and write): ${reason}`;
    })
    .join("; ");
}

function find(plan: Plan, wanted: (node: Node) => boolean): { launch: Launch; node: Node } | undefined {
  for (const launch of plan.launches) {
    const node = launch.body.nodes.find((candidate) => candidate.op !== "input" && wanted(candidate));
    if (node) return { launch, node };
  }
  return undefined;
}

/** Whether `node` is computed from `other`. */
function reaches(node: Node, other: Node): boolean {
  return node === other || inputsOf(node).some((input) => reaches(input, other));
}
