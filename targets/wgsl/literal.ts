import { Bug } from "../../src/diagnostics.ts";

/** An f32 as WGSL writes it: the shortest decimal that means it, always recognisable as a float. NaN is refused. */
export function literal(value: number): string {
  if (!Number.isFinite(value)) throw new Bug(`WGSL has no literal for ${value}`);
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) throw new Bug(`${value} is beyond f32`);
  if (Object.is(rounded, -0)) return "-0.0";
  for (let digits = 1; ; digits++) {
    const text = String(Number(rounded.toPrecision(digits)));
    // A decimal beyond f32's largest number is an error in WGSL even where it would round to it.
    if (Math.fround(Number(text)) !== rounded || Math.abs(Number(text)) > largest) continue;
    return /[.e]/.test(text) ? text : `${text}.0`;
  }
}

const largest = 3.4028234663852886e38;

/** The lowest f32: below every value of a maximum. WGSL cannot write an infinity. */
export const lowest = "-3.4028234e38";
