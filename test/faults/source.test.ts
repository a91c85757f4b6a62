/** Faults 1 to 32 of docs/faults.md, as a user meets them: what `sec compile` says of a source, and that it writes nothing. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { folder, sec } from "../cli/sec.ts";

/** `SE0112 2:7 message` for every diagnostic; the frames are on standard error, and a refused source leaves no output. */
async function told(source: string | Uint8Array): Promise<string[]> {
  const here = folder({ "net.se": source });
  const out = join(here, "out");
  const {
    exit,
    out: json,
    err,
  } = await sec([...["compile", join(here, "net.se"), "--target", "wgsl", "-o", out, "--quiet", "--json"]]);
  const { ok, diagnostics, error } = JSON.parse(json) as {
    ok: boolean;
    error?: { message: string };
    diagnostics?: {
      code: string;
      severity: string;
      message: string;
      span?: { start: { line: number; column: number } };
    }[];
  };
  expect(err).not.toMatch(/internal error|^ {4}at /m);
  if (error) return [`${exit} ${error.message.replace(here, "")}`];
  const errors = diagnostics!.filter(({ severity }) => severity === "error");
  expect({ exit, ok }).toEqual(errors.length > 0 ? { exit: 1, ok: false } : { exit: 0, ok: true });
  expect(existsSync(out)).toBe(ok);
  for (const { code } of errors) expect(err).toContain(`error[${code}]`);
  // Each has advice, or where to find it.
  expect((err.match(/^ +hint: /gm) ?? []).length).toBeGreaterThanOrEqual(errors.length);
  return diagnostics!.map(({ code, span, message }) => {
    // Which of several networks is meant is asked of the command line.
    if (code !== "SE0210") expect(span, `${code} has a place`).toBeDefined();
    return `${code} ${span?.start.line}:${span?.start.column} ${message}`;
  });
}

const net = (body: string, input = "image: f32[N, 64, 8, 8]") =>
  `se 1\nnetwork Net() {\n  input ${input}\n  ${body}\n  output y\n}\n`;
/** What is told of a line in a network; line 4, from column 3. */
const line = (body: string, input?: string) => told(net(body, input));

describe("fault 1: nothing is declared", () => {
  test.each([
    ["an empty file", ""],
    ["blank lines", "\n \t\n\r\n"],
    ["comments", "// soon\n/// doc"],
    ["the edition", "se 1\n// later\n"],
    ["a byte order mark", "\uFEFF"],
  ])("%s: one error, at the start of the file", async (_, source) => {
    expect(await told(source)).toEqual(["SE0109 1:1 nothing is declared in this file"]);
  });
});

test("fault 2: a byte order mark moves no column", async () => {
  expect(await told("\uFEFF" + net("relu"))).toEqual([]);
  expect(await told("\uFEFFse 2\n")).toEqual(["SE0110 1:4 this compiler knows edition 1, not 2"]);
  expect(await told("\uFEFF" + net("relu -> foo"))).toEqual(["SE0202 4:11 there is no op or block `foo`"]);
});

test("fault 3: bytes that are not UTF-8 are named by their position", async () => {
  const latin1 = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
  expect(await told(latin1("\xff\xfes\0e\0"))).toEqual([
    "1 /net.se: not UTF-8 at byte 0; the file is UTF-16, save it as UTF-8",
  ]);
  expect(await told(latin1("se 1\n// \xed\xa0\x80"))).toEqual(["1 /net.se: not UTF-8 at byte 8"]);
  expect(await told(latin1("se 1\n// \xe2\x82"))).toEqual(["1 /net.se: not UTF-8 at byte 8"]);
});

test.each([
  ["\0", "the character NUL, U+0000"],
  ["\x07", "the character BELL, U+0007"],
  ["\x1b", "the character ESCAPE, U+001B"],
  ["\f", "the character FORM FEED, U+000C"],
  ["\x7f", "the character DELETE, U+007F"],
  ["\x01", "the control character U+0001"],
])("fault 4: %j is refused where it stands, in comments too", async (character, name) => {
  expect(await line(`re${character}lu`)).toEqual([`SE0101 4:5 ${name} has no place in a source file`]);
  expect(await line(`relu // ${character}`)).toEqual([`SE0101 4:11 ${name} has no place in a source file`]);
});

