import type { IToken } from "chevrotain";
import type { FileCstNode, LiteralCstNode } from "../../grammar/cst.d.ts";
import { SeParser } from "../../grammar/parser.ts";
import type { Code } from "../codes.ts";
import type { Problems, Span } from "../diagnostics.ts";
import type { Expr, SourceFile } from "./ast.ts";
import { buildFile, buildLiteral } from "./build.ts";
import { expectations } from "./errors.ts";
import { lex } from "./lex.ts";
import { parseOrReport } from "./recover.ts";

/** The only edition so far. */
export const edition = 1;

/** The `file` of the spans in a value that was given to `--set`. */
export const literalFile = "--set";

/** The AST of a file, or nothing if the file has syntax errors: those of all its statements are reported. */
export function parse(text: string, file: string, problems: Problems): SourceFile | undefined {
  const lexed = lex(text, file, problems);
  if (lexed === undefined) return undefined;
  const tree = parseOrReport((tokens) => read("file", tokens), lexed, { file, text }, problems);
  if (tree === undefined) return undefined;
  const before = problems.list.length;
  const source = buildFile(tree as FileCstNode, { file, text, ...lexed, problems });
  if (problems.list.length > before || !knownEdition(source, problems)) return undefined;
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

let parser: SeParser | undefined;

function read(rule: "file" | "literal", tokens: readonly IToken[]) {
  // The grammar is validated by a test, not at every start.
  parser ??= new SeParser({ errorMessageProvider: expectations, skipValidations: true });
  parser.input = [...tokens];
  return { tree: parser[rule](), error: parser.errors[0] };
}

/** A missing edition is an error that does not hide others; what an unknown one means cannot be told. */
function knownEdition({ path, edition: line, declarations }: SourceFile, problems: Problems): boolean {
  const report = (code: Code, message: string, hint: string, span: Span = { file: path, start: 0, end: 0 }) =>
    problems.report({ code, severity: "error", message, span, hint });
  if (line !== undefined && line.value !== edition) {
    report(
      "SE0110",
      `this compiler knows edition ${edition}, not ${line.value}`,
      "a newer edition needs a newer sec",
      line.span,
    );
    return false;
  }
  if (declarations.length === 0) {
    report("SE0109", "nothing is declared in this file", "a model begins with `network Name() { … }`");
  } else if (line === undefined) {
    report(
      "SE0111",
      "the file does not say which edition of the language it is written in",
      `begin with the line \`se ${edition}\``,
    );
  }
  return true;
}
