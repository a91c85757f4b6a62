import { isNumber, sameValue, valueText, type Value, type WindowValue } from "./values.ts";

/** A function of the compile-time language. Gives the result, or what is wrong: `needs a number`. */
export interface BuiltinFunction {
  readonly doc: string;
  /** Divisions in its arguments need not be exact. */
  readonly inexact?: boolean;
  apply(args: readonly Value[]): Value | string;
}

export const functions: Readonly<Record<string, BuiltinFunction>> = {
  floor: rounding("The largest whole number that is not above it.", Math.floor),
  ceil: rounding("The smallest whole number that is not below it.", Math.ceil),
  round: rounding("The nearest whole number, halves up.", (x) => Math.floor(x + 0.5)),
  min: choosing("The smallest of its arguments.", Math.min),
  max: choosing("The largest of its arguments.", Math.max),
  abs: {
    doc: "Without the sign.",
    apply([x, ...more]) {
      return x && isNumber(x) && more.length === 0 ? { kind: x.kind, value: Math.abs(x.value) } : "needs one number";
    },
  },
  log2: {
    doc: "The logarithm to the base 2.",
    apply([x, ...more]) {
      if (!x || !isNumber(x) || more.length > 0 || x.value <= 0) return "needs one number above 0";
      return { kind: "float", value: Math.log2(x.value) };
    },
  },
  divisible: {
    doc: "TF-slim's rule: the multiple of `by` nearest to x, at least `by`, one more if that loses over 10 %.",
    inexact: true,
    apply([x, by, ...more]) {
      if (!x || !by || !isNumber(x) || !isNumber(by) || more.length > 0 || by.value < 1 || by.value % 1 !== 0)
        return "needs a number and the divisor, a whole number from 1 on";
      return { kind: "int", value: makeDivisible(x.value, by.value, 0.9) };
    },
  },
  len: {
    doc: "How many items a list has.",
    apply([list, ...more]) {
      return list?.kind === "list" && more.length === 0 ? { kind: "int", value: list.items.length } : "needs one list";
    },
  },
  find: {
    doc: "The first tuple of a list that begins with the key.",
    apply([list, key, ...more]) {
      const rows = list?.kind === "list" ? list.items : [];
      if (!key || more.length > 0 || rows.some((row) => row.kind !== "tuple"))
        return "needs a list of tuples and a key";
      const found = rows.find((row) => row.kind === "tuple" && sameValue(row.items[0]!, key) === true);
      return found ?? `finds no row of ${valueText(key)}`;
    },
  },
  window: {
    doc: "`window(k)` is k x k, `window(h, w)` is h x w.",
    apply(args): WindowValue | string {
      const extents = args.flatMap((arg) => (arg.kind === "int" && arg.value >= 1 ? [arg.value] : []));
      const [height, width] = extents;
      if (height === undefined || extents.length !== args.length || args.length > 2)
        return "needs one or two whole numbers from 1 on";
      return { kind: "window", kernel: [height, width ?? height], stride: [1, 1] };
    },
  },
};

/**
 * The nearest multiple of the divisor, at least the divisor; the next one if that is below `limit` times the value.
 * TF-slim, MobileNetV3 and GhostNet have the limit 0.9, timm's SE layers 0.
 */
export function makeDivisible(value: number, divisor: number, limit: number): number {
  const nearest = Math.max(divisor, Math.floor(Math.floor(value + divisor / 2) / divisor) * divisor);
  return nearest < limit * value ? nearest + divisor : nearest;
}

function rounding(doc: string, round: (x: number) => number): BuiltinFunction {
  return {
    doc,
    inexact: true,
    apply([x, ...more]) {
      return x && isNumber(x) && more.length === 0 ? { kind: "int", value: round(x.value) } : "needs one number";
    },
  };
}

function choosing(doc: string, choose: (...values: number[]) => number): BuiltinFunction {
  return {
    doc,
    apply(args) {
      const numbers = args.flatMap((arg) => (isNumber(arg) ? [arg] : []));
      if (numbers.length === 0 || numbers.length !== args.length) return "needs numbers";
      const kind = numbers.every((number) => number.kind === "int") ? "int" : "float";
      return { kind, value: choose(...numbers.map((number) => number.value)) };
    },
  };
}
