/** What Chevrotain's lexer and parser find, in the words of the language. */
import {
  EOF,
  type IParserErrorMessageProvider,
  type IRecognitionException,
  type IToken,
  tokenMatcher,
  type TokenType,
} from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import { nearest } from "../check/suggest.ts";
import type { Diagnostic, Span } from "../diagnostics.ts";

type Complaint = Pick<Diagnostic, "code" | "message" | "hint">;

// --- tokens ----------------------------------------------------------------------------------------------------

/** What is wrong with a token wherever it stands. */
export function tokenFault(token: IToken, file: string, text: string): Diagnostic | undefined {
  const complaint = tokenComplaint(token, text);
  if (complaint === undefined) return undefined;
  const { image, startOffset, tokenType } = token;
  const length = tokenType === t.BlockComment || tokenType === t.HashComment ? image.search(/[^/*#]|$/) : image.length;
  return { severity: "error", span: { file, start: startOffset, end: startOffset + length }, ...complaint };
}

function tokenComplaint({ tokenType, image, startOffset }: IToken, text: string): Complaint | undefined {
  switch (tokenType) {
    case t.Word:
      if (image.length <= longestName) return undefined;
      return {
        code: "SE0106",
        message: `a name of ${image.length} characters is too long`,
        hint: `a name has at most ${longestName}`,
      };
    case t.BadWord:
      return {
        code: "SE0106",
        message: `a name cannot begin with \`_\`: \`${clip(image)}\``,
        hint: "a name is a letter, then letters, digits and `_`",
      };
    case t.Int:
      return intComplaint(image);
    case t.Float:
      return floatComplaint(image);
    case t.Window:
      return windowComplaint(image);
    case t.BadPoint:
      return pointComplaint(image, text[startOffset - 1] ?? "");
    case t.BadNumber:
      return numberComplaint(image);
    case t.Text:
      if (!image.includes("\\")) return undefined;
      return {
        code: "SE0101",
        message: "a string cannot contain `\\`",
        hint: "there are no escapes; the parts of a path are separated with `/`",
      };
    case t.OpenText:
      return { code: "SE0102", message: "this string does not end on its line", hint: 'add the closing `"`' };
    case t.SingleQuoted:
      return {
        code: "SE0101",
        message: "strings are written with double quotes",
        hint: `write "${clip(image.replaceAll("'", ""))}"`,
      };
    case t.BlockComment:
      return {
        code: "SE0116",
        message: image.endsWith("*/")
          ? "there are no block comments"
          : "there are no block comments, and this one does not end",
        hint: "begin every line of it with `//`",
      };
    case t.HashComment:
      return { code: "SE0101", message: "`#` has no meaning", hint: "a comment begins with `//`" };
    case t.BadSign:
      return { code: "SE0101", message: `\`${image}\` has no meaning`, ...(signHints.get(image) ?? {}) };
    default:
      return undefined;
  }
}

const longestName = 63;

const signHints: ReadonlyMap<string, { readonly hint: string }> = new Map([
  ["&&", { hint: "write `and`" }],
  ["&", { hint: "write `and`" }],
  ["||", { hint: "write `or`" }],
  ["|", { hint: "write `or`; steps are joined with `->`" }],
  ["!", { hint: "write `not`" }],
  ["?", { hint: "write `if c { a } else { b }`" }],
  ["\\", { hint: "a line goes on after `,` or an operator, or if the next begins with `->`" }],
]);

function intComplaint(image: string): Complaint | undefined {
  if (image.length > 1 && image.startsWith("0")) {
    const plain = image.replace(/^0+(?=.)/, "");
    return { code: "SE0103", message: `\`${clip(image)}\` has leading zeros`, hint: `write \`${clip(plain)}\`` };
  }
  if (Number.isSafeInteger(Number(image))) return undefined;
  return {
    code: "SE0104",
    message: `\`${clip(image)}\` is too large to be exact`,
    hint: `the largest whole number is ${Number.MAX_SAFE_INTEGER}`,
  };
}

