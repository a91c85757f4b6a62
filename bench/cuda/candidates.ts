import { check } from "../../src/check/check.ts";
import { levels } from "../../src/compile.ts";
import { hoistSqueeze } from "../../src/passes/hoistSqueeze.ts";
import { Problems } from "../../src/diagnostics.ts";
import { inputsOf, type Graph, type Node } from "../../src/ir/graph.ts";
import { runPasses, type Pass } from "../../src/passes/pass.ts";
import type { Exceptions } from "../../src/plan/group.ts";
import type { Plan, Vectors } from "../../src/plan/plan.ts";
import { schedule } from "../../src/plan/schedule.ts";
import type { Precision } from "../../src/precision.ts";
import { cuda } from "../../targets/index.ts";

/** What is measured: groups of networks, of which the first is what the others of its group are compared with. */
export interface Group {
  readonly title: string;
  readonly entry: string;
  readonly candidates: readonly Candidate[];
  readonly precisions: readonly Precision[];
  /** Whether PyTorch is measured beside it. */
  readonly peers: boolean;
}

export interface Candidate {
  /** In the tables, and the name of its folder. */
  readonly name: string;
  readonly set: Readonly<Record<string, string>>;
  /** How SE becomes launches; as in packages if it is not said. */
  readonly ways?: Ways;
}

export interface Ways {
  readonly passes: readonly Pass[];
  readonly vectors: Vectors;
  readonly exceptions?: (graph: Graph) => Exceptions;
}

export const asInPackages: Ways = { passes: levels.O1.passes, vectors: cuda.vectors };

/** Of all weights. */
export const seed = 1;

/** A network as it is written, or as it is trained. */
export function graphIn(
  entry: string,
  set: Candidate["set"],
  load: (path: string) => string | undefined,
  as: "used" | "trained" = "used",
): Graph {
  const problems = new Problems();
  const graph = check({ entry, load, set: new Map(Object.entries(set)), problems, training: as === "trained" });
  if (graph === undefined) throw new Error(problems.list.map(({ message }) => message).join("; "));
  return graph;
}

/** How a network is planned. */
export function planIn({ passes, vectors, exceptions }: Ways, graph: Graph, precision: Precision): Plan {
  return schedule(runPasses(graph, passes), {
    ...{ written: graph, fuse: true, precision, vectors },
    exceptions: exceptions?.(graph),
  });
}

/**
 * Without hoisting, so that a map is scaled after it was stored. What reads the scaled map begins a launch, and so do these
 * parts of SE blocks.
 *
 * @param isKept whether that launch is the next convolution's, which stores what it reads
 */
function scaledLater(parts: readonly string[], isKept = false): Ways {
  const exceptions = ({ insertions }: Graph) => {
    const named = (part: string) => insertions.map(({ name }) => `${name}.${part}`);
    const own = new Set(parts.flatMap(named));
    const scales = new Set(named("scale"));
    const begins = (node: Node) => own.has(node.name) || inputsOf(node).some(({ name }) => scales.has(name));
    return { begins, keeps: () => isKept };
  };
  return { passes: levels.O1.passes.filter((pass) => pass !== hoistSqueeze), vectors: "alike", exceptions };
}

/** What each step of SE's fusion is worth: the same network on the same kernels, with one step more from row to row. */
export const steps: readonly Candidate[] = [
  { name: "without SE", set: { se: "none" } },
  {
    name: "squeeze, each layer, gate and scale apart",
    set: {},
    ways: scaledLater(["squeeze", "fc2.product", "gate", "scale"]),
  },
  { name: "layers and gate in a launch, scale with the addition", set: {}, ways: scaledLater(["squeeze"]) },
  { name: "squeeze in the epilogue", set: {}, ways: scaledLater([]) },
  { name: "scale on its way into the next convolution", set: {}, ways: scaledLater([], true) },
  { name: "squeeze hoisted, scale in the epilogue", set: {}, ways: { ...asInPackages, vectors: "alike" } },
  { name: "first layer with the squeeze, gates by batch", set: {} },
];

const points = ["none", "standard", "pre", "post", "identity", "3x3"];
const all: readonly Precision[] = ["f32", "tf32", "f16"];
const alone = (title: string, entry: string): Group => {
  return { title, entry, candidates: [{ name: title, set: {} }], precisions: all, peers: true };
};
const stepByStep = (network: string, entry: string): Group => {
  return { title: `${network}, step by step`, entry, candidates: steps, precisions: ["f16"], peers: false };
};

export const full: readonly Group[] = [
  {
    title: "SE-ResNet-50",
    entry: "examples/se-resnet50.se",
    candidates: points.map((se) => ({ name: se === "none" ? "ResNet-50" : `SE-ResNet-50 ${se}`, set: { se } })),
    precisions: all,
    peers: true,
  },
  alone("SE-ResNeXt-50", "examples/se-resnext50.se"),
  alone("MobileNetV3-Large", "examples/mobilenetv3-large.se"),
  alone("EfficientNet-B0", "examples/efficientnet.se"),
  stepByStep("SE-ResNet-50", "examples/se-resnet50.se"),
];

/** To try the scripts. */
export const quick: readonly Group[] = [
  {
    title: "digits",
    entry: "examples/digits.se",
    candidates: ["none", "standard"].map((se) => ({ name: `digits ${se}`, set: { se } })),
    precisions: all,
    peers: true,
  },
  stepByStep("digits", "examples/digits.se"),
];
