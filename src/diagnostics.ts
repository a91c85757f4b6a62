/**
 * What the compiler tells a user about a program: facts here, words and frames in `syntax/frame.ts`.
 * Three kinds are never mixed: your program is wrong (a Diagnostic), not supported yet (a Diagnostic that says so),
 * a bug in sec (an exception of class Bug).
 */
import type { Code } from "./codes.ts";

/** Half-open range of UTF-16 offsets in one source file. `file` is the path relative to the project root. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

export type Severity = "error" | "warning" | "note";

export interface Diagnostic {
  /** Stable, never reused, explained in codes.ts: `SE0123`. */
  readonly code: Code;
  readonly severity: Severity;
  /** One sentence: what is wrong. */
  readonly message: string;
  /** Absent only where no source place exists (a missing file, a bad flag). */
  readonly span?: Span;
  /** Other places that matter: where the other shape came from, where a name was first used. */
  readonly related?: readonly { readonly span: Span; readonly message: string }[];
  /** What to try. */
  readonly hint?: string;
}

/** Collects diagnostics; phases go on where they can. At most one error per span and code is kept. */
export class Problems {
  readonly list: Diagnostic[] = [];

  report(diagnostic: Diagnostic): void {
    const same = (other: Diagnostic) =>
      other.code === diagnostic.code &&
      other.span?.file === diagnostic.span?.file &&
      other.span?.start === diagnostic.span?.start &&
      other.message === diagnostic.message;
    if (!this.list.some(same)) this.list.push(diagnostic);
  }

  get failed(): boolean {
    return this.list.some((diagnostic) => diagnostic.severity === "error");
  }
}

/** An invariant of sec is broken. Never caused by a wrong program; the command line exits 70. */
export class Bug extends Error {
  override readonly name = "Bug";
}

/** Thrown by a `load` for a file that is there and cannot be given: reported where the file is imported. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}
