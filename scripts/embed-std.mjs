// Writes std/*.se as strings into src/check/standardLibrary.ts, so that the library is there in a browser.
// usage: node scripts/embed-std.mjs    (a test tells when it was forgotten)
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { format } from "prettier";

const root = new URL("../", import.meta.url);
const files = readdirSync(new URL("std/", root))
  .filter((name) => name.endsWith(".se"))
  .sort();
const entries = files.map((name) => {
  const text = readFileSync(new URL(`std/${name}`, root), "utf8");
  return `["std/${name}", ${"`"}${text.replace(/[\\`]|\$\{/g, "\\$&")}${"`"}],`;
});
const module = `/** The library that ships with the package: std/*.se, written here by scripts/embed-std.mjs. */
export const standardLibrary: ReadonlyMap<string, string> = new Map([
${entries.join("\n")}
]);
`;
writeFileSync(
  new URL("src/check/standardLibrary.ts", root),
  await format(module, { parser: "typescript", printWidth: 120 }),
);
