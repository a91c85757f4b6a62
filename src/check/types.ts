import type { EnumDeclaration, TypeName } from "../syntax/ast.ts";

/** The types of the compile-time language. */
export type Type =
  | { readonly kind: "int" | "float" | "bool" | "string" | "window" | "tensor" }
  | { readonly kind: "list"; readonly item: Type }
  | { readonly kind: "tuple"; readonly items: readonly Type[] }
  | EnumType
  /** What an argument of an op may be besides: `pad: 1`, `pad: [1, 0]`. */
  | { readonly kind: "oneOf"; readonly types: readonly Type[] };

export interface EnumType {
  readonly kind: "enum";
  readonly name: string;
  readonly members: readonly string[];
  /** Other spellings of a member. */
  readonly aliases?: Readonly<Record<string, string>>;
}

export const int: Type = { kind: "int" };
export const float: Type = { kind: "float" };
export const bool: Type = { kind: "bool" };
export const window: Type = { kind: "window" };
export const tensor: Type = { kind: "tensor" };
export const listOf = (item: Type): Type => ({ kind: "list", item });
export const oneOf = (...types: readonly Type[]): Type => ({ kind: "oneOf", types });
export const words = (name: string, ...members: readonly string[]): EnumType => ({ kind: "enum", name, members });

/** Where an SE block stands in a unit: the paper's Figure 5, and the 3x3 convolution of its Table 15. */
export const Placement: EnumType = {
  ...words("Placement", "none", "standard", "pre", "post", "identity", "3x3"),
  aliases: { conv3x3: "3x3" },
};
export const Squeeze = words("Squeeze", "avg", "max", "none");
export const Gate = words("Gate", "sigmoid", "tanh", "relu", "hardsigmoid");
/**
 * How channels / ratio becomes the hidden width: rounded down; to a multiple of 8 as timm's SE layers; to one of 8 or
 * of 4 that loses less than 10 %, as MobileNetV3 and GhostNet.
 */
export const Rounding = words("Rounding", "floor", "8", "div8", "4");
/** An activation as a parameter; a step of that name applies it. `none` is the identity. */
export const Act = words(
  "Act",
  "relu",
  "relu6",
  "leaky_relu",
  "sigmoid",
  "tanh",
  "hardsigmoid",
  "hardswish",
  "silu",
  "none",
);
export const Join = words("Join", "add", "concat");

/**
 * `centred`: what keeps the extents at stride 1, the same on both sides. `same` is TensorFlow's: as much as gives
 * ceil(extent / stride), the odd one below and to the right.
 */
export const Padding = words("Padding", "centred", "same");
export const Mode = words("Mode", "nearest", "bilinear");
export const Resize = words("Resize", "bilinear", "nearest", "none");

export const builtinEnums: readonly EnumType[] = [Placement, Squeeze, Gate, Rounding, Act, Join, Padding, Mode, Resize];
export const builtinTypeNames: readonly string[] = [
  "int",
  "float",
  "bool",
  "string",
  "window",
  "list",
  ...builtinEnums.map((type) => type.name),
];

export function enumOf(declaration: EnumDeclaration): EnumType {
  return words(declaration.name.text, ...declaration.members.map((member) => member.text));
}

/** The type that was written, or undefined: an unknown name, or a wrong number of arguments. */
export function typeOf(written: TypeName, enumNamed: (name: string) => EnumType | undefined): Type | undefined {
  if (written.name === "list") {
    const [item, ...more] = written.args;
    const itemType = item && more.length === 0 ? typeOf(item, enumNamed) : undefined;
    return itemType && listOf(itemType);
  }
  if (written.name === "()") {
    const items = written.args.flatMap((arg) => typeOf(arg, enumNamed) ?? []);
    return items.length === written.args.length ? { kind: "tuple", items } : undefined;
  }
  if (written.args.length > 0) return undefined;
  switch (written.name) {
    case "int":
    case "float":
    case "bool":
    case "string":
    case "window":
      return { kind: written.name };
    default:
      return builtinEnums.find((type) => type.name === written.name) ?? enumNamed(written.name);
  }
}

/** `list<int>`, `Placement`, `int or window` */
export function typeName(type: Type): string {
  if (type.kind === "list") return `list<${typeName(type.item)}>`;
  if (type.kind === "tuple") return `(${type.items.map(typeName).join(", ")})`;
  if (type.kind === "enum") return type.name;
  if (type.kind === "oneOf") return type.types.map(typeName).join(" or ");
  return type.kind;
}

/** The member that a word names, through the aliases. */
export function memberOf(type: EnumType, word: string): string | undefined {
  const member = type.aliases !== undefined && Object.hasOwn(type.aliases, word) ? type.aliases[word]! : word;
  return type.members.includes(member) ? member : undefined;
}
