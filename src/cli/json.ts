/** A JSON value that knows where it stands. */
export type JsonValue = { readonly at: number } & (
  | { readonly kind: "null" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "array"; readonly items: readonly JsonValue[] }
  | { readonly kind: "object"; readonly members: readonly JsonMember[] }
);

export interface JsonMember {
  readonly name: string;
  readonly at: number;
  readonly value: JsonValue;
}

export type Json =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly at: number; readonly message: string };

/** Strict JSON for files that people write by hand: `JSON.parse` does not say where a wrong value stands. */
export function parseJson(text: string): Json {
  try {
    const reader = new Reader(text);
    const value = reader.value(0);
    reader.end();
    return { ok: true, value };
  } catch (error) {
    if (error instanceof JsonFault) return { ok: false, at: error.at, message: error.message };
    throw error;
  }
}

class JsonFault extends Error {
  constructor(
    readonly at: number,
    message: string,
  ) {
    super(message);
  }
}

const token = /[{}[\]:,]|"(?:[^"\\\u0000-\u001f]|\\.)*"|-?[0-9][0-9.eE+-]*|[A-Za-z]+/y;
const maxDepth = 100;

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  value(depth: number): JsonValue {
    const { text: word, at } = this.next();
    if (depth > maxDepth) throw new JsonFault(at, `nested deeper than ${maxDepth}`);
    if (word === "{") return { kind: "object", at, members: this.list("}", () => this.member(depth)) };
    if (word === "[") return { kind: "array", at, items: this.list("]", () => this.value(depth + 1)) };
    const value = literal(word, at);
    if (value === null) return { kind: "null", at };
    if (typeof value === "string") return { kind: "string", at, value };
    return typeof value === "number" ? { kind: "number", at, value } : { kind: "boolean", at, value };
  }

  end(): void {
    const { text: word, at } = this.next();
    if (word !== "") throw new JsonFault(at, `${word} stands after the end`);
  }

  private member(depth: number): JsonMember {
    const { text: word, at } = this.next();
    const name = word.startsWith('"') ? literal(word, at) : undefined;
    if (typeof name !== "string")
      throw new JsonFault(at, `expected a name in double quotes, found ${word || "the end"}`);
    this.expect(":");
    return { name, at, value: this.value(depth + 1) };
  }

  /** What stands up to a closing bracket, with commas between. */
  private list<T>(close: string, item: () => T): T[] {
    const items: T[] = [];
    const start = this.at;
    if (this.next().text === close) return items;
    this.at = start;
    for (;;) {
      items.push(item());
      if (this.expect(",", close) === close) return items;
    }
  }

  private expect(...wanted: readonly string[]): string {
    const { text: word, at } = this.next();
    if (!wanted.includes(word)) throw new JsonFault(at, `expected ${wanted.join(" or ")}, found ${word || "the end"}`);
    return word;
  }

  private next(): { readonly text: string; readonly at: number } {
    while (/[ \t\r\n]/.test(this.text[this.at] ?? "")) this.at++;
    const at = this.at;
    if (at === this.text.length) return { text: "", at };
    token.lastIndex = at;
    const found = token.exec(this.text)?.[0];
    if (found === undefined) throw new JsonFault(at, `unexpected ${JSON.stringify(this.text[at])}`);
    this.at += found.length;
    return { text: found, at };
  }
}

/** One token that is a value by itself; the host's own parser knows what it is worth. */
function literal(word: string, at: number): string | number | boolean | null {
  try {
    return JSON.parse(word) as string | number | boolean | null;
  } catch {
    throw new JsonFault(at, word === "" ? "the file ends too early" : `expected a value, found ${word}`);
  }
}
