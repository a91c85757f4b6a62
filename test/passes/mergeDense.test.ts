import { expect, test } from "vitest";
import type { Graph, Node } from "../../src/ir/graph.ts";
import { structure } from "../../src/ir/print.ts";
import { mergeDense } from "../../src/passes/mergeDense.ts";
import { runPasses } from "../../src/passes/pass.ts";
import { Build, expectSameOutputs, nodeNamed } from "../graphs.ts";

const merge = (graph: Graph) => {
  const result = runPasses(graph, [mergeDense]);
  expectSameOutputs(graph, result);
  return result;
};

test("two layers with biases become one with one bias", () => {
  const b = new Build();
  const graph = b.graph(b.dense("fc2", b.dense("fc1", b.vector("x", 5), 7), 3));
  const result = merge(graph);
  expect(structure(result)).toBe("input 1, matmul 1, dense 1, matvec 1, add 1, addBias 1");
  expect(nodeNamed(result, "fc2.weight.merged").type.shape).toEqual([3, 5]);
  expect(nodeNamed(result, "fc2").op).toBe("addBias");
});

test("without biases", () => {
  const b = new Build();
  const graph = b.graph(b.dense("fc2", b.dense("fc1", b.vector("x", 5), 7, false), 3, false));
  expect(structure(merge(graph))).toBe("input 1, matmul 1, dense 1");
});

test("the weights of SE layers are [h, c, 1, 1]", () => {
  const b = new Build();
  const layer = (name: string, x: Node, outputs: number, inputs: number) =>
    b.bias(
      name,
      b.op(
        "dense",
        `${name}.product`,
        { x, weight: b.parameter(`${name}.weight`, "weight", outputs, inputs, 1, 1) },
        {},
      ),
    );
  const graph = b.graph(layer("fc2", layer("fc1", b.vector("x", 5), 7, 5), 3, 7));
  expect(nodeNamed(merge(graph), "fc2.weight.merged").type.shape).toEqual([3, 5]);
});

test("three layers", () => {
  const b = new Build();
  const graph = b.graph(b.dense("fc3", b.dense("fc2", b.dense("fc1", b.vector("x", 5), 7), 6), 3));
  expect(structure(merge(graph))).toContain("dense 1,");
});

test("through a constant factor and a sum; a term that is no layer stays beside it", () => {
  const b = new Build();
  const [x, y, z] = [b.vector("x", 5), b.vector("y", 4), b.vector("z", 7)];
  const left = b.op("scaleBy", "left.scaled", { x: b.dense("left", x, 7) }, { factor: 0.25 });
  const sum = b.add("sum", b.add("inner", left, b.dense("right", y, 7)), z);
  const graph = b.graph(b.dense("fc", sum, 3));
  const result = merge(graph);
  expect(structure(result)).toContain("matmul 2");
  expect(structure(result)).toContain("dense 3");
  expect(nodeNamed(result, "fc").inputs).toHaveProperty("bias.name", "fc.bias.merged");
});

test("not where the product has more elements than its factors: a factorised layer stays so", () => {
  const b = new Build();
  const graph = b.graph(b.dense("fc2", b.dense("fc1", b.vector("x", 20), 2), 20));
  expect(mergeDense.run(graph)).toBe(graph);
});

test("not where the inner layer has other readers or is an output", () => {
  const b = new Build();
  const inner = b.dense("fc1", b.vector("x", 5), 7);
  const dumped = b.graph(b.dense("fc2", inner, 3), inner);
  expect(mergeDense.run(dumped)).toBe(dumped);
  const c = new Build();
  const shared = c.dense("fc1", c.vector("x", 5), 7, false);
  const graph = c.graph(c.add("sum", c.dense("a", shared, 3), c.dense("b", shared, 3)));
  expect(mergeDense.run(graph)).toBe(graph);
});

test("not through a gate or a concatenation", () => {
  const b = new Build();
  const gated = b.op("mul", "gated", { a: b.dense("fc1", b.vector("x", 5), 7), b: b.vector("g", 7) }, {});
  const both = b.op("concat", "both", { 0: gated, 1: b.dense("fc2", b.vector("y", 5), 7) }, {});
  const graph = b.graph(b.dense("fc3", both, 3));
  expect(mergeDense.run(graph)).toBe(graph);
});

test("two biases in a row are added up, on a map too", () => {
  const b = new Build();
  const graph = b.graph(b.bias("again", b.conv("conv", b.input("image", 3, 4), 5, { bias: true })));
  expect(structure(merge(graph))).toBe("input 1, conv2d 1, add 1, addBias 1");
});

test("a bias whose sum is an output stays", () => {
  const b = new Build();
  const inner = b.conv("conv", b.input("image", 3, 4), 5, { bias: true });
  const graph = b.graph(b.bias("again", inner), inner);
  expect(mergeDense.run(graph)).toBe(graph);
});
