import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Problems } from "../../src/diagnostics.ts";
import { format } from "../../src/syntax/format.ts";
import { parse } from "../../src/syntax/parse.ts";
import { validFiles } from "./files.ts";
import { program, relaid } from "./programs.ts";

const full = process.env["SEC_FULL"] !== undefined;

function formatted(text: string): string {
  const problems = new Problems();
  const result = format(text, "test.se", problems);
  return result ?? problems.list.map(({ code, message, span }) => `${code} ${message} ${span?.start}`).join("\n");
}

/** The body of a block, formatted: of the first line's depth, without the block around it. */
function formattedBody(text: string): string {
  const whole = formatted(`se 1\nblock unit() {\n${text}\n}\n`);
  return whole
    .replace(/^se 1\n\nblock unit\(\) \{\n/, "")
    .replace(/\n\}\n$/, "")
    .replace(/^ {2}/gm, "");
}

function withoutSpans(text: string): string {
  const tree = parse(text, "test.se", new Problems());
  return JSON.stringify(tree, (key, value: unknown) => (key === "span" ? undefined : value));
}

function commentsOf(text: string): string[] {
  return [...text.matchAll(/"[^"\n]*"|\/\/[^\r\n]*/g)]
    .map(([comment]) => comment.trimEnd())
    .filter((it) => it[0] === "/");
}

describe("one canonical form", () => {
  test.each([
    ["spaces", "conv1:conv   64,7x7/2->bn1 :bn-> relu", "conv1: conv 64, 7x7 / 2 -> bn1: bn -> relu"],
    ["operators", "let a=-b*(c- -d)+not e", "let a = -b * (c - -d) + not e"],
    ["a bracket behind a name", "f (a) [ 0 ] . b", "f(a)[0].b"],
    ["a first argument in parentheses", "conv(4*w),1x1", "conv (4 * w), 1x1"],
    ["parentheses stay", "let a = ((b) + (c * d))", "let a = ((b) + (c * d))"],
    ["statements", "relu;bn ; gap", "relu\nbn\ngap"],
    ["one blank line between groups", "\n\nrelu\n\n\n\nbn\ngap\n\n", "relu\n\nbn\ngap"],
    ["a short block of one statement", "if a {\n  relu\n} else {\n  bn\n}", "if a { relu } else { bn }"],
    ["a block of two", "down { 0: conv 64; 1: bn }", "down {\n  0: conv 64\n  1: bn\n}"],
    ["an empty block", "if a {\n\n}", "if a {}"],
    ["last commas", "f(a, [1, 2,],)", "f(a, [1, 2])"],
    ["a line that goes on", "conv 64, 3x3\n  -> bn ->\n  relu", "conv 64, 3x3 -> bn -> relu"],
    [
      "ranges, points, stages",
      "for i in 0 .. n{stage i a :3 of b(4)->@ 3x3}",
      "for i in 0..n { stage i a: 3 of b(4) -> @3x3 }",
    ],
    ["units that count on", "stage 1 b1 .. :3 of b(4);b1..:(n) of b 4", "stage 1 b1..: 3 of b(4)\nb1..: (n) of b 4"],
    ["tuples", "let(a,b)=( 3x3,(4*w) )", "let (a, b) = (3x3, (4 * w))"],
    [
      "a list of tuples is a table",
      "for (k,s) in [(3x3,1),(5x5,(2))]{conv 8,k/s}",
      "for (k, s) in [\n  (3x3, 1),\n  (5x5, (2)),\n] { conv 8, k / s }",
    ],
    [
      "pipelines, calls and one row are none",
      "let a = [(b,1)] + [(b->f 1,2),c(1,2)]",
      "let a = [(b, 1)] + [(b -> f 1, 2), c(1, 2)]",
    ],
    ["arms", "concat{a:relu;b{bn};gap}", "concat {\n  a: relu\n  b { bn }\n  gap\n}"],
    [
      "residual units",
      "residual join:add when a{branch{relu} skip unless same{bn} after relu}",
      "residual join: add when a {\n  branch { relu }\n  skip unless same { bn }\n  after relu\n}",
    ],
    ["numbers as they were written", "bn eps: 1.50e-5", "bn eps: 1.50e-5"],
  ])("%s", (_, text, expected) => {
    expect(formattedBody(text)).toBe(expected);
    expect(formattedBody(expected)).toBe(expected);
  });

  test("a file", () => {
    const text = `// A file.
se 1
import {a,b} from "./a.se"
import {c} from "./c.se"
enum A{x,y}
enum B{z}
/// A network.
network Net(a:int=3,b:list<list<int>> =[[1]])uses se,te{
input image:f32[N,3,8,8]{rgb,scale:1/255}
output y
}
block unit(){}
// The end.`;
    expect(formatted(text)).toMatchInlineSnapshot(`
      "// A file.
      se 1

      import { a, b } from "./a.se"
      import { c } from "./c.se"

      enum A { x, y }
      enum B { z }

      /// A network.
      network Net(a: int = 3, b: list<list<int>> = [[1]]) uses se, te {
        input image: f32[N, 3, 8, 8] { rgb, scale: 1 / 255 }
        output y
      }

      block unit() {}
      // The end.
      "
    `);
  });
});

describe("long lines", () => {
  test("break before the steps with arguments", () => {
    const conv = "conv width, 3x3 / stride, groups: g -> bn -> relu";
    expect(formattedBody(`${conv} -> ${conv} -> ${conv} -> @standard`)).toMatchInlineSnapshot(`
      "conv width, 3x3 / stride, groups: g -> bn -> relu
        -> conv width, 3x3 / stride, groups: g -> bn -> relu
        -> conv width, 3x3 / stride, groups: g -> bn -> relu -> @standard"
    `);
  });

  test("fill argument lists, and give every parameter a line", () => {
    const args = Array.from({ length: 12 }, (_, index) => `argument${index}: ${index}`).join(", ");
    expect(formattedBody(`insert se(${args})\nconv ${args}\nunit(${args}) -> relu`)).toMatchInlineSnapshot(`
      "insert se(
        argument0: 0, argument1: 1, argument2: 2, argument3: 3, argument4: 4, argument5: 5,
        argument6: 6, argument7: 7, argument8: 8, argument9: 9, argument10: 10, argument11: 11,
      )
      conv argument0: 0, argument1: 1, argument2: 2, argument3: 3, argument4: 4, argument5: 5,
          argument6: 6, argument7: 7, argument8: 8, argument9: 9, argument10: 10, argument11: 11
      unit(
        argument0: 0, argument1: 1, argument2: 2, argument3: 3, argument4: 4, argument5: 5,
        argument6: 6, argument7: 7, argument8: 8, argument9: 9, argument10: 10, argument11: 11,
      ) -> relu"
    `);
    const params = Array.from({ length: 8 }, (_, index) => `parameter${index}: int`).join(", ");
    expect(formatted(`se 1\nblock unit(${params}) {}`)).toMatchInlineSnapshot(`
      "se 1

      block unit(
        parameter0: int,
        parameter1: int,
        parameter2: int,
        parameter3: int,
        parameter4: int,
        parameter5: int,
        parameter6: int,
        parameter7: int,
      ) {}
      "
    `);
  });

  test("break behind operators, inside brackets and around what stands in braces", () => {
    const sum = Array.from({ length: 12 }, (_, index) => `operand${index}`).join(" + ");
    const choice = `if condition_one and condition_two { ${sum} } else { ${sum} }`;
    expect(formattedBody(`let a = ${sum}\nlet b = f(${sum}, [${sum}])\nlet c = ${choice}`)).toMatchInlineSnapshot(`
      "let a = operand0 + operand1 + operand2 + operand3 + operand4 + operand5 + operand6 + operand7 +
        operand8 + operand9 + operand10 + operand11
      let b = f(
        operand0 + operand1 + operand2 + operand3 + operand4 + operand5 + operand6 + operand7 +
          operand8 + operand9 + operand10 + operand11,
        [
          operand0 + operand1 + operand2 + operand3 + operand4 + operand5 + operand6 + operand7 +
            operand8 + operand9 + operand10 + operand11,
        ],
      )
      let c = if condition_one and condition_two {
        operand0 + operand1 + operand2 + operand3 + operand4 + operand5 + operand6 + operand7 +
          operand8 + operand9 + operand10 + operand11
      } else {
        operand0 + operand1 + operand2 + operand3 + operand4 + operand5 + operand6 + operand7 +
          operand8 + operand9 + operand10 + operand11
      }"
    `);
  });
});

describe("comments stay between the tokens they were written between", () => {
  test("around statements", () => {
    const text = `
// before

// apart
relu // behind
// between

bn
// last`;
    expect(formattedBody(text)).toBe(text.slice(1));
  });

  test("in a pipeline", () => {
    expect(formattedBody("conv 64, // channels\n 3x3 // window\n // own\n -> bn -> // arrow\n relu // end"))
      .toMatchInlineSnapshot(`
      "conv 64, // channels
          3x3 // window
        // own
        -> bn -> // arrow
        relu // end"
    `);
  });

  test("in brackets", () => {
    const text = `f( // open
a // a
, // comma
// own
b, // b
c // last
// end
)
g( // nothing
)
let l = [1, // one
2]`;
    expect(formattedBody(text)).toMatchInlineSnapshot(`
      "f( // open
        a // a
        , // comma
        // own
        b, // b
        c, // last
        // end
      )
      g( // nothing
      )
      let l = [
        1, // one
        2,
      ]"
    `);
  });

  test("around braces", () => {
    const text = `if a { // then
relu } // done
else { // else
}
down { // empty
}
residual { // unit
branch { relu } // branch
// before skip
skip {
// nothing
}
// end
}
concat {
// first
a: relu // a
// last
}`;
    expect(formattedBody(text)).toMatchInlineSnapshot(`
      "if a { // then
        relu
      } // done
      else { // else
      }
      down { // empty
      }
      residual { // unit
        branch { relu } // branch
        // before skip
        skip {
          // nothing
        }
        // end
      }
      concat {
        // first
        a: relu // a
        // last
      }"
    `);
  });

  test("in declarations", () => {
    const text = `se 1 // edition
// imports
import { a, // a
 b } from "./a.se" // from
// enum
enum V { x, // x
y }
/// Documented.
network Net(a: int, // the first
/// The second.
b: int = // three
3) // head
{
}
// end`;
    expect(formatted(text)).toMatchInlineSnapshot(`
      "se 1 // edition

      // imports
      import {
        a, // a
        b,
      } from "./a.se" // from

      // enum
      enum V {
        x, // x
        y,
      }

      /// Documented.
      network Net(
        a: int, // the first
        /// The second.
        b: int = // three
          3,
      ) // head
      {}
      // end
      "
    `);
  });
});

test("a file with errors is not formatted", () => {
  expect(formatted("se 1\nblock a() { conv 64, -> relu }")).toBe(
    "SE0112 expected an argument after `,`, found `->` 26",
  );
});

describe("files of the repository", () => {
  test.each(validFiles)("%s", (file) => {
    const text = readFileSync(file, "utf8");
    const result = formatted(text);
    expect(formatted(result)).toBe(result);
    expect(withoutSpans(result)).toBe(withoutSpans(text));
    expect(commentsOf(result)).toEqual(commentsOf(text));
  });
});

describe("generated programs", () => {
  const runs = { numRuns: full ? 5_000 : 100 };
  const choices = fc.infiniteStream(fc.nat(1_000_000));

  test("keep their meaning and their comments, and are formatted once and for all", () => {
    fc.assert(
      fc.property(program, choices, (text, stream) => {
        const laid = relaid(text, (count) => Number(stream.next().value) % count, true);
        const result = formatted(laid);
        expect(withoutSpans(laid).replaceAll(/"doc":\[[^\]]*\]/g, '"doc":[]')).toBe(withoutSpans(text));
        expect(withoutSpans(result)).toBe(withoutSpans(laid));
        expect(commentsOf(result)).toEqual(commentsOf(laid));
        expect(formatted(result)).toBe(result);
      }),
      runs,
    );
  });

  test("look the same whatever their layout was", () => {
    fc.assert(
      fc.property(program, choices, (text, stream) => {
        const laid = relaid(text, (count) => Number(stream.next().value) % count, false);
        expect(formatted(laid).replace(/\n+/g, "\n")).toBe(formatted(text).replace(/\n+/g, "\n"));
      }),
      runs,
    );
  });

  test("no line is longer than it must be", () => {
    fc.assert(
      fc.property(program, (text) => {
        // What cannot be broken is short in these programs.
        const long = formatted(text)
          .split("\n")
          .filter((line) => line.trim().length > 100 && line.length > 100);
        expect(long).toEqual([]);
      }),
      runs,
    );
  });
});
