import { expect } from "vitest";
import { graphOf, node, type Graph, type Insertion, type Node, type Output } from "../src/ir/graph.ts";
import { verify } from "../src/ir/verify.ts";
import { type AttrsOf, type InputsOf, type OpName } from "../src/ops/index.ts";
import type { ParameterRole } from "../src/ops/leaves.ts";
import type { Window } from "../src/ops/window.ts";
import { hoistSqueeze } from "../src/passes/hoistSqueeze.ts";
import { O1 } from "../src/passes/index.ts";
import { runPasses } from "../src/passes/pass.ts";
import { keptOf } from "../src/plan/kernels/geometry.ts";
import type { Plan } from "../src/plan/plan.ts";
import { schedule } from "../src/plan/schedule.ts";
import type { Precision } from "../src/precision.ts";
import { interpret } from "../src/reference/interpret.ts";
import { sizeOf, tensor, type Tensor } from "../src/tensor/tensor.ts";
import { concreteShape, f32 } from "../src/tensor/type.ts";

/** Small networks for tests, written as a program would be lowered: dotted names, a bias as an op of its own. */

const span = { file: "test.se", start: 0, end: 0 };

export interface ConvOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
  readonly bias?: boolean;
}

export type Activation = "relu" | "relu6" | "hardSwish" | "silu" | "sigmoid" | "tanh" | "hardSigmoid";

export interface SeOptions {
  readonly squeeze?: Insertion["squeeze"];
  readonly gate?: Insertion["gate"];
  readonly hidden?: number;
  readonly bias?: boolean;
  readonly point?: Insertion["point"];
}

const gateOps = { sigmoid: "sigmoid", tanh: "tanh", relu: "relu", hardsigmoid: "hardSigmoid" } as const;

export class Build {
  private readonly insertions: Insertion[] = [];

  input(name: string, channels: number, height: number, width = height): Node {
    return this.op("input", name, {}, { type: f32("N", channels, height, width), image: undefined });
  }

  vector(name: string, features: number): Node {
    return this.op("input", name, {}, { type: f32("N", features), image: undefined });
  }

  parameter(name: string, role: ParameterRole, ...shape: number[]): Node {
    return this.op("parameter", name, {}, { type: f32(...shape), role });
  }

  op<K extends OpName>(op: K, name: string, inputs: Readonly<Record<InputsOf<K>, Node>>, attrs: AttrsOf<K>): Node {
    return node(op, { name, span }, inputs, attrs) as Node;
  }

  unary(op: Activation, name: string, x: Node): Node {
    return this.op(op, name, { x }, {});
  }

  add(name: string, a: Node, b: Node): Node {
    return this.op("add", name, { a, b }, {});
  }

  conv(name: string, x: Node, outputs: number, options: ConvOptions = {}): Node {
    const { kernel = 1, stride = 1, dilation = 1, groups = 1, bias = false } = options;
    const padding = options.padding ?? Math.floor(kernel / 2);
    const weight = this.parameter(`${name}.weight`, "weight", outputs, channelsOf(x) / groups, kernel, kernel);
    const product = this.op(
      "conv2d",
      bias ? `${name}.product` : name,
      { x, weight },
      { ...square(kernel, stride, padding, dilation), groups },
    );
    return bias ? this.bias(name, product) : product;
  }

  bias(name: string, x: Node): Node {
    return this.op("addBias", name, { x, bias: this.parameter(`${name}.bias`, "bias", channelsOf(x)) }, {});
  }

  dense(name: string, x: Node, outputs: number, bias = true): Node {
    const weight = this.parameter(`${name}.weight`, "weight", outputs, channelsOf(x));
    const product = this.op("dense", bias ? `${name}.product` : name, { x, weight }, {});
    return bias ? this.bias(name, product) : product;
  }

  batchNorm(name: string, x: Node, eps = 1e-5): Node {
    const vector = (suffix: string, role: ParameterRole) => this.parameter(`${name}.${suffix}`, role, channelsOf(x));
    const inputs = {
      x,
      weight: vector("weight", "bnWeight"),
      bias: vector("bias", "bnBias"),
      mean: vector("running_mean", "bnMean"),
      variance: vector("running_var", "bnVariance"),
    };
    return this.op("batchNorm", name, inputs, { eps });
  }