function floatComplaint(image: string): Complaint | undefined {
  if (/^0\d/.test(image)) {
    return {
      code: "SE0103",
      message: `\`${clip(image)}\` has leading zeros`,
      hint: `write \`${clip(image.replace(/^0+(?=\d)/, ""))}\``,
    };
  }
  const value = Number(image);
  if (!Number.isFinite(value)) {
    return { code: "SE0104", message: `\`${clip(image)}\` is too large`, hint: "the largest number is about 1.8e308" };
  }
  if (value !== 0 || !/^[0.]*[1-9]/.test(image)) return undefined;
  return {
    code: "SE0104",
    message: `\`${clip(image)}\` is so small that it would become 0`,
    hint: "the smallest number above 0 is about 5e-324; write `0.0` if you mean 0",
  };
}

function windowComplaint(image: string): Complaint | undefined {
  const extents = image.split("x");
  if (extents.some((extent) => Number(extent) === 0)) {
    const hex = image.startsWith("0x") ? "; there are no hexadecimal numbers" : "";
    return {
      code: "SE0104",
      message: `\`${clip(image)}\` is a window with an extent of 0`,
      hint: `height and width are at least 1${hex}`,
    };
  }
  if (extents.some((extent) => extent.startsWith("0"))) {
    const plain = extents.map((extent) => extent.replace(/^0+/, "")).join("x");
    return { code: "SE0103", message: `\`${clip(image)}\` has leading zeros`, hint: `write \`${clip(plain)}\`` };
  }
  if (extents.every((extent) => Number.isSafeInteger(Number(extent)))) return undefined;
  return {
    code: "SE0104",
    message: `the window \`${clip(image)}\` is too large`,
    hint: "its extents are whole numbers below 2^53",
  };
}

function pointComplaint(image: string, before: string): Complaint {
  if (/[\w)\]]/.test(before)) {
    return { code: "SE0103", message: `\`${clip(image)}\` is not a member`, hint: "after `.` stands a name" };
  }
  const repaired = /^\.\d+$/.test(image) ? `0${image}` : /^\d+\.$/.test(image) ? `${image}0` : undefined;
  return {
    code: "SE0103",
    message: `\`${clip(image)}\` is not a number`,
    hint:
      repaired === undefined
        ? "a number has at most one point"
        : `a point has digits on both sides: \`${clip(repaired)}\``,
  };
}

function numberComplaint(image: string): Complaint {
  const hint = /^0[xX]/.test(image)
    ? "there are no hexadecimal numbers"
    : /^\d[\d_]*$/.test(image)
      ? `digits stand together: \`${clip(image.replaceAll("_", ""))}\``
      : /^\d+x\d+x[\dx]*$/.test(image)
        ? "a window has two extents, height and width: `3x3`"
        : /^\d+(\.\d+)?[eE]$/.test(image)
          ? "the exponent is missing: `1e3`"
          : "a number ends before a letter, and a name begins with a letter";
  return { code: "SE0103", message: `\`${clip(image)}\` is not a number`, hint };
}

