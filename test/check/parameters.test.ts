import { describe, expect, test } from "vitest";
import { checkBody, checkFiles, checkRepositoryFile } from "./helpers.ts";

describe("--set", () => {
  const net = `se 1
enum Size { small, large }
network Net(
  width: int = 8, factor: float = 1.0, flag: bool = false, kernel: window = 3x3, sizes: list<int> = [4, 8],
  at: Placement = none, rounding: Rounding = floor, size: Size = small, half: int = width / 2
) {
  input image: f32[N, 8, 8, 8]
  insert se(at: at, ratio: 2, rounding: rounding)
  a: conv width, kernel
  b: conv half, 1x1
  if flag { relu }
  if size == large { conv round(factor * 10), 1x1 }
  for i in 0..len(sizes) { c: conv sizes[i], 1x1 }
  @standard
  output y
}
`;
  const shapeOf = (set: Record<string, string>, name: string) => {
    const { graph, text } = checkFiles({ "net.se": net }, { set });
    expect(text).toBe("");
    return graph!.nodes.find((node) => node.name === name)?.type.shape;
  };

  test("values are literals of the language", () => {
    expect(shapeOf({ width: "16" }, "a")).toEqual(["N", 16, 8, 8]);
    expect(shapeOf({ kernel: "5x5" }, "a.weight")).toEqual([8, 8, 5, 5]);
    expect(shapeOf({ flag: "true" }, "relu")).toEqual(["N", 4, 8, 8]);
    expect(shapeOf({ size: "large", factor: "2.5" }, "conv")).toEqual(["N", 25, 8, 8]);
    expect(shapeOf({ size: "large", factor: "2" }, "conv")).toEqual(["N", 20, 8, 8]);
  });

  test("a later default sees what was given", () => {
    expect(shapeOf({ width: "16" }, "b")).toEqual(["N", 8, 8, 8]);
  });

  test("lists with and without brackets, of several items and of one", () => {
    expect(shapeOf({ sizes: "[2, 6]" }, "1.c")).toEqual(["N", 6, 8, 8]);
    expect(shapeOf({ sizes: "2,6" }, "1.c")).toEqual(["N", 6, 8, 8]);
    expect(shapeOf({ sizes: "6" }, "0.c")).toEqual(["N", 6, 8, 8]);
  });

  test("a row of a table by its first item", () => {
    const rows = `enum Size { small, large }
network Net(size: Size = large, rows: list<(Size, int)> = [(small, 4), (large, 6), (large, 2)]) {
  input image: f32[N, 8, 8, 8]
  let (name, width) = find(rows, size)
  conv width, 1x1
  output y: f32[N, 6, 8, 8]
}
`;
    expect(checkFiles({ "net.se": `se 1\n${rows}` }).text).toBe("");
    expect(checkFiles({ "net.se": `se 1\n${rows}` }, { set: { rows: "(small, 4)" } }).text).toMatch(
      /^SE0317 `find` finds no row of large/,
    );
  });

  test("tuples, and lists of them", () => {
    const text = `se 1
network Net(
  first: (int, Act) = (4, relu), rows: list<(window, int)> = [(3x3, 8)], more: (float, (int, bool)) = (1, (2, true))
) {
  input image: f32[N, 8, 8, 8]
  let (width, act) = first
  let (factor, inner) = more
  conv round(width * factor) * inner[0], 1x1 -> act
  for (kernel, size) in rows { c: conv size, kernel }
  for row in rows { d: conv row[1], row[0] }
  output y
}
`;
    const shapesOf = (set: Record<string, string>) => {
      const { graph, text: errors } = checkFiles({ "net.se": text }, { set });
      return errors || graph!.nodes.filter((node) => node.op === "conv2d").map((node) => node.type.shape[1]);
    };
    expect(shapesOf({})).toEqual([8, 8, 8]);
    expect(shapesOf({ first: "(6, silu)", more: "(0.5, (4, false))" })).toEqual([12, 8, 8]);
    expect(shapesOf({ rows: "(1x1, 2)" })).toEqual([8, 2, 2]);
    expect(shapesOf({ rows: "(1x1, 2), (3x3, 4)" })).toEqual([8, 2, 4, 2, 4]);
    expect(shapesOf({ rows: "[(1x1, 2), (3x3, 4)]" })).toEqual([8, 2, 4, 2, 4]);
    expect(shapesOf({ first: "(6, silly)" })).toMatch(/^SE0306 .*Act has no member `silly`/);
    expect(shapesOf({ first: "(6, relu, 1)" })).toBe(
      "SE0301 `first` of `Net` must be a tuple (int, Act), but this is the tuple (6, relu, 1)",
    );
  });

  test("a placement by its name or its window, a rounding by its number", () => {
    expect(shapeOf({ at: "standard", rounding: "8" }, "se.fc1.weight")).toEqual([8, 8, 1, 1]);
    for (const at of ["3x3", "conv3x3"]) {
      expect(checkFiles({ "net.se": net }, { set: { at } }).text).toBe("SE0502 `Net` has no point `3x3`");
    }
  });

  test("an unknown parameter lists those there are", () => {
    const { problems } = checkRepositoryFile("examples/digits.se", { ration: "4" });
    expect(problems).toEqual([
      {
        code: "SE0310",
        severity: "error",
        message: "`Digits` has no parameter `ration`",
        hint: "did you mean `ratio`? it has se, ratio, squeeze, gate, bias, hidden, rounding, stages, classes",
      },
    ]);
  });

  test.each([
    ["ratio", "4.5", "SE0301 `ratio` of `Digits` must be an int, but this is the float 4.5"],
    ["ratio", "many", "SE0301 `ratio` of `Digits`: an int is wanted here, but `many` is a word"],
    ["se", "posst", "SE0306 `se` of `Digits`: Placement has no member `posst`"],
    [
      "gate",
      "3x3",
      "SE0301 `gate` of `Digits` must be a Gate: sigmoid, tanh, relu, hardsigmoid, but this is the window 3x3",
    ],
    ["stages", "3,pre", "SE0301 `stages` of `Digits`: an int is wanted here, but `pre` is a word"],
    ["stages", "3,9", "SE0503 there is no stage 9"],
    ["ratio", "0", "SE0504 the ratio must be at least 1, but it is 0"],
    ["ratio", "-4", "SE0504 the ratio must be at least 1, but it is -4"],
    ["ratio", "2 + 2", "SE0311 `2 + 2` is no value for `ratio` of `Digits`: "],
    ["ratio", "", "SE0311 `` is no value for `ratio` of `Digits`: "],
    [
      "classes",
      "0",
      "SE0307 `features` is 0, but it must be a whole number from 1 to 2147483647\n" +
        "SE0307 an extent is a whole number from 1 to 2147483647, but this is 0",
    ],
  ])("%s=%s", (name, value, text) => {
    // What the parser says of a literal is its own business.
    const found = checkRepositoryFile("examples/digits.se", { [name]: value }).text;
    expect(text.endsWith(": ") ? found.slice(0, text.length) : found).toBe(text);
  });

  test("names of JavaScript are unknown parameters", () => {
    for (const name of ["__proto__", "constructor", "toString"]) {
      const set = new Map([[name, "1"]]);
      expect(checkFiles({ "net.se": net }, { set }).text).toBe(`SE0310 \`Net\` has no parameter \`${name}\``);
    }
  });
});

