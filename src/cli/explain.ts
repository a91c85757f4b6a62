import { didYouMean } from "../suggest.ts";
import { codes, type Code, type CodeEntry } from "../codes.ts";
import { exit, usage } from "./exit.ts";
import type { Outcome } from "./outcome.ts";

/** `sec explain SE0112`: what the diagnostic means, with a wrong program and the same one repaired. */
export async function explainCommand(written: string): Promise<Outcome> {
  const code = written.toUpperCase();
  if (!isCode(code)) {
    const near = didYouMean(code, Object.keys(codes));
    throw usage(`there is no diagnostic ${written}`, near ?? "a code stands in every message, as in error[SE0401]");
  }
  const entry: CodeEntry = codes[code];
  return { exit: exit.done, document: { ok: true, code, ...entry }, text: textOf(code, entry) };
}

function isCode(text: string): text is Code {
  return Object.hasOwn(codes, text);
}

function textOf(code: Code, { title, explanation, example }: CodeEntry): string {
  const parts = [`${code}: ${title}\n`, wrap(explanation, 100)];
  if (example) parts.push(`Wrong:\n\n${indent(example.wrong)}`, `Right:\n\n${indent(example.right)}`);
  return parts.join("\n");
}

function wrap(text: string, width: number): string {
  let lines = "";
  let line = "";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > width) {
      lines += `${line}\n`;
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return `${lines}${line}\n`;
}

function indent(code: string): string {
  return code.replace(/^(?=.)/gm, "    ");
}