  maxPool(name: string, x: Node, kernel: number, stride: number, padding = 0): Node {
    return this.op("maxPool", name, { x }, { ...square(kernel, stride, padding, 1), rounding: "floor" });
  }

  avgPool(name: string, x: Node, kernel: number, stride: number, padding = 0): Node {
    const attrs = { ...square(kernel, stride, padding, 1), rounding: "floor" as const, countPadding: true };
    return this.op("avgPool", name, { x }, attrs);
  }

  squeeze(name: string, x: Node, squeeze: "avg" | "max" = "avg"): Node {
    return this.op(squeeze === "avg" ? "globalAvgPool" : "globalMaxPool", name, { x }, {});
  }

  scale(name: string, x: Node, gate: Node): Node {
    return this.op("scaleChannels", name, { x, gate }, {});
  }

  /** The SE block as the front end lowers it: squeeze, fc1, relu, fc2, gate, scale. */
  se(name: string, x: Node, options: SeOptions = {}): Node {
    const { squeeze = "avg", gate = "sigmoid", hidden = 2, bias = true, point = "standard" } = options;
    this.insertions.push({ name, point, squeeze, gate });
    const layer = (last: string, from: Node, outputs: number): Node => {
      const full = `${name}.${last}`;
      const weight = this.parameter(`${full}.weight`, "weight", outputs, channelsOf(from), 1, 1);
      const product = bias ? `${full}.product` : full;
      const made =
        squeeze === "none"
          ? this.op("conv2d", product, { x: from, weight }, { ...square(1, 1, 0, 1), groups: 1 })
          : this.op("dense", product, { x: from, weight }, {});
      return bias ? this.bias(full, made) : made;
    };
    const squeezed = squeeze === "none" ? x : this.squeeze(`${name}.squeeze`, x, squeeze);
    const hiddenLayer = this.unary("relu", `${name}.hidden`, layer("fc1", squeezed, hidden));
    const gated = this.unary(gateOps[gate], `${name}.gate`, layer("fc2", hiddenLayer, channelsOf(x)));
    return squeeze === "none"
      ? this.op("mul", `${name}.scale`, { a: x, b: gated }, {})
      : this.scale(`${name}.scale`, x, gated);
  }

  graph(...outputs: readonly (Node | Output)[]): Graph {
    const named = outputs.map((output, index) =>
      "node" in output ? output : { name: index === 0 ? "y" : `y${index}`, node: output },
    );
    const graph = graphOf("test", named, this.insertions);
    verify(graph, "building");
    return graph;
  }
}

export function channelsOf(node: Node): number {
  return node.type.shape[1] as number;
}

export function square(kernel: number, stride: number, padding: number, dilation: number): Window {
  return {
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [padding, padding, padding, padding],
    dilation: [dilation, dilation],
  };
}

export type UnitKind = "bottleneck" | "basic" | "mbconv" | "preactivation" | "shuffle";

export interface UnitOptions extends SeOptions {
  readonly kind: UnitKind;
  readonly out: number;
  readonly width: number;
  /** Of the 3x3, or of the first 1x1. */
  readonly stride?: 1 | 2;
  readonly strideOn?: "3x3" | "1x1";
  readonly groups?: number;
  /** The kernel of the projection, which stands where the shape changes. */
  readonly projection?: 1 | 3;
  readonly placement?: Insertion["point"] | "none";
  /** Where in conv-bn-relu the 3x3 point is. */
  readonly conv3x3At?: "conv" | "bn" | "relu";
}

/** A residual unit with at most one SE block, as the table of insertion points in the language reference says. */
export function unit(b: Build, name: string, x: Node, options: UnitOptions): Node {
  const { kind, placement = "standard" } = options;
  const at = (point: Insertion["point"], value: Node) =>
    placement === point ? b.se(`${name}.se`, value, { ...options, point }) : value;
  if (kind === "preactivation") return preActivation(b, name, x, options, at);

  const start = at("pre", x);
  const branch = at("standard", branches[kind](b, name, start, options, at));
  const skip = at("identity", shortcut(b, name, x, options));
  const sum = b.add(`${name}.add`, branch, skip);
  return at("post", kind === "mbconv" ? sum : b.unary("relu", `${name}.relu`, sum));
}

