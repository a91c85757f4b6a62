/**
 * `test/errors/` holds wrong programs, each beside the whole text that sec answers. `npm run golden` writes the texts;
 * read them before you keep them.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { check } from "../../src/check/check.ts";
import { standardLibrary } from "../../src/check/standardLibrary.ts";
import { codes } from "../../src/codes.ts";
import { Problems } from "../../src/diagnostics.ts";
import { compile, type CompileOptions } from "../../src/index.ts";
import { formatDiagnostics } from "../../src/syntax/frame.ts";
import { parse } from "../../src/syntax/parse.ts";

const root = new URL("../errors/", import.meta.url);

type Report = (entry: string, load: (path: string) => string | undefined, problems: Problems) => void;

/**
 * What reads the programs of a folder. A folder in `check` is one program, `net.se`, perhaps with `set.json`, values for
 * `--set`; in `compile` one with `options.json` for the library's compile().
 */
const folders: Readonly<Record<string, Report>> = {
  syntax: (entry, load, problems) => void parse(load(entry) ?? "", entry, problems),
  check: (entry, load, problems) => void check({ entry, load, set: JSON.parse(load("set.json") ?? "{}"), problems }),
  compile: (entry, load, problems) => {
    const options = JSON.parse(load("options.json") ?? "{}") as CompileOptions;
    compile({ ...options, entry, load }).diagnostics.forEach((diagnostic) => problems.report(diagnostic));
  },
};

describe.each(Object.entries(folders))("%s", (folder, report) => {
  const home = new URL(`${folder}/`, root);
  const names = existsSync(home) ? readdirSync(home).filter((name) => !name.endsWith(".txt")) : [];
  test.each(names)("%s", async (name) => {
    const own = name.endsWith(".se") ? home : new URL(`${name}/`, home);
    const load = (path: string) => {
      const place = new URL(path, own);
      return existsSync(place) ? readFileSync(place, "utf8") : undefined;
    };
    const problems = new Problems();
    report(name.endsWith(".se") ? name : "net.se", load, problems);
    const source = (file: string) => load(file) ?? standardLibrary.get(file);
    const text = formatDiagnostics(problems.list, { source, color: false, width: 100 });
    await expect(text).toMatchFileSnapshot(new URL(`${name.replace(/\.se$/, "")}.txt`, home).pathname);
  });
});

/** Too large to be kept as a file: the text is made here, its message is in SE0108.txt. */
test("a file of more than 1 MiB", async () => {
  const problems = new Problems();
  const text = "(".repeat(2 ** 20 + 1);
  parse(text, "large.se", problems);
  const shown = formatDiagnostics(problems.list, { source: () => text, color: false, width: 100 });
  await expect(shown).toMatchFileSnapshot(new URL("syntax/SE0108.txt", root).pathname);
});

test("every code has a message in a file", () => {
  const texts = Object.keys(folders).flatMap((folder) => {
    const home = new URL(`${folder}/`, root);
    const names = existsSync(home) ? readdirSync(home).filter((name) => name.endsWith(".txt")) : [];
    return names.map((name) => readFileSync(new URL(name, home), "utf8"));
  });
  const all = texts.join("\n");
  expect(Object.keys(codes).filter((code) => !all.includes(`[${code}]`))).toEqual([]);
});

describe("the example of every code of the syntax gives that code alone, and its repair nothing", () => {
  const examples = Object.entries(codes).flatMap(([code, entry]) =>
    code < "SE02" && "example" in entry ? [{ code, ...entry.example }] : [],
  );
  test.each(examples)("$code", ({ code, wrong, right }) => {
    const found = (text: string) => {
      const problems = new Problems();
      parse(text, "net.se", problems);
      return problems.list.map((problem) => problem.code);
    };
    expect(found(wrong)).toEqual([code]);
    expect(found(right)).toEqual([]);
  });
});