test("fault 5: line ends of every kind give one graph, and errors the same places", async () => {
  const source = net("relu -> conv 8, 3x3");
  const graphs = new Set<string>();
  for (const text of [source, source.replaceAll("\n", "\r\n"), source.replaceAll("\n", "\r"), source.trimEnd()]) {
    const here = folder({ "net.se": text });
    graphs.add((await sec(["compile", join(here, "net.se"), "--emit", "graph"])).out);
    expect(await told(text.replace("conv 8", "cnov 8"))).toEqual(["SE0202 4:11 there is no op or block `cnov`"]);
  }
  expect(graphs.size).toBe(1);
  expect([...graphs][0]).toContain("conv2d");
});

test("fault 6: the caret stands under the error behind tabs", async () => {
  const here = folder({ "net.se": net("\trelu\t-> foo") });
  const { err } = await sec(["check", join(here, "net.se")]);
  const [source, caret] = err.split("\n").slice(3, 5);
  expect(source).not.toContain("\t");
  expect(caret!.indexOf("^^^")).toBe(source!.indexOf("foo"));
  expect(await line("\trelu\t-> foo")).toEqual(["SE0202 4:12 there is no op or block `foo`"]);
});

test.each([
  ["se", "SE0112 1:3 expected a whole number after `se`, found the end of the file"],
  ["se 1\nnetwork", "SE0112 2:8 expected a name after `network`, found the end of the file"],
  ["se 1\r\nnetwork Net()", "SE0112 2:14 expected `{` after `)`, found the end of the file"],
  ["se 1\nnetwork Net() {\n", "SE0114 2:15 this `{` is never closed"],
  ["\tnetwork Net( {", "SE0114 1:13 this `(` is never closed"],
  [`${net("relu")}}`, "SE0114 7:1 this `}` closes nothing"],
  [net("relu").trimEnd() + " $", "SE0101 6:3 `$` has no meaning"],
])("fault 7: %j, an error at the end has a place", async (source, expected) => {
  expect(await told(source)).toEqual([expected]);
});

describe("fault 8: depth is a diagnostic", () => {
  const nested = (open: string, close: string) => (n: number) => line(open.repeat(n) + close.repeat(n));
  const shapes: [string, (n: number) => Promise<string[]>][] = [
    ["parentheses", (n) => line(`let a = ${"(".repeat(n)}1${")".repeat(n)}`)],
    ["calls", (n) => line(`let a = ${"floor(".repeat(n)}1${")".repeat(n)}`)],
    ["lists", (n) => line(`let a = ${"[".repeat(n)}1${"]".repeat(n)}`)],
    ["minus signs", (n) => line(`let a = ${"-".repeat(n)}1`)],
    ["sums", (n) => line(`let a = 1${"+1".repeat(n)}`)],
    ["conditions", (n) => line(`if true${" and true".repeat(n)} { relu }`)],
    ["groups", nested("g {", "}")],
    ["ifs", nested("if true {", "}")],
    ["loops", nested("for i in 0..1 {", "}")],
    ["residual units", nested("residual { branch {", "} }")],
    ["arms", nested("concat { a {", "} }")],
  ];

  test.each(shapes)("2,000 %s", async (_, at) => {
    expect(await at(2000)).toEqual([expect.stringMatching(/^SE0107 4:\d+ this is nested deeper than 200$/)]);
  });
  test.each(shapes)("100,000 %s", { timeout: 60_000 }, async (_, at) => {
    // What is too large in bytes is refused even earlier.
    expect((await at(100_000))[0]).toMatch(/^SE0107 4:\d+ this is nested deeper than 200$|the limit is 1048576$/);
  });
  test.each(shapes)("%s, near the limit: told or compiled, no matter how large the stack is", async (_, at) => {
    for (const n of [96, 185, 190, 195, 199]) {
      for (const each of await at(n)) expect(each).not.toMatch(/internal|RangeError|stack size/);
    }
  });
});

test("fault 8: bodies in blocks in bodies", async () => {
  const block = (i: number, inner: string) => `block b${i}() {\n${"g {".repeat(90)} ${inner} ${"}".repeat(90)}\n}\n`;
  const blocks = Array.from({ length: 12 }, (_, i) => block(i, i < 11 ? `b${i + 1}()` : "relu"));
  const [first] = await told(`${net("b0()")}${blocks.join("")}`);
  expect(first).toMatch(/^SE0314 \d+:\d+ bodies are nested more than 500 deep/);
});

