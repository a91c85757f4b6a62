import { describe, expect, test } from "vitest";
import { usersOf, type Graph } from "../../src/ir/graph.ts";
import { checkBody } from "./helpers.ts";

/** `bn3 -> se -> add`: what the SE block reads, and who reads its result. */
function placeOf(graph: Graph): string {
  const users = usersOf(graph);
  return graph.insertions
    .map(({ name }) => {
      const scale = graph.nodes.find((node) => node.name === `${name}.scale`)!;
      const inputs = scale.inputs as Readonly<Record<string, { readonly name: string }>>;
      const read = inputs["x"] ?? inputs["a"];
      return `${read!.name} -> ${name} -> ${
        users
          .get(scale)!
          .map((node) => node.name)
          .join(", ") || "output"
      }`;
    })
    .join("; ");
}

const units = {
  bottleneck: {
    from: "resnet",
    call: "unit: bottleneck(4, stride: 2)",
    pre: "image -> unit.se -> unit.conv1",
    standard: "unit.bn3 -> unit.se -> unit.add",
    identity: "unit.downsample.1 -> unit.se -> unit.add",
    post: "unit.relu_3 -> unit.se -> output",
    "3x3": "unit.relu_2 -> unit.se -> unit.conv3",
  },
  basic: {
    from: "resnet",
    call: "unit: basic(8)",
    pre: "image -> unit.se -> unit.conv1",
    standard: "unit.bn2 -> unit.se -> unit.add",
    identity: "image -> unit.se -> unit.add",
    post: "unit.relu_2 -> unit.se -> output",
    "3x3": "unit.relu -> unit.se -> unit.conv2",
  },
  resnext: {
    from: "resnet",
    call: "unit: resnext(16, groups: 4, base_width: 16)",
    pre: "image -> unit.se -> unit.conv1",
    standard: "unit.bn3 -> unit.se -> unit.add",
    identity: "unit.downsample.1 -> unit.se -> unit.add",
    post: "unit.relu_3 -> unit.se -> output",
    "3x3": "unit.relu_2 -> unit.se -> unit.conv3",
  },
  preact_bottleneck: {
    from: "preact",
    call: "unit: preact_bottleneck(2)",
    pre: "image -> unit.se -> unit.bn1",
    standard: "unit.conv3 -> unit.se -> unit.add",
    identity: "image -> unit.se -> unit.add",
    post: "unit.add -> unit.se -> output",
    "3x3": "unit.conv2 -> unit.se -> unit.bn3",
  },
  preact_basic: {
    from: "preact",
    call: "unit: preact_basic(16, stride: 2)",
    // The first BatchNorm is shared with the skip, which is not gated.
    pre: "unit.relu -> unit.se -> unit.conv1",
    standard: "unit.conv2 -> unit.se -> unit.add",
    identity: "unit.downsample -> unit.se -> unit.add",
    post: "unit.add -> unit.se -> output",
    "3x3": "unit.relu_2 -> unit.se -> unit.conv2",
  },
  inverted_residual: {
    from: "mobile",
    call: "unit: inverted_residual(16, 8, kernel: 5x5, act: hardswish)",
    pre: "image -> unit.se -> unit.conv_pw",
    standard: "unit.bn3 -> unit.se -> unit.add",
    identity: "image -> unit.se -> unit.add",
    post: "unit.add -> unit.se -> output",
    "3x3": "unit.hardswish_2 -> unit.se -> unit.conv_pwl",
  },
  shuffle_unit: {
    from: "shufflenet",
    call: "unit: shuffle_unit(24, stride: 2, groups: 2)",
    pre: "image -> unit.se -> unit.conv1",
    standard: "unit.bn3 -> unit.se -> unit.concat",
    identity: "unit.avgpool -> unit.se -> unit.concat",
    post: "unit.relu_2 -> unit.se -> output",
    "3x3": "unit.bn2 -> unit.se -> unit.conv3",
  },
} as const;

describe.each(Object.entries(units))("%s", (block, { from, call, ...points }) => {
  test.each(Object.entries(points))("%s", (point, place) => {
    const { graph, text } = checkBody(
      `  insert se(at: ${point}, ratio: 2)\n  ${call}`,
      `import { ${block} } from "std/${from}.se"`,
    );
    expect(text).toBe("");
    expect(placeOf(graph!)).toBe(place);
    expect(graph!.insertions.map((insertion) => insertion.point)).toEqual([point]);
  });

  test("none", () => {
    const { graph, text } = checkBody(`  insert se(at: none)\n  ${call}`, `import { ${block} } from "std/${from}.se"`);
    expect(text).toBe("");
    expect(graph!.insertions).toEqual([]);
  });
});

test("a plain layer has the points before and after it", () => {
  const place = (point: string) =>
    placeOf(
      checkBody(`  insert se(at: ${point}, ratio: 2)\n  unit: plain(8)`, `import { plain } from "std/plain.se"`).graph!,
    );
  expect(place("pre")).toBe("image -> unit.se -> unit.conv");
  expect(place("standard")).toBe("unit.relu -> unit.se -> output");
});

test("a point that the text writes is not implied as well", () => {
  const { graph } = checkBody(`
  insert se(at: standard, ratio: 2)
  residual { branch { conv: conv 8, 3x3 -> @standard -> scale 0.1 } after relu }`);
  expect(placeOf(graph!)).toBe("conv -> se -> scale");
});

