import fc from "fast-check";
import type { Graph, Node } from "../src/ir/graph.ts";
import { Build, unit, type UnitOptions } from "./graphs.ts";

/** Generated networks for differential tests: fast-check prints the seed and the smallest failing one. */

const units = fc.record({
  kind: fc.constantFrom("bottleneck", "basic", "mbconv", "preactivation", "shuffle"),
  placement: fc.constantFrom("none", "pre", "standard", "identity", "post", "3x3"),
  gate: fc.constantFrom("sigmoid", "tanh", "relu", "hardsigmoid"),
  squeeze: fc.constantFrom("avg", "avg", "avg", "max", "none"),
  stride: fc.constantFrom(1, 2),
  strideOn: fc.constantFrom("3x3", "1x1"),
  groups: fc.constantFrom(1, 2),
  projection: fc.constantFrom(1, 3),
  conv3x3At: fc.constantFrom("relu", "bn", "conv"),
  bias: fc.boolean(),
  out: fc.constantFrom(4, 6),
  width: fc.constantFrom(4, 8),
} as const satisfies { readonly [K in keyof UnitOptions]?: unknown });

/** Residual networks with SE at every point. */
export const networks = fc.record({
  seed: fc.nat(1_000_000),
  height: fc.integer({ min: 1, max: 8 }),
  width: fc.integer({ min: 1, max: 8 }),
  units: fc.array(units, { minLength: 1, maxLength: 3 }),
  /** Which nodes become outputs beside the head, as fractions of the graph. */
  dumps: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { maxLength: 2 }),
});

export type Network = typeof networks extends fc.Arbitrary<infer T> ? T : never;

export function residualNetwork({ height, width, units, dumps }: Network): Graph {
  const b = new Build();
  const stem = b.conv("stem", b.input("image", 3, height, width), 4, { kernel: 3, bias: true });
  const x = units.reduce<Node>((x, options, index) => unit(b, `u${index}`, x, options), b.unary("relu", "relu", stem));
  return withDumps(b.graph(b.dense("fc", b.squeeze("gap", x), 3)), dumps);
}

/** A step makes a value from earlier ones: which op, which operands, and a number for its attributes. */
export const steps = fc.array(
  fc.record({
    op: fc.constantFrom(
      ...["relu", "tanh", "conv", "conv", "convBias", "strided", "depthwise", "batchNorm", "batchNorm", "add", "add"],
      ...["squeeze", "squeeze", "maximum", "scale", "scale", "scale", "dense", "denseBias", "sigmoid", "factor"],
      ...["concat", "slice", "shuffle", "maxPool", "avgPool", "upsample", "addVectors", "mulVectors", "same"],
      ...["pixelGate", "pixelGate", "channelConv", "shifted"],
    ),
    a: fc.nat(99),
    b: fc.nat(99),
  }),
  { minLength: 3, maxLength: 24 },
);

/** Which nodes become outputs beside the last ones, as fractions of the graph. */
export const dumps = fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { maxLength: 2 });