type At = (point: Insertion["point"], value: Node) => Node;

const branches: {
  [K in Exclude<UnitKind, "preactivation">]: (b: Build, name: string, x: Node, options: UnitOptions, at: At) => Node;
} = {
  bottleneck(b, name, x, options, at) {
    const { width, out, stride = 1, strideOn = "3x3", groups = 1, conv3x3At = "relu" } = options;
    const first = strideOn === "1x1" ? stride : 1;
    const a = convBnRelu(b, `${name}`, "1", x, width, { stride: first });
    const conv = b.conv(`${name}.conv2`, a, width, { kernel: 3, stride: strideOn === "3x3" ? stride : 1, groups });
    const normal = b.batchNorm(`${name}.bn2`, conv3x3At === "conv" ? at("3x3", conv) : conv);
    const active = b.unary("relu", `${name}.relu2`, conv3x3At === "bn" ? at("3x3", normal) : normal);
    const c = conv3x3At === "relu" ? at("3x3", active) : active;
    return b.batchNorm(`${name}.bn3`, b.conv(`${name}.conv3`, c, out));
  },
  basic(b, name, x, { width, out, stride = 1 }, at) {
    const a = at("3x3", convBnRelu(b, name, "1", x, width, { kernel: 3, stride }));
    return b.batchNorm(`${name}.bn2`, b.conv(`${name}.conv2`, a, out, { kernel: 3 }));
  },
  mbconv(b, name, x, { width, out, stride = 1 }, at) {
    const a = b.unary("hardSwish", `${name}.act1`, b.batchNorm(`${name}.bn1`, b.conv(`${name}.conv1`, x, width)));
    const depthwise = b.conv(`${name}.conv2`, a, width, { kernel: 3, stride, groups: width });
    const active = at("3x3", b.unary("hardSwish", `${name}.act2`, b.batchNorm(`${name}.bn2`, depthwise)));
    return b.batchNorm(`${name}.bn3`, b.conv(`${name}.conv3`, active, out));
  },
  shuffle(b, name, x, { width, out, stride = 1 }, at) {
    const a = convBnRelu(b, name, "1", x, width, { groups: 2 });
    const mixed = b.op("shuffleChannels", `${name}.shuffle`, { x: a }, { groups: 2 });
    const depthwise = b.conv(`${name}.conv2`, mixed, width, { kernel: 3, stride, groups: width });
    const normal = at("3x3", b.batchNorm(`${name}.bn2`, depthwise));
    return b.batchNorm(`${name}.bn3`, b.conv(`${name}.conv3`, normal, out, { groups: 2 }));
  },
};

function preActivation(b: Build, name: string, x: Node, options: UnitOptions, at: At): Node {
  const { width, out, stride = 1 } = options;
  const start = b.unary("relu", `${name}.relu1`, b.batchNorm(`${name}.bn1`, at("pre", x)));
  const a = b.conv(`${name}.conv1`, start, width, { kernel: 3, stride });
  const middle = at("3x3", b.unary("relu", `${name}.relu2`, b.batchNorm(`${name}.bn2`, a)));
  const branch = at("standard", b.conv(`${name}.conv2`, middle, out, { kernel: 3 }));
  const same = stride === 1 && channelsOf(x) === out;
  const skip = at("identity", same ? x : b.conv(`${name}.downsample`, start, out, { stride }));
  return at("post", b.add(`${name}.add`, branch, skip));
}

function shortcut(b: Build, name: string, x: Node, { out, stride = 1, projection = 1 }: UnitOptions): Node {
  if (stride === 1 && channelsOf(x) === out) return x;
  const conv = b.conv(`${name}.downsample.0`, x, out, { kernel: projection, stride });
  return b.batchNorm(`${name}.downsample.1`, conv);
}

function convBnRelu(b: Build, name: string, number: string, x: Node, outputs: number, options: ConvOptions): Node {
  const conv = b.conv(`${name}.conv${number}`, x, outputs, options);
  return b.unary("relu", `${name}.relu${number}`, b.batchNorm(`${name}.bn${number}`, conv));
}

