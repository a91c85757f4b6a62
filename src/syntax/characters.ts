/** The characters of a source file: what cannot be seen, or looks like something else, is refused before any token is read. */
import type { Diagnostic, Problems } from "../diagnostics.ts";

/** A misplaced file (a picture, a page in another language) need not be told a thousand times. */
const enough = 20;

export function refuseCharacters(text: string, file: string, problems: Problems): void {
  if (!beyondAscii.test(text)) return;
  let reported = 0;
  // A byte order mark may stand at the start, and nowhere else.
  const from = text.startsWith("\uFEFF") ? 1 : 0;
  for (const { 0: piece, index } of text.slice(from).matchAll(pieces)) {
    const refused = piece.startsWith("//") ? inComment : piece.startsWith('"') ? inString : outside;
    const at = piece.search(refused);
    if (at < 0) continue;
    const character = String.fromCodePoint(piece.codePointAt(at) ?? 0);
    const start = from + index + at;
    const span = { file, start, end: start + character.length };
    problems.report({ severity: "error", span, ...complaint(character, wordAt(text, start)) });
    if (++reported === enough) return;
  }
}

/** Comments and strings whole; elsewhere a character that ASCII lacks, to the end of its word: one complaint for each. */
const pieces = /\/\/[^\r\n]*|"[^"\r\n]*"?|[^\t\n\r\x20-\x7e][\w\x80-\uFFFF]*/g;
const beyondAscii = /[^\t\n\r\x20-\x7e]/;

const outside = /[^\t\n\r\x20-\x7e]/u;
/** Bidirectional controls, and line ends that only some editors see. */
const inComment = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/u;
const inString = /[\0-\x1f\x7f-\x9f]|(?! )[\p{Cf}\p{Zs}\p{Zl}\p{Zp}]/u;

type Complaint = Pick<Diagnostic, "code" | "message" | "hint">;

function complaint(character: string, word: string): Complaint {
  const point = codePoint(character);
  const twin = twins.get(character);
  if (twin !== undefined) {
    return {
      code: "SE0105",
      message: `\`${character}\` (${point}, ${twin.what}) only looks like \`${twin.ascii}\``,
      hint: `write \`${twin.ascii}\``,
    };
  }
  const name = invisible.get(character);
  if (name !== undefined || /[\p{Cf}\p{Zs}\p{Zl}\p{Zp}]/u.test(character)) {
    return {
      code: "SE0105",
      message: `${point}${name === undefined ? "" : ` (${name})`} cannot be seen and changes how the text reads`,
      hint: /\p{Zs}/u.test(character) ? "write a plain space" : "delete it",
    };
  }
  if (/\p{Cc}/u.test(character)) {
    const known = controls.get(character);
    return {
      code: "SE0101",
      message: `${known === undefined ? "the control character" : `the character ${known},`} ${point} has no place in a source file`,
      hint: "delete it; is this a text file?",
    };
  }
  if (/[\p{L}\p{M}]/u.test(character)) {
    return {
      code: "SE0106",
      message: `\`${character}\` (${point}) cannot be part of a name${word === character ? "" : `: \`${word}\``}`,
      hint: "names are written with the letters A to Z and a to z, digits and `_`",
    };
  }
  return {
    code: "SE0101",
    message: `\`${character}\` (${point}) has no meaning outside comments and strings`,
  };
}

/** The word around an offset, if it has a sensible length. */
function wordAt(text: string, offset: number): string {
  const before = /\w*$/.exec(text.slice(Math.max(0, offset - 40), offset))?.[0] ?? "";
  const after = /^[\p{L}\p{M}\w]*/u.exec(text.slice(offset, offset + 40))?.[0] ?? "";
  return before + after;
}

/** `U+202E` */
function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

const controls = new Map([
  ["\0", "NUL"],
  ["\x07", "BELL"],
  ["\b", "BACKSPACE"],
  ["\v", "VERTICAL TAB"],
  ["\f", "FORM FEED"],
  ["\x1b", "ESCAPE"],
  ["\x7f", "DELETE"],
]);

const invisible = new Map([
  ["\u00A0", "no-break space"],
  ["\u00AD", "soft hyphen"],
  ["\u061C", "Arabic letter mark"],
  ["\u200B", "zero-width space"],
  ["\u200C", "zero-width non-joiner"],
  ["\u200D", "zero-width joiner"],
  ["\u200E", "left-to-right mark"],
  ["\u200F", "right-to-left mark"],
  ["\u2028", "line separator"],
  ["\u2029", "paragraph separator"],
  ["\u202A", "left-to-right embedding"],
  ["\u202B", "right-to-left embedding"],
  ["\u202C", "pop directional formatting"],
  ["\u202D", "left-to-right override"],
  ["\u202E", "right-to-left override"],
  ["\u2060", "word joiner"],
  ["\u2066", "left-to-right isolate"],
  ["\u2067", "right-to-left isolate"],
  ["\u2068", "first strong isolate"],
  ["\u2069", "pop directional isolate"],
  ["\u3000", "ideographic space"],
  ["\uFEFF", "byte order mark"],
]);

interface Twin {
  readonly ascii: string;
  readonly what: string;
}

const twins: ReadonlyMap<string, Twin> = new Map([
  ...twinsOf("a Cyrillic letter", "аеорсухіјѕһԁАВЕЗКМНОРСТУХІЈЅ", "aeopcyxijshdABE3KMHOPCTYXIJS"),
  ...twinsOf("a Greek letter", "οανΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "oavABEZHIKMNOPTYX"),
  ...twinsOf("a multiplication sign", "×✕⨯", "xxx"),
  ...twinsOf("a multiplication sign", "·⋅∙∗", "****"),
  ...twinsOf("a division sign", "÷∕⁄", "///"),
  ...twinsOf("a dash", "−–—‐‑", "-----"),
  ...twinsOf("a typographic quote", "“”„‟«»", '""""""'),
  ...twinsOf("a typographic quote", "‘’‚‛", '""""'),
  ...twinsOf("a colon", "∶ː", "::"),
  ...(
    [
      ["→", "->", "an arrow"],
      ["⟶", "->", "an arrow"],
      ["⇒", "->", "an arrow"],
      ["≤", "<=", "a comparison"],
      ["≥", ">=", "a comparison"],
      ["≠", "!=", "a comparison"],
      ["…", "..", "an ellipsis"],
    ] as const
  ).map(([twin, ascii, what]): [string, Twin] => [twin, { ascii, what }]),
  // The fullwidth forms stand in the order of ASCII.
  ...Array.from({ length: 94 }, (_, index): [string, Twin] => [
    String.fromCodePoint(0xff01 + index),
    { ascii: String.fromCodePoint(0x21 + index), what: "a fullwidth form" },
  ]),
]);

function twinsOf(what: string, twin: string, ascii: string): [string, Twin][] {
  return [...twin].map((character, index) => [character, { ascii: ascii[index] ?? "", what }]);
}
