import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync("docs/faults.md", "utf8");
const rows = [...page.matchAll(/^\| (\d+) +\|.*\[(test\/\S+)\]\(\.\.\/\2\): `(.+)` +\|$/gm)].map(
  ([, number, file, name]) => ({
    number: Number(number),
    file: file!,
    name: name!.replaceAll("\\|", "|"),
  }),
);
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

test("docs/faults.md has a row for every fault", () => {
  expect(rows.map(({ number }) => number)).toEqual([...range(1, 54), ...range(60, 74)]);
});

test("every row names a test that is there", () => {
  const wrong = rows.filter(({ file, name }) => !existsSync(file) || !readFileSync(file, "utf8").includes(name));
  expect(wrong).toEqual([]);
  for (const [, file] of page.matchAll(/\]\(\.\.\/(test\/\S+)\)/g)) expect(existsSync(file!), file).toBe(true);
});
