/**
 * Text to tokens: Chevrotain's lexer, then the layout rules that it cannot express. What is refused here is refused
 * before the parser runs, so that neither size nor depth can hurt it.
 */
import { type IToken, Lexer, type TokenType } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import { Problems } from "../diagnostics.ts";
import { bracketsMatch } from "./brackets.ts";
import { refuseCharacters } from "./characters.ts";
import { depthFault, maxDepth, tooDeep } from "./depth.ts";
import { tokenFault } from "./tokenFault.ts";

export interface Lexed {
  /** Without spaces, comments and the newlines that do not count. */
  readonly tokens: readonly IToken[];
  readonly comments: readonly IToken[];
  /** Where a token was refused; what the parser says about the same statement would be noise. */
  readonly faults: readonly number[];
}

/** 1 MiB */
const maxSize = 2 ** 20;

/** A file in another language need not be told a thousand times. */
const enough = 20;

let lexer: Lexer | undefined;

/** The tokens of a text, or nothing if parsing them would only invent errors. */
export function lex(text: string, file: string, problems: Problems): Lexed | undefined {
  if (text.length > maxSize) {
    problems.report({
      code: "SE0108",
      severity: "error",
      message: `the file has ${text.length} characters; a source file may have ${maxSize} (1 MiB)`,
      span: { file, start: 0, end: 0 },
      hint: "is this a source file? weights are given with `--weights`",
    });
    return undefined;
  }
  const before = problems.list.length;
  refuseCharacters(text, file, problems);
  if (problems.list.length > before) return undefined;

  lexer ??= new Lexer(t.tokens, { positionTracking: "onlyOffset", ensureOptimizations: true });
  const { tokens: raw, groups } = lexer.tokenize(text);
  const faults: number[] = [];
  for (const token of raw) {
    const fault = tokenFault(token, file, text);
    if (fault === undefined) continue;
    problems.report(fault);
    if (faults.push(token.startOffset) === enough) return undefined;
  }
  const known = raw.filter(({ tokenType }) => !dropped.has(tokenType));
  // A string or a comment that does not end has swallowed brackets.
  const swallowed = known.some(({ tokenType }) => tokenType === t.OpenText) || known.length < raw.length;
  if (!bracketsMatch(known, file, swallowed ? new Problems() : problems)) return undefined;
  const tokens = layout(known);
  const deep = tooDeep(tokens);
  if (deep) {
    problems.report(depthFault(deep, file, `this is nested deeper than ${maxDepth}`));
    return undefined;
  }
  return { tokens, comments: groups["comments"] ?? [], faults };
}

/** Refused with a message, then as if they were not there. */
const dropped: ReadonlySet<TokenType> = new Set([t.BlockComment, t.HashComment, t.BadSign]);

/**
 * Turns the newlines that end a statement into separators and drops the others: those inside parentheses, after a sign or
 * word that wants more, before `->`, `{` and `else`, and around braces. Several in a row become one. A `;` in parentheses
 * ends nothing; the parser refuses it.
 */
function layout(raw: readonly IToken[]): IToken[] {
  const tokens: IToken[] = [];
  let parens = 0;
  let pending: IToken | undefined;
  for (const [index, token] of raw.entries()) {
    const type = token.tokenType;
    if (type === t.Newline || (type === t.Separator && parens === 0)) {
      if (parens === 0 && (pending === undefined || type === t.Separator)) pending = token;
      continue;
    }
    if (pending !== undefined && separates(pending, tokens, token, raw[index + 1])) {
      tokens.push(retyped(pending, t.Separator));
    }
    pending = undefined;
    // Chevrotain's `onlyOffset` leaves it out, and its trees take theirs from it.
    token.endOffset = token.startOffset + token.image.length - 1;
    tokens.push(type === t.Separator ? retyped(token, t.BadSign) : token);
    if (type === t.LeftParen || type === t.LeftSquare) parens++;
    if (type === t.RightParen || type === t.RightSquare) parens--;
  }
  return tokens;
}

function retyped(token: IToken, type: TokenType): IToken {
  return { ...token, tokenType: type, tokenTypeIdx: type.tokenTypeIdx ?? 0 };
}

function separates(pending: IToken, before: readonly IToken[], next: IToken, afterNext: IToken | undefined): boolean {
  const previous = before.at(-1);
  if (previous === undefined || previous.tokenType === t.LeftBrace || next.tokenType === t.RightBrace) return false;
  if (pending.tokenType === t.Separator) return true;
  if (next.tokenType === t.Arrow || next.tokenType === t.LeftBrace) return false;
  if (next.tokenType === t.Else && afterNext?.tokenType !== t.Colon && previous.tokenType === t.RightBrace)
    return false;
  return !wantsMore(previous, before.at(-2));
}

const openSigns: ReadonlySet<TokenType> = new Set([
  ...[t.Arrow, t.Comma, t.DotDot, t.Equal, t.NotEqual, t.LessEqual, t.GreaterEqual, t.Less],
  ...[t.Greater, t.Plus, t.Minus, t.Times, t.Divide, t.Modulo],
]);
const openWords: ReadonlySet<TokenType> = new Set([t.And, t.Or, t.Not, t.In, t.Then, t.Of, t.When]);

/** `a +`, `conv 64,`, `a and` go on in the next line; `x.in` and `@then` are whole. */
function wantsMore(token: IToken, before: IToken | undefined): boolean {
  if (openSigns.has(token.tokenType)) return true;
  return openWords.has(token.tokenType) && before?.tokenType !== t.Dot && before?.tokenType !== t.At;
}
