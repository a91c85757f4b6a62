import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { compile, format } from "../../src/index.ts";
import { catalogue } from "./index.ts";

const entries = readdirSync("examples").filter((name) => name.endsWith(".se"));

test.each(entries)("%s is written in the canonical form, and compiles without a warning", (name) => {
  const entry = `examples/${name}`;
  const text = readFileSync(entry, "utf8");
  const load = (path: string) => readFileSync(path, "utf8");
  const compiled = compile({ entry, load, target: "wgsl" });
  const spoken = compiled.diagnostics.filter(({ severity }) => severity !== "note");
  expect(spoken.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
  expect(compiled.ok).toBe(true);
  expect(format(text, entry)).toMatchObject({ ok: true, text });
});

test("every example is in the catalogue, or has a page of its own", () => {
  const listed = new Set(catalogue.map(({ entry }) => entry.replace("examples/", "")));
  expect(entries.filter((name) => !listed.has(name))).toEqual(["digits.se"]);
});
