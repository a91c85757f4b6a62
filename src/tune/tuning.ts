import type { Problems } from "../diagnostics.ts";
import { GENERATED } from "../marker.ts";
import { convTiles } from "../plan/kernels/conv.ts";
import { mostSlices, tensorTiles } from "../plan/kernels/tensorConv.ts";
import type { Tile, Tiling } from "../plan/plan.ts";
import type { Tilings } from "../plan/tilings.ts";
import { precisions, type Precision } from "../precision.ts";
import type { Choice } from "./choose.ts";

/**
 * A tuning file: what `sec tune` measured and chose, which `sec compile --tuning` takes. Its shapes are those of
 * convolutions, so it serves every network that has some of them.
 */
export interface TuningFile {
  readonly generator: typeof GENERATED;
  readonly formatVersion: "1.0";
  readonly target: "cuda";
  readonly network: string;
  readonly precision: Precision;
  /** What it was measured on, by the driver's words. */
  readonly device: string;
  readonly batches: readonly number[];
  readonly convolutions: readonly (TilingEntry & {
    /** Of all launches of this shape, for each batch. */
    readonly microseconds: readonly number[];
    /** What the model had chosen, where that is something else. */
    readonly model?: TilingEntry & { readonly microseconds: readonly number[] };
  })[];
}

/** A tiling as files have it. */
export interface TilingEntry {
  readonly shape: string;
  readonly tile: readonly [pixels: number, channels: number];
  /** Of the depth, and the largest batch in which each is a block of its own; one slice if it is not said. */
  readonly slices?: number;
  readonly apartUpTo?: number;
}

export function tuningFile(
  { network, precision, device, batches }: Pick<TuningFile, "network" | "precision" | "device" | "batches">,
  choices: readonly Choice[],
): TuningFile {
  const round = (times: readonly number[]) => times.map((time) => Math.round(time * 10) / 10);
  return {
    generator: GENERATED,
    formatVersion: "1.0",
    target: "cuda",
    network,
    precision,
    device,
    batches,
    convolutions: choices.map(({ shape, best, model }) => ({
      ...entryOf(shape, best.tiling),
      microseconds: round(best.microseconds),
      ...(model !== best && { model: { ...entryOf(shape, model.tiling), microseconds: round(model.microseconds) } }),
    })),
  };
}

/** One line for each convolution, so that a difference shows what changed; the first line has the mark. */
export function tuningText(file: TuningFile): string {
  const { generator, convolutions, ...rest } = file;
  const fields = Object.entries(rest).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`);
  const lines = convolutions.map((each) => `    ${JSON.stringify(each)}`).join(",\n");
  return `{ "generator": ${JSON.stringify(generator)},\n${fields.join("")}  "convolutions": [\n${lines}\n  ]\n}\n`;
}

export type ReadTuning =
  { readonly ok: true; readonly tilings: Tilings } | { readonly ok: false; readonly message: string };

/** The tilings of a tuning file for a precision. It may have been edited. */
export function readTuning(text: string, precision: Precision): ReadTuning {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return refuse("it is not JSON");
  }
  if (!isRecord(file) || file["generator"] !== GENERATED) return refuse("it was not written by sec tune");
  const { formatVersion } = file;
  if (typeof formatVersion !== "string" || formatVersion.split(".")[0] !== "1")
    return refuse(`its format is ${String(formatVersion)}, this sec reads 1.x; tune again`);
  if (!precisions.includes(file["precision"] as Precision)) return refuse("it does not say for which precision it is");
  if (file["precision"] !== precision)
    return refuse(`it was measured in ${String(file["precision"])}, and this is compiled in ${precision}`);
  return readTilings(file["convolutions"], precision);
}

/** The same, where what is wrong is among the problems; `what` is the file or option that it is said of. */
export function tilingsIn(text: string, what: string, precision: Precision, problems: Problems): Tilings | undefined {
  const read = readTuning(text, precision);
  if (read.ok) return read.tilings;
  problems.report({ code: "SE0905", severity: "error", message: `${what}: ${read.message}` });
  return undefined;
}

export function tilingEntries(tilings: Tilings): readonly TilingEntry[] {
  return [...tilings].map(([shape, tiling]) => entryOf(shape, tiling));
}

/** The list of a tuning file or of a manifest. */
export function readTilings(list: unknown, precision: Precision): ReadTuning {
  if (!Array.isArray(list)) return refuse("it has no list of convolutions");
  const tilings = new Map<string, Tiling>();
  for (const [index, entry] of (list as readonly unknown[]).entries()) {
    if (!isRecord(entry) || typeof entry["shape"] !== "string") return refuse(`convolution ${index + 1} has no shape`);
    const { shape, tile: extents, slices = 1, apartUpTo } = entry;
    const why = (message: string) => refuse(`${shape}: ${message}`);
    if (tilings.has(shape)) return why("it is there twice");
    const tile = tileOf(extents, precision);
    if (!tile) return why(`${precision} has no tile ${JSON.stringify(extents)}`);
    if (!isCount(slices) || slices > (precision === "f32" ? 1 : mostSlices))
      return why(`${JSON.stringify(slices)} slices`);
    if (slices > 1 && !isCount(apartUpTo)) return why("it does not say up to which batch its slices are apart");
    tilings.set(shape, { tile, split: slices > 1 ? { slices, apartUpTo: apartUpTo as number } : undefined });
  }
  return { ok: true, tilings };
}

function tileOf(extents: unknown, precision: Precision): Tile | undefined {
  if (!Array.isArray(extents) || extents.length !== 2) return undefined;
  const [pixels, channels] = extents as readonly unknown[];
  return (precision === "f32" ? convTiles : tensorTiles).find(
    (tile) => tile.pixels === pixels && tile.channels === channels,
  );
}

function entryOf(shape: string, { tile, split }: Tiling): TilingEntry {
  return { shape, tile: [tile.pixels, tile.channels], ...split };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(message: string): ReadTuning {
  return { ok: false, message };
}
