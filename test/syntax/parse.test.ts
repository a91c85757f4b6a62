import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { SeParser } from "../../grammar/parser.ts";
import { parsed, sketchBody, sketchFile, sketchLiteral } from "./sketch.ts";

describe("steps", () => {
  test.each([
    ["relu", "relu ()"],
    ["conv 64, 3x3", "conv (64, 3x3)"],
    ["conv 64, 7x7 / 2", "conv (64, (7x7 / 2))"],
    ["conv 64,7x7/2", "conv (64, (7x7 / 2))"],
    ["conv(64, 3x3)", "conv(64, 3x3)"],
    ["conv (64)", "conv(64)"],
    ["conv (4 * w), 1x1", "conv ((4 * w), 1x1)"],
    ["conv (if a { b } else { c }), 1x1, groups: g", "conv ((if a b else c), 1x1, groups: g)"],
    ["conv if a { b } else { c }, 1x1", "conv ((if a b else c), 1x1)"],
    ["op not a", "op ((not a))"],
    ["maxpool 3x3 / 2, pad: 1", "maxpool ((3x3 / 2), pad: 1)"],
    ["op pad: 1, 3", "op (pad: 1, 3)"],
    ["op in: 3", "op (in: 3)"],
    ["op of: 3", "op (of: 3)"],
    ["op when: a", "op (when: a)"],
    ["conv 64, 3x3 -> bn -> relu", "conv (64, 3x3) -> bn () -> relu ()"],
    ["conv1: conv 64, 1x1 -> bn1: bn", "conv1: conv (64, 1x1) -> bn1: bn ()"],
    [
      "0: conv 64 -> se: relu -> block: bn -> input: relu",
      "0: conv (64) -> se: relu () -> block: bn () -> input: relu ()",
    ],
    ["if: relu -> let: relu -> stage: relu", "if: relu () -> let: relu () -> stage: relu ()"],
    ["@3x3 -> @standard -> @pre -> @in", "@3x3 -> @standard -> @pre -> @in"],
    ["downsample { 0: conv 64 -> 1: bn }", "downsample: group {0: conv (64) -> 1: bn ()}"],
    ["block { 0 { relu } ; in { bn } }", "block: group {0: group {relu ()}; in: group {bn ()}}"],
    ["empty {}", "empty: group {}"],
    ["y * sigmoid(mlp(gap(x)))", "value (y * sigmoid(mlp(gap(x))))"],
    ["body.c5 -> relu", "value body.c5 -> relu ()"],
    ["blocks[0]", "value blocks[0]"],
    ["x in list", "value (x in list)"],
    ["x and y", "value (x and y)"],
    ["x - 1", "value (x - 1)"],
    ["(x)", "x ()"],
    ["(f(x))", "f(x)"],
    ["64", "value 64"],
    ["concat(a, b)", "concat(a, b)"],
    ["a -> concat(b)", "a () -> concat(b)"],
  ])("%s", (text, expected) => {
    expect(sketchBody(text)).toBe(expected);
  });
});

describe("repeats and stages", () => {
  test.each([
    ["3 of unit(8)", "3 of unit(8)"],
    ["3 of unit", "3 of unit ()"],
    ["3 of unit 8, stride: 2", "3 of unit (8, stride: 2)"],
    ["n of unit(8)", "n of unit(8)"],
    ["blocks[0] of unit(8)", "blocks[0] of unit(8)"],
    ["(2 * n) of unit(8)", "(2 * n) of unit(8)"],
    ["layers: 3 of unit(8, stride: 2 then 1)", "layers: 3 of unit(8, stride: (2 then 1))"],
    ["stage 2 layer1: 3 of bottleneck(64)", "layer1: stage 2 3 of bottleneck(64)"],
    ["stage 2: 3 of bottleneck(64)", "stage 2 3 of bottleneck(64)"],
    ["stage i 0: blocks[i - 2] of unit(64)", "0: stage i blocks[(i - 2)] of unit(64)"],
    ["stage 2 in: 3 of unit(64)", "in: stage 2 3 of unit(64)"],
    ["conv 64 -> stage 2 a: 3 of unit(64) -> gap", "conv (64) -> a: stage 2 3 of unit(64) -> gap ()"],
  ])("%s", (text, expected) => {
    expect(sketchBody(text)).toBe(expected);
  });
});

