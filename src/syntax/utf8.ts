/** Strict UTF-8: every host's own coder, and the position of a wrong byte, which none of them tells. */

export type DecodedText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly at: number };

/**
 * The text of some bytes, or the offset of the first character that is not UTF-8: no replacement characters, no overlong
 * forms, no surrogates. A byte order mark at the start is dropped, so offsets into the text do not count it.
 */
export function decodeUtf8(bytes: Uint8Array): DecodedText {
  try {
    return { ok: true, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { ok: false, at: firstFault(bytes) };
  }
}

/** The bytes of a text. A surrogate without its partner, which no file can hold, becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

// The core is typed without a host; these two are in every one of them.
declare const TextDecoder: new (label: string, options: { fatal: boolean }) => { decode(bytes: Uint8Array): string };
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

function firstFault(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const form = forms.find(({ from, to }) => bytes[at]! >= from && bytes[at]! <= to);
    if (!form) return at;
    const rest = bytes.subarray(at + 1, at + form.length);
    const valid = rest.every(
      (byte, i) => byte >= (i === 0 ? form.second[0] : 0x80) && byte <= (i === 0 ? form.second[1] : 0xbf),
    );
    if (rest.length < form.length - 1 || !valid) return at;
    at += form.length;
  }
  return at;
}

/** The Unicode standard's table of well-formed sequences: lead bytes, length, and what the second byte may be. */
const forms = [
  { from: 0x00, to: 0x7f, length: 1, second: [0x80, 0xbf] },
  { from: 0xc2, to: 0xdf, length: 2, second: [0x80, 0xbf] },
  { from: 0xe0, to: 0xe0, length: 3, second: [0xa0, 0xbf] },
  { from: 0xe1, to: 0xec, length: 3, second: [0x80, 0xbf] },
  { from: 0xed, to: 0xed, length: 3, second: [0x80, 0x9f] },
  { from: 0xee, to: 0xef, length: 3, second: [0x80, 0xbf] },
  { from: 0xf0, to: 0xf0, length: 4, second: [0x90, 0xbf] },
  { from: 0xf1, to: 0xf3, length: 4, second: [0x80, 0xbf] },
  { from: 0xf4, to: 0xf4, length: 4, second: [0x80, 0x8f] },
] as const;
