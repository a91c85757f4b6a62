/** Brackets are paired before the parser runs: with one too few, it would find every later line wrong. */
import type { IToken, TokenType } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import type { Problems, Span } from "../diagnostics.ts";

interface Open {
  readonly token: IToken;
  /** Columns before the first token of its line. */
  readonly indent: number;
}

/** Whether every bracket has its partner; one that has none is reported. `raw` has all newlines. */
export function bracketsMatch(raw: readonly IToken[], file: string, problems: Problems): boolean {
  const open: Open[] = [];
  /** The first `{` whose `}` is indented less than its line: if a `}` is missing, then probably here. */
  let suspect: Open | undefined;
  let indent = 0;

  for (const [index, token] of raw.entries()) {
    const type = token.tokenType;
    if (type === t.Newline) continue;
    const previous = raw[index - 1];
    const startsLine = previous === undefined || previous.tokenType === t.Newline;
    if (startsLine) indent = previous === undefined ? 0 : token.startOffset - endOf(previous);
    const inside = open.at(-1);

    if (startsLine && inside && startsDeclaration(raw, index)) {
      const braces = inside.token.tokenType === t.LeftBrace;
      return unclosed(braces ? (suspect ?? open[0] ?? inside) : inside, token, "the next declaration begins");
    }
    if (closerOf.has(type)) open.push({ token, indent });
    if (!closers.has(type)) continue;
    if (inside === undefined) return extra(token);
    if (closerOf.get(inside.token.tokenType) !== type) return unclosed(inside, token, `\`${token.image}\` stands`);
    if (startsLine && indent < inside.indent) suspect ??= inside;
    open.pop();
  }
  const first = open[0];
  return first === undefined || unclosed(suspect ?? first, undefined, "");

  function unclosed({ token }: Open, before: IToken | undefined, what: string): false {
    const closer = closerOf.get(token.tokenType)?.PATTERN;
    problems.report({
      code: "SE0114",
      severity: "error",
      message: `this \`${token.image}\` is never closed`,
      span: spanOf(token),
      ...(before && { related: [{ span: spanOf(before), message: `${what} before its \`${closer}\`` }] }),
      hint: `add \`${closer}\` where it ends`,
    });
    return false;
  }

  function extra(token: IToken): false {
    problems.report({
      code: "SE0114",
      severity: "error",
      message: `this \`${token.image}\` closes nothing`,
      span: spanOf(token),
      hint: "every bracket before it is closed already: delete it, or look for one that is closed too early",
    });
    return false;
  }

  function spanOf(token: IToken): Span {
    return { file, start: token.startOffset, end: endOf(token) };
  }
}

const closerOf: ReadonlyMap<TokenType, TokenType> = new Map([
  [t.LeftParen, t.RightParen],
  [t.LeftSquare, t.RightSquare],
  [t.LeftBrace, t.RightBrace],
]);
const closers: ReadonlySet<TokenType> = new Set(closerOf.values());

/** `network Name(`, `block name(`, `enum Name {` at the start of a line. */
function startsDeclaration(raw: readonly IToken[], index: number): boolean {
  const type = raw[index]?.tokenType;
  if (type !== t.Network && type !== t.Block && type !== t.Enum) return false;
  const [next, afterNext] = [raw[index + 1], raw[index + 2]?.tokenType];
  return next?.tokenType === t.Word && (afterNext === t.LeftParen || afterNext === t.LeftBrace);
}

function endOf({ startOffset, image }: IToken): number {
  return startOffset + image.length;
}
