import { isStoredDType, type StoredDType } from "./stored.ts";

/** One line of a safetensors header: where a tensor's bytes lie, counted from the end of the header. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export type Header =
  | { readonly ok: true; readonly entries: readonly HeaderEntry[]; readonly metadata: Map<string, string> }
  | { readonly ok: false; readonly message: string };

export const maxTensors = 100_000;
const maxRank = 8;

/**
 * Reads the JSON of a safetensors header, and nothing else: an object of tensors, each with dtype, shape and
 * data_offsets, and one map of strings. It has its own parser because `JSON.parse` keeps the last of two equal keys and
 * rounds integers above 2^53; a file must not mean two things to two readers.
 */
export function parseHeader(text: string): Header {
  let at = 0;
  /** What is being read, for the messages: the header as such, or a part of it. */
  let place = wholeHeader;

  try {
    return header();
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, message: error.message };
    throw error;
  }

  function header(): Header {
    const entries: HeaderEntry[] = [];
    const names = new Set<string>();
    let metadata = new Map<string, string>();
    members((name) => {
      if (names.has(name)) refuse(`${quote(name)} is there twice`);
      names.add(name);
      if (name === "__metadata__") {
        metadata = stringMap();
        return;
      }
      if (entries.length === maxTensors) refuse(`there are more than ${maxTensors} tensors`);
      place = () => `tensor ${quote(name)}: `;
      entries.push(entry(name));
      place = wholeHeader;
    });
    skipSpace();
    if (at < text.length) refuse(`${found()} follows the closing brace`);
    return { ok: true, entries, metadata };
  }

  function entry(name: string): HeaderEntry {
    let dtype: string | undefined;
    let shape: number[] | undefined;
    let offsets: number[] | undefined;
    members((key) => {
      if (key === "dtype" && dtype === undefined) dtype = string("dtype");
      else if (key === "shape" && shape === undefined) shape = integers("shape");
      else if (key === "data_offsets" && offsets === undefined) offsets = integers("data_offsets");
      else if (key === "dtype" || key === "shape" || key === "data_offsets") refuse(`${quote(key)} is there twice`);
      else refuse(`${quote(key)} is not a key of the format (dtype, shape, data_offsets)`);
    });
    if (dtype === undefined) refuse("dtype is missing");
    if (shape === undefined) refuse("shape is missing");
    if (offsets === undefined) refuse("data_offsets is missing");
    if (offsets.length !== 2) refuse(`data_offsets has ${offsets.length} numbers, expected 2`);
    if (shape.length > maxRank) refuse(`the shape has ${shape.length} extents, at most ${maxRank} are supported`);
    if (!isStoredDType(dtype)) refuse(unsupported(dtype));
    const [start, end] = offsets as [number, number];
    return { name, dtype, shape, start, end };
  }

  function stringMap(): Map<string, string> {
    const map = new Map<string, string>();
    place = () => "__metadata__: ";
    members((key) => {
      if (map.has(key)) refuse(`${quote(key)} is there twice`);
      map.set(key, string(`the value of ${quote(key)}`));
    });
    place = wholeHeader;
    return map;
  }

  function members(member: (key: string) => void): void {
    skipSpace();
    if (text[at] !== "{") refuse(`expected an object, found ${found()}`);
    at++;
    skipSpace();
    if (text[at] === "}") {
      at++;
      return;
    }
    for (;;) {
      const key = string("a key");
      skipSpace();
      if (text[at] !== ":") refuse(`expected ":" after ${quote(key)}, found ${found()}`);
      at++;
      member(key);
      skipSpace();
      const next = text[at];
      if (next !== "," && next !== "}") refuse(`expected "," or "}", found ${found()}`);
      at++;
      if (next === "}") return;
    }
  }

  function integers(what: string): number[] {
    const list: number[] = [];
    skipSpace();
    if (text[at] !== "[") refuse(`${what} should be a list of integers, found ${found()}`);
    at++;
    skipSpace();
    if (text[at] === "]") {
      at++;
      return list;
    }
    for (;;) {
      list.push(integer(what));
      skipSpace();
      const next = text[at];
      if (next !== "," && next !== "]") refuse(`${what} should be a list of integers, found ${found()}`);
      at++;
      if (next === "]") return list;
    }
  }

  function integer(what: string): number {
    skipSpace();
    const digits = match(/-?[0-9][0-9.eE+-]*/y);
    if (digits === undefined) refuse(`${what} should hold integers, found ${found()}`);
    if (!/^(0|[1-9][0-9]*)$/.test(digits)) refuse(`${what} should hold integers of at least 0, found ${clip(digits)}`);
    const value = Number(digits);
    if (!Number.isSafeInteger(value)) refuse(`${what} holds ${clip(digits)}, which is above 2^53`);
    return value;
  }

  function string(what: string): string {
    skipSpace();
    const start = at;
    // oxlint-disable-next-line no-control-regex -- these are what JSON forbids in a string
    const literal = match(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y);
    if (literal === undefined) {
      refuse(
        text[start] === '"' ? `${what} is not a valid JSON string` : `${what} should be a string, found ${found()}`,
      );
    }
    // The literal is checked, so this cannot throw, and it is the fast way to undo the escapes.
    const value = literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1);
    if (/\p{Surrogate}/u.test(value)) refuse(`${what} holds half a character (an unpaired surrogate)`);
    return value;
  }

  function match(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  }

  function skipSpace(): void {
    while (text[at] === " " || text[at] === "\n" || text[at] === "\r" || text[at] === "\t") at++;
  }

  function found(): string {
    return at < text.length ? quote(String.fromCodePoint(text.codePointAt(at)!)) : "the end of the header";
  }

  function refuse(what: string): never {
    throw new Refusal(place() + what);
  }
}

/** A name for a message: quoted, cut where it would fill the screen, with what a terminal would obey or hide escaped. */
export function quote(name: string): string {
  return JSON.stringify(clip(name)).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

class Refusal extends Error {}

const wholeHeader = () => "the header is not valid: ";

function clip(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}...` : text;
}

function unsupported(dtype: string): string {
  const known = Object.hasOwn(unreadable, dtype) ? unreadable[dtype as keyof typeof unreadable] : undefined;
  return known
    ? `dtype ${dtype} (${known}) is not supported; convert the tensor to F32`
    : `unknown dtype ${quote(dtype)}; convert the tensor to F32`;
}

/** Element types that the format defines and sec does not read. */
const unreadable = {
  F8_E4M3: "8-bit float",
  F8_E5M2: "8-bit float",
  F8_E4M3FNUZ: "8-bit float",
  F8_E5M2FNUZ: "8-bit float",
  F8_E8M0: "8-bit scale",
  F6_E2M3: "6-bit float",
  F6_E3M2: "6-bit float",
  F4: "4-bit float",
  C64: "complex",
} as const;
