/** Diagnostics as text: the message, the place, the line with marks under it, and what to try. */
import type { Diagnostic, Severity, Span } from "../diagnostics.ts";

export interface FrameOptions {
  /** The text of a file that a span names, as it was compiled. */
  readonly source: (file: string) => string | undefined;
  readonly color: boolean;
  /** Columns of the terminal; longer source lines are shown in part. */
  readonly width: number;
}

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units, as editors count; a byte order mark is not counted. */
  readonly column: number;
}

/** More than anyone reads at once. */
const most = 100;

/**
 * All diagnostics, sorted by place, each followed by an empty line.
 *
 *     error[SE0112]: expected a name after `let`, found `=`
 *       --> net.se:3:7
 *        |
 *      3 |   let = 3
 *        |       ^
 *        |
 *        hint: as in `let half = width / 2`
 */
export function formatDiagnostics(list: readonly Diagnostic[], options: FrameOptions): string {
  const sorted = list.toSorted(byPlace);
  const shown = sorted.slice(0, most).map((diagnostic) => `${formatDiagnostic(diagnostic, options)}\n\n`);
  const rest = sorted.length - most;
  return shown.join("") + (rest > 0 ? `and ${rest} more\n\n` : "");
}

export function positionOf(source: string, offset: number): Position {
  const at = Math.max(0, Math.min(offset, source.length));
  let line = 1;
  let start = 0;
  for (const { index, 0: end } of source.matchAll(/\r\n|\r|\n/g)) {
    if (index + end.length > at) break;
    line++;
    start = index + end.length;
  }
  if (start === 0 && source.startsWith("\uFEFF") && at > 0) start = 1;
  return { line, column: at - start + 1 };
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  const [left, right] = [a.span, b.span];
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return left.start - right.start || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0);
}

// --- one diagnostic --------------------------------------------------------------------------------------------

/** A place to be marked in a frame. */
interface Mark {
  readonly span: Span;
  readonly message: string;
  readonly primary: boolean;
  readonly line: number;
}

function formatDiagnostic(
  { severity, code, message, span, related = [], hint }: Diagnostic,
  options: FrameOptions,
): string {
  const paint = painter(options.color);
  const head = `${paint(severity, `${severity}[${code}]`)}${paint("bold", `: ${visible(message)}`)}`;
  const places = [
    ...(span ? [{ span, message: "", primary: true }] : []),
    ...related.map((other) => ({ ...other, primary: false })),
  ];
  const marks = places.map((place): Mark => {
    const source = options.source(place.span.file);
    return { ...place, line: source === undefined ? 0 : positionOf(source, place.span.start).line };
  });
  const gutter = Math.max(1, ...marks.map(({ line }) => String(line).length)) + 1;
  const files = [...new Set(marks.map((mark) => mark.span.file))];
  const frames = files.flatMap((file, index) => {
    const own = marks.filter((mark) => mark.span.file === file);
    return frame(own, index === 0 ? "-->" : ":::", gutter, severity, options);
  });
  const margin = " ".repeat(gutter + 1);
  const advice =
    hint === undefined
      ? []
      : [`${margin}${paint("note", "hint:")} ${visible(hint).replaceAll("\n", `\n${margin}      `)}`];
  // Without advice, nothing is set off by the last empty edge.
  return [head, ...(hint === undefined ? frames.slice(0, -1) : frames), ...advice].join("\n");
}

