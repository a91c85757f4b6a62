import { expect, test } from "vitest";
import type { AdapterName } from "../device/adapters.ts";
import { onEachAdapter } from "../device/onEachAdapter.ts";
import { disagreements } from "../device/runNetwork.ts";
import { textGraph } from "../networks.ts";

const points = ["pre", "standard", "identity", "post", "3x3"];
const ratios = [2, 16];
const gates = ["sigmoid", "tanh", "relu", "hardsigmoid"];
const squeezes = ["avg", "max", "none"];

/** Two units on a 9x9 map, by kind of unit and width. The second halves the map where the unit can project its skip. */
const units: Readonly<
  Record<string, { readonly std: string; readonly block: string; readonly of: (width: number) => string }>
> = {
  basic: { std: "resnet", block: "basic", of: (width) => `basic(${width}, stride: 1 then 2)` },
  bottleneck: { std: "resnet", block: "bottleneck", of: (width) => `bottleneck(${width / 4}, stride: 1 then 2)` },
  grouped: {
    std: "resnet",
    block: "resnext",
    of: (width) =>
      width === 8
        ? "resnext(2, stride: 1 then 2, groups: 2, base_width: 64)"
        : "resnext(9, stride: 1 then 2, groups: 3, base_width: 32)",
  },
  depthwise: { std: "mobile", block: "inverted_residual", of: (width) => `inverted_residual(${2 * width}, ${width})` },
};

function source(kind: string, width: number): string {
  const { std, block, of } = units[kind]!;
  return `se 1

import { ${block} } from "std/${std}.se"

network Unit(se: Placement, ratio: int, squeeze: Squeeze, gate: Gate) {
  input image: f32[N, 3, 9, 9] { rgb }
  insert se(at: se, ratio: ratio, squeeze: squeeze, gate: gate, bias: true, hidden: relu, rounding: floor, in: [2])
  conv1: conv ${width}, 3x3 -> bn1: bn -> relu
  stage 2 layer1: 2 of ${of(width)}
  gap
  fc: dense 5
  output logits: f32[N, 5]
}
`;
}

/** Every point x ratio x gate x squeeze, on a network of two units of each kind, 8 and 36 wide, three images. */
export function matrixTests(adapter: AdapterName): void {
  onEachAdapter(
    (opened) => {
      for (const kind of Object.keys(units)) {
        for (const width of [8, 36]) {
          for (const squeeze of squeezes) {
            test(`${kind}, ${width} wide, squeeze ${squeeze}: ${points.length * ratios.length * gates.length} networks`, async () => {
              const text = source(kind, width);
              const wrong: string[] = [];
              for (const se of points) {
                for (const ratio of ratios) {
                  for (const gate of gates) {
                    const graph = textGraph(text, { se, ratio: `${ratio}`, squeeze, gate });
                    const found = await disagreements(opened(), graph, { batch: 3 });
                    wrong.push(...found.map((each) => `${se}, ratio ${ratio}, ${gate}: ${each}`));
                  }
                }
              }
              expect(wrong).toEqual([]);
            }, 600_000);
          }
        }
      }
    },
    [adapter],
  );
}
