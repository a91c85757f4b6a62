import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { checkBody, checkFiles } from "./helpers.ts";

const names = (graph: Graph | undefined) =>
  graph!.nodes.filter((node) => node.op !== "parameter").map((node) => node.name);
const weights = (graph: Graph | undefined) =>
  graph!.nodes.filter((node) => node.op === "parameter").map((node) => node.name);

describe("names follow from the text", () => {
  test("a label names the layer and its weights; a product with a bias is called `.product`", () => {
    const { graph } = checkBody("  stem: conv 4, 3x3, bias: true -> norm: bn\n  gap\n  fc: dense 2");
    expect(names(graph)).toEqual(["image", "stem.product", "stem", "norm", "gap", "fc.product", "fc"]);
    expect(weights(graph)).toEqual([
      "stem.weight",
      "stem.bias",
      "norm.weight",
      "norm.bias",
      "norm.running_mean",
      "norm.running_var",
      "fc.weight",
      "fc.bias",
    ]);
  });

  test("without a label the op names it, numbered from the second on", () => {
    const { graph } = checkBody("  conv 4, 3x3 -> relu -> conv 4, 3x3 -> relu");
    expect(names(graph)).toEqual(["image", "conv", "relu", "conv_2", "relu_2"]);
  });

  test("groups, numbers and keywords are labels", () => {
    const { graph } = checkBody("  features { 0: conv 4, 1x1 -> 1: bn -> input: relu }\n  block: relu");
    expect(names(graph)).toEqual(["image", "features.0", "features.1", "features.input", "block"]);
  });

  test("a group may be opened again; its layers still have names of their own", () => {
    const { graph, text } = checkBody("  f { a { 0: relu } }\n  tanh -> f { a { 1: relu } }");
    expect(text).toBe("");
    expect(names(graph).slice(1)).toEqual(["f.a.0", "tanh", "f.a.1"]);
    expect(checkBody("  f { 0: relu }\n  f { 0: relu }").text).toBe("SE0212 two layers are called `f.0`");
    expect(checkBody("  f: relu\n  f { 0: relu }").text).toBe("SE0212 two layers are called `f`");
    expect(checkBody("  f: pair\n  f { 0: relu }", "block pair() {\n  relu\n}").text).toBe(
      "SE0212 two layers are called `f`",
    );
  });

  test("a block without a label adds nothing to the names of its layers", () => {
    const { graph } = checkBody(
      "  pair(4)\n  second: pair(4)",
      "block pair(width: int) {\n  a: conv width, 1x1 -> b: conv width, 1x1\n}",
    );
    expect(names(graph)).toEqual(["image", "a", "b", "second.a", "second.b"]);
  });

  test("the units of a repeat and the rounds of a loop are numbered", () => {
    const { graph } = checkBody("  layers: 2 of conv 8, 1x1\n  blocks { for i in 0..2 { conv: conv 8, 1x1 -> relu } }");
    expect(names(graph)).toEqual([
      "image",
      "layers.0",
      "layers.1",
      "blocks.0.conv",
      "blocks.0.relu",
      "blocks.1.conv",
      "blocks.1.relu",
    ]);
  });

  test("the units of a repeat may count on from a label", () => {
    const { graph } = checkBody("  s1 { b9..: 2 of conv 8, 1x1 }\n  stage 2 1..: 2 of relu");
    expect(names(graph)).toEqual(["image", "s1.b9", "s1.b10", "1", "2"]);
    expect(graph!.repeats.map(({ units }) => units)).toEqual([
      ["s1.b9", "s1.b10"],
      ["1", "2"],
    ]);
  });

  test("the rounds of a loop over a list are numbered too, and its names are the items", () => {
    const { graph } = checkBody("  blocks { for (width, k) in [(4, 1x1), (8, 3x3)] { conv: conv width, k } }");
    const shapes = graph!.nodes.map((node) => `${node.name} ${node.type.shape.join("x")}`);
    expect(shapes).toContain("blocks.0.conv.weight 4x8x1x1");
    expect(shapes).toContain("blocks.1.conv.weight 8x4x3x3");
  });

  test("arms have the names of their labels", () => {
    const { graph } = checkBody("  mix: concat { a: conv 4, 1x1 ; b: relu -> last: conv 4, 1x1 ; relu }");
    expect(names(graph)).toEqual(["image", "mix.a.conv", "mix.b.relu", "mix.b.last", "mix.relu", "mix.concat"]);
  });

  test("dropout makes no layer", () => {
    const { graph } = checkBody("  relu -> drop: dropout 0.5 -> tanh");
    expect(names(graph)).toEqual(["image", "relu", "tanh"]);
  });

  test("words of JavaScript and of shader languages are ordinary names", () => {
    const { graph, text } = checkBody(
      "  constructor: relu -> toString: relu -> hasOwnProperty: relu -> fn: relu -> var: relu -> override: relu -> main: relu",
    );
    expect(text).toBe("");
    expect(names(graph).slice(1)).toEqual([
      "constructor",
      "toString",
      "hasOwnProperty",
      "fn",
      "var",
      "override",
      "main",
    ]);
  });
});

