import type { ExitCode } from "./exit.ts";

/** What a command ends with. Main prints it: one document with `--json`, else the text. */
export interface Outcome {
  readonly exit: ExitCode;
  /** The `--json` document, without the fields that every document carries. */
  readonly document: Readonly<Record<string, unknown>>;
  /** Standard output without `--json`. */
  readonly text?: string | Uint8Array;
}