describe("residual units and concatenations", () => {
  test.each([
    ["residual { branch { relu } }", "residual () branch {relu ()}"],
    [
      "residual {\n branch { relu }\n skip unless same { bn }\n after relu -> @post\n}",
      "residual () branch {relu ()} skip unless same {bn ()} after relu () -> @post",
    ],
    ["residual { branch { relu } skip {} after relu }", "residual () branch {relu ()} skip {} after relu ()"],
    ["residual { branch { relu } ; after relu }", "residual () branch {relu ()} after relu ()"],
    [
      "unit1: residual when stride == 1 and x.channels == out { branch { relu } }",
      "unit1: residual () when ((stride == 1) and (x.channels == out)) branch {relu ()}",
    ],
    [
      "residual join: (if s == 1 { add } else { concat }), a: 1 when b { branch { relu } }",
      "residual (join: (if (s == 1) add else concat), a: 1) when b branch {relu ()}",
    ],
    ["residual join: concat { branch { relu } } -> relu", "residual (join: concat) branch {relu ()} -> relu ()"],
    [
      "concat { a: conv 64, 1x1 ; b: conv 64, 1x1 -> conv 64, 3x3\n c { relu ; bn } }",
      "concat {a {conv (64, 1x1)}; b {conv (64, 1x1) -> conv (64, 3x3)}; c {relu (); bn ()}}",
    ],
    ["concat { relu ; a { bn } -> relu }", "concat {- {relu ()}; - {a: group {bn ()} -> relu ()}}"],
    ["concat { a: c1: conv 64 -> c2: conv 64 }", "concat {a {c1: conv (64) -> c2: conv (64)}}"],
    ["concat {}", "concat {}"],
    ["concat { a: relu } -> @standard", "concat {a {relu ()}} -> @standard"],
  ])("%s", (text, expected) => {
    expect(sketchBody(text)).toBe(expected);
  });
});

describe("statements", () => {
  test.each([
    [
      "input image: f32[N, 3, 224, 224] { rgb, scale: 1 / 255, mean: [0.485, 0.456] }",
      "input image: f32[N, 3, 224, 224] {rgb, scale: (1 / 255), mean: [0.485, 0.456]}",
    ],
    ["input image: f32[N, 3, 8, 8] {\n rgb\n scale: 2\n}", "input image: f32[N, 3, 8, 8] {rgb, scale: 2}"],
    ["input x: f32[N, c]", "input x: f32[N, c] {}"],
    ["input x: f32[N] {}", "input x: f32[N] {}"],
    ["output logits", "output logits"],
    ["output logits: f32[N, classes]", "output logits: f32[N, classes]"],
    ["output p4: p4 -> out4: conv 256, 3x3", "output p4 = p4 () -> out4: conv (256, 3x3)"],
    ["output p4: (taps[0])", "output p4 = value taps[0]"],
    ["insert se(at: se, ratio: ratio, in: [2, 3])", "insert se (at: se, ratio: ratio, in: [2, 3])"],
    ["insert se()", "insert se ()"],
    ["let half = width / 2", "let half = value (width / 2)"],
    ["let a = b", "let a = b ()"],
    ["let a = 3", "let a = value 3"],
    ["let p5 = body.c5 -> lat5: conv 256, 1x1", "let p5 = value body.c5 -> lat5: conv (256, 1x1)"],
    ["let y = conv 64, 3x3", "let y = conv (64, 3x3)"],
    [
      "let mlp = chain { 1: dense 4 -> relu -> 3: dense 8 }",
      "let mlp = chain {1: dense (4) -> relu () -> 3: dense (8)}",
    ],
    ["let a = if b { 1 } else { 2 }", "let a = value (if b 1 else 2)"],
    ["if a { relu }", "if a {relu ()} else {}"],
    ["if a == 1 { relu } else { bn }", "if (a == 1) {relu ()} else {bn ()}"],
    ["if a { relu }\nelse if b { bn }\nelse { gap }", "if a {relu ()} else {if b {bn ()} else {gap ()}}"],
    ["for i in 0..n - 1 { conv i }", "for i from 0 to (n - 1) {conv (i)}"],
    ["for i in 2..5 { relu }", "for i from 2 to 5 {relu ()}"],
  ])("%s", (text, expected) => {
    expect(sketchBody(text)).toBe(expected);
  });
});

describe("expressions", () => {
  test.each([
    ["1 + 2 * 3 - 4", "((1 + (2 * 3)) - 4)"],
    ["(1 + 2) * 3", "((1 + 2) * 3)"],
    ["-a * b", "((- a) * b)"],
    ["a - -b", "(a - (- b))"],
    ["not a == b and c or d", "(((not (a == b)) and c) or d)"],
    ["not not a", "(not (not a))"],
    ["a or not b in [1, 2]", "(a or (not (b in [1, 2])))"],
    ["a % 2 != 0", "((a % 2) != 0)"],
    ["a <= b", "(a <= b)"],
    ["2 then 1 + 1", "(2 then (1 + 1))"],
    ["if a { b } else if c { d } else { e }", "(if a b else (if c d else e))"],
    ["x.channels / ratio", "(x.channels / ratio)"],
    ["f(a)[0].in", "f(a)[0].in"],
    ["f(a, b: 1, )", "f(a, b: 1)"],
    ["[1, [2], ]", "[1, [2]]"],
    ["[]", "[]"],
    ["0.5 + 1e3 + 1.5e-3", "((0.5 + 1e3) + 1.5e-3)"],
    ["true == false", "(true == false)"],
    ['"a b"', '"a b"'],
    ["(c4 -> lat: conv 256, 1x1) + p5", "(<c4 () -> lat: conv (256, 1x1)> + p5)"],
    ["sigmoid(concat(a, b) -> conv 1, 7x7 -> bn)", "sigmoid(<concat(a, b) -> conv (1, 7x7) -> bn ()>)"],
    ["up(x: a -> relu)", "up(x: <a () -> relu ()>)"],
    ["(a -> @pre -> relu)[0]", "<a () -> @pre -> relu ()>[0]"],
  ])("%s", (text, expected) => {
    expect(sketchBody(`let y = [${text}]`)).toBe(`let y = value [${expected}]`);
  });
});

