/**
 * The one namer: makes identifiers of source names, which are user text and never enter code as they are.
 * `layer1.0.conv1` becomes `layer1_0_conv1`; what is reserved or taken gets a number behind it. Case does not tell two
 * names apart, because they become file names too.
 */
export class Namer {
  private readonly reserved: ReadonlySet<string>;
  private readonly taken: Set<string>;

  /** @param reserved words that no name may be, in lower case */
  constructor(reserved: ReadonlySet<string>, taken: Iterable<string> = []) {
    this.reserved = reserved;
    this.taken = new Set([...taken].map((word) => word.toLowerCase()));
  }

  name(source: string): string {
    const base = identifier(source);
    let result = base;
    for (let count = 1; this.isTaken(result.toLowerCase()); count++) result = `${base}_${count}`;
    this.taken.add(result.toLowerCase());
    return result;
  }

  private isTaken(word: string): boolean {
    return this.reserved.has(word) || this.taken.has(word);
  }
}

export function lowerCaseSet(words: Iterable<string>): ReadonlySet<string> {
  return new Set([...words].map((word) => word.toLowerCase()));
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
