/** What Chevrotain's parser finds, in the words of the language. */
import {
  EOF,
  type IParserErrorMessageProvider,
  type IRecognitionException,
  type IToken,
  tokenMatcher,
  type TokenType,
} from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import { nearest } from "../suggest.ts";
import type { Diagnostic, Span } from "../diagnostics.ts";
import { clip, type Complaint, nameRule } from "./tokenFault.ts";

/**
 * Given to the parser instead of its own messages: the token types that it would have taken, path by path, as JSON. The
 * words are found later, by `syntaxFault`, which sees all tokens.
 */
export const expectations: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => JSON.stringify([[expected.name]]),
  buildNoViableAltMessage: ({ expectedPathsPerAlt }) => pathNames(expectedPathsPerAlt.flat()),
  buildEarlyExitMessage: ({ expectedIterationPaths }) => pathNames(expectedIterationPaths),
  buildNotAllInputParsedMessage: ({ ruleName }) => (ruleName === "literal" ? pathNames([[t.Comma], [EOF]]) : "[]"),
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
  const rules = context.ruleStack;
  const at = gaveUp + ahead;
  // Between declarations anything else is wrong in the same way, wherever the parser noticed.
  if (ahead === 0 && rules.at(-1) === "declaration") return { tokens, at, expected: [], rules };
  const expected = new Set(paths.flatMap((path, index) => (fits[index] === ahead ? (path[ahead] ?? []) : [])));
  // Where a name is wanted, several in parentheses would do too: that helps nobody.
  if (expected.has(t.Identifier) && !expected.has(t.Int)) expected.delete(t.LeftParen);
  if (ahead === 0) return { tokens, at, expected: [...expected], rules };
  // `conv(stage, 3x3)` names no argument, it reads a value.
  if (expected.size === 1 && expected.has(t.Colon) && valueEnds.has(tokens[at]?.tokenType ?? t.Separator)) {
    return { tokens, at: gaveUp, expected: [...new Set(paths.flatMap(([type]) => type ?? []))], rules };
  }
  // `let` could have been a label or a group, but that is not what a line that begins with it was meant to be.
  for (const unlikely of [t.DotDot, t.Colon, t.LeftBrace]) if (expected.size > 1) expected.delete(unlikely);
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
  [t.If, "condition"],
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
  if (token && only === t.RightBrace && (rule === "body" || rule === "arms")) {
    return afterStatement(token, first, previous?.tokenType === t.RightBrace, found);
  }
  if (rule === "suffix" && token?.tokenType === t.Comma) {
    const callee = tokens[tokens.slice(0, at).findLastIndex(({ tokenType }) => tokenType === t.LeftSquare) - 1];
    return {
      code: "SE0118",
      message: "this is an index, and an index is one number",
      hint: `an argument that begins with \`[\` stands in parentheses: \`${callee?.image ?? "norm"}([…])\``,
    };
  }
  if (rule === "definition" && token && previous?.tokenType === t.Word && token.startOffset === endOf(previous)) {
    if (only === t.LeftParen && token.tokenType !== t.LeftBrace) {
      return { code: "SE0106", message: `\`${clip(token.image)}\` cannot be part of a name`, hint: nameRule };
    }
  }

  const what =
    phrases.get(`${rule} ${only?.name}`) ??
    (only ? only.LABEL : phrases.get(rule)) ??
    (operandStarts.every((type) => expected.includes(type))
      ? "a value"
      : listed(expected.map((type) => (type === EOF ? "the end" : (type.LABEL ?? type.name)))));
  const after = previous && !boundaries.has(previous.tokenType) ? ` after \`${clip(previous.image)}\`` : "";
  const message = `expected ${what}${after}, found ${found}`;
  const hint = hintFor(stop, only, token);
  return hint === undefined ? { code: "SE0112", message } : { code: "SE0112", message, hint };
}