function clip(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 37)}…`;
}

// --- grammar ---------------------------------------------------------------------------------------------------

/**
 * Given to the parser instead of its own messages: the token types that it would have taken, path by path, as JSON. The
 * words are found later, by `syntaxFault`, which sees all tokens.
 */
export const expectations: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => JSON.stringify([[expected.name]]),
  buildNoViableAltMessage: ({ expectedPathsPerAlt }) => pathNames(expectedPathsPerAlt.flat()),
  buildEarlyExitMessage: ({ expectedIterationPaths }) => pathNames(expectedIterationPaths),
  buildNotAllInputParsedMessage: () => "[]",
};

function pathNames(paths: readonly (readonly TokenType[])[]): string {
  return JSON.stringify(paths.map((path) => path.map(({ name }) => name)));
}

const typeByName: ReadonlyMap<string, TokenType> = new Map([...t.tokens, EOF].map((type) => [type.name, type]));

/** Where the parser stopped: which token it did not want, in which rules, and what it would have taken there. */
interface Stop {
  readonly tokens: readonly IToken[];
  readonly at: number;
  readonly expected: readonly TokenType[];
  /** From `file` inwards. */
  readonly rules: readonly string[];
}

/** The token that does not fit: with a lookahead of two it may be the one behind that at which the parser gave up. */
export function stopOf({ message, token, context }: IRecognitionException, tokens: readonly IToken[]): Stop {
  const gaveUp = token.tokenType === EOF ? tokens.length : tokens.indexOf(token);
  const paths = (JSON.parse(message) as string[][]).map((path) => path.flatMap((name) => typeByName.get(name) ?? []));
  const fits = paths.map((path) => {
    const miss = path.findIndex((type, index) => {
      const found = tokens[gaveUp + index];
      return found === undefined || !tokenMatcher(found, type);
    });
    return miss < 0 ? path.length : miss;
  });
  const ahead = Math.max(0, ...fits);
  const at = gaveUp + ahead;
  const expected = new Set(paths.flatMap((path, index) => (fits[index] === ahead ? (path[ahead] ?? []) : [])));
  const rules = context.ruleStack;
  if (ahead === 0) return { tokens, at, expected: [...expected], rules };
  // `let` could have been a label or a group, but that is not what a line that begins with it was meant to be.
  for (const unlikely of [t.Colon, t.LeftBrace]) if (expected.size > 1) expected.delete(unlikely);
  return {
    tokens,
    at,
    expected: [...expected],
    rules: [...rules, ruleBehind.get(tokens[gaveUp]?.tokenType) ?? "line"],
  };
}

const ruleBehind: ReadonlyMap<TokenType | undefined, string> = new Map([
  [t.Input, "inputLine"],
  [t.Output, "outputLine"],
  [t.Insert, "insert"],
  [t.Let, "binding"],
  [t.Chain, "chain"],
  [t.For, "loop"],
  [t.Stage, "stage"],
  [t.Residual, "residual"],
  [t.Concat, "arms"],
]);

/** The message for a stop; `first` is the first token of its statement. */
export function syntaxFault(stop: Stop, first: IToken | undefined, file: string, text: string): Diagnostic {
  const found = stop.tokens[stop.at];
  const previous = stop.tokens[stop.at - 1];
  const typo = misspelt(stop, first);
  if (typo) return { severity: "error", span: spanOf(typo.token), ...typo.complaint };
  const end = previous === undefined ? 0 : endOf(previous);
  // A brace in a later line is not what is wrong: the line before it breaks off.
  const breaksOff =
    found?.tokenType === t.Separator ||
    (found?.tokenType === t.RightBrace && /[\r\n]/.test(text.slice(end, found.startOffset)));
  const words =
    found === undefined
      ? stop.rules[0] === "file"
        ? "the end of the file"
        : "the end"
      : breaksOff && found.image !== ";"
        ? "the end of the line"
        : `\`${clip(found.image)}\``;
  const span = found === undefined || breaksOff ? { file, start: end, end } : spanOf(found);
  return { severity: "error", span, ...complaintAbout(stop, first, words) };

  function spanOf(token: IToken): Span {
    return { file, start: token.startOffset, end: endOf(token) };
  }
}

function complaintAbout(stop: Stop, first: IToken | undefined, found: string): Complaint {
  const { tokens, at, expected, rules } = stop;
  const rule = rules.at(-1) ?? "file";
  const [previous, token] = [tokens[at - 1], tokens[at]];
  if (expected.length === 0) return betweenDeclarations(previous, token, found);
  if (token && isReserved(token) && wantsName(stop)) {
    return {
      code: "SE0115",
      message: `\`${token.image}\` is a word of the language and cannot be a name here`,
      hint: "choose another name; labels, groups and names of arguments may be any word",
    };
  }
  const only = expected.length === 1 ? expected[0] : undefined;
  if (token && only === t.RightBrace && (rule === "body" || rule === "arms"))
    return afterStatement(token, first, found);

  const what =
    phrases.get(`${rule} ${only?.name}`) ??
    (only ? only.LABEL : phrases.get(rule)) ??
    listed(expected.map(({ LABEL, name }) => LABEL ?? name));
  const after = previous && !boundaries.has(previous.tokenType) ? ` after \`${clip(previous.image)}\`` : "";
  const inner = rules.slice(rules.lastIndexOf("body") + 1);
  const example = examples.get(inner.findLast((name) => examples.has(name)) ?? "");
  const message = `expected ${what}${after}, found ${found}`;
  return example === undefined
    ? { code: "SE0112", message }
    : { code: "SE0112", message, hint: `as in \`${example}\`` };
}