test("fault 8: thousands of layers in a row are no depth", { timeout: 60_000 }, async () => {
  for (const before of ["", "conv 4, 3x3", "gap"]) {
    expect(await line(`${before}\n${"relu\n".repeat(9900)}`, "image: f32[N, 4, 8, 8]")).toEqual([]);
  }
});

test("fault 9: a large file is refused by its size, and a long line is shown in part", async () => {
  expect(await told(new Uint8Array(50 << 20).fill(0x61))).toEqual([
    "2 /net.se: the file has 52428800 bytes, the limit is 1048576",
  ]);
  const here = folder({ "net.se": `se 1\nblock b() { ${"relu -> ".repeat(10_000)} }\n` });
  const { err } = await sec(["check", join(here, "net.se")]);
  expect(err).toContain("--> net.se:2:80014");
  expect(Math.max(...err.split("\n").map((each) => each.length))).toBeLessThanOrEqual(100);
});

test.each([
  ['se 1\nimport { a } from "./x.se\nblock b() {\n  relu\n}\n', "SE0102 2:19 this string does not end on its line"],
  ['se 1\nimport { a } from "', "SE0102 2:19 this string does not end on its line"],
  [`${net("relu")}/* open\n$$ ## "\n`, "SE0116 7:1 there are no block comments, and this one does not end"],
])("fault 10: %j, one error at the opening", async (source, expected) => {
  expect(await told(source)).toEqual([expected]);
});

test.each([
  ["Conv2dd 8, 3x3", "conv"],
  ["batchnorm", "bn"],
  ["linear 10", "dense"],
  ["Relu", "relu"],
])("fault 11: %s, did you mean", async (body, meant) => {
  const here = folder({ "net.se": net(body) });
  const { err } = await sec(["check", join(here, "net.se")]);
  expect(err).toContain(`error[SE0202]: there is no op or block \`${body.split(" ")[0]}\``);
  expect(err).toContain(`hint: did you mean \`${meant}\`?`);
});

test.each([
  ["relu // \u202e x", "SE0105 4:11 U+202E (right-to-left override) cannot be seen and changes how the text reads"],
  ["re\u200blu", "SE0105 4:5 U+200B (zero-width space) cannot be seen and changes how the text reads"],
  ["c\u043env 8, 3x3", "SE0105 4:4 `\u043e` (U+043E, a Cyrillic letter) only looks like `o`"],
  ["caf\u00e9: relu", "SE0106 4:6 `\u00e9` (U+00E9) cannot be part of a name: `caf\u00e9`"],
  ["re\ufefflu", "SE0105 4:5 U+FEFF (byte order mark) cannot be seen and changes how the text reads"],
])("fault 12: %j", async (body, expected) => {
  expect(await line(body)).toEqual([expected]);
});

test.each([
  ["let stage = 2", "SE0115 4:7 `stage` is a word of the language and cannot be a name here"],
  ["a: relu -> a: relu", "SE0212 4:14 two layers are called `a`"],
  ["A: relu -> a: relu", "SE0213 4:14 `a` and `A` differ only in upper and lower case"],
  ["let a = 1; let a = 2", "SE0203 4:18 `a` is declared already"],
  ["input Image: f32[N, 3, 8, 8]", "SE0213 4:9 `Image` and `image` differ only in upper and lower case"],
  [
    "relu\n}\nnetwork net() {\n  input image: f32[N, 8]",
    "SE0213 6:9 `net` and `Net` differ only in upper and lower case",
  ],
])("fault 13: %s", async (body, expected) => {
  expect(await told(net(body))).toContain(expected);
  const here = folder({ "net.se": net(body) });
  const { err } = await sec(["check", join(here, "net.se")]);
  // The other place is in the frame, too.
  if (!body.startsWith("let stage")) expect(err).toMatch(/-+ .*(here|of that name)/);
});

test.each([
  ["se 99\nnetwork", "SE0110 1:4 this compiler knows edition 1, not 99"],
  ["se 0\nnetwrok", "SE0110 1:4 this compiler knows edition 1, not 0"],
  ["se 99999999999999999999\n", "SE0104 1:4 `99999999999999999999` is too large to be exact"],
])("fault 14: %j, and nothing else is said", async (source, expected) => {
  expect(await told(source)).toEqual([expected]);
});