describe("expressions", () => {
  const channels = (expr: string) => {
    const { graph, text } = checkBody(`  conv(${expr}, 1x1)`);
    return graph ? graph.outputs[0]!.node.type.shape[1] : text;
  };
  test.each([
    ["2 + 3 * 4", 14],
    ["(2 + 3) * 4", 20],
    ["100 / 4", 25],
    ["100 / 16", "SE0308 100 / 16 is not a whole number: 100 % 16 = 4"],
    ["8 / 0", "SE0308 a division by 0"],
    ["floor(100 / 16)", 6],
    ["ceil(100 / 16)", 7],
    ["round(100 / 16)", 6],
    ["round(2.5)", 3],
    ["floor(-1 / 2) + 3", 2],
    ["100 % 16", 4],
    ["max(3, 7, 5)", 7],
    ["min(3, 7, 5)", 3],
    ["abs(3 - 8)", 5],
    ["divisible(18, 8)", 24],
    ["divisible(30, 8)", 32],
    ["len([1, 2, 3])", 3],
    ["[4, 8][1]", 8],
    ["if 3 > 2 { 4 } else { 5 }", 4],
    ["if 2 in [1, 3] { 4 } else { 5 }", 5],
    ["if not (1 == 2) and 3 <= 3 { 4 } else { 5 }", 4],
    ["if 3x3 == window(3) { 4 } else { 5 }", 4],
    ["image.channels * image.height", 64],
    ["3.0", "SE0301 `channels` of `conv` must be an int, but this is the float 3"],
    ["round(9007199254740992.0 * 4)", "SE0309 the result is larger than 2^53 - 1, up to which whole numbers are exact"],
    ["0 - 4", "SE0307 `channels` is -4, but it must be a whole number from 1 to 2147483647"],
    ["if 1 { 4 } else { 5 }", "SE0301 a condition must be a bool, but this is the int 1"],
    ["3x3 + 1", "SE0317 `+` does not fit the window 3x3 and the int 1"],
    ["floor(3x3)", "SE0317 `floor` needs one number"],
    ["relu", "SE0301 an int is wanted here, but `relu` is a word"],
    ["gap", "SE0201 `gap` is an op, not a value"],
  ])("%s", (expr, expected) => {
    expect(channels(expr)).toBe(expected);
  });

  test("words have the type of the other side", () => {
    const { graph, text } = checkBody(
      "  unit(act: hardswish, place: pre)",
      `block unit(act: Act, place: Placement) {
  if act == hardswish and pre == place and place in [pre, post] and place != 3x3 { act } else { relu }
}`,
    );
    expect(text).toBe("");
    expect(graph!.outputs[0]!.node.op).toBe("hardSwish");
  });

  test("where a float is wanted, a division is one of floats", () => {
    const { graph } = checkBody("  scale 1 / 8 -> leaky_relu slope: 1 / 3");
    expect(graph!.nodes.map((node) => node.attrs)).toContainEqual({ factor: 0.125 });
    expect(graph!.nodes.map((node) => node.attrs)).toContainEqual({ negativeSlope: 1 / 3 });
  });

  test("windows: strides, sides and dilation", () => {
    const { graph, text } = checkBody(
      "  a: conv 8, 3x5 / 2 -> b: maxpool 3x3 / 2x1, pad: [1, 0] -> c: conv 8, 2x2, pad: [0, 0, 1, 1], dilation: 1 -> d: conv 8, 3x3, dilation: [2, 1]",
    );
    expect(text).toBe("");
    const attrs = new Map(graph!.nodes.map((node) => [node.name, node.attrs]));
    expect(attrs.get("a")).toMatchObject({ kernel: [3, 5], stride: [2, 2], padding: [1, 2, 1, 2] });
    expect(attrs.get("b")).toMatchObject({ stride: [2, 1], padding: [1, 0, 1, 0] });
    expect(attrs.get("c")).toMatchObject({ padding: [0, 0, 1, 1] });
    expect(attrs.get("d")).toMatchObject({ dilation: [2, 1], padding: [2, 1, 2, 1] });
  });
});

