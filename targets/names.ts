/**
 * The one namer: makes identifiers of source names, which are user text and never enter code as they are.
 * `layer1.0.conv1` becomes `layer1_0_conv1`; a reserved word gets an underscore behind it; a second one of the same name
 * a number. Case does not tell two names apart, because they become file names too.
 */
export class Namer {
  private readonly taken: Set<string>;

  constructor(reserved: Iterable<string>) {
    this.taken = new Set([...reserved].map((word) => word.toLowerCase()));
  }

  name(source: string): string {
    const base = identifier(source);
    let result = base;
    for (let count = 1; this.taken.has(result.toLowerCase()); count++) result = `${base}_${count}`;
    this.taken.add(result.toLowerCase());
    return result;
  }
}

const longest = 60;

/** Letters, digits and single underscores, beginning with a letter. */
function identifier(source: string): string {
  const words = source
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, longest);
  return /^[A-Za-z]/.test(words) ? words : `layer_${words}`.replace(/_$/, "");
}
