import { type IRecognitionException, type IToken, type TokenType } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import type { Problems } from "../diagnostics.ts";
import { deepFault } from "./depth.ts";
import { stopOf, syntaxFault } from "./errors.ts";
import type { Lexed } from "./lex.ts";

/** Errors that one file is told, and tokens that are read to find them. */
const enough = 20;
const effort = 400_000;

/**
 * Reads the tokens, and while that fails takes out the statement with the error and reads again. Brackets match by now,
 * so a statement has clear ends: what follows it is read as if it had not been there, and no error causes another.
 */
export function parseOrReport<Tree>(
  read: (tokens: readonly IToken[]) => { readonly tree: Tree; readonly error: IRecognitionException | undefined },
  lexed: Lexed,
  { file, text }: { readonly file: string; readonly text: string },
  problems: Problems,
): Tree | undefined {
  let { tokens } = lexed;
  let failed = lexed.faults.length > 0;
  let hole: number | undefined;
  let reported = 0;
  for (let work = 0; work < effort && reported < enough; work += tokens.length) {
    const result = withinStack(() => read(tokens));
    if (result === undefined) {
      problems.report(deepFault(tokens, file));
      return undefined;
    }
    const { tree, error } = result;
    if (error === undefined) return failed ? undefined : tree;
    failed = true;
    const stop = stopOf(error, tokens);
    const [start, end] = statementAround(tokens, stop.at);
    // Where a part was taken out that its surroundings need, the error is of our making; a list of statements needs none.
    const ours = (stop.at === hole || stop.at + 1 === hole) && !lists.has(stop.rules.at(-1) ?? "file");
    if (!ours && !covers(lexed.faults, tokens, start, end)) {
      const fault = syntaxFault(stop, tokens[start], file, text);
      // One layer outside a network tells of all.
      if (fault.code !== "SE0120" || !problems.list.some(({ code }) => code === "SE0120")) problems.report(fault);
      reported++;
    }
    if (start === end) return undefined;
    // Its separator goes with it: the one behind it or, in the last place, the one before.
    const after = tokens[end]?.tokenType === t.Separator;
    const before = !after && tokens[start - 1]?.tokenType === t.Separator;
    hole = before ? start - 1 : start;
    tokens = [...tokens.slice(0, hole), ...tokens.slice(after ? end + 1 : end)];
  }
  return undefined;
}

/** Nothing if the stack was too small: a page, a worker or a caller deep in its own work has less than we count on. */
function withinStack<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The statement, arm, member or declaration that a token belongs to; a separator and a `}` belong to what they end. */
function statementAround(tokens: readonly IToken[], at: number): [start: number, end: number] {
  const typeAt = (index: number): TokenType => tokens[index]?.tokenType ?? t.Separator;
  const inside = typeAt(at) === t.Separator || typeAt(at) === t.RightBrace ? at - 1 : at;
  let start = Math.max(0, inside);
  for (let depth = typeAt(inside) === t.RightBrace ? 1 : 0; start > 0; start--) {
    const type = typeAt(start - 1);
    if (depth === 0 && (type === t.LeftBrace || type === t.Separator)) break;
    if (type === t.RightBrace) depth++;
    if (type === t.LeftBrace) depth--;
  }
  let end = inside + 1;
  for (let depth = typeAt(inside) === t.LeftBrace ? 1 : 0; end < tokens.length; end++) {
    const type = typeAt(end);
    if (depth === 0 && (type === t.RightBrace || type === t.Separator)) break;
    if (type === t.LeftBrace) depth++;
    if (type === t.RightBrace) depth--;
  }
  return [start, end];
}

const lists: ReadonlySet<string> = new Set(["file", "declaration", "body", "statement", "arms", "arm"]);

function covers(offsets: readonly number[], tokens: readonly IToken[], start: number, end: number): boolean {
  const before = tokens[start - 1];
  const from = before === undefined ? 0 : before.startOffset + before.image.length;
  const to = tokens[end]?.startOffset ?? Infinity;
  return offsets.some((offset) => offset >= from && offset <= to);
}
