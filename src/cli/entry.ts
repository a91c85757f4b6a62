import { textsOf } from "../settings.ts";
import type { CompileFlags } from "./commands.ts";
import { readConfig, type Config } from "./config.ts";
import { usage } from "./exit.ts";
import { readFolder } from "./files.ts";

/** What to compile and how, when no file is named: as sec.config says, else the only source here. Flags win. */
export async function entryOfFolder(
  flags: CompileFlags,
): Promise<{ readonly file: string; readonly flags: CompileFlags }> {
  const config = await readConfig(".");
  if (!config) return { file: onlySource(), flags };
  return { file: config.entry ?? onlySource(), flags: { ...flagsOf(config), ...flags, set: setOf(config, flags) } };
}

function onlySource(): string {
  const folder = readFolder(".");
  if (!folder.ok) throw usage(folder.message);
  const sources = folder.names.filter((name) => name.endsWith(".se"));
  const [only] = sources;
  if (only !== undefined && sources.length === 1) return only;
  const seen = sources.length === 0 ? "there is no .se file here" : `there are several here: ${sources.join(", ")}`;
  throw usage(`no file was named, and ${seen}`, "name one, or write a sec.config.json with an entry");
}

function flagsOf({ target, outDir, network, maxBatch, precision, tuning }: Config): CompileFlags {
  return {
    ...(target !== undefined && { target }),
    ...(outDir !== undefined && { out: outDir }),
    ...(network !== undefined && { network }),
    ...(maxBatch !== undefined && { maxBatch }),
    ...(precision !== undefined && { precision }),
    ...(tuning !== undefined && { tuning }),
  };
}

/** The config's values that no flag gives, then the flags'. */
function setOf({ set = {} }: Config, flags: CompileFlags): readonly string[] {
  const given = flags.set ?? [];
  const named = new Set(given.map((setting) => setting.split("=")[0]!.trim()));
  const rest = [...textsOf(set)].filter(([name]) => !named.has(name));
  return [...rest.map(([name, value]) => `${name}=${value}`), ...given];
}
