// Compiles the kernel templates: targets/wgsl/kernels/*.wgsl.hbs -> targets/wgsl/templates.generated.ts.
// Run by `npm run build:templates`, and before tests. The result is not in the repository.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Handlebars from "handlebars";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = `${root}targets/wgsl/kernels/`;
const target = `${root}targets/wgsl/templates.generated.ts`;

/** The names of a template's holes: values `{{pixels}}` and blocks `{{> epilogue}}`. Anything else is refused. */
class Holes extends Handlebars.Visitor {
  values = new Set();
  blocks = new Set();

  MustacheStatement(mustache) {
    if (mustache.params.length > 0 || mustache.hash)
      throw new Error(`a hole takes no arguments: ${mustache.path.original}`);
    this.values.add(mustache.path.original);
  }

  PartialStatement(partial) {
    this.blocks.add(partial.name.original);
  }

  BlockStatement(block) {
    throw new Error(`decide in TypeScript, not in the template: {{#${block.path.original}}}`);
  }
}

export function holesOf(text) {
  const holes = new Holes();
  holes.accept(Handlebars.parse(text));
  return { values: [...holes.values].sort(), blocks: [...holes.blocks].sort() };
}

export function templateFiles() {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".wgsl.hbs"))
    .sort()
    .map((file) => ({ name: file.replace(".wgsl.hbs", ""), text: readFileSync(folder + file, "utf8") }));
}

export function buildTemplates() {
  const templates = templateFiles().map(({ name, text }) => {
    const { values, blocks } = holesOf(text);
    const spec = Handlebars.precompile(text, { noEscape: true, strict: true, knownHelpersOnly: true });
    const union = (names) => names.map((hole) => JSON.stringify(hole)).join(" | ") || "never";
    return [
      `export const ${name}: Template<${union(values)}, ${union(blocks)}> = {`,
      `  name: ${JSON.stringify(name)},`,
      `  values: ${JSON.stringify(values)},`,
      `  blocks: ${JSON.stringify(blocks)},`,
      `  spec: ${spec},`,
      `};`,
    ].join("\n");
  });
  const text = [
    "// @ts-nocheck: Handlebars' output is JavaScript. Made by scripts/templates.mjs from kernels/*.wgsl.hbs.",
    'import type { Template } from "../render.ts";',
    ...templates,
  ].join("\n\n");
  let old;
  try {
    old = readFileSync(target, "utf8");
  } catch {
    // The first build.
  }
  if (old !== `${text}\n`) writeFileSync(target, `${text}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildTemplates();
