import { describe, expect, test } from "vitest";
import type { Diagnostic, Span } from "../../src/diagnostics.ts";
import { formatDiagnostics, positionOf } from "../../src/syntax/frame.ts";

interface Related {
  readonly at: string;
  readonly message: string;
}

/** A diagnostic about the place of `at` in `text`, and its frame. */
function framed(
  text: string,
  at: string,
  options: { readonly width?: number; readonly related?: readonly Related[] } = {},
) {
  const { width = 60, related = [] } = options;
  const diagnostic: Diagnostic = {
    code: "SE0112",
    severity: "error",
    message: "wrong",
    span: spanOf(at, text, "net.se"),
    related: related.map((place) => ({ span: spanOf(place.at, text, "net.se"), message: place.message })),
  };
  return `\n${formatDiagnostics([diagnostic], { source: () => text, color: false, width })}`;
}

function spanOf(part: string, text: string, file: string): Span {
  const start = text.indexOf(part);
  return { file, start, end: start + part.length };
}

describe("the marks stand under their text", () => {
  test("after tabs", () => {
    expect(framed("a\n\tb\tcd\n", "cd")).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:2:4
         |
       2 |     b   cd
         |         ^^

      "
    `);
  });

  test("after wide, combined and astral characters", () => {
    expect(framed("é e\u0301 層 😀 𝒳 x", "x")).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:1:14
         |
       1 | é é 層 😀 𝒳 x
         |             ^

      "
    `);
  });

  test("with CRLF, and with CR alone", () => {
    expect(framed("a\r\nbc d\r\ne", "d")).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:2:4
         |
       2 | bc d
         |    ^

      "
    `);
    expect(framed("a\rbc d\re", "d")).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:2:4
         |
       2 | bc d
         |    ^

      "
    `);
  });

  test("after a byte order mark, which no column counts", () => {
    expect(framed("\uFEFFab", "b")).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:1:2
         |
       1 | ab
         |  ^

      "
    `);
  });

  test("at the end of the file", () => {
    const text = "a\nbc";
    const span = { file: "net.se", start: 4, end: 4 };
    const shown = formatDiagnostics([{ code: "SE0112", severity: "error", message: "wrong", span }], {
      source: () => text,
      color: false,
      width: 80,
    });
    expect(`\n${shown}`).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:2:3
         |
       2 | bc
         |   ^

      "
    `);
  });

  test("over the first line of several", () => {
    expect(framed("a (b\nc\nd) e", "(b\nc\nd)")).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:1:3
         |
       1 | a (b
         |   ^^

      "
    `);
  });

  test("of what cannot be seen", () => {
    expect(framed("a\u202Eb\x1b[31m c", "c")).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:1:10
         |
       1 | a<U+202E>b<U+001B>[31m c
         |                        ^

      "
    `);
  });
});

describe("long lines are shown around the place", () => {
  const long = `${"a -> ".repeat(40)}HERE${" -> b".repeat(40)}`;
  test("in the middle", () => {
    expect(framed(long, "HERE")).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:1:201
         |
       1 | …-> a -> a -> a -> HERE -> b -> b -> b -> b -> b -> b …
         |                    ^^^^

      "
    `);
  });
  test("at the start and at the end", () => {
    expect(framed(`HERE${" -> b".repeat(40)}`, "HERE")).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:1:1
         |
       1 | HERE -> b -> b -> b -> b -> b -> b -> b -> b -> b -> b…
         | ^^^^

      "
    `);
    expect(framed(`${"a -> ".repeat(40)}HERE`, "HERE")).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:1:201
         |
       1 | …-> a -> a -> a -> HERE
         |                    ^^^^

      "
    `);
  });
  test("a place longer than the line", () => {
    expect(framed(`conv ${"n".repeat(300)}`, "n".repeat(300))).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:1:6
         |
       1 | conv nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…
         |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

      "
    `);
  });
  test("a line of a megabyte takes no time", () => {
    const text = `${"x".repeat(500_000)}!${"y".repeat(500_000)}`;
    const before = performance.now();
    expect(framed(text, "!")).toContain("…");
    expect(performance.now() - before).toBeLessThan(500);
  });
});

