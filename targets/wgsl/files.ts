import type { Span } from "../../src/diagnostics.ts";
import { GENERATED } from "../../src/marker.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { encodeUtf8 } from "../../src/syntax/utf8.ts";
import type { OutputFile, RenderedKernel } from "../target.ts";
import type { WeightLayout } from "../../src/weights/pack.ts";
import type { Storage } from "../../src/weights/storage.ts";
import { describe, kernelPath, networkDescription, storedAs, type Manifest } from "./describe.ts";
import { declarations } from "./dts.ts";
import { prettyJson, scriptJson } from "./json.ts";
import { runtime } from "./runtime.generated.ts";

/** The package without weights.bin; the manifest last, so that a set of files that was half written has none. */
export function packageFiles(
  plan: Plan,
  kernels: readonly RenderedKernel[],
  place: (span: Span) => string,
  storage: Storage = "f32",
): OutputFile[] {
  const manifest = describe(plan, kernels, place, storage);
  return [
    file("net.js", netModule(manifest, kernels)),
    file("net.d.ts", declarations(manifest)),
    ...kernels.map(({ name, text }) => file(kernelPath(name), text)),
    file("manifest.json", `${prettyJson(manifest)}\n`),
  ];
}

/**
 * The files of a package that change where its weights are stored otherwise; undefined if its net.js is not the one that
 * was made with its manifest.
 */
export function filesStoredAs(manifest: Manifest, module: string, layout: WeightLayout): OutputFile[] | undefined {
  const before = networkLine(manifest);
  if (!module.includes(before)) return undefined;
  const stored = storedAs(manifest, layout);
  return [
    file(
      "net.js",
      module.replace(before, () => networkLine(stored)),
    ),
    file("net.d.ts", declarations(stored)),
    file("manifest.json", `${prettyJson(stored)}\n`),
  ];
}

function file(path: string, text: string): OutputFile {
  return { path, bytes: encodeUtf8(text) };
}

function networkLine(manifest: Manifest): string {
  return `const NETWORK = ${scriptJson(networkDescription(manifest))};\n`;
}

/** One self-contained ES module: the network as constants, then the runtime, which is the same for all. */
function netModule(manifest: Manifest, kernels: readonly RenderedKernel[]): string {
  return `// ${GENERATED} ${manifest.compilerVersion} for ${manifest.network}. What is generated belongs to you: use it as you like.

${networkLine(manifest)}
// The same text as in kernels/.
const KERNELS = {
${kernels.map(({ name, text }) => `  ${name}: ${templateLiteral(text)},`).join("\n")}
};

${runtime}`;
}

/** A literal whose value is exactly `text`, readable as it stands, also in a script of an HTML page. */
export function templateLiteral(text: string): string {
  const escaped = text
    .replace(/\\|`|\$(?=\{)/g, "\\$&")
    .replace(/\r/g, "\\r")
    .replace(/<(?=[/!])/g, "<\\");
  return `\`${escaped}\``;
}
