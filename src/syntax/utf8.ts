/** Strict UTF-8, in both directions. Written here because a wrong byte must be named by its position, in every host. */

export type DecodedText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly at: number };

/**
 * The text of some bytes, or the offset of the first byte that cannot belong to it: no replacement characters, no
 * overlong forms, no surrogates. A byte order mark at the start is dropped, so offsets into the text do not count it.
 */
export function decodeUtf8(bytes: Uint8Array): DecodedText {
  const units = new Uint16Array(8192);
  let used = 0;
  let text = "";
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (at < bytes.length) {
    const lead = bytes[at]!;
    let point = lead;
    if (lead >= 0x80) {
      const form = forms.find(({ from, to }) => lead >= from && lead <= to);
      if (!form) return { ok: false, at };
      point = lead & form.mask;
      for (let k = 1; k < form.length; k++) {
        const next = bytes[at + k];
        if (next === undefined || next >> 6 !== 0b10) return { ok: false, at };
        point = (point << 6) | (next & 0x3f);
      }
      if (point < form.least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return { ok: false, at };
      at += form.length;
    } else {
      at++;
    }
    if (point >= 0x10000) {
      units[used++] = 0xd800 + ((point - 0x10000) >> 10);
      units[used++] = 0xdc00 + ((point - 0x10000) & 0x3ff);
    } else {
      units[used++] = point;
    }
    if (used >= units.length - 1) {
      text += stringOf(units.subarray(0, used));
      used = 0;
    }
  }
  return { ok: true, text: text + stringOf(units.subarray(0, used)) };
}

/** The bytes of a text. A surrogate without its partner, which no file can hold, becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let used = 0;
  for (let at = 0; at < text.length; at++) {
    let point = text.codePointAt(at)!;
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x80) {
      bytes[used++] = point;
    } else if (point < 0x800) {
      bytes[used++] = 0xc0 | (point >> 6);
      bytes[used++] = 0x80 | (point & 0x3f);
    } else if (point < 0x10000) {
      bytes[used++] = 0xe0 | (point >> 12);
      bytes[used++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[used++] = 0x80 | (point & 0x3f);
    } else {
      bytes[used++] = 0xf0 | (point >> 18);
      bytes[used++] = 0x80 | ((point >> 12) & 0x3f);
      bytes[used++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[used++] = 0x80 | (point & 0x3f);
      at++;
    }
  }
  return bytes.slice(0, used);
}

/** The multi-byte forms: which lead bytes, how long, the lead byte's share, and the least code point that needs it. */
const forms = [
  { from: 0xc2, to: 0xdf, length: 2, mask: 0x1f, least: 0x80 },
  { from: 0xe0, to: 0xef, length: 3, mask: 0x0f, least: 0x800 },
  { from: 0xf0, to: 0xf4, length: 4, mask: 0x07, least: 0x10000 },
] as const;

/** `apply` takes the array as it is; a spread would copy it element by element. */
function stringOf(units: Uint16Array): string {
  return Reflect.apply(String.fromCharCode, String, units) as string;
}
