import { SeParser } from "../../grammar/parser.ts";
import type { FileCstNode, LiteralCstNode } from "../../grammar/cst.d.ts";
import type { Problems } from "../diagnostics.ts";
import type { Expr, SourceFile } from "./ast.ts";
import { buildFile, buildLiteral } from "./build.ts";
import { lex } from "./lex.ts";

/** The span's file of what `--set name=value` was given. */
export const literalFile = "--set";

let parser: SeParser | undefined;

/** The AST of a file, or nothing if the file has syntax errors. */
export function parse(text: string, file: string, problems: Problems): SourceFile | undefined {
  const lexed = lex(text, file, problems);
  if (lexed === undefined) return undefined;
  parser ??= new SeParser({ skipValidations: true });
  parser.input = lexed.tokens;
  const cst = parser.file() as FileCstNode;
  for (const error of parser.errors) {
    const start = error.token.startOffset || 0;
    problems.report({
      code: "SE0112",
      severity: "error",
      message: error.message,
      span: { file, start, end: start + 1 },
    });
  }
  if (parser.errors.length > 0) return undefined;
  return buildFile(cst, { file, text, ...lexed, problems });
}

/** A value as `--set` takes it: `3`, `pre`, `3x3`, `[3, 4]`, and `3, 4` for a list without brackets. */
export function parseLiteral(text: string, problems: Problems): Expr | undefined {
  const lexed = lex(text, literalFile, problems);
  if (lexed === undefined) return undefined;
  parser ??= new SeParser({ skipValidations: true });
  parser.input = lexed.tokens;
  const cst = parser.literal() as LiteralCstNode;
  if (parser.errors.length > 0) return undefined;
  return buildLiteral(cst, { file: literalFile, text, ...lexed, problems });
}
