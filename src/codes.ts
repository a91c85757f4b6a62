/**
 * Every diagnostic that sec can report about a program. `sec explain` prints an entry; a test asks for a file in
 * `test/errors/` for each. A code is never reused: a diagnostic that goes away leaves its number empty.
 *
 *   SE01xx  characters, tokens, grammar (src/syntax)
 *   SE02xx  names and imports (src/check)
 *   SE03xx  types and parameters
 *   SE04xx  shapes
 *   SE05xx  SE insertions
 *   SE09xx  what cannot be generated, or not yet (src/compile.ts, src/index.ts)
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
      wrong: 'se 1\nimport { bottleneck } from "std/resnet.se\n\nblock unit() {\n  bottleneck(64)\n}\n',
      right: 'se 1\nimport { bottleneck } from "std/resnet.se"\n\nblock unit() {\n  bottleneck(64)\n}\n',
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
  SE0121: {
    title: "File that is not UTF-8",
    explanation:
      "Sources are text in UTF-8. The message names the first byte that is none: save the file as UTF-8 in your editor.",
  },

  // --- src/check: names and imports ------------------------------------------------------------------------------

  SE0201: {
    title: "Unknown name",
    explanation:
      "An expression names something that is not visible here: no parameter, no `let`, no label above it in the same body, and " +
      "no member of an enum. `x` is what a block or a chain is given; a network has its inputs.",
    example: {
      wrong: "se 1\nnetwork Net(width: int = 8) {\n  input image: f32[N, 3, 8, 8]\n  conv widht, 3x3\n  output y\n}\n",
      right: "se 1\nnetwork Net(width: int = 8) {\n  input image: f32[N, 3, 8, 8]\n  conv width, 3x3\n  output y\n}\n",
    },
  },
  SE0202: {
    title: "Unknown op or block",
    explanation:
      "A step names an op of the language, a block of this file, an imported block, a chain, or a parameter of type Act. " +
      "docs/language.md lists the ops.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  Conv2dd 8, 3x3\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8, 3x3\n  output y\n}\n",
    },
  },
  SE0203: {
    title: "Declared twice",
    explanation: "Names do not hide each other: two declarations of one name that are visible together are an error.",
    example: {
      wrong:
        "se 1\nnetwork Net(width: int = 8) {\n  let width = 16\n  input image: f32[N, 3, 8, 8]\n  conv width, 3x3\n  output y\n}\n",
      right:
        "se 1\nnetwork Net(width: int = 8) {\n  let double = 2 * width\n  input image: f32[N, 3, 8, 8]\n  conv double, 3x3\n  output y\n}\n",
    },
  },
  SE0204: {
    title: "File not found",
    explanation:
      "The entry or an imported file does not exist, is a folder, a link out of the project, or cannot be read.",
    example: {
      wrong:
        'se 1\nimport { bottleneck } from "std/resnt.se"\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  output y\n}\n',
      right:
        'se 1\nimport { conv_bn } from "std/plain.se"\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv_bn(8)\n  output y\n}\n',
    },
  },
  SE0205: {
    title: "Import path that is not allowed",
    explanation:
      "An import is relative to the file that imports and stays inside the project: `./blocks.se`, `../blocks.se`, or `std/…` for the " +
      "library. Absolute paths, backslashes and paths that leave the project are refused, so that a program means the same everywhere.",
    example: {
      wrong:
        'se 1\nimport { conv_bn } from "/std/plain.se"\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv_bn(8)\n  output y\n}\n',
      right:
        'se 1\nimport { conv_bn } from "std/plain.se"\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv_bn(8)\n  output y\n}\n',
    },
  },
  SE0206: {
    title: "Imports in a circle",
    explanation: "A file imports itself, perhaps through others. Move what both need into a third file.",
  },
  SE0207: {
    title: "Not declared in that file",
    explanation:
      "An import names a network, block or enum that the file declares itself; what the file imports from elsewhere is not passed on.",
    example: {
      wrong:
        'se 1\nimport { conv_bnn } from "std/plain.se"\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv_bnn(8)\n  output y\n}\n',
      right:
        'se 1\nimport { conv_bn } from "std/plain.se"\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv_bn(8)\n  output y\n}\n',
    },
  },
  SE0208: {
    title: "Too many files",
    explanation: "A program has at most 256 files, and imports at most 32 deep.",
  },
  SE0209: {
    title: "No network",
    explanation: "What is compiled is a `network`; the file declares only blocks or enums.",
    example: {
      wrong: "se 1\nblock unit() {\n  relu\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  relu\n  output y\n}\n",
    },
  },
  SE0210: {
    title: "Which network?",
    explanation:
      "The file declares several networks, or none of the name that was asked for: choose one with `--network`.",
    example: {
      wrong:
        "se 1\nnetwork A() {\n  input image: f32[N, 3, 8, 8]\n  relu\n  output y\n}\nnetwork B() {\n  input image: f32[N, 3, 8, 8]\n  tanh\n  output y\n}\n",
      right: "se 1\nnetwork A() {\n  input image: f32[N, 3, 8, 8]\n  relu\n  output y\n}\n",
    },
  },
  SE0211: {
    title: "Not used",
    explanation: "A parameter, a `let` or an import that nothing reads. Often it was meant to be passed on. A warning.",
    example: {
      wrong:
        "se 1\nnetwork Net(classes: int = 10) {\n  input image: f32[N, 3, 8, 8]\n  gap\n  dense 1000\n  output y\n}\n",
      right:
        "se 1\nnetwork Net(classes: int = 10) {\n  input image: f32[N, 3, 8, 8]\n  gap\n  dense classes\n  output y\n}\n",
    },
  },
  SE0212: {
    title: "Two layers of one name",
    explanation:
      "A label, with the labels around it, names a layer and its weights, so it is unique. A block without a label adds nothing to the " +
      "names of its layers: used twice, it needs one.",
    example: {
      wrong:
        "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv1: conv 8, 3x3 -> conv1: conv 8, 3x3\n  output y\n}\n",
      right:
        "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv1: conv 8, 3x3 -> conv2: conv 8, 3x3\n  output y\n}\n",
    },
  },
  SE0213: {
    title: "Names that differ only in case",
    explanation:
      "Names become file names, and some file systems do not tell `Conv1` from `conv1`. Give one of the two another label.",
    example: {
      wrong:
        "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv1: conv 8, 3x3 -> Conv1: conv 8, 3x3\n  output y\n}\n",
      right:
        "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv1: conv 8, 3x3 -> conv2: conv 8, 3x3\n  output y\n}\n",
    },
  },
  SE0214: {
    title: "Word of the language as a name",
    explanation:
      "Ops and functions (`conv`, `floor`), `x` (what a block is given) and `N` (the batch) keep their meaning: networks, blocks, " +
      "values and parameters have other names. Labels are free.",
    example: {
      wrong: "se 1\nnetwork Net(x: int = 8) {\n  input image: f32[N, 3, 8, 8]\n  conv x, 3x3\n  output y\n}\n",
      right: "se 1\nnetwork Net(width: int = 8) {\n  input image: f32[N, 3, 8, 8]\n  conv width, 3x3\n  output y\n}\n",
    },
  },
  SE0215: {
    title: "Unknown member",
    explanation:
      "A tensor has `channels`, and a map `height` and `width`; a window has `height` and `width`; a called network has its outputs.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv image.chanels, 3x3\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv image.channels, 3x3\n  output y\n}\n",
    },
  },
  SE0216: {
    title: "Item that nothing reads",
    explanation: "A list parameter has more items than the network reads by their numbers. A warning.",
    example: {
      wrong:
        "se 1\nnetwork Net(widths: list<int> = [8, 16, 32]) {\n  input image: f32[N, 3, 8, 8]\n  conv widths[0], 3x3\n  conv widths[1], 3x3\n  output y\n}\n",
      right:
        "se 1\nnetwork Net(widths: list<int> = [8, 16]) {\n  input image: f32[N, 3, 8, 8]\n  conv widths[0], 3x3\n  conv widths[1], 3x3\n  output y\n}\n",
    },
  },
  SE0217: {
    title: "Name that cannot be a file name",
    explanation: "Files are named after the network, and Windows reserves CON, PRN, AUX, NUL, COM1 and their like.",
    example: {
      wrong: "se 1\nnetwork Aux() {\n  input image: f32[N, 3, 8, 8]\n  relu\n  output y\n}\n",
      right: "se 1\nnetwork Auxiliary() {\n  input image: f32[N, 3, 8, 8]\n  relu\n  output y\n}\n",
    },
  },

  // --- src/check: types and parameters ---------------------------------------------------------------------------

  SE0301: {
    title: "Wrong type",
    explanation:
      "A value of another type stands here than is wanted. An int may stand for a float, `3x3` for a Placement, 8 and 4 for a Rounding; " +
      "nothing else is converted.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8, 3\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8, 3x3\n  output y\n}\n",
    },
  },
  SE0302: {
    title: "Missing argument",
    explanation: "An op, a block or an insertion needs an argument that has no default.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8, 3x3\n  output y\n}\n",
    },
  },
  SE0303: {
    title: "Unknown argument",
    explanation: "The op, block or insertion has no argument of this name. The message lists those it has.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8, 3x3, padding: 1\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8, 3x3, pad: 1\n  output y\n}\n",
    },
  },
  SE0304: {
    title: "Argument too many",
    explanation:
      "More arguments than parameters, or one parameter given twice, once by its place and once by its name.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  relu 6\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  relu6\n  output y\n}\n",
    },
  },
  SE0305: {
    title: "Unknown type",
    explanation:
      "Types are int, float, bool, string, window, list<T>, the built-in enums (Placement, Squeeze, Gate, Rounding, Act, Join) and the enums of this file.",
    example: {
      wrong:
        "se 1\nnetwork Net(width: integer = 8) {\n  input image: f32[N, 3, 8, 8]\n  conv width, 3x3\n  output y\n}\n",
      right: "se 1\nnetwork Net(width: int = 8) {\n  input image: f32[N, 3, 8, 8]\n  conv width, 3x3\n  output y\n}\n",
    },
  },
  SE0306: {
    title: "Unknown member of an enum",
    explanation: "The word is a member of another enum than the one that is wanted here.",
    example: {
      wrong: "se 1\nnetwork Net(act: Act = standard) {\n  input image: f32[N, 3, 8, 8]\n  act\n  output y\n}\n",
      right: "se 1\nnetwork Net(act: Act = relu) {\n  input image: f32[N, 3, 8, 8]\n  act\n  output y\n}\n",
    },
  },
  SE0307: {
    title: "Value out of range",
    explanation:
      "The argument has the right type, but not a value that makes sense: no channels, a stride of 0, a negative padding.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8, 3x3 / 0\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8, 3x3 / 1\n  output y\n}\n",
    },
  },
  SE0308: {
    title: "Division that is not exact",
    explanation:
      "`int / int` is a whole number or an error, so that channels are never rounded in silence. `floor(a / b)`, `ceil` and `round` say how; " +
      "where a float is wanted, a division is one of floats.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 100 / 16, 3x3\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv floor(100 / 16), 3x3\n  output y\n}\n",
    },
  },
  SE0309: {
    title: "Number too large",
    explanation: "Whole numbers are exact up to 2^53 - 1, and all numbers are finite.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 9007199254740991 * 2, 3x3\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 4 * 2, 3x3\n  output y\n}\n",
    },
  },
  SE0310: {
    title: "Unknown parameter",
    explanation: "`--set name=value` names a parameter that the network does not have. The message lists those it has.",
  },
  SE0311: {
    title: "Not a literal",
    explanation:
      "The value of `--set` is a literal of the language: a number, `true`, a word, a window, a string or a list; a list also without brackets.",
  },
  SE0312: {
    title: "Index outside the list",
    explanation: "A list's items are numbered from 0.",
    example: {
      wrong:
        "se 1\nnetwork Net(widths: list<int> = [8, 16]) {\n  input image: f32[N, 3, 8, 8]\n  conv widths[0], 3x3 -> conv widths[2], 3x3\n  output y\n}\n",
      right:
        "se 1\nnetwork Net(widths: list<int> = [8, 16]) {\n  input image: f32[N, 3, 8, 8]\n  conv widths[0], 3x3 -> conv widths[1], 3x3\n  output y\n}\n",
    },
  },
  SE0313: {
    title: "`then` outside a repeat",
    explanation:
      "`2 then 1` is 2 for the first unit of a repeat and 1 for the others; it is an argument of the repeated unit.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv (8 then 16), 3x3\n  output y\n}\n",
      right:
        "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  units: 2 of conv 8, 3x3 / (2 then 1)\n  output y\n}\n",
    },
  },
  SE0314: {
    title: "Block inside itself without end",
    explanation: "Blocks may be nested 64 deep. One that contains itself needs a condition that ends it.",
    example: {
      wrong:
        "se 1\nblock unit(n: int) {\n  unit(n + 1)\n}\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  unit(0)\n  output y\n}\n",
      right:
        "se 1\nblock unit(n: int) {\n  if n < 3 { unit(n + 1) } else { relu }\n}\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  unit(0)\n  output y\n}\n",
    },
  },
  SE0315: {
    title: "Network too large",
    explanation: "A network has at most 10,000 layers, and its program runs at most 100,000 statements.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  for i in 0..20000 { relu }\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  for i in 0..20 { relu }\n  output y\n}\n",
    },
  },
  SE0317: {
    title: "Operator or function on the wrong values",
    explanation:
      "Arithmetic and comparisons take numbers, `/` also a window and its stride, `+`, `-` and `*` also tensors of one shape; " +
      "`*` also a map and a vector, or a tensor and a number.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8 + 3x3, 3x3\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8 + 3, 3x3\n  output y\n}\n",
    },
  },
  SE0318: {
    title: "Wrong input declaration",
    explanation:
      "How a picture becomes the input: the colour order `rgb`, `bgr` or `grey`, then `scale`, `mean`, `std`, `resize`, `antialias`, `crop`. " +
      "The order fits the channels, and no std is 0.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 1, 8, 8] { rgb }\n  relu\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 1, 8, 8] { grey }\n  relu\n  output y\n}\n",
    },
  },
  SE0319: {
    title: "Type of numbers that is not supported yet",
    explanation: "Inputs and outputs are f32. Half precision belongs to kernels, and is chosen when compiling.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f16[N, 3, 8, 8]\n  relu\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  relu\n  output y\n}\n",
    },
  },
  SE0321: {
    title: "Input or output in a block",
    explanation: "Inputs and outputs belong to a network. A block is given `x` and gives the value of its last line.",
    example: {
      wrong:
        "se 1\nblock unit() {\n  relu\n  output y\n}\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  unit\n  output y\n}\n",
      right:
        "se 1\nblock unit() {\n  relu\n}\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  unit\n  output y\n}\n",
    },
  },

  // --- src/check: shapes -----------------------------------------------------------------------------------------

  SE0401: {
    title: "Shape that does not fit",
    explanation:
      "An op cannot be applied to a value of this shape. The message shows the shape and the layer that made it.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  dense 10\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  gap -> dense 10\n  output y\n}\n",
    },
  },
  SE0402: {
    title: "Branch and skip of different shapes",
    explanation:
      "The two sides of a residual unit are added, so they have one shape. `skip unless same { … }` projects the skip where it has not.",
    example: {
      wrong:
        "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  residual { branch { conv 8, 3x3 } }\n  output y\n}\n",
      right:
        "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  residual { branch { conv 3, 3x3 } }\n  output y\n}\n",
    },
  },
  SE0403: {
    title: "Arms of different shapes",
    explanation: "What is concatenated agrees in everything but channels.",
    example: {
      wrong:
        "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  concat { a: conv 8, 3x3 ; b: conv 8, 3x3 / 2 }\n  output y\n}\n",
      right:
        "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  concat { a: conv 8, 3x3 ; b: conv 16, 3x3 }\n  output y\n}\n",
    },
  },
  SE0404: {
    title: "Tensor too large",
    explanation: "A value or a weight has at most 2^31 elements per image.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 2000000000, 7x7\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 2000, 7x7\n  output y\n}\n",
    },
  },
  SE0405: {
    title: "Output of another shape",
    explanation: "The type that an output declares is checked against the value.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  gap\n  output y: f32[N, 4]\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  gap\n  output y: f32[N, 3]\n}\n",
    },
  },
  SE0406: {
    title: "No value here",
    explanation:
      "Layers apply to the value that flows through the lines above. A network starts with an `input`; inside an expression an op is given its value: `gap(x)`.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  relu\n  input image: f32[N, 3, 8, 8]\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  relu\n  output y\n}\n",
    },
  },
  SE0407: {
    title: "Layer that no output needs",
    explanation:
      "The layer is computed from the input, but nothing that is an output depends on it. A warning; it is left out.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8, 3x3\n  output y\n  relu\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8, 3x3\n  relu\n  output y\n}\n",
    },
  },
  SE0408: {
    title: "No output",
    explanation: "A network says which values it gives: `output logits: f32[N, classes]`.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  relu\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  relu\n  output y\n}\n",
    },
  },
  SE0409: {
    title: "Shared weights of two shapes",
    explanation: "A chain has its weights once. Every call needs weights of the shapes that the first call made.",
    example: {
      wrong:
        "se 1\nnetwork Net() {\n  input image: f32[N, 4, 8, 8]\n  let mix = chain { conv 4, 3x3 }\n  mix -> conv 8, 1x1 -> mix\n  output y\n}\n",
      right:
        "se 1\nnetwork Net() {\n  input image: f32[N, 4, 8, 8]\n  let mix = chain { conv 4, 3x3 }\n  mix -> conv 4, 1x1 -> mix\n  output y\n}\n",
    },
  },
  SE0410: {
    title: "Even kernel without padding",
    explanation:
      "Without `pad:` a convolution is padded so that at stride 1 the extents stay. An even kernel would need more on one side than on the other, so it says what it wants.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8, 2x2 / 2\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv 8, 2x2 / 2, pad: 0\n  output y\n}\n",
    },
  },
  SE0411: {
    title: "Wrong type of a tensor",
    explanation:
      "A tensor's first extent is the batch `N`, the others are whole numbers: f32[N, channels, height, width] or f32[N, features].",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[1, 3, 8, 8]\n  relu\n  output y\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  relu\n  output y\n}\n",
    },
  },

  SE0412: {
    title: "Output with the name of another value",
    explanation:
      "`output name` gives the current value. If the name belongs to another one, a reader would expect that: `output name: name` gives it.",
    example: {
      wrong: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  wide: conv 8, 3x3 -> relu\n  output wide\n}\n",
      right: "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  wide: conv 8, 3x3 -> relu\n  output active\n}\n",
    },
  },

  // --- src/check: SE insertions ----------------------------------------------------------------------------------

  SE0501: {
    title: "Unit that is not told",
    explanation:
      "A block that `uses se` takes part in insertions, and nothing above it says where: there is no default. `insert se(at: …)` says it for " +
      "everything below, `at: none` for a network without; a block in between passes it on with `uses se`.",
    example: {
      wrong:
        'se 1\nimport { basic } from "std/resnet.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  unit: basic(8)\n  output y\n}\n',
      right:
        'se 1\nimport { basic } from "std/resnet.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4)\n  unit: basic(8)\n  output y\n}\n',
    },
  },
  SE0502: {
    title: "Point that a unit lacks",
    explanation: "Each kind of unit has the insertion points that make sense for it. The message lists them.",
    example: {
      wrong:
        'se 1\nimport { plain } from "std/plain.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: identity, ratio: 4)\n  unit: plain(8)\n  output y\n}\n',
      right:
        'se 1\nimport { plain } from "std/plain.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4)\n  unit: plain(8)\n  output y\n}\n',
    },
  },
  SE0503: {
    title: "Stage that is not there",
    explanation:
      "`in:` names stages by the numbers that `stage 2 …` gives them. The message lists those of the network.",
    example: {
      wrong:
        'se 1\nimport { basic } from "std/resnet.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4, in: [3])\n  stage 2 layer1: 2 of basic(8)\n  output y\n}\n',
      right:
        'se 1\nimport { basic } from "std/resnet.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4, in: [2])\n  stage 2 layer1: 2 of basic(8)\n  output y\n}\n',
    },
  },
  SE0504: {
    title: "Ratio below 1",
    explanation: "The hidden width of an SE block is channels / ratio; the ratio is a whole number from 1 on.",
    example: {
      wrong:
        'se 1\nimport { basic } from "std/resnet.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 0)\n  unit: basic(8)\n  output y\n}\n',
      right:
        'se 1\nimport { basic } from "std/resnet.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 2)\n  unit: basic(8)\n  output y\n}\n',
    },
  },
  SE0505: {
    title: "Ratio that does not divide the channels",
    explanation: "The hidden width is rounded down, and is at least 1. A note.",
    example: {
      wrong:
        'se 1\nimport { basic } from "std/resnet.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 3)\n  unit: basic(8)\n  output y\n}\n',
      right:
        'se 1\nimport { basic } from "std/resnet.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4)\n  unit: basic(8)\n  output y\n}\n',
    },
  },
  SE0506: {
    title: "Ratio greater than the channels",
    explanation:
      "The hidden width is 1, or the least multiple of the rounding: a gate with hardly anything to learn. A warning.",
    example: {
      wrong:
        'se 1\nimport { basic } from "std/resnet.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 16)\n  unit: basic(8)\n  output y\n}\n',
      right:
        'se 1\nimport { basic } from "std/resnet.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4)\n  unit: basic(8)\n  output y\n}\n',
    },
  },
  SE0507: {
    title: "SE block on a vector",
    explanation: "An SE block scales the channels of a feature map: it stands before the map becomes a vector.",
    example: {
      wrong:
        "se 1\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4)\n  gap -> @standard -> fc: dense 10\n  output y\n}\n",
      right:
        "se 1\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4)\n  @standard -> gap -> fc: dense 10\n  output y\n}\n",
    },
  },
  SE0508: {
    title: "Two SE blocks at one point",
    explanation: "The second scales what the first has just scaled. A warning: usually one point is written twice.",
    example: {
      wrong:
        "se 1\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4)\n  relu -> @standard -> @standard\n  output y\n}\n",
      right:
        "se 1\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4)\n  relu -> @standard\n  output y\n}\n",
    },
  },
  SE0509: {
    title: "Point without a meaning",
    explanation: "The points are pre, standard, identity, post and 3x3, in a network or in a block that `uses se`.",
    example: {
      wrong:
        "se 1\nblock unit() {\n  conv 8, 3x3 -> @3x3\n}\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  unit\n  output y\n}\n",
      right:
        "se 1\nblock unit() uses se {\n  conv 8, 3x3 -> @3x3\n}\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: 3x3, ratio: 4)\n  unit\n  output y\n}\n",
    },
  },
  SE0510: {
    title: "Unknown insertion",
    explanation:
      "What can be inserted is `se`, or a block of the file or of an import, by its name. The units that take part in either say `uses se`.",
    example: {
      wrong:
        "se 1\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert eca(at: standard)\n  relu\n  output y\n}\n",
      right:
        "se 1\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4)\n  relu -> @standard\n  output y\n}\n",
    },
  },
  SE0511: {
    title: "Insertion without units",
    explanation:
      "Nothing below the `insert se(…)` takes part in it: no residual, no point, no block that `uses se`. A warning.",
    example: {
      wrong:
        "se 1\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard)\n  relu\n  output y\n}\n",
      right:
        "se 1\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4)\n  relu -> @standard\n  output y\n}\n",
    },
  },
  SE0512: {
    title: "Units without a skip",
    explanation:
      "The point `identity` is on the skip. A unit whose condition (`residual when …`) leaves the skip out gets no SE block. A note.",
    example: {
      wrong:
        'se 1\nimport { inverted_residual } from "std/mobile.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: identity, ratio: 4)\n  unit: inverted_residual(16, 16)\n  output y\n}\n',
      right:
        'se 1\nimport { inverted_residual } from "std/mobile.se"\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert se(at: standard, ratio: 4)\n  unit: inverted_residual(16, 16)\n  output y\n}\n',
    },
  },

  SE0513: {
    title: "Inserted block that changes the shape",
    explanation:
      "A block that is inserted at a point gives a map of the shape that it was given: the unit goes on with it.",
    example: {
      wrong:
        "se 1\nblock gate() {\n  conv 4, 1x1 -> sigmoid\n}\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert gate(at: standard)\n  relu -> @standard\n  output y\n}\n",
      right:
        "se 1\nblock gate() {\n  x * (x -> conv 1, 1x1 -> sigmoid)\n}\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  insert gate(at: standard)\n  relu -> @standard\n  output y\n}\n",
    },
  },

  // --- src/compile.ts, src/index.ts ------------------------------------------------------------------------------

  SE0901: {
    title: "Target not supported",
    explanation:
      "Every target is compiled for, but not every command runs what was compiled: PyTorch modules have no kernels that `sec verify` or `sec report` could look at.",
  },
  SE0902: {
    title: "Precision not supported",
    explanation:
      "WebGPU kernels compute in f32. CUDA C also knows tf32, f16 and bf16 (--target cuda); half precision in WGSL is planned.",
  },
  SE0903: {
    title: "Value larger than a binding",
    explanation:
      "A kernel of WebGPU reads and writes buffers of at most 128 MiB. One image of the value that is named is larger than that, so no " +
      "batch size helps: lower the resolution or the number of channels.",
  },
  SE0904: {
    title: "Wrong option",
    explanation: "An option of compile() has a value that it cannot have; the message names both.",
  },
  SE0905: {
    title: "Tuning that does not fit",
    explanation:
      "A tuning file says how convolutions are cut for one precision, as `sec tune` measured it. This one is damaged, was written for another " +
      "precision, or was edited so that a convolution would have more slices than steps. Tune again, or compile without it.",
  },
} satisfies Record<string, CodeEntry>;
