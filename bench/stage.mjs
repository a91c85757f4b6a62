/**
 * Everything that bench/webgpu.ts needs, for a Linux machine on x86-64 that has a GPU and its Vulkan driver but no Node and no
 * network: node bench/stage.mjs FOLDER. Then, there, with a Vulkan loader installed: FOLDER/run [--out RESULTS].
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [target] = process.argv.slice(2);
if (target === undefined) throw new Error("node bench/stage.mjs FOLDER");
const folder = resolve(target);
process.chdir(fileURLToPath(new URL("..", import.meta.url)));

const contents = join(folder, "contents");
rmSync(contents, { recursive: true, force: true });
mkdirSync(contents, { recursive: true });
await build({
  entryPoints: ["bench/webgpu.ts"],
  outfile: join(contents, "bench.mjs"),
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  external: ["webgpu", "jpeg-js", "pngjs"],
  logLevel: "warning",
});
cpSync("examples", join(contents, "examples"), { recursive: true, filter: (path) => !path.includes("digits/") });
const webgpu = dirname(fileURLToPath(import.meta.resolve("webgpu")));
cpSync(webgpu, join(contents, "node_modules/webgpu"), {
  recursive: true,
  filter: (path) => !/\.node$/.test(path) || path.endsWith("linux-x64.dawn.node"),
});
cpSync(process.execPath, join(contents, "node"));
// Small enough to be sent: Node is 100 MB as it is.
execFileSync("tar", ["-C", folder, "-cJf", join(folder, "contents.tar.xz"), "contents"], {
  env: { ...process.env, XZ_OPT: "-3 -T0" },
});
rmSync(contents, { recursive: true });
const run = join(folder, "run");
writeFileSync(
  run,
  `#!/bin/sh
# Unpacks and runs the WebGPU benchmark on this machine's GPU.
set -e
unpacked=\${TMPDIR:-/tmp}/sec-bench
mkdir -p "$unpacked"
tar -C "$unpacked" -xJf "$(dirname "$0")/contents.tar.xz"
cd "$unpacked/contents"
SEC_ADAPTER=system exec ./node bench.mjs "$@"
`,
);
chmodSync(run, 0o755);
