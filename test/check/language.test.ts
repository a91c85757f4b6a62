import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { defaults } from "../../src/check/defaults.ts";
import { layers } from "../../src/check/layers.ts";
import { checkFiles } from "./helpers.ts";

const page = readFileSync("docs/language.md", "utf8");

/** The fenced examples; a fragment without a network stands in one. */
const examples = [...page.matchAll(/^```se\n([^]*?)^```$/gm)].map(([, text], index) => ({
  name: `${index + 1}: ${text!.split("\n").find((line) => /^(network|\w+:|let|residual|conv|block)/.test(line))}`,
  text: complete(text!),
}));

describe("every example of docs/language.md compiles", () => {
  test.each(examples)("$name", ({ text }) => {
    const networks = [...text.matchAll(/^network (\w+)/gm)].map(([, name]) => name!);
    for (const network of networks) {
      const { graph, problems } = checkFiles({ "net.se": text }, { network });
      expect(problems.filter((problem) => problem.severity !== "note")).toEqual([]);
      expect(graph).toBeDefined();
    }
  });
});

test("the table of ops is the one that the checker uses", () => {
  const table = [
    "| op | arguments, and what they are without being written | what it does |",
    "| --- | --- | --- |",
    ...Object.entries(layers).map(([name, { specs, doc, variadic }]) => {
      const args = Object.entries(specs).map(([arg, spec]) =>
        "fallback" in spec ? `\`${arg}\` = ${fallback(name, arg)}` : `\`${arg}\``,
      );
      return `| \`${name}\` | ${variadic ? "the values" : args.join(", ")} | ${doc} |`;
    }),
  ].join("\n");
  expect(squeezed(page)).toContain(squeezed(table));
});

test("the defaults of insertions and pictures are those of the checker", () => {
  const rows = squeezed(page)
    .split("\n")
    .map((line) => line.split(" | "));
  for (const [option, value] of Object.entries({ ...defaults.insert, ...defaults.input })) {
    const row = rows.findLast(([first]) =>
      first!.split(", ").some((name) => name.replace("| ", "") === `\`${option}\``),
    );
    expect(row?.[2], option).toContain(String(value));
  }
});

function complete(text: string): string {
  const withEdition = text.startsWith("se 1") ? text : `se 1\n${text}`;
  if (/^network /m.test(text)) return withEdition;
  return `se 1\nnetwork Net() {\n  input image: f32[N, 8, 32, 32]\n${text}\n  output result\n}\n`;
}

/** As the page writes it. */
function fallback(op: string, arg: string): string {
  const table: Readonly<Record<string, Readonly<Record<string, unknown>>>> = defaults;
  const value = table[op]?.[arg];
  return value === undefined ? "none" : `\`${String(value)}\``;
}

/** Without the padding that prettier gives to tables. */
function squeezed(text: string): string {
  return text.replaceAll(/ {2,}/g, " ").replaceAll(/-{3,}/g, "---");
}
