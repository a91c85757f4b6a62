import type { Node } from "../ir/graph.ts";
import type { Chain } from "./scope.ts";
import { memberOf, typeName, type EnumType, type Type } from "./types.ts";
import { typeText } from "../tensor/type.ts";

/** What an expression is worth while the compiler runs the program. */
export type Value =
  | { readonly kind: "int" | "float"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | WindowValue
  | { readonly kind: "list"; readonly items: readonly Value[] }
  | { readonly kind: "tuple"; readonly items: readonly Value[] }
  | { readonly kind: "enum"; readonly type: EnumType; readonly member: string }
  | { readonly kind: "tensor"; readonly node: Node }
  /** An instance that can be called more than once. */
  | { readonly kind: "chain"; readonly chain: Chain }
  /** What a called network gives: its outputs by name. */
  | { readonly kind: "outputs"; readonly network: string; readonly outputs: ReadonlyMap<string, Value> }
  /** Something that was already reported: silences what follows from it. */
  | Unknown;

/** `3x3 / 2`: the kernel's extents and strides, height first. */
export interface WindowValue {
  readonly kind: "window";
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
}

export interface Unknown {
  readonly kind: "unknown";
}

export const unknown: Unknown = { kind: "unknown" };

/** The value as one of that type, if it is one: an int is a float, `3x3` is a Placement, 8 a Rounding. */
export function fit(value: Value, type: Type): Value | undefined {
  switch (type.kind) {
    case "oneOf":
      return type.types.map((one) => fit(value, one)).find((fitting) => fitting !== undefined);
    case "list": {
      if (value.kind !== "list") return undefined;
      const items = value.items.map((item) => (item.kind === "unknown" ? item : fit(item, type.item)));
      return items.every((item) => item !== undefined) ? { kind: "list", items } : undefined;
    }
    case "tuple": {
      if (value.kind !== "tuple" || value.items.length !== type.items.length) return undefined;
      const items = value.items.map((item, i) => (item.kind === "unknown" ? item : fit(item, type.items[i]!)));
      return items.every((item) => item !== undefined) ? { kind: "tuple", items } : undefined;
    }
    case "enum": {
      if (value.kind === "enum") return value.type === type ? value : undefined;
      const word = wordOf(value);
      const member = word === undefined ? undefined : memberOf(type, word);
      return member === undefined ? undefined : { kind: "enum", type, member };
    }
    case "float":
      return value.kind === "int" ? { kind: "float", value: value.value } : value.kind === "float" ? value : undefined;
    default:
      return value.kind === type.kind ? value : undefined;
  }
}

/** The type of a value, for comparing it with a word that is only known by its type: `variant == v1`. */
export function typeOfValue(value: Value): Type | undefined {
  switch (value.kind) {
    case "enum":
      return value.type;
    case "list": {
      const item = value.items[0] && typeOfValue(value.items[0]);
      return item && { kind: "list", item };
    }
    case "tuple": {
      const items = value.items.flatMap((item) => typeOfValue(item) ?? []);
      return items.length === value.items.length ? { kind: "tuple", items } : undefined;
    }
    case "chain":
    case "outputs":
    case "unknown":
      return undefined;
    default:
      return { kind: value.kind };
  }
}

/** `a window, 3x3` */
export function describeValue(value: Value): string {
  switch (value.kind) {
    case "int":
      return `the int ${value.value}`;
    case "float":
      return `the float ${value.value}`;
    case "bool":
      return `the bool ${value.value}`;
    case "string":
      return `a string`;
    case "window":
      return `the window ${valueText(value)}`;
    case "list":
      return `the list ${valueText(value)}`;
    case "tuple":
      return `the tuple ${valueText(value)}`;
    case "enum":
      return `the ${value.type.name} ${value.member}`;
    case "tensor":
      return `a tensor ${typeText(value.node.type)}`;
    case "chain":
      return "a chain";
    case "outputs":
      return `the outputs of ${value.network}`;
    case "unknown":
      return "unknown";
  }
}

/** As it would be written. */
export function valueText(value: Value): string {
  switch (value.kind) {
    case "int":
    case "float":
    case "bool":
      return String(value.value);
    case "string":
      return `"${value.value}"`;
    case "window": {
      const [h, w] = value.stride;
      return `${value.kernel.join("x")}${h === 1 && w === 1 ? "" : ` / ${h === w ? h : value.stride.join("x")}`}`;
    }
    case "list":
      return `[${value.items.map(valueText).join(", ")}]`;
    case "tuple":
      return `(${value.items.map(valueText).join(", ")})`;
    case "enum":
      return value.member;
    default:
      return describeValue(value);
  }
}

/** What a hint may say about the values of a type. */
export function expectation(type: Type): string {
  const name = typeName(type);
  if (type.kind === "tuple") return `a tuple ${name}`;
  const article = /^[aeiou]/i.test(name) ? "an" : "a";
  return `${article} ${name}${type.kind === "enum" ? `: ${type.members.join(", ")}` : ""}`;
}

export function sameValue(a: Value, b: Value): boolean | undefined {
  if ((a.kind === "list" && b.kind === "list") || (a.kind === "tuple" && b.kind === "tuple")) {
    if (a.items.length !== b.items.length) return false;
    return a.items.every((item, i) => sameValue(item, b.items[i]!) === true);
  }
  if (a.kind === "window" && b.kind === "window") return valueText(a) === valueText(b);
  if (a.kind === "enum" && b.kind === "enum") return a.type === b.type ? a.member === b.member : undefined;
  if (isNumber(a) && isNumber(b)) return a.value === b.value;
  if (a.kind === "bool" && b.kind === "bool") return a.value === b.value;
  if (a.kind === "string" && b.kind === "string") return a.value === b.value;
  return undefined;
}

export function isNumber(value: Value): value is { kind: "int" | "float"; value: number } {
  return value.kind === "int" || value.kind === "float";
}

/** `3x3` as a Placement, `8` as a Rounding. */
function wordOf(value: Value): string | undefined {
  if (value.kind === "window" && value.stride.every((s) => s === 1)) return value.kernel.join("x");
  if (value.kind === "int") return String(value.value);
  return undefined;
}
