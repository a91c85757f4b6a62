import type { NetworkFlags } from "./commands.ts";
import { usage } from "./exit.ts";

/** Which network of a file, and with which values. */
export function networkOf({ network, set }: NetworkFlags): {
  readonly network: string | undefined;
  readonly set: ReadonlyMap<string, string>;
} {
  return { network, set: settingsOf(set) };
}

/** `--set name=value`, each name once: the text of a literal of the language, which the compiler reads. */
function settingsOf(written: readonly string[] = []): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const setting of written) {
    const [, name, value] = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/s.exec(setting) ?? [];
    if (name === undefined || value === undefined) {
      throw usage(`--set ${setting}: expected name=value`, "as in --set ratio=8, --set se=pre, --set stages=3,4");
    }
    if (settings.has(name)) throw usage(`--set gives ${name} twice`);
    settings.set(name, value.trim());
  }
  return settings;
}
