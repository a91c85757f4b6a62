/**
 * What is wrong with the path of a file that sec is about to write below its output folder, if anything. Such paths are
 * relative, with `/`, and every part is a plain name on every system: no `..`, no drive, no device, no hidden file.
 */
export function outputPathFault(path: string): string | undefined {
  for (const part of path.split("/")) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/.test(part) || part.endsWith(".")) {
      return `${JSON.stringify(path)} is not a legal output path: ${JSON.stringify(part)} is not a plain file name`;
    }
    if (/^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i.test(part)) {
      return `${JSON.stringify(path)} is not a legal output path: ${JSON.stringify(part)} is a device on Windows`;
    }
  }
  return undefined;
}

/** Two paths that would be one file where case does not count. */
export function outputPathClash(paths: readonly string[]): string | undefined {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const folded = path.toLowerCase();
    const other = seen.get(folded);
    if (other !== undefined) return `${JSON.stringify(other)} and ${JSON.stringify(path)} would be one file`;
    seen.set(folded, path);
  }
  return undefined;
}