function betweenDeclarations(previous: IToken | undefined, token: IToken | undefined, found: string): Complaint {
  if (previous && previous.tokenType !== t.Separator) {
    return { code: "SE0117", message: `expected a new line before ${found}`, hint: "every declaration begins a line" };
  }
  if (token?.tokenType === t.Se) return { code: "SE0112", message: "the edition stands in the first line, once" };
  return {
    code: "SE0120",
    message: `expected \`network\`, \`block\`, \`enum\` or \`import\`, found ${found}`,
    hint: "layers stand inside a network: `network Net() { … }`",
  };
}

/** A statement is complete, and the line goes on. */
function afterStatement({ tokenType }: IToken, first: IToken | undefined, found: string): Complaint {
  const code = "SE0117";
  switch (tokenType) {
    case t.Assign:
      return {
        code,
        message: "a value is bound with `let`",
        hint: `write \`let ${clip(first?.image ?? "name")} = …\``,
      };
    case t.Else:
      return { code, message: "this `else` follows no `if`", hint: "as in `if stride == 2 { … } else { … }`" };
    case t.LeftBrace:
      return {
        code,
        message: "nothing here takes a block",
        hint: "braces follow the name of a group, `residual`, `branch`, `skip`, `concat`, `chain`, `if`, `else` and `for`",
      };
    default:
      return {
        code,
        message: `expected \`->\`, \`,\` or a new line before ${found}`,
        hint: "steps are joined with `->`, arguments with `,`",
      };
  }
}

interface Typo {
  readonly token: IToken;
  readonly complaint: Complaint;
}

/** A word that stands where only a keyword can, or begins what looks like a statement, and is nearly its keyword. */
function misspelt({ tokens, at, expected, rules }: Stop, first: IToken | undefined): Typo | undefined {
  const previous = tokens[at - 1]?.tokenType;
  if (expected.length === 0) return typo(tokens[at], topWords);
  const rule = `${rules.at(-1)} ${expected[0]?.name}`;
  const before = rule === "body RightBrace" && previous === t.RightBrace ? ["else"] : (optional.get(rule) ?? []);
  const wanted = expected.flatMap(({ PATTERN }) =>
    typeof PATTERN === "string" && /^\w/.test(PATTERN) ? [PATTERN] : [],
  );
  const here = typo(tokens[at], [...wanted, ...before]);
  if (here || first === undefined) return here;
  const index = tokens.indexOf(first);
  const shaped = shapes.filter(([, shape]) =>
    shape.every((type, offset) => {
      const token = tokens[index + 1 + offset];
      return token !== undefined && tokenMatcher(token, type);
    }),
  );
  const block = tokens[at]?.tokenType === t.LeftBrace ? blockWords : [];
  return typo(first, [...shaped.map(([word]) => word), ...block]);
}

function typo(token: IToken | undefined, words: readonly string[]): Typo | undefined {
  if (token?.tokenType !== t.Word) return undefined;
  const translated = foreign.get(token.image) ?? "";
  const word = words.includes(translated) ? translated : nearest(token.image, words);
  if (word === undefined) return undefined;
  const message = `unknown word \`${clip(token.image)}\``;
  return { token, complaint: { code: "SE0113", message, hint: `did you mean \`${word}\`?` } };
}

const topWords = ["network", "block", "enum", "import"];
const blockWords = ["if", "for", "residual"];

/** What follows the word that begins a statement. */
const shapes: readonly (readonly [string, readonly TokenType[]])[] = [
  ["input", [t.Identifier, t.Colon]],
  ["output", [t.Identifier, t.Colon]],
  ["let", [t.Identifier, t.Assign]],
  ["for", [t.Identifier, t.In]],
  ["stage", [t.Int, t.Name]],
];

/** Words that could have stood before what a rule then demands. */
const optional: ReadonlyMap<string, readonly string[]> = new Map([
  ["residual RightBrace", ["skip", "after"]],
  ["residual LeftBrace", ["when"]],
  ["skip LeftBrace", ["unless"]],
  ["definition LeftBrace", ["uses"]],
  ["body LeftBrace", ["uses"]],
]);

/** What the same thing is called elsewhere. */
const foreign: ReadonlyMap<string, string> = new Map([
  ["model", "network"],
  ["net", "network"],
  ["module", "block"],
  ["class", "block"],
  ["def", "block"],
  ["fn", "block"],
  ["func", "block"],
  ["function", "block"],
  ["include", "import"],
  ["use", "import"],
  ["const", "let"],
  ["var", "let"],
  ["return", "output"],
  ["elif", "else"],
]);

