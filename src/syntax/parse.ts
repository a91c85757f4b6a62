import type { IToken } from "chevrotain";
import type { FileCstNode, LiteralCstNode } from "../../grammar/cst.d.ts";
import { SeParser } from "../../grammar/parser.ts";
import * as t from "../../grammar/tokens.ts";
import { Problems } from "../diagnostics.ts";
import type { Expr, SourceFile } from "./ast.ts";
import { buildFile, buildLiteral } from "./build.ts";
import { expectations } from "./errors.ts";
import { lex, type Lexed } from "./lex.ts";
import { parseOrReport } from "./recover.ts";

/** The only edition so far. */
export const edition = 1;

/** The `file` of the spans in a value that was given to `--set`. */
export const literalFile = "--set";

/** The AST of a file, or nothing if the file has syntax errors: those of all its statements are reported. */
export function parse(text: string, file: string, problems: Problems): SourceFile | undefined {
  const lexed = lex(text, file, problems);
  if (lexed === undefined || !knownEdition(lexed, file, problems)) return undefined;
  const tree = parseOrReport((tokens) => read("file", tokens), lexed, { file, text }, problems);
  if (tree === undefined) return undefined;
  const before = problems.list.length;
  const source = buildFile(tree as FileCstNode, { file, text, ...lexed, problems });
  if (problems.list.length > before) return undefined;
  missing(source, problems);
  return source;
}

/** A value as `--set` takes it: `3`, `pre`, `3x3`, `[3, 4]`, and `3, 4` for a list without brackets. */
export function parseLiteral(text: string, problems: Problems): Expr | undefined {
  const lexed = lex(text, literalFile, problems);
  if (lexed === undefined) return undefined;
  const tree = parseOrReport((tokens) => read("literal", tokens), lexed, { file: literalFile, text }, problems);
  if (tree === undefined) return undefined;
  const before = problems.list.length;
  const value = buildLiteral(tree as LiteralCstNode, { file: literalFile, text, ...lexed, problems });
  return problems.list.length > before ? undefined : value;
}

/** `2, 4, 8` as its items' texts, `[2], [3, 4]` as two; one text where there are no commas, or where it is no literal. */
export function literalTexts(text: string): readonly string[] {
  const literal = parseLiteral(text, new Problems());
  const [first] = literal?.kind === "list" ? literal.items : [];
  // A list in brackets begins before its first item, and is one value.
  if (literal?.kind !== "list" || first?.span.start !== literal.span.start) return [text.trim()];
  return literal.items.map(({ span }) => text.slice(span.start, span.end));
}

let parser: SeParser | undefined;

function read(rule: "file" | "literal", tokens: readonly IToken[]) {
  // The grammar is validated by a test, not at every start.
  parser ??= new SeParser({ errorMessageProvider: expectations, skipValidations: true });
  parser.input = [...tokens];
  return { tree: parser[rule](), error: parser.errors[0] };
}

/** What a text in another edition means cannot be told, so nothing else is said about it. */
function knownEdition({ tokens: [word, number], faults }: Lexed, file: string, problems: Problems): boolean {
  if (word?.tokenType !== t.Se || number?.tokenType !== t.Int || Number(number.image) === edition) return true;
  const start = number.startOffset;
  if (faults.includes(start)) return false;
  problems.report({
    code: "SE0110",
    severity: "error",
    message: `this compiler knows edition ${edition}, not ${number.image}`,
    span: { file, start, end: start + number.image.length },
    hint: "a newer edition needs a newer sec",
  });
  return false;
}

/** Errors that do not hide others. */
function missing({ path: file, edition: line, declarations }: SourceFile, problems: Problems): void {
  const span = { file, start: 0, end: 0 };
  if (declarations.length === 0) {
    const message = "nothing is declared in this file";
    problems.report({
      code: "SE0109",
      severity: "error",
      message,
      span,
      hint: "a model begins with `network Name() { … }`",
    });
  } else if (line === undefined) {
    const message = "the file does not say which edition of the language it is written in";
    problems.report({
      code: "SE0111",
      severity: "error",
      message,
      span,
      hint: `begin with the line \`se ${edition}\``,
    });
  }
}
