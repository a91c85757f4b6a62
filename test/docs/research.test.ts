import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sec } from "../cli/sec.ts";

/** Each command of the page, with what it printed. */
const command = /(?<=^```sh\nsec )(.+)(\n```\n\n```(?:text|mermaid)\n)[^]*?(?=^```$)/gm;
/** 360 pictures through the reference take seven seconds. */
const isLong = (line: string) => line.startsWith("gates ");
const full = process.env["SEC_FULL"] !== undefined;

test("docs/research.md shows what its commands print", async () => {
  const page = readFileSync("docs/research.md", "utf8");
  const printed = new Map<string, string>();
  for (const [, line] of page.matchAll(command)) {
    if (isLong(line!)) continue;
    printed.set(line!, await run(argvOf(line!)));
  }
  expect(printed.size).toBeGreaterThan(8);
  await expect(replaced(page, printed)).toMatchFileSnapshot("../../docs/research.md");
});

test.runIf(full)("and the gates of all digits", async () => {
  const page = readFileSync("docs/research.md", "utf8");
  const [line] = [...page.matchAll(command)].map(([, each]) => each!).filter(isLong);
  const out = mkdtempSync(join(tmpdir(), "sec-gates-"));
  const argv = argvOf(line!);
  expect(argv.splice(-2)).toEqual(["-o", "gates"]);
  const text = await run([...argv, "-o", out]);
  await expect(replaced(page, new Map([[line!, text]]))).toMatchFileSnapshot("../../docs/research.md");
  await expect(readFileSync(join(out, "mean.svg"), "utf8")).toMatchFileSnapshot("../../docs/digits-gates.svg");
});

function argvOf(line: string): string[] {
  return line.match(/'[^']*'|\S+/g)!.map((word) => word.replace(/^'(.*)'$/, "$1"));
}

async function run(argv: readonly string[]): Promise<string> {
  const { exit, out, err } = await sec(argv);
  expect({ argv, exit, err }).toEqual({ argv, exit: 0, err: "" });
  return out;
}

function replaced(page: string, printed: ReadonlyMap<string, string>): string {
  return page.replace(command, (whole, line: string, between: string) =>
    printed.has(line) ? `${line}${between}${printed.get(line)!}` : whole,
  );
}
