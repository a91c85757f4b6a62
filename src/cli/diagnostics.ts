import { standardLibrary } from "../check/standardLibrary.ts";
import type { Diagnostic, Span } from "../diagnostics.ts";
import { formatDiagnostics, positionOf } from "../syntax/frame.ts";
import { literalFile } from "../syntax/parse.ts";
import { exit, type ExitCode } from "./exit.ts";
import type { Io } from "./io.ts";

/** Prints what the compiler found, with frames: on standard error, also with `--json`. `--quiet` leaves errors only. */
export function showDiagnostics(list: readonly Diagnostic[], io: Io, { quiet }: { readonly quiet?: true }): void {
  const shown = (quiet ? list.filter(({ severity }) => severity === "error") : list).map(withHint);
  io.err(formatDiagnostics(shown, { source: (file) => sourceOf(file, io), color: io.colour, width: io.width }));
}

/** An error without advice of its own has its explanation. */
function withHint(diagnostic: Diagnostic): Diagnostic {
  const { code, severity, hint } = diagnostic;
  return severity === "error" && hint === undefined
    ? { ...diagnostic, hint: `\`sec explain ${code}\` says more` }
    : diagnostic;
}

/** The same for a `--json` document: every span with lines and columns, from 1. */
export function diagnosticsJson(list: readonly Diagnostic[], io: Io): readonly object[] {
  const place = (span: Span) => {
    const source = sourceOf(span.file, io);
    const at = (offset: number) => ({ offset, ...(source === undefined ? {} : positionOf(source, offset)) });
    return { file: span.file, start: at(span.start), end: at(span.end) };
  };
  return list.map(({ span, related, ...rest }) => ({
    ...rest,
    ...(span && { span: place(span) }),
    ...(related && { related: related.map((other) => ({ ...other, span: place(other.span) })) }),
  }));
}

/** 2 where only the command line is to blame: a parameter, a value or a network that was named and is not there. */
export function exitOf(list: readonly Diagnostic[]): ExitCode {
  const errors = list.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return exit.done;
  return errors.every(isUsage) ? exit.usage : exit.wrong;
}

/** What has no place in a source was said on the command line. */
function isUsage({ span }: Diagnostic): boolean {
  return span === undefined || span.file === literalFile;
}

function sourceOf(file: string, io: Io): string | undefined {
  return io.sources.get(file) ?? standardLibrary.get(file);
}