describe("weights that are used twice", () => {
  const beside = "";
  test("a chain has its weights once, and its layers once for each call", () => {
    const { graph, text } = checkBody(
      "  let mlp = chain { 1: dense image.channels / 2 -> relu -> 3: dense image.channels }\n" +
        "  image * sigmoid(mlp(gap(image)) + mlp(gmp(image)))",
      beside,
    );
    expect(text).toBe("");
    expect(weights(graph)).toEqual(["mlp.1.weight", "mlp.1.bias", "mlp.3.weight", "mlp.3.bias"]);
    expect(names(graph)).toEqual([
      "image",
      "gap",
      "mlp.1.product",
      "mlp.1",
      "mlp.relu",
      "mlp.3.product",
      "mlp.3",
      "gmp",
      "mlp_2.1.product",
      "mlp_2.1",
      "mlp_2.relu",
      "mlp_2.3.product",
      "mlp_2.3",
      "add",
      "sigmoid",
      "scale",
    ]);
  });

  test("a chain as a step", () => {
    const { graph } = checkBody("  let same = chain { conv 8, 3x3 -> relu }\n  same -> same -> same");
    expect(weights(graph)).toEqual(["same.conv.weight"]);
    expect(names(graph)).toEqual([
      "image",
      "same.conv",
      "same.relu",
      "same_2.conv",
      "same_2.relu",
      "same_3.conv",
      "same_3.relu",
    ]);
  });
});

describe("values have names", () => {
  test("a label names its step's result for the lines below", () => {
    const { graph } = checkBody("  a: conv 8, 3x3 -> relu -> conv 8, 3x3\n  a + image");
    expect(graph!.outputs[0]!.node.name).toBe("add");
    expect(Object.values(graph!.outputs[0]!.node.inputs).map((node) => node.name)).toEqual(["a", "image"]);
  });

  test("several outputs, of a value, of the current one, and of an input", () => {
    const { graph, text } = checkFiles({
      "net.se": `se 1
network Net() {
  input image: f32[N, 8, 8, 8]
  let wide = conv 16, 3x3
  output a: wide -> relu
  output b: f32[N, 8, 8, 8]
  output c: image
}
`,
    });
    expect(text).toBe("");
    expect(graph!.outputs.map(({ name, node }) => `${name} ${node.name}`)).toEqual(["a relu", "b image", "c image"]);
  });

  test("one value may be two outputs", () => {
    const { graph, text } = checkBody("  relu\n  output first");
    expect(text).toBe("");
    expect(graph!.outputs.map(({ name, node }) => `${name} ${node.name}`)).toEqual(["first relu", "y relu"]);
  });

  test("two calls of a network share its input, and have weights of their own", () => {
    const { graph, text } = checkFiles(
      {
        "net.se": `se 1
network Body() {
  input image: f32[N, 8, 8, 8]
  conv1: conv 8, 3x3
  output y
}
network Two() {
  let a = a: Body()
  let b = b: Body()
  output sum: a + b
}
`,
      },
      { network: "Two" },
    );
    expect(text).toBe("");
    expect(names(graph)).toEqual(["image", "a.conv1", "b.conv1", "add"]);
  });

  test("a network is called like a block, and its outputs are members", () => {
    const { graph, text } = checkFiles(
      {
        "net.se": `se 1
network Body() {
  input image: f32[N, 3, 16, 16]
  conv1: conv 8, 3x3 / 2 -> relu
  output c1
  conv2: conv 8, 3x3 / 2 -> relu
  output c2
}
network Pyramid() {
  let body = body: Body()
  let p2 = body.c2 -> lat2: conv 4, 1x1
  output p2: p2
  output p1: (body.c1 -> lat1: conv 4, 1x1) + upsample(p2, like: body.c1)
}
`,
      },
      { network: "Pyramid" },
    );
    expect(text).toBe("");
    expect(names(graph)).toEqual([
      "image",
      "body.conv1",
      "body.relu",
      "body.conv2",
      "body.relu_2",
      "lat2",
      "lat1",
      "upsample",
      "add",
    ]);
    expect(graph!.outputs.map(({ name }) => name)).toEqual(["p2", "p1"]);
  });
});
