import type { Graph } from "../ir/graph.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { usage } from "./exit.ts";

/** The likeliest classes of one image by one output. */
export interface TopClasses {
  /** Where the image came from. */
  readonly source: string;
  readonly output: string;
  readonly classes: readonly { readonly index: number; readonly probability: number }[];
}

/** Of every output that holds a vector for each image: softmax over it, unless it is one already. */
export function topClasses(
  graph: Graph,
  outputs: ReadonlyMap<string, Tensor>,
  sources: readonly string[],
  most: number,
): readonly TopClasses[] {
  const vectors = graph.outputs.filter(({ node }) => node.type.shape.length === 2);
  if (vectors.length === 0) throw usage("--top needs an output of one vector for each image, f32[N, classes]");
  return sources.flatMap((source, n) =>
    vectors.map(({ name, node }) => {
      const { shape, data } = outputs.get(name)!;
      const row = data.subarray(n * shape[1]!, (n + 1) * shape[1]!);
      const probabilities = node.op === "softmax" ? row : softmax(row);
      const order = [...row.keys()].sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
      const classes = order.slice(0, most).map((index) => ({ index, probability: probabilities[index]! }));
      return { source, output: name, classes };
    }),
  );
}

export function topText(top: readonly TopClasses[]): string {
  const several = new Set(top.map(({ output }) => output)).size > 1;
  return top
    .map(({ source, output, classes }) => {
      const lines = classes.map(
        ({ index, probability }) => `  ${String(index).padStart(5)}  ${probability.toFixed(4)}\n`,
      );
      return `${source}${several ? ` ${output}` : ""}\n${lines.join("")}`;
    })
    .join("");
}

function softmax(row: Float64Array): Float64Array {
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = row.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}
