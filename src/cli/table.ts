/** Columns of text: those that begin with a number in every row but the first are aligned to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const cells = (column: number) => rows.map((row) => row[column] ?? "");
  const shapes = Array.from({ length: columns }, (_, column) => ({
    width: Math.max(...cells(column).map((cell) => cell.length)),
    numeric: cells(column)
      .slice(1)
      .every((cell) => /^[0-9-]/.test(cell) || cell === ""),
  }));
  const pad = (text: string, { width, numeric }: { width: number; numeric: boolean }) =>
    numeric ? text.padStart(width) : text.padEnd(width);
  return rows
    .map((row) => shapes.map((shape, column) => pad(row[column] ?? "", shape)).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/** 25,557,032 */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `512 B`, `3.4 kB`, `102.5 MB` */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
