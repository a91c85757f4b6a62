/** Whatever the text is: a tree or diagnostics with places inside the text, in good time, and never an exception. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Problems } from "../../src/diagnostics.ts";
import { format } from "../../src/syntax/format.ts";
import { formatDiagnostics } from "../../src/syntax/frame.ts";
import { parse, parseLiteral } from "../../src/syntax/parse.ts";
import { decodeUtf8 } from "../../src/syntax/utf8.ts";
import { validFiles } from "./files.ts";

const full = process.env["SEC_FULL"] !== undefined;

/** The codes that a text is given; the text is also formatted, and its diagnostics are shown. */
function codesOf(text: string): string[] {
  const problems = new Problems();
  const tree = parse(text, "test.se", problems);
  if (tree === undefined && !problems.failed) throw new Error("neither a tree nor an error");
  for (const { span } of problems.list) {
    const inside = span !== undefined && span.start >= 0 && span.start <= span.end && span.end <= text.length;
    if (!inside) throw new Error(`a span outside the text: ${JSON.stringify(span)}`);
  }
  if (problems.list.length > 0) formatDiagnostics(problems.list, { source: () => text, color: false, width: 80 });
  else if (format(text, "test.se", problems) === undefined) throw new Error("a right file that fmt refuses");
  return problems.list.map(({ code }) => code);
}

test(`${full ? 100_000 : 3_000} random changes of right files`, { timeout: 3_600_000 }, () => {
  const files = validFiles.map((file) => new Uint8Array(readFileSync(file))).filter((bytes) => bytes.length < 3000);
  const seed = Number(process.env["SEED"] ?? 20_260_101);
  for (let run = 0; run < (full ? 100_000 : 3_000); run++) {
    const random = generator(seed + run);
    const decoded = decodeUtf8(changed(files[random(files.length)] ?? new Uint8Array(), random));
    if (!decoded.ok) continue;
    try {
      const took = Math.min(...[0, 0].map(() => seconds(() => codesOf(decoded.text))));
      expect(took).toBeLessThan(1);
    } catch (error) {
      throw new Error(`SEED=${seed + run} gives this text:\n${decoded.text}`, { cause: error });
    }
  }
});

function seconds(work: () => void): number {
  const before = performance.now();
  work();
  return (performance.now() - before) / 1000;
}

/** One to six bytes replaced, inserted or taken away, or a piece moved. */
function changed(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const result = [...bytes];
  for (let count = 1 + random(6); count > 0; count--) {
    const at = random(result.length + 1);
    const byte = random(3) === 0 ? random(256) : (interesting.charCodeAt(random(interesting.length)) ?? 0);
    const kind = random(4);
    if (kind === 0) result.splice(at, 1, byte);
    else if (kind === 1) result.splice(at, 0, byte);
    else if (kind === 2) result.splice(at, 1 + random(4));
    else result.splice(random(result.length + 1), 0, ...result.slice(at, at + random(40)));
  }
  return Uint8Array.from(result);
}

const interesting = "(){}[]<>,;:.->=+*/\"'\n\r\t @#0x9_eE";

