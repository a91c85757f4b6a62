import { fitsF32 } from "../tensor/type.ts";

/**
 * How a picture becomes an input tensor f32[N, C, H, W]; C, H and W are those of the input's type. Every field is
 * explicit, so the manifest, `sec run` and net.js need no defaults of their own. Plain data, fit for JSON.
 *
 *   value[c,y,x] = (pixel[c,y,x] * scale - mean[c]) / std[c]
 */
export interface InputDeclaration {
  readonly order: ColourOrder;
  /** Pixels are 0 to 255 before it: 1/255 brings them to 0 to 1. */
  readonly scale: number;
  /** One number a channel, in the declared colour order. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Done on the pixels, before scale, mean and std. `none`: a picture of another size is an error. */
  readonly resize: "bilinear" | "nearest" | "none";
  /** With `bilinear`: when a picture shrinks, average all the pixels that fall together. */
  readonly antialias: boolean;
  /** `none`: the whole picture is stretched to H x W. Otherwise its aspect is kept and the middle H x W is cut out. */
  readonly crop: "none" | { readonly resizeShortSideTo: number; readonly center: true };
}

/** `grey` is one channel, the others are three. */
export type ColourOrder = "rgb" | "bgr" | "grey";

/** What a declaration may leave out, and what it then means: nothing is done. The colour order is always written. */
export const inputDefaults = {
  scale: 1,
  mean: 0,
  std: 1,
  resize: "none",
  antialias: false,
  crop: "none",
} as const satisfies WrittenDeclaration;

/** What was written: one number for `mean` or `std` holds for every channel. */
export type WrittenDeclaration = Partial<
  Omit<InputDeclaration, "order" | "mean" | "std"> & {
    readonly mean: number | readonly number[];
    readonly std: number | readonly number[];
  }
>;

export function declareInput(order: ColourOrder, written: WrittenDeclaration): InputDeclaration {
  const { mean, std, ...rest } = { ...inputDefaults, ...written };
  const each = (value: number | readonly number[]) =>
    typeof value === "number" ? Array.from({ length: channelsOf(order) }, () => value) : value;
  return { order, mean: each(mean), std: each(std), ...rest };
}

export function channelsOf(order: ColourOrder): number {
  return order === "grey" ? 1 : 3;
}

/** What is wrong with a declaration for an input of `channels` x `height` x `width`, field by field; empty if nothing. */
export function declarationFaults(
  declaration: InputDeclaration,
  channels: number,
  height: number,
  width: number,
): { readonly field: keyof InputDeclaration; readonly message: string }[] {
  const { order, scale, mean, std, resize, antialias, crop } = declaration;
  const faults: { field: keyof InputDeclaration; message: string }[] = [];
  const fault = (field: keyof InputDeclaration, message: string) => faults.push({ field, message });

  if (channelsOf(order) !== channels) {
    fault("order", `${order} is ${channelsOf(order)} channel${order === "grey" ? "" : "s"}, the input has ${channels}`);
  }
  if (!fitsF32(scale) || scale === 0) fault("scale", `the scale should be a number other than 0, got ${scale}`);
  for (const [field, values] of [
    ["mean", mean],
    ["std", std],
  ] as const) {
    if (values.length !== channels)
      fault(field, `${field} has ${values.length} numbers, the input has ${channels} channels`);
    if (!values.every(fitsF32)) fault(field, `${field} should hold finite numbers, got [${values.join(", ")}]`);
  }
  if (std.includes(0)) fault("std", "a std of 0 would divide by 0");
  if (antialias && resize !== "bilinear")
    fault("antialias", `antialias belongs to resize: bilinear, the resize is ${resize}`);
  if (crop !== "none") {
    const side = crop.resizeShortSideTo;
    if (resize === "none") fault("crop", "a crop after resizing needs a resize: bilinear or nearest");
    if (!Number.isInteger(side) || side < 1)
      fault("crop", `the short side should be a whole number of pixels, got ${side}`);
    else if (side < Math.max(height, width)) {
      fault("crop", `a short side of ${side} is too small to cut ${height}x${width} out of`);
    }
  }
  return faults;
}
