import type { Node } from "../ir/graph.ts";
import { bool, float, int, listOf, oneOf, Padding, tensor, window, type EnumType, type Type } from "./types.ts";
import { fit, isNumber, unknown, valueText, type Value, type WindowValue } from "./values.ts";

/** What one argument of an op may be, and how the op gets it. */
export interface Spec<T> {
  readonly type: Type;
  /** Present if the argument may be left out. */
  readonly fallback?: { readonly value: T };
  /** The value has the type already; undefined if it is out of range. */
  read(value: Value): T | undefined;
  /** What is in range: `a whole number of at least 1`. */
  readonly range: string;
}

export const maxExtent = 2 ** 31 - 1;

/** A whole number from `least` on. */
export function count(least: number, ...fallback: readonly [number?]): Spec<number> {
  return {
    type: int,
    range: `a whole number from ${least} to ${maxExtent}`,
    read: (value) =>
      value.kind === "int" && value.value >= least && value.value <= maxExtent ? value.value : undefined,
    ...optional(fallback),
  };
}

export function real(
  range: string,
  allowed: (value: number) => boolean,
  ...fallback: readonly [number?]
): Spec<number> {
  return {
    type: float,
    range,
    read: (value) => (isNumber(value) && allowed(value.value) ? value.value : undefined),
    ...optional(fallback),
  };
}

export function flag(fallback: boolean): Spec<boolean> {
  return {
    type: bool,
    range: "true or false",
    read: (value) => (value.kind === "bool" ? value.value : undefined),
    fallback: { value: fallback },
  };
}

/** `3x3`, `3x3 / 2` */
export const slidingWindow: Spec<WindowValue> = {
  type: window,
  range: "a window such as 3x3 or 3x3 / 2",
  read: (value) => (value.kind === "window" ? value : undefined),
};

/** `1`, `[1, 0]` (height, width) or `[1, 1, 0, 0]` (top, left, bottom, right); a negative one crops. */
export const sides: Spec<Sides> = {
  type: oneOf(int, listOf(int)),
  range: "a whole number, [height, width] or [top, left, bottom, right]",
  read(value) {
    const given = integers(value);
    if (!given || given.some((n) => Math.abs(n) > maxExtent)) return undefined;
    const [a, b, c, d] = given as [number, number?, number?, number?];
    if (given.length === 1) return [a, a, a, a];
    if (given.length === 2) return [a, b!, a, b!];
    return given.length === 4 ? [a, b!, c!, d!] : undefined;
  },
};

/** How a window is padded: zeros on each side, or a word. */
export function padding(fallback: Sides | PaddingWord): Spec<Sides | PaddingWord> {
  return {
    type: oneOf(int, listOf(int), Padding),
    range: `${sides.range}, none of them negative, or centred or same`,
    read(value) {
      if (value.kind === "enum") return value.member as PaddingWord;
      const read = sides.read(value);
      return read?.some((side) => side < 0) ? undefined : read;
    },
    fallback: { value: fallback },
  };
}

export type PaddingWord = "centred" | "same";

/** Top, left, bottom, right. */
export type Sides = readonly [number, number, number, number];

/** `2` or `[2, 1]` (height, width). */
export function pair(fallback: number): Spec<readonly [number, number]> {
  return {
    type: oneOf(int, listOf(int)),
    range: "a whole number or [height, width], from 1 on",
    read(value) {
      const given = integers(value);
      if (!given || given.some((n) => n < 1 || n > maxExtent)) return undefined;
      if (given.length === 1) return [given[0]!, given[0]!];
      return given.length === 2 ? [given[0]!, given[1]!] : undefined;
    },
    fallback: { value: [fallback, fallback] },
  };
}

export function oneWord<W extends string>(type: EnumType, fallback: W): Spec<W> {
  return {
    type,
    range: type.members.join(" or "),
    read: (value) => (value.kind === "enum" ? (value.member as W) : undefined),
    fallback: { value: fallback },
  };
}

export const anotherTensor: Spec<Node | undefined> = {
  type: tensor,
  range: "a tensor",
  read: (value) => (value.kind === "tensor" ? value.node : undefined),
  fallback: { value: undefined },
};

export function maybe<T>(spec: Spec<T>): Spec<T | undefined> {
  return { ...spec, fallback: { value: undefined } };
}

/** The value as the op wants it, or what to say about it. */
export function readSpec<T>(spec: Spec<T>, value: Value): { readonly value: T } | { readonly fault: string } {
  const fitting = fit(value, spec.type) ?? unknown;
  const read = spec.read(fitting);
  return read === undefined ? { fault: `is ${valueText(value)}, but it must be ${spec.range}` } : { value: read };
}

function optional<T>(fallback: readonly [T?]): { fallback?: { value: T } } {
  return fallback[0] === undefined ? {} : { fallback: { value: fallback[0] } };
}

function integers(value: Value): number[] | undefined {
  const items = value.kind === "list" ? value.items : [value];
  const numbers = items.flatMap((item) => (item.kind === "int" ? [item.value] : []));
  return numbers.length === items.length ? numbers : undefined;
}
