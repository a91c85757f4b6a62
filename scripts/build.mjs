/**
 * Makes dist/: the library (index.js, without dependencies and without `node:`), the command line (cli/main.js), what they
 * share (chunks), and the library's types. Chevrotain is bundled because loading its modules one by one takes 0.4 s.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

const node = (...args) => execFileSync(process.execPath, args, { stdio: "inherit" });
node("scripts/templates.mjs");
node("scripts/runtime.mjs");

const { dependencies, peerDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const { metafile, outputFiles } = await build({
  entryPoints: { index: "src/index.ts", "cli/main": "src/cli/main.ts" },
  outdir: "dist",
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  external: [...Object.keys(dependencies), ...Object.keys(peerDependencies)],
  metafile: true,
  write: false,
  logLevel: "warning",
});
// Only now, so that a source that does not compile leaves the last dist/ as it was.
rmSync("dist", { recursive: true, force: true });
for (const { path, contents } of outputFiles) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}
writeFileSync("dist/licenses.txt", licences(Object.keys(metafile.inputs)));
node("node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json");

/** The licence of every package whose code is in dist. */
function licences(inputs) {
  const folders = new Set(inputs.flatMap((path) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []));
  return [...folders]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
      const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file));
      const texts = files.map((file) => readFileSync(`${folder}/${file}`, "utf8"));
      return [`${name} ${version} (${license})`, ...texts].join("\n\n");
    })
    .join(`\n\n${"-".repeat(80)}\n\n`);
}