function isReserved({ tokenType }: IToken): boolean {
  const { CATEGORIES = [] } = tokenType;
  return CATEGORIES.includes(t.Name) || CATEGORIES.includes(t.GroupName);
}

/** Something is named here, or a value is read. */
function wantsName({ tokens, at, expected, rules }: Stop): boolean {
  if (expected.every((type) => type === t.Identifier || type === t.Concat)) return true;
  const next = tokens[at + 1]?.tokenType;
  const ended = next === undefined || valueEnds.has(next) || (next.CATEGORIES ?? []).includes(t.Operator);
  const rule = rules.at(-1);
  // `conv stage, 3x3`: without a value, `conv` was a whole statement.
  if (rule === "body") return ended && tokens[at]?.tokenType !== t.Else && tokens[at - 1]?.tokenType === t.Word;
  return ended && (rule === "operand" || rule === "plainOperand");
}

const valueEnds: ReadonlySet<TokenType> = new Set([
  t.Comma,
  t.RightParen,
  t.RightSquare,
  t.RightBrace,
  t.Separator,
  t.Arrow,
]);
const boundaries: ReadonlySet<TokenType> = new Set([t.Separator, t.LeftBrace, t.RightBrace]);

/** `a, b or c` */
function listed(items: readonly string[]): string {
  const all = [...new Set(items)];
  const last = all.pop() ?? "";
  return all.length === 0 ? last : `${all.join(", ")} or ${last}`;
}

function endOf({ startOffset, image }: IToken): number {
  return startOffset + image.length;
}

/** What a rule wants, where the list of tokens would be long or would leave out what could have gone on before. */
const phrases: ReadonlyMap<string, string> = new Map([
  ["statement", "a statement"],
  ["pipeline", "a step"],
  ["step", "a step"],
  ["action", "a step"],
  ["simple", "a step"],
  ["binding", "a value"],
  ["bareArg", "an argument"],
  ["arg", "an argument"],
  ["bareExpression", "a value"],
  ["operand", "a value"],
  ["plainOperand", "a value"],
  ["literal", "a value"],
  ["literalItem", "a value"],
  ["outputLine undefined", "a type such as `f32[N, 10]`, or a value"],
  ["name", "a name"],
  ["point", "a point such as `standard` or `3x3`"],
  ["definition RightParen", "`,` or `)`"],
  ["parenArgs RightParen", "`,` or `)`"],
  ["list RightSquare", "`,` or `]`"],
  ["tensorType RightSquare", "`,` or `]`"],
  ["type Greater", "`,` or `>`"],
  ["enumeration RightBrace", "`,` or `}`"],
  ["importLine RightBrace", "`,` or `}`"],
  ["inputLine RightBrace", "`,` or `}`"],
  ["residual RightBrace", "`skip`, `after` or `}`"],
]);

/** How the thing is written that a rule reads. */
const examples: ReadonlyMap<string, string> = new Map([
  ["edition", "se 1"],
  ["importLine", 'import { bottleneck } from "std/resnet.se"'],
  ["enumeration", "enum Variant { v1_5, v1 }"],
  ["definition", "block unit(width: int, stride: int = 1) uses se { … }"],
  ["param", "stride: int = 1"],
  ["type", "list<int>"],
  ["inputLine", "input image: f32[N, 3, 224, 224] { rgb, scale: 1 / 255 }"],
  ["outputLine", "output logits: f32[N, classes]"],
  ["tensorType", "f32[N, 64, 56, 56]"],
  ["insert", "insert se(at: standard, ratio: 16)"],
  ["binding", "let half = width / 2"],
  ["chain", "let mlp = chain { … }"],
  ["condition", "if stride == 2 { … } else { … }"],
  ["loop", "for i in 0..3 { … }"],
  ["stage", "stage 2 layer1: 3 of bottleneck(64)"],
  ["unit", "3 of bottleneck(64)"],
  ["residual", "residual { branch { … } skip { … } after relu }"],
  ["skip", "skip unless same { … }"],
  ["arms", "concat { a: conv 64, 1x1 ; b: conv 64, 3x3 }"],
  ["choice", "if c { a } else { b }"],
]);
