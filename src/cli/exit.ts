import type { Code } from "../codes.ts";

/** The exit codes. Scripts branch on them, so they never change their meaning. */
export const exit = {
  /** Done; there may be warnings. */
  done: 0,
  /** The source or the weights are wrong; `fmt --check` found a file that is not formatted. */
  wrong: 1,
  /** Usage: an unknown flag, command or target, a file that is not there, a config that cannot be read. */
  usage: 2,
  /** The output could not be written. */
  unwritten: 3,
  /** A device or a tool that is needed is absent; the message names it. */
  absent: 4,
  /** A bug in sec; also: `verify` disagrees. */
  bug: 70,
  /** SIGINT. */
  interrupted: 130,
  /** SIGTERM. */
  terminated: 143,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

/** Ends a command with one message. For what a user did, or what a machine lacks: never for a bug in sec. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly exitCode: ExitCode,
    message: string,
    readonly hint?: string,
    /** More for the `--json` document; a code stands in the message, too. */
    readonly details: Readonly<Record<string, unknown>> & { readonly code?: Code | undefined } = {},
  ) {
    super(message);
  }
}

export function usage(message: string, hint?: string): Refusal {
  return new Refusal(exit.usage, message, hint);
}