/**
 * Values for the leaves of a graph, each from a stream of its own, named by seed and leaf: convolutions N(0, 1.6 / fan),
 * BatchNorm statistics that are not trivial (as randomize_ of the paper's reference implementation).
 */
export function leavesOf(graph: Graph, seed: number, batch: number): Map<string, Tensor> {
  const leaves = new Map<string, Tensor>();
  for (const leaf of graph.nodes) {
    if (leaf.op !== "input" && leaf.op !== "parameter") continue;
    const shape = concreteShape(leaf.type, batch);
    const random = randomNumbers(`${seed} ${leaf.name}`);
    const fan = shape.slice(1).reduce((a, b) => a * b, 1);
    const draw = leaf.op === "input" ? random.normal : drawer(leaf.attrs.role, fan, random);
    leaves.set(leaf.name, tensor(shape, Float64Array.from({ length: sizeOf(shape) }, draw)));
  }
  return leaves;
}

function drawer(role: ParameterRole, fan: number, { uniform, normal }: ReturnType<typeof randomNumbers>): () => number {
  switch (role) {
    case "weight":
      return () => normal() * Math.sqrt(1.6 / fan);
    case "bias":
      return () => normal() * 0.1;
    case "bnWeight":
      return () => 0.6 + 0.8 * uniform();
    case "bnBias":
    case "bnMean":
      return () => normal() * 0.2;
    case "bnVariance":
      return () => 0.5 + uniform();
  }
}

/** mulberry32, seeded by a hash of the text. */
export function randomNumbers(text: string) {
  let state = [...text].reduce((hash, character) => Math.imul(hash ^ character.charCodeAt(0), 16777619), 2166136261);
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

/** Every output of both graphs agrees to 1e-12 of its largest element, and the outputs have the same names and types. */
export function expectSameOutputs(before: Graph, after: Graph, seed = 1, batch = 2): void {
  expect(after.outputs.map(({ name, node }) => [name, node.type])).toEqual(
    before.outputs.map(({ name, node }) => [name, node.type]),
  );
  const leaves = leavesOf(before, seed, batch);
  const [expected, found] = [interpret(before, leaves, batch), interpret(after, leaves, batch)];
  before.outputs.forEach(({ name, node }, index) => {
    const difference = relativeDifference(expected.get(node)!, found.get(after.outputs[index]!.node)!);
    expect(difference, `output ${name}, relative difference`).toBeLessThanOrEqual(1e-12);
  });
}

export function relativeDifference(expected: Tensor, found: Tensor): number {
  const largest = expected.data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const difference = expected.data.reduce((a, b, i) => Math.max(a, Math.abs(b - found.data[i]!)), 0);
  return Number.isNaN(difference) ? Infinity : difference === 0 ? 0 : difference / largest;
}

export function nodeNamed(graph: Graph, name: string): Node {
  const found = graph.nodes.find((node) => node.name === name);
  if (!found) throw new Error(`no node is called ${name}: ${graph.nodes.map((node) => node.name).join(", ")}`);
  return found;
}

/**
 * A gated map that a convolution reads, and so does an addition behind it; and the plan of it in which that convolution computes the
 * map, and stores it for the addition.
 */
export function keptMap(channels: number, height: number, width: number, outputs: number): Graph {
  const b = new Build();
  const x = b.unary("relu", "r", b.conv("first", b.input("x", 3, height, width), channels, { bias: true }));
  const block = b.unary("relu", "b", b.add("sum", b.se("se", x, { hidden: 3 }), x));
  const next = b.unary("relu", "n", b.conv("next", block, outputs, { bias: true }));
  return b.graph(b.add("last", b.conv("after", next, channels), block));
}

export function keptPlan(graph: Graph, precision?: Precision): Plan {
  const exceptions = { begins: (node: Node) => node.name === "sum", keeps: () => true };
  const passes = O1.filter((pass) => pass !== hoistSqueeze);
  const plan = schedule(runPasses(graph, passes), { written: graph, fuse: true, precision, exceptions });
  if (keptOf(plan.launches.find(({ name }) => name === "next")!)?.name !== "b") throw new Error("b is not kept");
  return plan;
}