test("`then` tells the first unit from the others", () => {
  const { graph } = checkBody("  units: 3 of conv(16 then 4, 3x3 / (2 then 1))");
  const shapes = graph!.nodes.filter((node) => node.op === "conv2d").map((node) => node.type.shape);
  expect(shapes).toEqual([
    ["N", 16, 4, 4],
    ["N", 4, 4, 4],
    ["N", 4, 4, 4],
  ]);
});

test("loops and blocks that call themselves end, or are stopped", () => {
  const tower = "block tower(n: int) {\n  if n > 0 { inner: tower(n - 1) } else { relu }\n}";
  expect(checkBody("  t: tower(10)", tower).text).toBe("");
  expect(checkBody("  t: tower(100)", tower).text).toMatch(/^SE0314 `tower` is instantiated more than 64 deep/);
  const twice = "block twice() {\n  a: twice()\n  b: twice()\n}";
  expect(checkBody("  twice()", twice).text).toMatch(/^SE0314/);
  expect(checkBody("  for i in 0..2000 { for j in 0..2000 { if i == j { relu } } }").text).toMatch(/^SE0315/);
});

describe("declarations of inputs", () => {
  const declared = (fields: string, type = "f32[N, 3, 8, 8]") => {
    const { graph, text } = checkFiles({
      "net.se": `se 1\nnetwork Net() {\n  input image: ${type} ${fields}\n  relu\n  output y\n}\n`,
    });
    const input = graph?.nodes.find((node) => node.op === "input");
    return input?.op === "input" ? input.attrs.image : text;
  };
  test("every field, and what is left out", () => {
    expect(declared("")).toBeUndefined();
    expect(declared("{ rgb }")).toEqual({
      order: "rgb",
      scale: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
      resize: "none",
      antialias: false,
      crop: "none",
    });
    expect(
      declared("{ bgr, scale: 1 / 255, mean: [0.5, 1 / 4, 0], std: 0.5, resize: bilinear, antialias, crop: 9 }"),
    ).toEqual({
      order: "bgr",
      scale: 1 / 255,
      mean: [0.5, 0.25, 0],
      std: [0.5, 0.5, 0.5],
      resize: "bilinear",
      antialias: true,
      crop: { resizeShortSideTo: 9, center: true },
    });
  });
  test.each([
    ["{ rgb, std: 0 }", "SE0318 a std of 0 would divide by 0"],
    ["{ rgb, mean: [1, 2] }", "SE0318 mean has 2 numbers, the input has 3 channels"],
    ["{ grey }", "SE0318 grey is 1 channel, the input has 3"],
    ["{ scale: 1 }", "SE0318 the colour order is missing"],
    ["{ rgb, bgr }", "SE0318 `bgr` is one colour order or field too many"],
    ["{ rgb, sclae: 1 }", "SE0318 a picture has no `sclae`"],
    ["{ rgb, resize: cubic }", "SE0201 `cubic` is not known here"],
  ])("%s", (fields, text) => {
    expect(declared(fields)).toBe(text);
  });
  test("a picture is a map", () => {
    expect(declared("{ rgb }", "f32[N, 3]")).toBe("SE0318 a picture becomes f32[N, channels, height, width]");
  });
});
