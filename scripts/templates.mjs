// Compiles the templates of each target, as targets/wgsl/kernels/*.wgsl.hbs -> targets/wgsl/templates.generated.ts.
// Run by `npm run build:templates`, and before tests. The result is not in the repository.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Handlebars from "handlebars";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Of each target: where its templates are, and how their names end. */
const targets = {
  wgsl: { folder: "kernels", ending: ".wgsl.hbs" },
  cuda: { folder: "files", ending: ".hbs" },
};

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

export function templateFiles(target) {
  const { folder, ending } = targets[target];
  const path = `${root}targets/${target}/${folder}/`;
  return readdirSync(path)
    .filter((file) => file.endsWith(ending))
    .sort()
    .map((file) => ({ name: file.replace(ending, ""), text: readFileSync(path + file, "utf8") }));
}

function buildTemplates(target) {
  const templates = templateFiles(target).map(({ name, text }) => {
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
    "// @ts-nocheck: Handlebars' output is JavaScript. Made by scripts/templates.mjs.",
    'import type { Template } from "../render.ts";',
    ...templates,
  ].join("\n\n");
  writeIfChanged(`${root}targets/${target}/templates.generated.ts`, `${text}\n`);
}

function writeIfChanged(path, text) {
  let old;
  try {
    old = readFileSync(path, "utf8");
  } catch {
    // The first build.
  }
  if (old !== text) writeFileSync(path, text);
}

/** The C++ files of the emulation, as they are: `sec verify --target cuda` compiles them with what it verifies. */
function embedEmulation() {
  const folder = `${root}targets/cuda/emulation/`;
  const files = readdirSync(folder)
    .sort()
    .map((path) => ({ path, text: readFileSync(folder + path, "utf8") }));
  const type = "readonly { readonly path: string; readonly text: string }[]";
  writeIfChanged(
    `${root}targets/cuda/emulation.generated.ts`,
    `export const emulation: ${type} = ${JSON.stringify(files)};\n`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  Object.keys(targets).forEach(buildTemplates);
  embedEmulation();
}
