import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DeviceAbsent, openAdapter, type Adapter, type AdapterName } from "../device/adapters.ts";
import { disagreements } from "../device/runNetwork.ts";
import { textGraph } from "../networks.ts";

const points = ["pre", "standard", "identity", "post", "3x3"];
const ratios = [2, 16];
const gates = ["sigmoid", "tanh", "relu", "hardsigmoid"];
const squeezes = ["avg", "max", "none"];

/** Two units on a 9x9 map, 8 and 36 wide, by kind. The second projects its skip, but for the depthwise unit, which cannot. */
const units: Readonly<Record<string, { readonly from: string; readonly lines: readonly string[] }>> = {
  basic: {
    from: 'import { basic } from "std/resnet.se"',
    lines: ["layer1: 1 of basic(8)", "layer2: 1 of basic(36, stride: 2)"],
  },
  bottleneck: {
    from: 'import { bottleneck } from "std/resnet.se"',
    lines: ["layer1: 1 of bottleneck(2)", "layer2: 1 of bottleneck(9, stride: 2)"],
  },
  grouped: {
    from: 'import { resnext } from "std/resnet.se"',
    lines: [
      "layer1: 1 of resnext(2, groups: 2, base_width: 64)",
      "layer2: 1 of resnext(9, stride: 2, groups: 3, base_width: 32)",
    ],
  },
  depthwise: {
    from: 'import { inverted_residual } from "std/mobile.se"',
    lines: ["layer1: 1 of inverted_residual(16, 8)", "layer2: 1 of inverted_residual(72, 36, kernel: 5x5)"],
  },
};

function source(kind: string): string {
  const { from, lines } = units[kind]!;
  const widen = kind === "depthwise" ? "\n  conv2: conv 36, 1x1 -> bn2: bn" : "";
  return `se 1

${from}

network Unit(se: Placement, ratio: int, squeeze: Squeeze, gate: Gate) {
  input image: f32[N, 3, 9, 9] { rgb }
  insert se(at: se, ratio: ratio, squeeze: squeeze, gate: gate, bias: true, hidden: relu, rounding: floor, in: [2, 3])
  conv1: conv 8, 3x3 -> bn1: bn -> relu
  stage 2 ${lines[0]}${widen}
  stage 3 ${lines[1]}
  gap
  fc: dense 5
  output logits: f32[N, 5]
}
`;
}

/**
 * Every point x ratio x gate x squeeze, on a network of two units of a kind, 8 and 36 wide, 9x9, three images. Each network is
 * compiled once and runs on both implementations of WebGPU.
 */
export function matrixTests(kind: string): void {
  const adapters: Adapter[] = [];
  const absent = new Map<AdapterName, string>();

  beforeAll(async () => {
    for (const name of ["dawn", "naga"] as const) {
      try {
        adapters.push(await openAdapter(name));
      } catch (error) {
        if (!(error instanceof DeviceAbsent)) throw error;
        absent.set(name, error.message);
      }
    }
  }, 120_000);
  afterAll(() => Promise.all(adapters.map((adapter) => adapter.close())));

  for (const name of ["dawn", "naga"] as const) {
    test(`${name} is among the adapters`, ({ skip }) => {
      const missing = absent.get(name);
      skip(missing !== undefined, missing);
      expect(adapters.map((adapter) => adapter.name)).toContain(name);
    });
  }

  const text = source(kind);
  describe.each(squeezes)(`${kind}, squeeze %s`, (squeeze) => {
    test.each(points)("at %s: all ratios and gates", async (se) => {
      expect(adapters.length).toBeGreaterThan(0);
      const wrong: string[] = [];
      for (const ratio of ratios) {
        for (const gate of gates) {
          const graph = textGraph(text, { se, ratio: `${ratio}`, squeeze, gate });
          const found = await disagreements(adapters, graph, { batch: 3 });
          wrong.push(...found.map((each) => `ratio ${ratio}, ${gate}: ${each}`));
        }
      }
      expect(wrong).toEqual([]);
    });
  });
}