test("points may be written in a network itself, in groups and in arms", () => {
  const { graph } = checkBody(`
  insert se(at: standard, ratio: 2)
  a { conv 8, 3x3 -> @standard }
  concat { left: conv 4, 1x1 -> @standard ; right: conv 4, 1x1 } -> @standard`);
  expect(placeOf(graph!)).toBe(
    "a.conv -> a.se -> left.conv, right.conv; left.conv -> left.se -> concat; concat -> se -> output",
  );
});

test("only the stages that are named take part", () => {
  const { graph, text } = checkBody(
    `
  insert se(at: standard, ratio: 2, in: [3])
  stage 2 layer1: 2 of basic(8)
  stage 3 layer2: 2 of basic(16, stride: 2 then 1)
  head: basic(16)`,
    `import { basic } from "std/resnet.se"`,
  );
  expect(text).toBe("");
  expect(graph!.insertions.map(({ name }) => name)).toEqual(["layer2.0.se", "layer2.1.se"]);
});

test("a later insertion replaces an earlier one for the units below it", () => {
  const { graph } = checkBody(
    `
  insert se(at: standard, ratio: 2)
  a: basic(8)
  insert se(at: post, ratio: 4, gate: hardsigmoid)
  b: basic(8)`,
    `import { basic } from "std/resnet.se"`,
  );
  expect(graph!.insertions).toEqual([
    { name: "a.se", point: "standard", squeeze: "avg", gate: "sigmoid" },
    { name: "b.se", point: "post", squeeze: "avg", gate: "hardsigmoid" },
  ]);
});

test("without its condition a residual is its branch; the points but `identity` remain", () => {
  const unit = (at: string) =>
    checkBody(
      `  insert se(at: ${at}, ratio: 2)\n  unit: inverted_residual(16, 12)`,
      `import { inverted_residual } from "std/mobile.se"`,
    );
  expect(placeOf(unit("pre").graph!)).toBe("image -> unit.se -> unit.conv_pw");
  expect(placeOf(unit("standard").graph!)).toBe("unit.bn3 -> unit.se -> output");
  expect(placeOf(unit("post").graph!)).toBe("unit.bn3 -> unit.se -> output");
  expect(unit("identity").graph!.insertions).toEqual([]);
  expect(unit("identity").text).toBe("SE0512 `unit` has no skip and gets no SE block");
});

test("an SE block on a map of 1 x 1", () => {
  const { graph, text } = checkBody("  insert se(at: standard, ratio: 2)\n  maxpool 8x8 -> @standard");
  expect(text).toBe("");
  expect(graph!.insertions).toHaveLength(1);
});

describe("options of an insertion", () => {
  const nodes = (options: string, prefix = "unit.se") =>
    checkBody(`  insert se(at: standard, ${options})\n  unit: basic(8)`, `import { basic } from "std/resnet.se"`)
      .graph!.nodes.filter((node) => node.name.startsWith(prefix))
      .map((node) => `${node.name.slice(prefix.length + 1)} ${node.op} [${node.type.shape.join(", ")}]`);

  test("the default: a mean, two dense layers with bias, relu and sigmoid", () => {
    expect(nodes("ratio: 4")).toEqual([
      "squeeze globalAvgPool [N, 8]",
      "fc1.weight parameter [2, 8, 1, 1]",
      "fc1.product dense [N, 2]",
      "fc1.bias parameter [2]",
      "fc1 addBias [N, 2]",
      "relu relu [N, 2]",
      "fc2.weight parameter [8, 2, 1, 1]",
      "fc2.product dense [N, 8]",
      "fc2.bias parameter [8]",
      "fc2 addBias [N, 8]",
      "gate sigmoid [N, 8]",
      "scale scaleChannels [N, 8, 8, 8]",
    ]);
  });

  test("no squeeze: 1x1 convolutions and a product of maps", () => {
    expect(nodes("ratio: 4, squeeze: none, bias: false, hidden: silu, gate: tanh")).toEqual([
      "fc1.weight parameter [2, 8, 1, 1]",
      "fc1 conv2d [N, 2, 8, 8]",
      "silu silu [N, 2, 8, 8]",
      "fc2.weight parameter [8, 2, 1, 1]",
      "fc2 conv2d [N, 8, 8, 8]",
      "gate tanh [N, 8, 8, 8]",
      "scale mul [N, 8, 8, 8]",
    ]);
  });

  test("max squeeze, relu gate", () => {
    const made = nodes("ratio: 4, squeeze: max, gate: relu, bias: false");
    expect(made).toContain("squeeze globalMaxPool [N, 8]");
    expect(made).toContain("gate relu [N, 8]");
  });
});

describe("rounding of the hidden width", () => {
  const hidden = (channels: number, ratio: number, rounding: string) => {
    const { graph } = checkBody(
      `  insert se(at: standard, ratio: ${ratio}, rounding: ${rounding})\n  unit: basic(${channels})`,
      `import { basic } from "std/resnet.se"`,
    );
    return graph!.nodes.find((node) => node.name === "unit.se.fc1.weight")!.type.shape[0];
  };
  // reduced_channels of senet_ref.py: floor, timm8, div4.
  test.each([
    [64, 16, "floor", 4],
    [64, 16, "8", 8],
    [64, 16, "4", 4],
    [72, 4, "floor", 18],
    [72, 4, "8", 16],
    [72, 4, "4", 20],
    [8, 16, "floor", 1],
    [8, 16, "8", 8],
    [8, 16, "4", 4],
    [100, 16, "floor", 6],
    [100, 16, "8", 8],
    [100, 16, "4", 8],
  ])("%i channels, ratio %i, %s: %i", (channels, ratio, rounding, expected) => {
    expect(hidden(channels, ratio, rounding)).toBe(expected);
  });
});
