import { expect, test } from "vitest";
import { node, rewrite, type Graph, type Node } from "../../src/ir/graph.ts";
import { O1 } from "../../src/passes/index.ts";
import { runPasses, type Pass } from "../../src/passes/pass.ts";
import { Build, unit } from "../graphs.ts";

/** Break an invariant in a pass: the run must stop at that pass and name it. */

function graph(): Graph {
  const b = new Build();
  const x = b.unary("relu", "stem", b.conv("conv", b.input("image", 4, 6), 4));
  return b.graph(unit(b, "u", x, { kind: "bottleneck", out: 4, width: 4 }));
}

const broken: Record<string, [(graph: Graph) => Graph, RegExp]> = {
  twoNodesOfOneName: [
    (g) => rewrite(g, (node) => (node.op === "sigmoid" ? { ...node, name: "stem" } : undefined)),
    /after twoNodesOfOneName: two nodes are called stem/,
  ],
  wrongOrder: [(g) => ({ ...g, nodes: g.nodes.toReversed() }), /after wrongOrder: .* does not come before it/],
  wrongType: [
    (g) =>
      rewrite(g, (node) => (node.name === "u.relu" ? { ...node, type: { ...node.type, shape: ["N", 5] } } : undefined)),
    /after wrongType: u\.relu is recorded as f32\[N, 5\], but is f32\[N, 4, 6, 6\]/,
  ],
  droppedNode: [
    (g) => ({ ...g, nodes: g.nodes.filter((node) => node.op !== "sigmoid") }),
    /after droppedNode: u\.se\.scale reads u\.se\.gate/,
  ],
  lostOutput: [(g) => ({ ...g, nodes: g.nodes.slice(0, -1) }), /after lostOutput: output y is not in the graph/],
  wrongOperand: [
    (g) =>
      rewrite(g, (node) =>
        node.op === "scaleChannels"
          ? ({ ...node, inputs: { x: node.inputs.gate, gate: node.inputs.x } } as Node)
          : undefined,
      ),
    /after wrongOperand: u\.se\.scale = scaleChannels: a gate scales a feature map of rank 4/,
  ],
  weightOpOnActivation: [
    (g) =>
      rewrite(g, (made) => (made.op === "sigmoid" ? ({ ...made, op: "rsqrt", attrs: { eps: 0 } } as Node) : undefined)),
    /after weightOpOnActivation: u\.se\.gate = rsqrt reads an activation/,
  ],
};

for (const [name, [run, message]] of Object.entries(broken)) {
  test(`the verifier names the pass: ${name}`, () => {
    const pass: Pass = { name, doc: "Breaks an invariant.", run };
    expect(() => runPasses(graph(), [...O1, pass])).toThrow(message);
    expect(() => runPasses(graph(), [pass, ...O1])).toThrow(message);
  });
}

test("a node that a pass cannot make names the pass too", () => {
  const pass: Pass = {
    name: "misfit",
    doc: "Makes a node that its op refuses.",
    run: (g) =>
      rewrite(g, (made) =>
        made.op === "relu" ? node("conv2d", made, { x: made, weight: made }, pointConv) : undefined,
      ),
  };
  expect(() => runPasses(graph(), [pass])).toThrow(/in misfit: stem = conv2d: the weight is f32\[N, 4, 6, 6\]/);
});

const pointConv = { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 } as const;

test("the trace sees every pass with its graph, in order", () => {
  const seen: string[] = [];
  const result = runPasses(graph(), O1, (pass, after) => {
    seen.push(pass.name);
    expect(after.nodes.length).toBeGreaterThan(0);
  });
  expect(seen).toEqual(O1.map((pass) => pass.name));
  expect(result.insertions).toEqual(graph().insertions);
});

test("every pass has a name of its own and a sentence", () => {
  const passes = [...new Set(O1)];
  expect(new Set(passes.map((pass) => pass.name)).size).toBe(passes.length);
  for (const pass of passes) expect(pass.doc).toMatch(/^[A-Z].*\.$/);
});
