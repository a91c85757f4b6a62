import { build } from "esbuild";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** A temporary folder with the files of a job, so that its module finds them beside itself. */
export interface Stage {
  readonly folder: string;
  /** The job's module, a file of the folder. */
  readonly entry: string;
  remove(): void;
}

export type Files = string | readonly { readonly path: string; readonly bytes: Uint8Array }[];

export async function stage(entry: string | URL, files: Files = []): Promise<Stage> {
  const text = typeof entry === "string" ? entry : await bundled(entry);
  const folder = mkdtempSync(join(tmpdir(), "sec-job-"));
  if (typeof files === "string") linkFolder(resolve(files), folder);
  else for (const { path, bytes } of files) write(join(folder, path), bytes);

  const module = "job.entry.js";
  write(join(folder, module), text);
  if (!existsSync(join(folder, "package.json"))) write(join(folder, "package.json"), '{ "type": "module" }');
  return { folder, entry: module, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Scripts are copied, because a module that is reached through a link is taken to be where the link points. */
function linkFolder(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    if (/\.m?js$/.test(name)) copyFileSync(join(from, name), join(to, name));
    else symlinkSync(join(from, name), join(to, name));
  }
}

function write(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

const bundles = new Map<string, Promise<string>>();

/** A module with all that it imports, in plain JavaScript; except `./*.js`, which are files of the job. */
function bundled(entry: URL): Promise<string> {
  const made = bundles.get(entry.href) ?? bundle(fileURLToPath(entry));
  bundles.set(entry.href, made);
  return made;
}

export async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    external: ["./*.js"],
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}