describe("where a statement ends", () => {
  test.each([
    ["a line, or `;`", "relu\nbn; gap;; relu", "relu ()\nbn ()\ngap ()\nrelu ()"],
    [
      "`->` goes on, before and after",
      "relu\n  -> bn ->\n  gap\n\n// why\n  -> relu",
      "relu () -> bn () -> gap () -> relu ()",
    ],
    ["a comma and an operator go on", "conv 64,\n  3x3\na +\n  b and\n  c", "conv (64, 3x3)\nvalue ((a + b) and c)"],
    ["parentheses go on", "conv(\n 64\n,\n 3x3\n)\nlet a = [\n1\n]", "conv(64, 3x3)\nlet a = value [1]"],
    ["a word that is a name does not", "a.in\nrelu -> @then\nrelu", "value a.in\nrelu () -> @then\nrelu ()"],
    ["a brace may have a line of its own", "down\n{\n relu\n}", "down: group {relu ()}"],
    ["comments end nothing", "conv 64, // a\n  // b\n  3x3 // c", "conv (64, 3x3)"],
    ["carriage returns are line ends", "relu\r\nbn\rgap", "relu ()\nbn ()\ngap ()"],
  ])("%s", (_, text, expected) => {
    expect(sketchBody(text)).toBe(expected);
  });
});

describe("files", () => {
  test("declarations, uses and documentation", () => {
    const text = `\uFEFF/// not of the edition
se 1
// a comment
import { bottleneck, basic } from "./blocks.se"
import { plain, } from "std/plain.se"

/// The version.
enum Variant { v1_5, concat }

/// The network.
///  Second line.
// between
network Net(
  /// How wide.
  width: int = 64, /// not of the next
  kernels: list<list<int>> = [[1], [2]], // one
  se: Placement = standard,
) uses se, other {
  /// not kept
  relu
}
////////// a ruler
block unit() {}`;
    expect(sketchFile(text)).toMatchInlineSnapshot(`
      "se 1
      import bottleneck basic from ./blocks.se
      import plain from std/plain.se
      «The version.» enum Variant v1_5 concat
      «The network.» « Second line.» network Net [«How wide.» width: int = 64; kernels: list<list<int>> = [[1], [2]]; se: Placement = standard] uses [se other] {relu ()}
      block unit [] uses [] {}"
    `);
  });

  test("spans are offsets of the text, parentheses included", () => {
    const text = "se 1\r\nblock b() {\n  y * (a +\n b)\n}";
    const file = parsed(text);
    if (typeof file === "string") throw new Error(file);
    const spans: string[] = [];
    JSON.stringify(file, (_, value: unknown) => {
      if (typeof value === "object" && value !== null && "start" in value && "end" in value) {
        spans.push(text.slice(Number(value.start), Number(value.end)));
      }
      return value;
    });
    expect(spans).toEqual([
      ...["1", "b", "y", "a", "b", "(a +\n b)", "y * (a +\n b)", "y * (a +\n b)", "y * (a +\n b)", "y * (a +\n b)"],
      ...["y * (a +\n b)", "block b() {\n  y * (a +\n b)\n}", text],
    ]);
  });
});

describe("--set", () => {
  test.each([
    ["3", "3"],
    ["-0.5", "(- 0.5)"],
    ["3x3", "3x3"],
    ["standard", "standard"],
    ["concat", "concat"],
    ["true", "true"],
    ["[3, 4]", "[3, 4]"],
    ["3,4", "[3, 4]"],
    ["[[1], [2]]", "[[1], [2]]"],
    ['"a"', '"a"'],
    ["", "SE0112 expected a value, found the end"],
    ["3 4", "SE0112 expected `,` or the end after `3`, found `4`"],
    ["a + b", "SE0112 expected `,` or the end after `a`, found `+`"],
    ["[1", "SE0114 this `[` is never closed"],
    ["0x", "SE0103 `0x` is not a number"],
    ["NaN", "SE0104 `NaN` is not a number of the language"],
    ["1; system", "SE0112 expected `,` or the end after `1`, found `;`"],
  ])("%s", (text, expected) => {
    expect(sketchLiteral(text)).toBe(expected);
  });
});

describe("the grammar", () => {
  test("has no ambiguity that Chevrotain finds", () => {
    expect(() => new SeParser()).not.toThrow();
  });

  test("its types are up to date", () => {
    expect(() => execFileSync(process.execPath, ["scripts/cst-types.mjs", "--check"], { stdio: "pipe" })).not.toThrow();
  });
});
