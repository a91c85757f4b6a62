import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sec } from "../cli/sec.ts";

/** Each command of the page, with what it printed. */
const command = /(?<=^```sh\nsec )(.+)(\n```\n\n```text\n)[^]*?(?=^```$)/gm;

test("docs/research.md shows what its commands print", async () => {
  const page = readFileSync("docs/research.md", "utf8");
  const printed = new Map<string, string>();
  for (const [, line] of page.matchAll(command)) {
    const argv = line!.match(/'[^']*'|\S+/g)!.map((word) => word.replace(/^'(.*)'$/, "$1"));
    const { exit, out, err } = await sec(argv);
    expect({ line, exit, err }).toEqual({ line, exit: 0, err: "" });
    printed.set(line!, out);
  }
  expect(printed.size).toBeGreaterThan(8);
  const current = page.replace(command, (_, line: string, between: string) => `${line}${between}${printed.get(line)!}`);
  await expect(current).toMatchFileSnapshot("../../docs/research.md");
});
