// Runs a TypeScript program of this repository: node scripts/run-ts.mjs FILE ARGS...
import { mkdirSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const [file, ...args] = process.argv.slice(2);
const { dependencies, devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
mkdirSync(".cache", { recursive: true });
const outfile = resolve(".cache", `${basename(file, ".ts")}.mjs`);
await build({
  entryPoints: [file],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  external: [...Object.keys(dependencies), ...Object.keys(devDependencies)],
  logLevel: "warning",
});
process.argv = [process.argv[0], file, ...args];
await import(pathToFileURL(outfile));