test.each([
  ["conv 1e999, 3x3", "SE0104 4:8 `1e999` is too large"],
  ["scale NaN", "SE0104 4:9 `NaN` is not a number of the language"],
  ["conv 0x, 3x3", "SE0103 4:8 `0x` is not a number"],
  ["conv 1__0, 3x3", "SE0103 4:8 `1__0` is not a number"],
  ["conv 9007199254740993, 3x3", "SE0104 4:8 `9007199254740993` is too large to be exact"],
  ["bn eps: 1e-400", "SE0104 4:11 `1e-400` is so small that it would become 0"],
  ["conv 64.0, 3x3", "SE0301 4:8 `channels` of `conv` must be an int, but this is the float 64"],
  ["scale 1e39", "SE0401 4:3 `scale`: the factor 1e+39 is no number of f32: those go from 1.2e-38 to 3.4e38"],
  ["scale 1e-50", "SE0401 4:3 `scale`: the factor 1e-50 is no number of f32: those go from 1.2e-38 to 3.4e38"],
  ["y: image * 1e39", expect.stringContaining("the factor 1e+39 is no number of f32")],
  ["leaky_relu slope: 1e-60", expect.stringContaining("the slope 1e-60 is no number of f32")],
  ["let a = 1 / 0; conv a, 1x1", "SE0308 4:11 a division by 0"],
  ["let a = 1e308 * 10; scale a", "SE0309 4:11 the result is not a finite number"],
  [
    "let a = 9007199254740991 + 1; conv a, 1x1",
    "SE0309 4:11 the result is larger than 2^53 - 1, up to which whole numbers are exact",
  ],
])("fault 17: %s is one error", async (body, expected) => {
  expect(await line(body)).toEqual([expected]);
});

const whole = "a whole number from 1 to 2147483647";
test.each([
  ["conv 8, 0x3", "SE0104 4:11 `0x3` is a window with an extent of 0"],
  ["conv 8, window(0)", "SE0317 4:11 `window` needs one or two whole numbers from 1 on"],
  ["conv 8, 3x3 / 0", "SE0307 4:17 a stride is at least 1, but this is 0"],
  ["conv 8, 3x3 / -1", "SE0307 4:17 a stride is at least 1, but this is -1"],
  ["conv 8, 3x3 / 1.5", "SE0317 4:11 `/` does not fit the window 3x3 and the float 1.5"],
  [
    "conv 8, 3x3, dilation: 0",
    "SE0307 4:26 `dilation` is 0, but it must be a whole number or [height, width], from 1 on",
  ],
  [
    "conv 8, 3x3, dilation: 1.5",
    "SE0301 4:26 `dilation` of `conv` must be an int or list<int>, but this is the float 1.5",
  ],
  ["conv 8, 3x3, groups: 0", `SE0307 4:24 \`groups\` is 0, but it must be ${whole}`],
  ["conv 8, 3x3, groups: -1", `SE0307 4:24 \`groups\` is -1, but it must be ${whole}`],
  ["conv 8, 3x3, groups: 1.5", "SE0301 4:24 `groups` of `conv` must be an int, but this is the float 1.5"],
  ["maxpool 2x2 / 0", "SE0307 4:17 a stride is at least 1, but this is 0"],
  ["shuffle 0", `SE0307 4:11 \`groups\` is 0, but it must be ${whole}`],
])("fault 18: %s", async (body, expected) => {
  expect(await line(body)).toEqual([expected]);
});

const pads = "a whole number, [height, width] or [top, left, bottom, right], none of them negative, or centred or same";
test.each([
  ["conv 8, 3x3, pad: -1", [`SE0307 4:21 \`pad\` is -1, but it must be ${pads}`]],
  ["conv 8, 3x3, pad: [1, 1, 1]", [`SE0307 4:21 \`pad\` is [1, 1, 1], but it must be ${pads}`]],
  ["maxpool 3x3 / 2, pad: 3", ["SE0401 4:3 `maxpool`: the padding (3, 3, 3, 3) must be smaller than the window 3x3"]],
  ["avgpool 2x2, pad: 2", ["SE0401 4:3 `avgpool`: the padding (2, 2, 2, 2) must be smaller than the window 2x2"]],
  // A convolution's padding is zeros, as many as one likes; numbers.test.ts has the numbers.
  ["conv 8, 3x3, pad: 3", []],
  ["conv 8, 3x3, pad: [0, 1, 2, 0]", []],
])("fault 19: %s", async (body, expected) => {
  expect(await line(body)).toEqual(expected);
});

