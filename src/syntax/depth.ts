import type { IToken, TokenType } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import type { Diagnostic } from "../diagnostics.ts";

export const maxDepth = 200;

/**
 * The first token that nests deeper than 200: no later phase then needs to fear for its stack. Counted are brackets, and
 * what makes a tree deep without them: operators in a row, chained members and indices, `if` in
 * the condition of `if`, `else if` after `else if`.
 */
export function tooDeep(tokens: readonly IToken[]): IToken | undefined {
  /** What the brackets around this token were opened with. */
  const outer: { readonly depth: number; readonly elses: number }[] = [];
  let start = 0;
  let depth = 0;
  let elses = 0;
  for (const token of tokens) {
    const type = token.tokenType;
    if (openers.has(type)) {
      outer.push({ depth: start, elses });
      start = ++depth;
      elses = 0;
    } else if (closers.has(type)) {
      const inner = start;
      ({ depth: start, elses } = outer.pop() ?? { depth: 0, elses: 0 });
      // An index is a level above what it is applied to; a block or a pair of parentheses is done.
      depth = type === t.RightSquare ? inner : type === t.RightBrace ? start + elses : inner - 1;
    } else if (type === t.Else) depth = start + ++elses;
    else if (ends.has(type)) {
      depth = start;
      elses = 0;
    } else if (deepening.has(type)) depth++;
    if (depth > maxDepth) return token;
  }
  return undefined;
}

/** What is said where the stack ends before the limit is reached: the innermost bracket is to blame. */
export function deepFault(tokens: readonly IToken[], file: string): Diagnostic {
  let [depth, most] = [0, 0];
  let deepest = tokens[0]!;
  for (const token of tokens) {
    if (openers.has(token.tokenType) && ++depth > most) [most, deepest] = [depth, token];
    if (closers.has(token.tokenType)) depth--;
  }
  return depthFault(deepest, file, `this is nested ${most} deep, more than fits on the stack`);
}

export function depthFault({ startOffset, image }: IToken, file: string, message: string): Diagnostic {
  return {
    code: "SE0107",
    severity: "error",
    message,
    span: { file, start: startOffset, end: startOffset + image.length },
    hint: "give a part of it a name, with `let` or as a `block`",
  };
}

const openers: ReadonlySet<TokenType> = new Set([t.LeftParen, t.LeftSquare, t.LeftBrace]);
const closers: ReadonlySet<TokenType> = new Set([t.RightParen, t.RightSquare, t.RightBrace]);
/** After these a new tree begins, beside the one before. */
const ends: ReadonlySet<TokenType> = new Set([t.Separator, t.Comma, t.Arrow, t.Assign, t.Colon]);
const deepening: ReadonlySet<TokenType> = new Set([
  t.Dot,
  t.If,
  ...t.tokens.filter(({ CATEGORIES = [] }) => CATEGORIES.includes(t.Operator) || CATEGORIES.includes(t.Prefix)),
]);
