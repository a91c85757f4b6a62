/**
 * Every diagnostic that sec can report about a program. `sec explain` prints an entry; a test asks for a file in
 * `test/errors/` for each. A code is never reused: a diagnostic that goes away leaves its number empty.
 *
 *   SE01xx  characters, tokens, grammar (src/syntax)
 *   SE02xx  names, types, shapes, insertion points (src/check)
 */
export interface CodeEntry {
  /** A few words, as a heading. */
  readonly title: string;
  /** Why it is an error and what to do, in a few sentences. */
  readonly explanation: string;
  /** A smallest wrong program, and the same one repaired. A test runs both. */
  readonly example?: { readonly wrong: string; readonly right: string };
}

export type Code = keyof typeof codes;

export const codes = {
  // --- src/syntax ----------------------------------------------------------------------------------------------

  SE0101: {
    title: "Character without a meaning",
    explanation:
      "Outside comments and strings the language uses letters, digits, `_` and the signs of its grammar. Anything else is " +
      'refused where it stands: control characters, a NUL byte, `$`, `#`, quotes other than `"`. Comments begin with `//`, ' +
      "and conditions are joined with the words `and`, `or` and `not`.",
    example: {
      wrong: "se 1\nblock b(on: bool, off: bool) {\n  if on && off { relu }\n}\n",
      right: "se 1\nblock b(on: bool, off: bool) {\n  if on and off { relu }\n}\n",
    },
  },
  SE0102: {
    title: "String that does not end",
    explanation:
      'A string starts and ends with `"` on one line. There are no escapes: a backslash is refused, and paths are written with `/`.',
    example: {
      wrong: 'se 1\nimport { bottleneck } from "std/resnet.se\n',
      right: 'se 1\nimport { bottleneck } from "std/resnet.se"\n',
    },
  },
  SE0103: {
    title: "Malformed number",
    explanation:
      "Numbers are `64`, `0.5`, `1e-3` and windows such as `3x3` (height first). There is no hexadecimal, no digit separator, " +
      "no leading zero and no third extent, and a point has digits on both sides.",
    example: {
      wrong: "se 1\nblock b() {\n  conv 1_024, 3x3\n}\n",
      right: "se 1\nblock b() {\n  conv 1024, 3x3\n}\n",
    },
  },
  SE0104: {
    title: "Number out of range",
    explanation:
      "Whole numbers are exact up to 9007199254740991 and refused above it, because they would be rounded in silence; a number with a " +
      "point or an exponent must neither overflow nor vanish in double precision. Both extents of a window start at 1. There is no NaN and no infinity.",
    example: {
      wrong: "se 1\nblock b() {\n  maxpool 3x0\n}\n",
      right: "se 1\nblock b() {\n  maxpool 3x1\n}\n",
    },
  },
  SE0105: {
    title: "Invisible or look-alike character",
    explanation:
      "Characters that cannot be seen (zero-width), that change the order of the text (bidirectional controls, also in " +
      "comments) or that look like another (a Cyrillic o, a typographic quote, `×` for `x`) make a program mean something else than it " +
      "shows. They are refused, and the message names the code point.",
    example: {
      wrong: "se 1\nblock b() {\n  conv 64, 3\u00d73\n}\n",
      right: "se 1\nblock b() {\n  conv 64, 3x3\n}\n",
    },
  },
  SE0106: {
    title: "Name that breaks the rule",
    explanation:
      "A name is a letter from A to Z or a to z, followed by at most 62 letters, digits and underscores. Names become " +
      "parts of weight names, of file names and of generated code, so they stay short and plain.",
    example: {
      wrong: "se 1\nblock _unit() {\n  relu\n}\n",
      right: "se 1\nblock unit() {\n  relu\n}\n",
    },
  },
  SE0107: {
    title: "Nested too deeply",
    explanation:
      "Brackets, blocks and operators may nest 200 deep. A program written by hand never comes near; a generated one should name its parts with `let` or `block`.",
  },
  SE0108: {
    title: "File too large",
    explanation:
      "A source file may have 1 MiB. A network of that size is better written with `for`, `3 of …` and blocks.",
  },
  SE0109: {
    title: "Nothing declared",
    explanation: "A file declares at least one `network`, `block` or `enum`. This one is empty, or has only comments.",
    example: { wrong: "// soon\n", right: "se 1\nblock unit() {\n  relu\n}\n" },
  },
  SE0110: {
    title: "Unknown edition",
    explanation:
      "The first line names the edition of the language that a file is written in. This compiler knows edition 1; a newer file needs a newer sec.",
    example: { wrong: "se 99\nblock unit() {\n  relu\n}\n", right: "se 1\nblock unit() {\n  relu\n}\n" },
  },
  SE0111: {
    title: "Edition missing",
    explanation:
      "Every file starts with the edition of the language, so that later compilers read it as it was meant: `se 1`.",
    example: { wrong: "block unit() {\n  relu\n}\n", right: "se 1\nblock unit() {\n  relu\n}\n" },
  },
  SE0112: {
    title: "Syntax error",
    explanation:
      "The grammar expects something else here. The message says what was found and what could stand in its place.",
    example: {
      wrong: "se 1\nblock unit() {\n  conv 64, -> relu\n}\n",
      right: "se 1\nblock unit() {\n  conv 64, 3x3 -> relu\n}\n",
    },
  },
  SE0113: {
    title: "Misspelt keyword",
    explanation: "A word stands where only a keyword can stand, and it is nearly one.",
    example: {
      wrong: "se 1\nnetwrok Net() {\n  relu\n}\n",
      right: "se 1\nnetwork Net() {\n  relu\n}\n",
    },
  },
  SE0114: {
    title: "Bracket without its partner",
    explanation:
      "Every `(`, `[` and `{` is closed by its own kind. The message shows the bracket that stayed open, or the one that closes nothing.",
    example: {
      wrong: "se 1\nblock unit() {\n  conv(64, 3x3\n}\n",
      right: "se 1\nblock unit() {\n  conv(64, 3x3)\n}\n",
    },
  },
  SE0115: {
    title: "Reserved word used as a name",
    explanation:
      "Words of the grammar cannot name networks, blocks, parameters and values, because a line that starts with one means something " +
      "else. They are free as labels (`input: conv 64, 1x1`), as names of groups and of arguments, so that any weight name can be written.",
    example: {
      wrong: "se 1\nblock unit() {\n  let stage = 2\n}\n",
      right: "se 1\nblock unit() {\n  let level = 2\n}\n",
    },
  },
  SE0116: {
    title: "Block comment",
    explanation: "Comments run from `//` to the end of the line; `///` documents what follows. There is no `/* … */`.",
    example: {
      wrong: "se 1\nblock unit() {\n  /* the gate */ relu\n}\n",
      right: "se 1\nblock unit() {\n  relu // the gate\n}\n",
    },
  },
  SE0117: {
    title: "Statement that does not end",
    explanation:
      "A statement ends with its line, or with `;`. Steps of a pipeline are joined with `->`, arguments with `,`; a line that starts with `->` continues the one before.",
    example: {
      wrong: "se 1\nblock unit() {\n  conv 64, 3x3 relu\n}\n",
      right: "se 1\nblock unit() {\n  conv 64, 3x3 -> relu\n}\n",
    },
  },
  SE0118: {
    title: "Arguments outside their parentheses",
    explanation:
      "Arguments are written all in parentheses, `conv(64, 3x3)`, or all without, `conv 64, 3x3`. Without parentheses the first must not " +
      "begin with `-` or `[`, because `conv -1` is a subtraction and `conv [1]` an index.",
    example: {
      wrong: "se 1\nblock unit() {\n  conv(64, 3x3), groups: 2\n}\n",
      right: "se 1\nblock unit() {\n  conv(64, 3x3, groups: 2)\n}\n",
    },
  },
  SE0119: {
    title: "Operators that do not chain",
    explanation:
      "Comparisons and `then` take two operands: `a < b < c` and `2 then 1 then 1` are not written. Join comparisons with `and`.",
    example: {
      wrong: "se 1\nblock unit(n: int) {\n  if 1 < n < 4 { relu }\n}\n",
      right: "se 1\nblock unit(n: int) {\n  if 1 < n and n < 4 { relu }\n}\n",
    },
  },
  SE0120: {
    title: "Statement outside a network or block",
    explanation:
      "At the top of a file stand `import`, `enum`, `network` and `block`; layers stand inside a network or a block.",
    example: {
      wrong: "se 1\nconv 64, 3x3\n",
      right: "se 1\nblock stem() {\n  conv 64, 3x3\n}\n",
    },
  },

  // --- src/check -----------------------------------------------------------------------------------------------
} satisfies Record<string, CodeEntry>;