/** Every map has 4 channels, so that most steps fit together; a step that does not fit is skipped. */
export function arbitraryGraph(size: number, steps: readonly { op: string; a: number; b: number }[]): Graph {
  const b = new Build();
  const maps: Node[] = [b.input("image", 4, size, size + 1)];
  const vectors: Node[] = [b.vector("condition", 4)];
  // Operands are counted from the end, so that chains are likely.
  const pick = (list: readonly Node[], number: number): Node =>
    list[list.length - 1 - (number % Math.min(list.length, 4))]!;
  steps.forEach(({ op, a, b: second }, index) => {
    const name = `s${index}`;
    const [x, other] = [pick(maps, a), pick(maps, second)];
    const [v, otherVector] = [pick(vectors, a), pick(vectors, second)];
    const [height, width] = x.type.shape.slice(2) as [number, number];
    switch (op) {
      case "relu":
      case "tanh":
        return void maps.push(b.unary(op, name, x));
      case "conv":
        return void maps.push(
          b.conv(name, x, 4, { kernel: second % 2 === 0 ? 1 : 3, groups: second % 3 === 0 ? 2 : 1 }),
        );
      case "convBias":
        return void maps.push(b.conv(name, x, 4, { kernel: second % 2 === 0 ? 1 : 3, bias: true }));
      case "strided":
        return void maps.push(b.conv(name, x, 4, { kernel: second % 2 === 0 ? 1 : 3, stride: 2 }));
      case "depthwise":
        return void maps.push(b.conv(name, x, 4, { kernel: 3, groups: 4 }));
      case "batchNorm":
        return void (second % 4 === 0
          ? vectors.push(b.batchNorm(name, v, 1e-3))
          : maps.push(b.batchNorm(name, x, second % 4 === 1 ? 0 : 1e-5)));
      case "add":
        if (String(x.type.shape) === String(other.type.shape)) maps.push(b.add(name, x, other));
        return;
      case "squeeze":
        return void vectors.push(b.squeeze(name, x));
      case "maximum":
        return void vectors.push(b.squeeze(name, x, "max"));
      case "scale":
        return void maps.push(b.scale(name, x, otherVector));
      case "dense":
      case "denseBias":
        return void vectors.push(b.dense(name, v, 4, op === "denseBias"));
      case "sigmoid":
        return void vectors.push(b.unary("sigmoid", name, v));
      case "factor":
        return void (second % 2 === 0
          ? vectors.push(b.op("scaleBy", name, { x: v }, { factor: -0.5 }))
          : maps.push(b.op("scaleBy", name, { x }, { factor: 0.17 })));
      case "concat": {
        if (String(x.type.shape) !== String(other.type.shape)) return;
        const both = b.op("concat", `${name}.both`, { 0: x, 1: other }, {});
        return void maps.push(b.op("sliceChannels", name, { x: both }, { start: a % 5, size: 4 }));
      }
      case "slice": {
        const wide = b.conv(`${name}.wide`, x, 8);
        return void maps.push(b.op("sliceChannels", name, { x: wide }, { start: second % 5, size: 4 }));
      }
      case "shuffle":
        return void maps.push(b.op("shuffleChannels", name, { x }, { groups: 2 }));
      case "maxPool":
        return void maps.push(b.maxPool(name, x, 3, 1 + (second % 2), 1));
      case "avgPool":
        if (height >= 2 && width >= 2) maps.push(b.avgPool(name, x, 2, 1 + (second % 2), second % 3 === 0 ? 1 : 0));
        return;
      case "upsample": {
        const mode = second % 2 === 0 ? "nearest" : "bilinear";
        return void maps.push(b.op("upsample", name, { x }, { height: height + 1, width: width + 2, mode }));
      }
      case "addVectors":
        return void vectors.push(b.add(name, v, otherVector));
      case "mulVectors":
        return void vectors.push(b.op("mul", name, { a: v, b: otherVector }, {}));
      case "pixelGate": {
        // Of the map that it scales, or of another one: CBAM's is of the same.
        const source = String(x.type.shape) === String(other.type.shape) ? other : x;
        const pool = b.op(second % 2 === 0 ? "channelMean" : "channelMax", `${name}.pool`, { x: source }, {});
        const gate = second % 3 === 0 ? pool : b.unary(second % 3 === 1 ? "relu" : "sigmoid", `${name}.gate`, pool);
        return void maps.push(b.op("scalePixels", name, { x, gate }, {}));
      }
      case "channelConv": {
        const weight = b.parameter(`${name}.weight`, "weight", 1, 1, 1 + 2 * (second % 4));
        return void vectors.push(b.op("channelConv", name, { x: v, weight }, {}));
      }
      case "shifted": {
        const shift = (a % 3) - 1;
        const padded = b.op("pad", `${name}.pad`, { x }, { padding: [shift, -shift, 2 - shift, shift + 2] });
        const options = {
          kernel: second % 2 === 0 ? 1 : 3,
          stride: 1 + (second % 3),
          padding: second % 5 === 0 ? 1 : 0,
        };
        return void maps.push(second % 7 === 0 ? padded : b.conv(name, padded, 4, options));
      }
      case "same": {
        // The same thing twice, for sharing.
        const [left, right] = [b.unary("relu", `${name}.l`, x), b.unary("relu", `${name}.r`, x)];
        return void maps.push(b.add(name, left, right));
      }
    }
  });
  return b.graph(maps[maps.length - 1]!, vectors[vectors.length - 1]!);
}

export function withDumps(graph: Graph, places: readonly number[]): Graph {
  const candidates = graph.nodes.filter((node) => node.op !== "parameter" && node.type.shape[0] === "N");
  const outputs = places.map((place, index) => ({
    name: `dump${index}`,
    node: candidates[Math.floor(place * candidates.length)]!,
  }));
  return { ...graph, outputs: [...graph.outputs, ...outputs] };
}
