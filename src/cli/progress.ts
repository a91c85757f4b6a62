import type { Io } from "./io.ts";

/** One line on a terminal that is written over again and again, and is gone at the end. Nothing elsewhere. */
export interface Progress {
  show(text: string): void;
  end(): void;
}

export function progressOn(io: Io, { quiet }: { readonly quiet?: true }): Progress {
  if (!io.interactive || quiet) return { show() {}, end() {} };
  let shown = 0;
  let last = 0;
  const write = (text: string) => {
    io.err(`\r${text.padEnd(shown)}`);
    shown = text.length;
  };
  return {
    show(text) {
      const now = Date.now();
      if (now - last < 50) return;
      last = now;
      write(text);
    },
    end() {
      if (shown === 0) return;
      write("");
      io.err("\r");
      shown = 0;
    },
  };
}