/** Mulberry32. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

describe("depth", () => {
  const block = (body: string) => `se 1\nblock unit() {\n${body}\n}\n`;
  const many = 100_000;
  test.each([
    ["parentheses", block(`let a = ${"(".repeat(many)}1${")".repeat(many)}`)],
    ["open parentheses", block("(".repeat(many))],
    ["closed parentheses", block(")".repeat(many))],
    ["squares", block(`let a = ${"[".repeat(many)}${"]".repeat(many)}`)],
    ["calls", block(`let a = ${"f(".repeat(many)}1${")".repeat(many)}`)],
    ["groups", block(`${"a {".repeat(many)}${"}".repeat(many)}`)],
    ["open groups", "a {".repeat(many)],
    ["residual units", block(`${"residual { branch {".repeat(many / 4)}${"} }".repeat(many / 4)}`)],
    ["minus signs", block(`let a = ${"- ".repeat(many)}1`)],
    ["negations", block(`let a = ${"not ".repeat(many)}b`)],
    ["sums", block(`let a = 1${" + 1".repeat(many)}`)],
    ["members", block(`let a = b${".c".repeat(many)}`)],
    ["indices", block(`let a = b${"[0]".repeat(many)}`)],
    ["choices", block(`let a = ${"if b { c } else ".repeat(many / 4)}{ d }`)],
    ["nested choices", block(`let a = ${"if ".repeat(many)}`)],
    ["else if", block(`${"if b { relu } else ".repeat(many / 4)}{ bn }`)],
    ["types", `se 1\nblock unit(a: ${"list<".repeat(many)}int${">".repeat(many)}) {}\n`],
  ])("100,000 %s", (_, text) => {
    const codes = codesOf(text);
    expect(codes.length).toBeGreaterThan(0);
    expect(codes.every((code) => ["SE0107", "SE0108", "SE0112", "SE0114"].includes(code))).toBe(true);
  });

  test.each([
    ["parentheses", block(`let a = ${"(".repeat(190)}1${")".repeat(190)}`)],
    ["calls", block(`let a = ${"f(".repeat(190)}1${")".repeat(190)}`)],
    ["groups", block(`${"a {".repeat(190)}${"}".repeat(190)}`)],
    ["residual units", block(`${"residual { branch {".repeat(95)}${"} }".repeat(95)}`)],
    ["choices", block(`let a = ${"if b { c } else ".repeat(190)}{ d }`)],
    ["sums", block(`let a = 1${" + 1".repeat(190)}`)],
    ["conditions", block(`let a = ${"if ".repeat(95)}b${" { c } else { d }".repeat(95)}`)],
    ["types", `se 1\nblock unit(a: ${"list<".repeat(95)}int${">".repeat(95)}) {}\n`],
  ])("nearly 200 %s are parsed and formatted", (_, text) => {
    expect(codesOf(text)).toEqual([]);
  });
});

const size = full ? 2 ** 20 : 2 ** 17;

describe(`${size} characters of one thing are refused in good time`, () => {
  const signs = ["a", "1", "_", "(", "{", ")", '"', "'", "`", "#", "$", "\n", ";", "//", "/*", ".", "-", "\0"];
  const more = ["\u00e9", "\u202e", "1x", "1.", "a ", "a:", "not ", "x\u0435 ", '"\n', "/**/"];
  test.each([...signs, ...more])("%j", (part) => {
    const text = part.repeat(Math.floor(size / part.length));
    for (const whole of [text, `se 1\nblock unit() {\n${text.slice(0, -100)}\n}`]) {
      const problems = new Problems();
      expect(seconds(() => parse(whole, "test.se", problems))).toBeLessThan(20);
      expect(problems.list.length).toBeLessThanOrEqual(40);
    }
  });
});

describe("the time grows with the text, not with its square", () => {
  test.each([
    "a\n",
    "a->",
    "a,",
    "a { }\n",
    "relu -> bn\n",
    "relu bn\n",
    "se 1\n",
    "]\n",
    "//\n",
    "f(a, b)\n",
    "a: a { b\n}\n",
  ])("%j", (part) => {
    const timed = (length: number) =>
      seconds(() => codesOf(`se 1\nblock unit() {\n${part.repeat(length / part.length)}\n}`));
    timed(size / 256);
    const [once, eightTimes] = [timed(size / 128), timed(size / 16)];
    expect(eightTimes).toBeLessThan(0.3 + 8 * 5 * once);
  });
});

test("what is given to --set never throws", () => {
  const random = generator(1);
  const pieces = ["3", "3x3", "[", "]", ",", "-", "a", "0x", '"', "\n", "{", "1e999", "true", "é", "("];
  for (let run = 0; run < 2_000; run++) {
    const text = Array.from({ length: random(8) }, () => pieces[random(pieces.length)]).join("");
    const problems = new Problems();
    expect(parseLiteral(text, problems) === undefined).toBe(problems.failed);
  }
});
