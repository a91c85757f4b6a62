import { expect, test } from "vitest";
import { graphOf } from "../../src/ir/graph.ts";
import { structure } from "../../src/ir/print.ts";
import { O0, O1 } from "../../src/passes/index.ts";
import { runPasses } from "../../src/passes/pass.ts";
import { removeDead } from "../../src/passes/removeDead.ts";
import { shareCommon } from "../../src/passes/shareCommon.ts";
import { Build, expectSameOutputs, nodeNamed } from "../graphs.ts";

test("shareCommon: a value that is computed twice is computed once, under its first name", () => {
  const b = new Build();
  const x = b.input("image", 4, 3);
  const gates = ["a", "b"].map((name) => b.unary("sigmoid", `${name}.gate`, b.squeeze(`${name}.squeeze`, x)));
  const graph = b.graph(b.scale("scale2", b.scale("scale1", x, gates[0]!), gates[1]!));
  const result = runPasses(graph, [shareCommon]);
  expectSameOutputs(graph, result);
  expect(structure(result)).toBe("input 1, globalAvgPool 1, sigmoid 1, scaleChannels 2");
  expect(nodeNamed(result, "scale2").inputs).toHaveProperty("gate.name", "a.gate");
});

test("shareCommon: in the weight program too, and whatever the order of attributes", () => {
  const b = new Build();
  const x = b.input("image", 4, 3);
  const variance = b.parameter("variance", "bnVariance", 4);
  const [one, two] = [1, 2].map((i) => b.op("rsqrt", `r${i}`, { x: variance }, { eps: 1e-5 }));
  const zero = b.parameter("zero", "bnBias", 4);
  const scaled = [one!, two!].map((scale, i) => b.op("affine", `affine${i}`, { x, scale, shift: zero }, {}));
  const window = {
    kernel: [2, 2],
    stride: [2, 2],
    padding: [0, 0, 0, 0],
    dilation: [1, 1],
    rounding: "floor",
  } as const;
  const reversed = Object.fromEntries(Object.entries(window).toReversed()) as unknown as typeof window;
  const pools = [window, reversed].map((attrs, i) => b.op("maxPool", `pool${i}`, { x: scaled[i]! }, attrs));
  const graph = b.graph(b.add("sum", pools[0]!, pools[1]!));
  const result = runPasses(graph, [shareCommon]);
  expectSameOutputs(graph, result);
  expect(structure(result)).toBe("input 1, rsqrt 1, affine 1, maxPool 1, add 1");
});

test("shareCommon: not what differs in an attribute, an operand's place, or a leaf's name", () => {
  const b = new Build();
  const [x, y] = [b.vector("x", 4), b.vector("y", 4)];
  const differences = [
    b.op("sub", "xy", { a: x, b: y }, {}),
    b.op("sub", "yx", { a: y, b: x }, {}),
    b.op("scaleBy", "zero", { x }, { factor: 0 }),
    b.op("scaleBy", "minusZero", { x }, { factor: -0 }),
    b.op("sliceChannels", "s1", { x }, { start: 0, size: 2 }),
    b.op("sliceChannels", "s2", { x }, { start: 1, size: 2 }),
  ];
  const graph = b.graph(...differences);
  expect(shareCommon.run(graph)).toBe(graph);
});

test("shareCommon: two outputs may share a node, and keep their names", () => {
  const b = new Build();
  const x = b.vector("x", 4);
  const graph = b.graph(b.unary("relu", "first", x), b.unary("relu", "second", x));
  const result = runPasses(graph, [shareCommon]);
  expectSameOutputs(graph, result);
  expect(result.outputs.map(({ name, node }) => `${name} = ${node.name}`)).toEqual(["y = first", "y1 = first"]);
});

test("removeDead: what no output needs goes, and a graph without it is returned as it is", () => {
  const b = new Build();
  const x = b.vector("x", 4);
  const [alive, dead] = [b.unary("relu", "alive", x), b.unary("relu", "dead", x)];
  const graph = graphOf("test", [{ name: "y", node: alive }], []);
  const withDead = { ...graph, nodes: [...graph.nodes, dead] };
  expect(structure(withDead)).toBe("input 1, relu 2");
  expect(structure(runPasses(withDead, [removeDead]))).toBe("input 1, relu 1");
  expect(removeDead.run(graph)).toBe(graph);
});

test("a reader that nobody needs does not keep a BatchNorm from being folded", () => {
  const b = new Build();
  const conv = b.conv("conv", b.input("image", 3, 4), 4);
  const graph = b.graph(b.batchNorm("bn", conv));
  const withDead = { ...graph, nodes: [...graph.nodes, b.unary("relu", "dead", conv)] };
  expect(structure(runPasses(withDead, O1))).not.toContain("affine");
});

test("O0 changes nothing", () => {
  const b = new Build();
  const graph = b.graph(b.batchNorm("bn", b.conv("conv", b.input("image", 3, 4), 4)));
  expect(runPasses(graph, O0)).toBe(graph);
});
