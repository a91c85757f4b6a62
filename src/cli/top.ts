import type { Graph, Node } from "../ir/graph.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { RunFlags } from "./commands.ts";
import { usage } from "./exit.ts";
import { readSource } from "./files.ts";

/** The likeliest classes of one image by one output. */
export interface TopClasses {
  /** Where the image came from. */
  readonly source: string;
  readonly output: string;
  readonly classes: readonly { readonly index: number; readonly probability: number; readonly label?: string }[];
}

/** What `--top` and `--classes` ask for. */
export interface Ranking {
  readonly most: number;
  /** The outputs that hold a vector for each image. */
  readonly vectors: readonly { readonly name: string; readonly node: Node }[];
  readonly labels: readonly string[] | undefined;
}

/** Everything that can be wrong with `--top` and `--classes`, found before the network runs. */
export function rankingOf({ outputs }: Graph, { top, classes: path }: RunFlags): Ranking | undefined {
  if (top === undefined) {
    if (path !== undefined) throw usage("--classes names the classes of --top", "--top 5");
    return undefined;
  }
  const vectors = outputs.filter(({ node }) => node.type.shape.length === 2);
  if (vectors.length === 0) throw usage("--top needs an output of one vector for each image, f32[N, classes]");
  const labels = path === undefined ? undefined : readNames(path);
  for (const { name, node } of vectors) {
    const classes = node.type.shape[1];
    if (labels && labels.length !== classes) {
      throw usage(
        `${path}: ${labels.length} names, but ${name} has ${classes} classes`,
        "a name a line, class 0 first",
      );
    }
  }
  return { most: top, vectors, labels };
}

/** Of every vector of every image: softmax over it, unless it is one already. */
export function topClasses(
  { most, vectors, labels }: Ranking,
  outputs: ReadonlyMap<string, Tensor>,
  sources: readonly string[],
): readonly TopClasses[] {
  return sources.flatMap((source, n) =>
    vectors.map(({ name, node }) => {
      const { shape, data } = outputs.get(name)!;
      const row = data.subarray(n * shape[1]!, (n + 1) * shape[1]!);
      const probabilities = node.op === "softmax" ? row : softmax(row);
      const order = [...row.keys()].sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
      const classes = order.slice(0, most).map((index) => ({
        index,
        probability: probabilities[index]!,
        ...(labels && { label: labels[index]! }),
      }));
      return { source, output: name, classes };
    }),
  );
}

export function topText(top: readonly TopClasses[]): string {
  const several = new Set(top.map(({ output }) => output)).size > 1;
  return top
    .map(({ source, output, classes }) => {
      const lines = classes.map(({ index, probability, label }) => {
        const name = label === undefined ? "" : `  ${label}`;
        return `  ${String(index).padStart(5)}  ${probability.toFixed(4)}${name}\n`;
      });
      return `${source}${several ? ` ${output}` : ""}\n${lines.join("")}`;
    })
    .join("");
}

/** One a line; the last line may end or not. */
function readNames(path: string): readonly string[] {
  const read = readSource(path);
  if (!read.ok) throw usage(read.message);
  return read.text.replace(/\r?\n$/, "").split(/\r?\n/);
}

function softmax(row: Float64Array): Float64Array {
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = row.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}
