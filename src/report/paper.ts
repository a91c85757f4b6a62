import type { Graph, SeInsertion } from "../ir/graph.ts";
import { count } from "./count.ts";
import { withoutSe } from "./withoutSe.ts";

/**
 * The ablations of Hu et al., "Squeeze-and-Excitation Networks", arXiv 1709.01507v4, Tables 10 to 16: SE-ResNet-50 on
 * ImageNet. Errors are of the validation images, in percent, single crop.
 */
export interface PaperFigures {
  readonly name: string;
  /** The tables that print the row. */
  readonly tables: readonly number[];
  readonly top1: number;
  readonly top5: number;
  /** Undefined where no table has it. */
  readonly gflops: number | undefined;
  /** In millions; BatchNorm's statistics are in. */
  readonly params: number | undefined;
}

interface PaperRow extends PaperFigures {
  /** Undefined for the network without SE. */
  readonly design: Design | undefined;
}

/** What the ablations vary. */
interface Design extends Omit<SeInsertion, "name" | "block"> {
  readonly ratio: number;
  readonly stages: readonly number[];
}

const standard: Design = { point: "standard", squeeze: "avg", gate: "sigmoid", ratio: 16, stages: [2, 3, 4, 5] };

const rows: readonly PaperRow[] = [
  row("ResNet-50", [10, 13, 16], [23.3, 6.55, 3.86, 25.6], undefined),
  row("SE-ResNet-50", [10, 11, 12, 13, 14, 15, 16], [22.28, 6.03, 3.87, 28.1], standard),
  row("r = 2", [10], [22.29, 6.0, undefined, 45.7], { ...standard, ratio: 2 }),
  row("r = 4", [10], [22.25, 6.09, undefined, 35.7], { ...standard, ratio: 4 }),
  row("r = 8", [10], [22.26, 5.99, undefined, 30.7], { ...standard, ratio: 8 }),
  row("r = 32", [10], [22.72, 6.2, undefined, 26.9], { ...standard, ratio: 32 }),
  row("max", [11], [22.57, 6.09, undefined, undefined], { ...standard, squeeze: "max" }),
  row("ReLU", [12], [23.47, 6.98, undefined, undefined], { ...standard, gate: "relu" }),
  row("tanh", [12], [23.0, 6.38, undefined, undefined], { ...standard, gate: "tanh" }),
  row("stage 2", [13], [23.03, 6.48, 3.86, 25.6], { ...standard, stages: [2] }),
  row("stage 3", [13], [23.04, 6.32, 3.86, 25.7], { ...standard, stages: [3] }),
  row("stage 4", [13], [22.68, 6.22, 3.86, 26.4], { ...standard, stages: [4] }),
  row("SE-PRE", [14], [22.23, 6.0, undefined, undefined], { ...standard, point: "pre" }),
  row("SE-POST", [14], [22.78, 6.35, undefined, undefined], { ...standard, point: "post" }),
  row("SE-Identity", [14], [22.2, 6.15, undefined, undefined], { ...standard, point: "identity" }),
  row("SE_3x3", [15], [22.48, 6.02, 3.86, 25.8], { ...standard, point: "3x3" }),
  row("NoSqueeze", [16], [22.93, 6.39, 4.27, 28.1], { ...standard, squeeze: "none" }),
];

function row(
  name: string,
  tables: readonly number[],
  [top1, top5, gflops, params]: readonly [number, number, number | undefined, number | undefined],
  design: Design | undefined,
): PaperRow {
  return { name, tables, top1, top5, gflops, params, design };
}

/** ResNet-50 with the stride on the first 1x1, which the paper trained. */
const resnet50 = { params: 25_557_032, macs: 3_857_973_248 };

/**
 * The paper's figures for a network, if it is one of theirs. Told by what the graph computes and not by the names of its
 * parameters. With or without biases in the SE blocks: the paper's counts need both readings.
 */
export function paperFiguresOf(graph: Graph): PaperFigures | undefined {
  const base = count(withoutSe(graph));
  if (base.params !== resnet50.params || base.macs !== resnet50.macs) return undefined;
  const design = graph.insertions.length === 0 ? undefined : designOf(graph);
  if (!design && graph.insertions.length > 0) return undefined;
  const found = rows.find((each) => JSON.stringify(each.design) === JSON.stringify(design));
  if (!found) return undefined;
  const { design: _, ...figures } = found;
  return figures;
}

/** Undefined if the blocks differ from each other, or from the paper's in what it does not vary. */
function designOf({ insertions, nodes, repeats }: Graph): Design | undefined {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const designs = insertions.flatMap(({ name, point, squeeze, gate, block }) => {
    if (block !== undefined) return [];
    const [hidden, channels] = (byName.get(`${name}.fc1.weight`)?.type.shape ?? []) as number[];
    const isPaper = byName.get(`${name}.relu`)?.op === "relu";
    return [{ point, squeeze, gate, ratio: channels! / hidden!, isPaper }];
  });
  const [first] = designs;
  if (
    !first?.isPaper ||
    designs.length < insertions.length ||
    designs.some((each) => JSON.stringify(each) !== JSON.stringify(first))
  )
    return undefined;

  const withSe = (unit: string) => insertions.some(({ name }) => name.startsWith(`${unit}.`));
  const stages = repeats.filter(({ units }) => units.some(withSe));
  if (!stages.every(({ units }) => units.every(withSe))) return undefined;
  const { point, squeeze, gate, ratio } = first;
  return { point, squeeze, gate, ratio, stages: stages.map(({ stage }) => stage ?? 0).sort((a, b) => a - b) };
}

/** What `sec sweep --table N` runs: sweeps one after the other, for a network with the parameters of examples/se-resnet50.se. */
export interface PaperTable {
  readonly title: string;
  /** Of every sweep: the paper's ResNet-50, and SE blocks without biases as in its Section 6. */
  readonly set: readonly string[];
  readonly sweeps: readonly (readonly string[])[];
}

const set = ["variant=v1", "bias=false"];

export const paperTables: Readonly<Record<number, PaperTable>> = {
  10: { title: "reduction ratio", set, sweeps: [["ratio=2,4,8,16,32"], ["se=none"]] },
  11: { title: "squeeze operator", set, sweeps: [["squeeze=max,avg"]] },
  12: { title: "excitation operator", set, sweeps: [["gate=relu,tanh,sigmoid"]] },
  13: { title: "stages with SE blocks", set, sweeps: [["se=none"], ["stages=[2],[3],[4],[2,3,4,5]"]] },
  14: { title: "integration strategy", set, sweeps: [["se=standard,pre,post,identity"]] },
  15: { title: "SE block inside the residual unit", set, sweeps: [["se=standard,3x3"]] },
  16: { title: "without the squeeze", set, sweeps: [["se=none"], ["squeeze=none,avg"]] },
};