/** The marked lines of one file. */
function frame(
  marks: readonly Mark[],
  arrow: string,
  gutter: number,
  severity: Severity,
  options: FrameOptions,
): string[] {
  const paint = painter(options.color);
  const bar = paint("note", "|");
  const edge = `${" ".repeat(gutter)} ${bar}`;
  const [first] = marks;
  if (first === undefined) return [];
  const { file, start } = first.span;
  const source = options.source(file);
  const place = source === undefined ? "" : `:${first.line}:${positionOf(source, start).column}`;
  const lines = [`${" ".repeat(gutter)}${paint("note", arrow)} ${visible(file)}${place}`];
  if (source === undefined) return lines;

  lines.push(edge);
  let previous: number | undefined;
  for (const line of [...new Set(marks.map((mark) => mark.line))].toSorted((a, b) => a - b)) {
    if (previous !== undefined && line > previous + 1) lines.push(paint("note", "...".padStart(gutter)));
    previous = line;
    const own = marks.filter((mark) => mark.line === line).toSorted((a, b) => Number(b.primary) - Number(a.primary));
    const main = own[0] ?? first;
    const window = windowOn(source, main.span, Math.max(20, options.width - gutter - 3));
    lines.push(`${paint("note", String(line).padStart(gutter))} ${bar} ${window.text}`.trimEnd());
    for (const { span, message, primary } of own) {
      const from = window.column(span.start);
      const length = Math.max(1, window.column(span.end) - from);
      const sign = (primary ? "^" : "-").repeat(length);
      const words = message === "" ? "" : ` ${visible(message)}`;
      lines.push(`${edge} ${" ".repeat(from)}${paint(primary ? severity : "note", sign + words)}`);
    }
  }
  return [...lines, edge];
}

// --- a line ----------------------------------------------------------------------------------------------------

interface LineWindow {
  readonly text: string;
  /** Where an offset of the source stands on the screen, counted from the start of `text`. */
  readonly column: (offset: number) => number;
}

/** A line as it is shown: tabs and what cannot be seen replaced, and cut around the span if it is too wide. */
function windowOn(source: string, { start, end }: Span, width: number): LineWindow {
  // However long the line is, only this much of it can be shown.
  const before = source.slice(Math.max(0, start - 2 * width), start);
  const lineBefore = before.slice(before.search(/[^\r\n]*$/));
  const lineAfter = /^[^\r\n]*/.exec(source.slice(start, start + 2 * width))?.[0] ?? "";
  const from = start - lineBefore.length;
  const cutBefore = from > 0 && !isLineEnd(source[from - 1]);
  const cutAfter = start + lineAfter.length < source.length && !isLineEnd(source[start + lineAfter.length]);

  const cells: { readonly offset: number; readonly column: number; readonly shown: string }[] = [];
  let offset = from;
  let column = 0;
  for (const character of lineBefore + lineAfter) {
    const shown = offset === 0 && character === "\uFEFF" ? "" : shownAs(character, column);
    cells.push({ offset, column, shown });
    offset += character.length;
    column += widthOf(shown);
  }
  const columnOf = (place: number) => cells.find((cell) => cell.offset >= place)?.column ?? column;
  if (!cutBefore && !cutAfter && column <= width) return { text: textOf(cells), column: columnOf };

  const keepsStart = !cutBefore && columnOf(end) < width - 1;
  const left = keepsStart ? 0 : Math.max(0, columnOf(start) - Math.floor(width / 3));
  const leftEdge = left > 0 || cutBefore ? "…" : "";
  const room = width - leftEdge.length - 1;
  const inside = cells.filter((cell) => cell.column >= left && cell.column + widthOf(cell.shown) <= left + room);
  const rightEdge = inside.at(-1) === cells.at(-1) && !cutAfter ? "" : "…";
  const first = inside[0]?.column ?? 0;
  return {
    text: leftEdge + textOf(inside) + rightEdge,
    column: (place) => Math.min(Math.max(columnOf(place), first), left + room) - first + leftEdge.length,
  };
}

function textOf(cells: readonly { readonly shown: string }[]): string {
  return cells.map(({ shown }) => shown).join("");
}

function isLineEnd(character: string | undefined): boolean {
  return character === "\n" || character === "\r";
}

const tabWidth = 4;

function shownAs(character: string, column: number): string {
  return character === "\t" ? " ".repeat(tabWidth - (column % tabWidth)) : visible(character);
}

/** Text that cannot steer a terminal or hide in it. */
export function visible(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    return `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/** Columns on a terminal: two for East Asian characters and pictures, none for accents that combine. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += combining.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}

const combining = /[\p{Mn}\p{Me}]/u;
const wide =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u;

// --- colour ----------------------------------------------------------------------------------------------------

const styles = { error: "1;31", warning: "1;33", note: "1;36", bold: "1" } as const;

function painter(color: boolean): (style: keyof typeof styles, text: string) => string {
  return (style, text) => (color ? `\x1b[${styles[style]}m${text}\x1b[0m` : text);
}
