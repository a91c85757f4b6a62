import { exit } from "./exit.ts";

const signals = [
  ["SIGINT", () => process.exit(exit.interrupted)],
  ["SIGTERM", () => process.exit(exit.terminated)],
] as const;

let listening = false;

/** From now on a signal ends the process with its exit code. */
export function listenToSignals(): void {
  for (const [signal, stop] of signals) process.on(signal, stop);
  listening = true;
}

/**
 * Long work in one piece. While it runs nobody would hear a handler, so the system's own is put back: the process dies of
 * the signal at once, and a shell calls that 130 and 143, too.
 */
export function inOnePiece<T>(work: () => T): T {
  if (!listening) return work();
  for (const [signal, stop] of signals) process.off(signal, stop);
  try {
    return work();
  } finally {
    for (const [signal, stop] of signals) process.on(signal, stop);
  }
}
