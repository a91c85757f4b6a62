/**
 * Bundles targets/wgsl/runtime/ into the text that ends every net.js: targets/wgsl/runtime.generated.ts exports it as a
 * string, so that the compiler needs no file system. Readable: nothing is renamed, and what stands before functions and
 * classes to explain them stays; a bundler of the user's removes it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
// esbuild keeps only comments that begin with `/*!`.
const keepDocs = {
  name: "keep-docs",
  setup({ onLoad }) {
    onLoad({ filter: /targets.wgsl.runtime.*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const docs = /^\/\*\*(?=(?:[^*]|\*(?!\/))*\*\/\n(?:export )?(?:async )?(?:function|class) )/gm;
      return { contents: text.replace(docs, "/*!"), loader: "ts" };
    });
  },
};
const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ["targets/wgsl/runtime/main.ts"],
  bundle: true,
  format: "esm",
  // What every browser with WebGPU understands.
  target: ["chrome113", "firefox141", "safari26"],
  legalComments: "inline",
  plugins: [keepDocs],
  write: false,
  logLevel: "warning",
});
// esbuild names the files that it joins; a reader of net.js has no use for that.
const text = outputFiles[0].text.replace(/^\/\/ (?:targets|src)\/.*\n/gm, "").replaceAll("/*!", "/**");
writeFileSync(
  new URL("../targets/wgsl/runtime.generated.ts", import.meta.url),
  `/** Made by scripts/runtime.mjs of targets/wgsl/runtime/. */\nexport const runtime: string = ${JSON.stringify(text)};\n`,
);