describe("related places", () => {
  const text = "one\ntwo\nthree\nfour\nfive\nsix\n";
  test("share the frame, with a gap where lines are left out", () => {
    const related = [
      { at: "one", message: "from here" },
      { at: "three", message: "and here" },
    ];
    expect(framed(text, "four", { related })).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:4:1
         |
       1 | one
         | --- from here
      ...
       3 | three
         | ----- and here
       4 | four
         | ^^^^

      "
    `);
  });

  test("stand under each other in one line", () => {
    expect(framed("a < b < c", "c", { related: [{ at: "a", message: "the first" }] })).toMatchInlineSnapshot(`
      "
      error[SE0112]: wrong
        --> net.se:1:9
         |
       1 | a < b < c
         |         ^
         | - the first

      "
    `);
  });

  test("have a frame of their own in another file", () => {
    const other = "se 1\nblock unit(width: int) {}\n";
    const diagnostic: Diagnostic = {
      code: "SE0112",
      severity: "warning",
      message: "`width` is given twice",
      span: spanOf("two", text, "net.se"),
      related: [{ span: spanOf("width", other, "lib/unit.se"), message: "declared here" }],
      hint: "take one away",
    };
    const source = (file: string) => (file === "net.se" ? text : other);
    expect(`\n${formatDiagnostics([diagnostic], { source, color: false, width: 80 })}`).toMatchInlineSnapshot(`
      "
      warning[SE0112]: \`width\` is given twice
        --> net.se:2:1
         |
       2 | two
         | ^^^
         |
        ::: lib/unit.se:2:12
         |
       2 | block unit(width: int) {}
         |            ----- declared here
         |
         hint: take one away

      "
    `);
  });
});

describe("lists", () => {
  const plain = { source: () => undefined, color: false, width: 80 };
  const at = (file: string, start: number, code: Diagnostic["code"] = "SE0112"): Diagnostic => ({
    code,
    severity: "error",
    message: `${file} ${start}`,
    span: { file, start, end: start },
  });

  test("are sorted by file, place and code; what has no place comes first", () => {
    const list = [at("b.se", 1), at("a.se", 9), at("a.se", 1), at("a.se", 1, "SE0101")];
    const [placeless] = [{ code: "SE0108", severity: "note", message: "no place" } satisfies Diagnostic];
    const shown = formatDiagnostics([...list, placeless], plain).match(/.*\]: .*/g);
    expect(shown).toEqual([
      "note[SE0108]: no place",
      "error[SE0101]: a.se 1",
      "error[SE0112]: a.se 1",
      "error[SE0112]: a.se 9",
      "error[SE0112]: b.se 1",
    ]);
  });

  test("end after a hundred", () => {
    const shown = formatDiagnostics(
      Array.from({ length: 103 }, (_, index) => at("a.se", index)),
      plain,
    );
    expect(shown.match(/error/g)).toHaveLength(100);
    expect(shown.trimEnd().endsWith("and 3 more")).toBe(true);
  });

  test("have colours where they are asked for, and only there", () => {
    const shown = (color: boolean) => formatDiagnostics([at("a.se", 1)], { source: () => "abc", color, width: 80 });
    expect(shown(true).replace(/\x1b\[[\d;]*m/g, "")).toBe(shown(false));
    expect(shown(true)).toContain("\x1b[1;31merror[SE0112]\x1b[0m");
  });
});

test.each([
  ["", 0, "1:1"],
  ["ab", 2, "1:3"],
  ["ab\n", 3, "2:1"],
  ["ab\r\ncd", 5, "2:2"],
  ["ab\rcd", 3, "2:1"],
  ["ab\r\ncd", 3, "1:4"],
  ["😀x", 2, "1:3"],
  ["ab", 99, "1:3"],
])("position %#", (text, offset, expected) => {
  const { line, column } = positionOf(text, offset);
  expect(`${line}:${column}`).toBe(expected);
});
