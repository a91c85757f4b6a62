import { layoutsOf } from "../weights/check.ts";
import { countNonFinite } from "../weights/stored.ts";
import { readSafetensors, type SafetensorsFile } from "../weights/safetensors.ts";
import { sizeOf } from "../tensor/tensor.ts";
import type { CommonFlags } from "./commands.ts";
import { exit, Refusal } from "./exit.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { bytesText, grouped, table } from "./table.ts";
import { bytesOf } from "./weights.ts";

/** What is in a safetensors file, and whose names it has. */
export function weightsListCommand(path: string, flags: CommonFlags, io: Io): Outcome {
  const { tensors, metadata } = readFile(path);
  const { titles, prefix } = layoutsOf(tensors);
  const rows = [...tensors].map(([name, stored]) => {
    const { dtype, shape, bytes } = stored;
    return { name, dtype, shape, bytes: bytes.length, ...countNonFinite(stored) };
  });
  const elements = rows.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  for (const { name, nan, infinite } of rows) {
    if (nan + infinite > 0 && !flags.quiet) {
      io.err(`warning: ${path}: ${name} holds ${nan} NaN and ${infinite} infinite values\n`);
    }
  }
  const look =
    titles.length === 0
      ? "its keys are those of no layout that sec knows"
      : `its keys look like ${titles.join(", or ")}`;
  const before = prefix === "" ? "" : `, behind "${prefix}"`;
  const count = `${grouped(rows.length)} tensor${rows.length === 1 ? "" : "s"}, ${grouped(elements)} numbers, ${bytesText(bytes)}`;
  return {
    exit: exit.done,
    document: {
      ok: true,
      file: path,
      count: rows.length,
      elements,
      bytes,
      layouts: titles,
      prefix,
      metadata: Object.fromEntries(metadata),
      tensors: rows,
    },
    text: `${table([
      ["bytes", "dtype", "shape", "name"],
      ...rows.map((row) => [grouped(row.bytes), row.dtype, `[${row.shape.join(", ")}]`, row.name]),
    ])}${count}; ${look}${before}\n`,
  };
}

export function readFile(path: string): Extract<SafetensorsFile, { ok: true }> {
  const file = readSafetensors(bytesOf(path));
  if (!file.ok) throw new Refusal(exit.wrong, `${path}: ${file.message}`, undefined, { messages: [file.message] });
  return file;
}
