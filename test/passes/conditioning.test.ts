import { expect, test } from "vitest";
import { node, parameterOnly, rewrite, type Graph } from "../../src/ir/graph.ts";
import { O1 } from "../../src/passes/index.ts";
import { runPasses } from "../../src/passes/pass.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { tensor, type Tensor } from "../../src/tensor/tensor.ts";
import { Build, leavesOf, nodeNamed } from "../graphs.ts";

/**
 * A hoisted gate multiplies means by A = W1 Wc, which is folded in float64 and rounded once to f32. Its error is at most
 * eps (sum |A||m| + |a0|): kappa = sum |A||m| / |W1 z| times worse than a gate whose inputs do not cancel.
 */
const epsilon = 2 ** -24;

function network(): Graph {
  const b = new Build();
  const v = b.unary("relu", "v", b.conv("conv2", b.input("image", 4, 6), 16));
  const u = b.batchNorm("bn3", b.conv("conv3", v, 32));
  return b.graph(b.add("sum", b.se("se", u, { hidden: 4 }), b.input("residual", 32, 6)));
}

/** What is packed: every node of the weight program that an activation reads becomes a parameter, in f32. */
function packed(graph: Graph, leaves: ReadonlyMap<string, Tensor>) {
  const program = parameterOnly(graph);
  const values = interpret(graph, leaves, 2, program);
  const rounded = new Map(leaves);
  for (const made of program) {
    const { shape, data } = values.get(made)!;
    rounded.set(made.name, tensor(shape, Float64Array.from(data, Math.fround)));
  }
  const shipped = rewrite(graph, (made, old) =>
    program.has(old) ? node("parameter", made, {}, { type: made.type, role: "weight" }) : undefined,
  );
  return { shipped, rounded };
}

function measured(leaves: ReadonlyMap<string, Tensor>) {
  const graph = network();
  const result = runPasses(graph, O1);
  const { shipped, rounded } = packed(result, leaves);
  const valueOf = (g: Graph, given: ReadonlyMap<string, Tensor>, name: string) =>
    interpret(g, given, 2, [nodeNamed(g, name)]).get(nodeNamed(g, name))!.data;
  const exact = valueOf(graph, leaves, "se.fc1");
  const found = valueOf(shipped, rounded, "se.fc1");
  const [matrix, bias, mean, product] = [
    valueOf(result, leaves, "se.fc1.weight.merged"),
    valueOf(result, leaves, "se.fc1.bias.merged"),
    valueOf(result, leaves, "se.squeeze.mean"),
    valueOf(graph, leaves, "se.fc1.product"),
  ];
  let kappa = 0;
  for (let n = 0; n < 2; n++) {
    for (let h = 0; h < 4; h++) {
      let sum = Math.abs(bias[h]!);
      for (let k = 0; k < 16; k++) sum += Math.abs(matrix[h * 16 + k]! * mean[n * 16 + k]!);
      const error = Math.abs(found[n * 4 + h]! - exact[n * 4 + h]!);
      expect(error, `image ${n}, hidden ${h}`).toBeLessThanOrEqual(epsilon * sum * 1.01);
      kappa = Math.max(kappa, sum / Math.abs(product[n * 4 + h]!));
    }
  }
  return kappa;
}

test("random weights: the error stays within eps sum |A||m|", () => {
  // Means are of activations, which are not rounded here: the weights' rounding alone is measured.
  expect(measured(leavesOf(network(), 3, 2))).toBeGreaterThan(1);
});

test("rows with a common mode: kappa is large, and the bound with it", () => {
  const leaves = leavesOf(network(), 3, 2);
  const { shape, data } = leaves.get("conv3.weight")!;
  // The common mode passes through the BatchNorm as a mean that its statistics take away again.
  leaves.set(
    "conv3.weight",
    tensor(
      shape,
      data.map((w) => w + 30),
    ),
  );
  const means = leaves.get("bn3.running_mean")!;
  const graph = network();
  const conv = nodeNamed(graph, "conv3");
  const values = interpret(graph, leaves, 2, [conv]).get(conv)!;
  const pixels = values.data.length / 64;
  const running = Float64Array.from({ length: 32 }, (_, c) => {
    const image = values.data.subarray(c * pixels, (c + 1) * pixels);
    return image.reduce((a, b) => a + b, 0) / pixels;
  });
  leaves.set("bn3.running_mean", tensor(means.shape, running));
  expect(measured(leaves)).toBeGreaterThan(100);
});