function hintFor(
  { tokens, at, rules }: Stop,
  only: TokenType | undefined,
  token: IToken | undefined,
): string | undefined {
  const rule = rules.at(-1);
  if (rule === "type" && token?.tokenType === t.GreaterEqual) return "put a space between `>` and `=`";
  if (rule === "parenArgs" && token?.tokenType === t.Arrow) {
    return "among other arguments, a pipeline stands in parentheses of its own";
  }
  if (rule === "definition" && only === t.Identifier && token?.tokenType !== t.LeftBrace) return nameRule;
  // A body that has not begun belongs to what is around it, one that has begun hides it.
  const begun = rule === "body" && only === t.LeftBrace ? rules.slice(0, -1) : rules;
  const inner = begun.slice(begun.lastIndexOf("body") + 1);
  const read = inner.findLast((name) => examples.has(name));
  const keyword = tokens.slice(0, at).findLast(({ tokenType }) => tokenType === t.Network || tokenType === t.Block);
  const example = examples.get(read === "definition" && keyword?.tokenType === t.Network ? "network" : (read ?? ""));
  return example === undefined ? undefined : `as in \`${example}\``;
}

/** All operands can begin with these, and nothing else can. */
const operandStarts = [t.Int, t.Window, t.Text, t.LeftSquare];

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
function afterStatement(
  { tokenType }: IToken,
  first: IToken | undefined,
  afterBlock: boolean,
  found: string,
): Complaint {
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
        message: `expected \`->\`${afterBlock ? "" : ", `,`"} or a new line before ${found}`,
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
  const innermost = rules.at(-1) === "body" && expected[0] === t.LeftBrace ? rules.at(-2) : rules.at(-1);
  const rule = `${innermost} ${expected[0]?.name}`;
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
  ["let", [t.LeftParen, t.Identifier, t.Comma]],
  ["for", [t.Identifier, t.In]],
  ["for", [t.LeftParen, t.Identifier, t.Comma]],
  ["stage", [t.Int, t.Name]],
];

/** Words that could have stood before what a rule then demands. */
const optional: ReadonlyMap<string, readonly string[]> = new Map([
  ["residual RightBrace", ["skip", "after"]],
  ["residual LeftBrace", ["when"]],
  ["skip LeftBrace", ["unless"]],
  ["definition LeftBrace", ["uses"]],
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
  if (rule === "definition") return next === t.Colon;
  // `conv stage, 3x3`: without a value, `conv` was a whole statement.
  if (rule === "body") return ended && tokens[at]?.tokenType !== t.Else && tokens[at - 1]?.tokenType === t.Word;
  return ended && valueRules.has(rule ?? "");
}

const valueEnds: ReadonlySet<TokenType> = new Set([
  t.Comma,
  t.RightParen,
  t.RightSquare,
  t.RightBrace,
  t.Separator,
  t.Arrow,
]);
const valueRules: ReadonlySet<string> = new Set(["operand", "plainOperand", "arg", "bareArg"]);
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
  ["outputLine undefined", "a type such as `f32[N, 10]` or a value"],
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
  ["residual LeftBrace", "`{`, `when` or an option such as `join: concat`"],
  ["residual RightBrace", "`skip`, `after` or `}`"],
]);

/** How the thing is written that a rule reads. */
const examples: ReadonlyMap<string, string> = new Map([
  ["edition", "se 1"],
  ["importLine", 'import { bottleneck } from "std/resnet.se"'],
  ["enumeration", "enum Variant { v1_5, v1 }"],
  ["network", "network Net(classes: int = 10) { … }"],
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
  ["counted", "b1..: 3 of bottleneck(64)"],
  ["unit", "3 of bottleneck(64)"],
  ["residual", "residual { branch { … } skip { … } after relu }"],
  ["skip", "skip unless same { … }"],
  ["arms", "concat { a: conv 64, 1x1 ; b: conv 64, 3x3 }"],
  ["choice", "if c { a } else { b }"],
]);
