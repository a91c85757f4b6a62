/**
 * Writes grammar/cst.d.ts, the types of the trees that grammar/parser.ts builds.
 * With `--check` it writes nothing and fails if the file is out of date.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { generateCstDts } from "chevrotain";
import { format } from "prettier";

const root = fileURLToPath(new URL("..", import.meta.url));
const bundle = `${root}.cache/parser.mjs`;
await build({
  entryPoints: [`${root}grammar/parser.ts`],
  outfile: bundle,
  bundle: true,
  format: "esm",
  packages: "external",
  logLevel: "warning",
});
const { SeParser } = await import(bundle);

const types = generateCstDts(new SeParser().getGAstProductions(), { includeVisitorInterface: false })
  // Left in by the generator, used by nothing.
  .replace("ICstVisitor, ", "");
const text = await format(`// Generated from parser.ts by scripts/cst-types.mjs.\n${types}`, {
  parser: "typescript",
  printWidth: 120,
});

const path = `${root}grammar/cst.d.ts`;
if (!process.argv.includes("--check")) writeFileSync(path, text);
else if (readFileSync(path, "utf8") !== text) {
  console.error("grammar/cst.d.ts is out of date: run `node scripts/cst-types.mjs`");
  process.exitCode = 1;
}