test.each([
  ["conv 8, 3x3, groups: 3", "SE0401 4:3 `conv`: 64 channels do not divide into 3 groups: 64 % 3 = 1"],
  ["conv 10, 3x3, groups: 4", "SE0401 4:3 `conv`: 10 outputs do not divide into 4 groups: 10 % 4 = 2"],
  ["shuffle 3", "SE0401 4:3 `shuffle`: 64 channels do not divide into 3 groups: 64 % 3 = 1"],
])("fault 20: %s", async (body, expected) => {
  expect(await line(body)).toEqual([expected]);
});

const low = "it must be at least 1";
test.each([
  ["conv 8, 11x11, pad: 0", `\`conv\`: the output height would be (8 + 0 - 1 * (11 - 1) - 1) / 1 + 1 = -2; ${low}`],
  ["maxpool 9x9", `\`maxpool\`: the output height would be (8 + 0 - 1 * (9 - 1) - 1) / 1 + 1 = 0; ${low}`],
  [
    "conv 8, 5x5, pad: 0, dilation: 3",
    `\`conv\`: the output height would be (8 + 0 - 3 * (5 - 1) - 1) / 1 + 1 = -4; ${low}`,
  ],
])("fault 21: %s", async (body, expected) => {
  expect(await line(body)).toEqual([`SE0401 4:3 ${expected}`]);
});

test.each([
  [
    "relu",
    "f32[N, 3, 100000, 100000]",
    "SE0411 3:16 one image would have 3 * 100000 * 100000 = 30000000000 elements: more than 2^31",
  ],
  ["relu", "f32[N, 3, 99999999999, 1]", `SE0307 3:26 an extent is ${whole}, but this is 99999999999`],
  [
    "upsample 100000",
    "f32[N, 3, 8, 8]",
    "SE0404 4:3 `upsample` would be f32[N, 3, 800000, 800000]: more than 2^31 elements",
  ],
  [
    "conv 46341, 1x1",
    "f32[N, 46341, 1, 1]",
    "SE0404 4:3 the weight `conv.weight` would be f32[46341, 46341, 1, 1]: more than 2^31 elements",
  ],
  [
    "conv 9007199254740991, 1x1",
    "f32[N, 3, 8, 8]",
    `SE0307 4:8 \`channels\` is 9007199254740991, but it must be ${whole}`,
  ],
])("fault 22: %s of %s is refused before anything is allocated", async (body, type, expected) => {
  expect(await line(body, `image: ${type}`)).toEqual([expected]);
});

const seNet = (
  ratio: string,
  unit = "residual {\n    branch { conv: conv 64, 3x3 }\n  }",
  input = "f32[N, 64, 8, 8]",
) =>
  `se 1\nnetwork Net() {\n  input image: ${input}\n  insert se(at: standard, ratio: ${ratio})\n  unit()\n  output y\n}\n` +
  `block unit() uses se {\n  ${unit}\n}\n`;

test.each([
  ["0", "SE0504 4:34 the ratio must be at least 1, but it is 0"],
  ["-3", "SE0504 4:34 the ratio must be at least 1, but it is -3"],
  ["1.5", expect.stringMatching(/^SE0301 4:34 .*but this is the float 1.5$/)],
  ["NaN", "SE0104 4:34 `NaN` is not a number of the language"],
  ["24", "SE0505 4:34 the ratio 24 does not divide 64 channels: the hidden width is 2"],
  ["100", "SE0506 4:34 the ratio 100 is greater than 64 channels: the hidden width is 1"],
  ["64", undefined],
])("fault 23: a ratio of %s", async (ratio, expected) => {
  expect(await told(seNet(ratio))).toEqual(expected === undefined ? [] : [expected]);
});

test("fault 24: SE on a vector, on 1 x 1, twice at a point", async () => {
  expect(await told(seNet("4", "dense 8 -> @standard", "f32[N, 64]"))).toEqual([
    "SE0507 9:14 an SE block scales the channels of a feature map, but here is f32[N, 8]",
  ]);
  expect(await told(seNet("4", undefined, "f32[N, 64, 1, 1]"))).toEqual([]);
  const [twice] = await told(seNet("4", "conv 64, 3x3 -> @standard -> @standard"));
  expect(twice).toMatch(/^SE0508 9:\d+ /);
});

