/**
 * Text whose line breaks depend on the width, after Wadler and Prettier. A group is printed on one line if it fits,
 * otherwise all its own lines break.
 */
export type Doc =
  | string
  | readonly Doc[]
  | { readonly kind: "line"; readonly flat: string; readonly hard: boolean }
  | { readonly kind: "indent"; readonly inner: Doc }
  | { readonly kind: "group"; readonly inner: Doc; readonly broken: boolean }
  /** Text that is there only if the group breaks: a trailing comma. */
  | { readonly kind: "ifBroken"; readonly text: string }
  /** A comment: printed at the end of the line, which ends here; only a closing comma may come before it. */
  | { readonly kind: "comment"; readonly text: string };

/** A space, or a new line. */
export const line: Doc = { kind: "line", flat: " ", hard: false };
/** Nothing, or a new line. */
export const softLine: Doc = { kind: "line", flat: "", hard: false };
/** A new line; the groups around it break. */
export const hardLine: Doc = { kind: "line", flat: "", hard: true };
export const blankLine: Doc = [hardLine, hardLine];

export function indent(...inner: readonly Doc[]): Doc {
  return { kind: "indent", inner };
}

export function group(...inner: readonly Doc[]): Doc {
  return { kind: "group", inner, broken: mustBreak(inner) };
}

export function ifBroken(text: string): Doc {
  return { kind: "ifBroken", text };
}

export function comment(text: string): Doc {
  return { kind: "comment", text };
}

function mustBreak(doc: Doc): boolean {
  if (typeof doc === "string") return false;
  if (!("kind" in doc)) return doc.some(mustBreak);
  switch (doc.kind) {
    case "line":
      return doc.hard;
    case "indent":
      return mustBreak(doc.inner);
    case "group":
      return doc.broken;
    case "ifBroken":
      return false;
    case "comment":
      return true;
    default:
      return doc satisfies never;
  }
}

interface Item {
  readonly doc: Doc;
  readonly indent: number;
  readonly flat: boolean;
}

const step = 2;

export function print(doc: Doc, width: number): string {
  const lines: string[] = [];
  let text = "";
  let comment = "";
  const stack: Item[] = [{ doc, indent: 0, flat: false }];
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const { doc: current, indent: level, flat } = item;
    if (typeof current === "string") text += current;
    else if (!("kind" in current)) {
      for (const part of current.toReversed()) stack.push({ doc: part, indent: level, flat });
    } else if (current.kind === "indent") stack.push({ doc: current.inner, indent: level + step, flat });
    else if (current.kind === "ifBroken") text += flat ? "" : current.text;
    else if (current.kind === "comment") comment = current.text;
    else if (current.kind === "group") {
      const whole = { doc: current.inner, indent: level, flat: true };
      const fits = !current.broken && (flat || measure(whole, stack, width - text.length));
      stack.push({ ...whole, flat: fits });
    } else if (flat && !current.hard) text += current.flat;
    else endLine(level);
  }
  endLine(0);
  return `${lines.join("\n")}\n`;

  function endLine(level: number): void {
    lines.push(`${text.trimEnd()} ${comment}`.trimEnd());
    comment = "";
    text = " ".repeat(level);
  }
}

/** Whether a flat item, and what must follow it on the same line, has room. */
function measure(first: Item, rest: readonly Item[], room: number): boolean {
  const stack = [first];
  let next = rest.length;
  let left = room;
  while (left >= 0) {
    const item = stack.pop() ?? rest[--next];
    if (item === undefined) return true;
    const { doc, flat } = item;
    if (typeof doc === "string") left -= doc.length;
    else if (!("kind" in doc)) for (const part of doc.toReversed()) stack.push({ ...item, doc: part });
    else if (doc.kind === "indent") stack.push({ ...item, doc: doc.inner });
    else if (doc.kind === "group") stack.push({ ...item, doc: doc.inner, flat: flat && !doc.broken });
    else if (doc.kind === "ifBroken") left -= flat ? 0 : doc.text.length;
    else if (doc.kind === "line") {
      if (!flat || doc.hard) return true;
      left -= doc.flat.length;
    }
  }
  return false;
}
