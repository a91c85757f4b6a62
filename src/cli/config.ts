import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { precisions, type Precision } from "../precision.ts";
import type { SetValue } from "../settings.ts";
import { didYouMean } from "../suggest.ts";
import { targetNames, type TargetName } from "../supported.ts";
import { usage } from "./exit.ts";
import { readSource, reasonOf } from "./files.ts";
import { parseJson, type JsonMember, type JsonValue } from "./json.ts";
import { configNames } from "./project.ts";

/** What a sec.config says. Flags win over it. */
export interface Config {
  readonly entry?: string;
  readonly outDir?: string;
  readonly target?: TargetName;
  readonly network?: string;
  /** Values as with `--set`; a number, a bool or a list may be written as such. */
  readonly set?: Readonly<Record<string, SetValue>>;
  readonly maxBatch?: number;
  readonly precision?: Precision;
  readonly tuning?: string;
}

/** The sec.config of a folder, if it has one. A wrong one is a usage error that says where. */
export async function readConfig(folder: string): Promise<Config | undefined> {
  const present = configNames.filter((name) => existsSync(join(folder, name)));
  const [name, other] = present;
  if (name === undefined) return undefined;
  if (other !== undefined) throw usage(`${present.join(" and ")} are both here`, "keep one of them");
  return name.endsWith(".json") ? readJson(folder, name) : readModule(folder, name);
}

/** What each field should be, in words and as a question. */
const fields: Readonly<Record<keyof Config, readonly [string, (value: unknown) => boolean]>> = {
  entry: ["the path of a .se file", isText],
  outDir: ["the path of a folder", isText],
  target: [`one of ${targetNames.join(", ")}`, (value) => targetNames.includes(value as TargetName)],
  network: ["the name of a network", isText],
  set: ["an object of values, { ratio: 16 }", (value) => isRecord(value) && Object.values(value).every(isConfigValue)],
  maxBatch: ["a whole number from 1", (value) => Number.isInteger(value) && (value as number) >= 1],
  precision: [`one of ${precisions.join(", ")}`, (value) => precisions.includes(value as Precision)],
  tuning: ["the path of a file that sec tune wrote", isText],
};
/** For editors; sec does not read it. */
const ignored = "$schema";

function checked(value: unknown, where: (name: string | undefined) => string): Config {
  if (!isRecord(value)) throw usage(`${where(undefined)}: the config should be an object`);
  for (const [name, fieldValue] of Object.entries(value)) {
    if (name === ignored) continue;
    if (!Object.hasOwn(fields, name)) {
      const allowed = `allowed are ${Object.keys(fields).join(", ")}`;
      const near = didYouMean(name, Object.keys(fields));
      throw usage(`${where(name)}: there is no field ${JSON.stringify(name)}`, near ? `${near} ${allowed}` : allowed);
    }
    const [wanted, accepts] = fields[name as keyof Config];
    if (!accepts(fieldValue)) {
      throw usage(`${where(name)}: ${name} should be ${wanted}, got ${JSON.stringify(fieldValue)}`);
    }
  }
  return value;
}

function readJson(folder: string, name: string): Config {
  const read = readSource(join(folder, name));
  if (!read.ok) throw usage(read.message);
  const place = (at: number) => {
    const before = read.text.slice(0, at).split("\n");
    return `${name}:${before.length}:${before.at(-1)!.length + 1}`;
  };
  const json = parseJson(read.text);
  if (!json.ok) throw usage(`${place(json.at)}: ${json.message}`);
  const members: readonly JsonMember[] = json.value.kind === "object" ? json.value.members : [];
  const twice = members.find((member, i) => members.findIndex((other) => other.name === member.name) < i);
  if (twice) throw usage(`${place(twice.at)}: ${JSON.stringify(twice.name)} stands twice`);
  return checked(plain(json.value), (field) => place(members.find((member) => member.name === field)?.at ?? 0));
}

async function readModule(folder: string, name: string): Promise<Config> {
  if (name.endsWith(".ts") && !("typescript" in process.features && process.features.typescript)) {
    throw usage(
      `${name}: this Node.js cannot read TypeScript`,
      "rename it to sec.config.js, or use Node.js 22.18 or later",
    );
  }
  const path = resolve(folder, name);
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module;
  } catch (error) {
    const trace = error instanceof SyntaxError ? checkSyntax(path) : error instanceof Error ? error.stack : undefined;
    const line = /sec\.config\.[jt]s:(\d+(?::\d+)?)/.exec(trace ?? "")?.[1];
    throw usage(`${name}${line === undefined ? "" : `:${line}`}: ${reasonOf(error)}`);
  }
  if (module.default === undefined)
    throw usage(`${name}: it has no default export`, 'export default { entry: "net.se" }');
  return checked(module.default, (field) => (field === undefined ? name : `${name}: ${field}`));
}

/** What `node --check` prints: the only way to learn the line of a syntax error in a module. */
function checkSyntax(path: string): string {
  return spawnSync(process.execPath, ["--check", path], { encoding: "utf8" }).stderr;
}

function plain(value: JsonValue): unknown {
  switch (value.kind) {
    case "null":
      return null;
    case "array":
      return value.items.map(plain);
    case "object":
      return Object.fromEntries(value.members.map((member) => [member.name, plain(member.value)]));
    default:
      return value.value;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isConfigValue(value: unknown): value is SetValue {
  return Array.isArray(value) ? value.every(isConfigValue) : ["string", "number", "boolean"].includes(typeof value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