test("fault 25: the labels of a sum stand on both producers", async () => {
  const here = folder({ "net.se": net("a: conv 32, 3x3\n  b: conv 16, 3x3\n  a + b") });
  const { err } = await sec(["check", join(here, "net.se")]);
  expect(err).toContain("`add`: the two shapes differ: f32[N, 32, 8, 8] and f32[N, 16, 8, 8]");
  expect(err).toContain("--------------- a is f32[N, 32, 8, 8], from `a` here");
  expect(err).toContain("--------------- b is f32[N, 16, 8, 8], from `b` here");
  expect(await line("residual { branch { c: conv 32, 3x3 / 2 } }")).toEqual([
    "SE0402 4:3 the branch gives f32[N, 32, 4, 4], the skip f32[N, 64, 8, 8]: they cannot be added",
  ]);
});

test.each([
  [
    net("let a = image -> conv 8, 1x1\n  relu"),
    ["SE0407 4:20 no output needs `conv`", "SE0211 4:7 the value `a` is not used"],
  ],
  [net("relu\n  output z\n  conv 8, 1x1").replace("\n  output y", ""), ["SE0407 6:3 no output needs `conv`"]],
  [net("input b: f32[N, 8]\n  relu"), ["SE0407 3:3 the input `image` is not used"]],
  [net("relu").replace("\n  output y", ""), ["SE0408 2:9 the network `Net` has no output"]],
  ["se 1\nnetwork Net() {\n  output y\n}\n", ["SE0406 3:3 nothing flows into the output `y`"]],
])("fault 26: %j", async (source, expected) => {
  expect((await told(source)).sort()).toEqual(expected.toSorted());
});

test.each([
  [
    "conv N, 1x1",
    "f32[N, 3, 8, 8]",
    "SE0201 4:8 every argument of `conv` is fixed when compiling, but the batch `N` is known only at run time",
  ],
  [
    "conv 2 * N, 1x1",
    "f32[N, 3, 8, 8]",
    "SE0201 4:12 what stands here is fixed when compiling, but the batch `N` is known only at run time",
  ],
  ["relu", "f32[4, 3, 8, 8]", "SE0411 3:20 the first extent is the batch, N"],
  ["relu", "f32[N, 3, N, 8]", "SE0411 3:26 the batch N is the first extent, and only that"],
])("fault 28: %s of %s", async (body, type, expected) => {
  expect(await line(body, `image: ${type}`)).toEqual([expected]);
});

test("fault 29: a tensor without elements is refused", async () => {
  for (const type of ["f32[N, 0, 8, 8]", "f32[N, 3, 0, 8]", "f32[N, 0]"]) {
    expect(await line("relu", `image: ${type}`)).toEqual([
      expect.stringMatching(/^SE0307 3:\d+ an extent is a whole number from 1 to 2147483647, but this is 0$/),
    ]);
  }
});

test("fault 30: an eps below 0 is refused, 0 is not", async () => {
  expect(await line("bn eps: -1e-5")).toEqual(["SE0307 4:11 `eps` is -0.00001, but it must be a number from 0 on"]);
  expect(await line("bn eps: 0")).toEqual([]);
});

test.each([
  ["std: 0", "a std of 0 would divide by 0"],
  ["std: [1, 0.0, 1]", "a std of 0 would divide by 0"],
  ["mean: [1, 2]", "mean has 2 numbers, the input has 3 channels"],
  ["scale: 0", "the scale should be a number other than 0, got 0"],
  ["std: 1e39", "std should hold finite numbers, got [1e+39, 1e+39, 1e+39]"],
])("fault 31: { rgb, %s }", async (field, expected) => {
  expect(await line("relu", `image: f32[N, 3, 8, 8] { rgb, ${field} }`)).toEqual([`SE0318 3:39 ${expected}`]);
});

test("fault 32: types other than f32 are not supported, and the message says what is", async () => {
  expect(await line("relu", "image: f16[N, 3, 8, 8]")).toEqual([
    "SE0319 3:16 f16 is not supported yet: values are f32",
  ]);
});
