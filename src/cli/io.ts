/** Where a command's data and messages go. Tests of commands pass their own. */
export interface Io {
  /** Standard output: data. */
  readonly out: (data: string | Uint8Array) => void;
  /** Standard error: messages. */
  readonly err: (text: string) => void;
  /** All of standard input, or undefined if it is longer. */
  readonly stdin: (maxBytes: number) => Promise<Uint8Array | undefined>;
  /** Somebody types into standard input: waiting for its end would look like hanging. */
  readonly stdinIsTerminal: boolean;
  /** Standard error is a terminal that can take its line back. */
  readonly interactive: boolean;
  /** Standard error takes colour. */
  readonly colour: boolean;
  /** Columns of standard error. */
  readonly width: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The sources that were read, by their paths in the project: what a crash file holds. */
  readonly sources: Map<string, string>;
}

export function processIo(): Io {
  const { stdin, stdout, stderr, env } = process;
  const capable = stderr.isTTY && env.TERM !== "dumb";
  return {
    out: (data) => void stdout.write(data),
    err: (text) => void stderr.write(text),
    stdin: readAll,
    stdinIsTerminal: stdin.isTTY,
    interactive: capable && !env.CI,
    colour: capable && !env.NO_COLOR,
    width: stderr.columns ?? 120,
    env,
    sources: new Map(),
  };
}

/** Not read at once but piece by piece, so that a signal is heard while nothing comes. */
async function readAll(maxBytes: number): Promise<Uint8Array | undefined> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of process.stdin as AsyncIterable<Uint8Array>) {
    pieces.push(piece);
    size += piece.length;
    if (size > maxBytes) return undefined;
  }
  return Buffer.concat(pieces);
}
