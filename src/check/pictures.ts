import type { Span } from "../diagnostics.ts";
import {
  declarationFaults,
  declareInput,
  type ColourOrder,
  type InputDeclaration,
  type WrittenDeclaration,
} from "../image/declaration.ts";
import type { Arg, InputStatement } from "../syntax/ast.ts";
import type { TensorType } from "../tensor/type.ts";
import { evaluateAs } from "./evaluate.ts";
import { report, type Scope } from "./scope.ts";
import { didYouMean } from "../suggest.ts";
import { bool, float, int, listOf, oneOf, Resize, words, type Type } from "./types.ts";
import { isNumber, type Value } from "./values.ts";

const orders: readonly ColourOrder[] = ["rgb", "bgr", "grey"];

const fieldTypes: Readonly<Record<string, Type>> = {
  scale: float,
  mean: oneOf(float, listOf(float)),
  std: oneOf(float, listOf(float)),
  resize: Resize,
  antialias: bool,
  crop: oneOf(int, words("Crop", "none")),
};

/** How a picture becomes the input: `{ rgb, scale: 1 / 255, … }`. Undefined after a report; no braces, no declaration. */
export function readImage(
  statement: InputStatement,
  type: TensorType,
  scope: Scope,
): { readonly declaration: InputDeclaration | undefined } | undefined {
  if (statement.fields.length === 0) return { declaration: undefined };
  const given = new Map<string, { readonly value: Value | undefined; readonly span: Span }>();
  let failed = false;
  const fail = (span: Span, message: string, hint?: string) => {
    failed = true;
    report(scope, "SE0318", "error", span, { message, hint });
  };
  for (const field of statement.fields) {
    const name = field.name?.text ?? "";
    const isOrder = (orders as readonly string[]).includes(name);
    if (given.has(isOrder ? "order" : name)) fail(field.span, `\`${name}\` is one colour order or field too many`);
    else if (isOrder) {
      if (field.value) fail(field.span, `\`${name}\` stands alone`);
      given.set("order", { value: { kind: "string", value: name }, span: field.span });
    } else if (!Object.hasOwn(fieldTypes, name)) {
      const names = [...orders, ...Object.keys(fieldTypes)];
      fail(field.span, `a picture has no \`${name}\``, didYouMean(name, names) ?? `it has ${names.join(", ")}`);
    } else {
      const value = valueOf(field, name, scope);
      if (value === undefined) failed = true;
      given.set(name, { value, span: field.span });
    }
  }
  const order = given.get("order")?.value;
  if (order?.kind !== "string") {
    if (!failed) fail(statement.span, "the colour order is missing", `write ${orders.join(" or ")}`);
    return undefined;
  }
  const [, channels, height, width] = type.shape as readonly [unknown, number, number?, number?];
  if (height === undefined || width === undefined) {
    fail(statement.type.span, "a picture becomes f32[N, channels, height, width]");
    return undefined;
  }
  if (failed) return undefined;

  const declaration = declareInput(order.value as ColourOrder, writtenOf(given));
  const faults = declarationFaults(declaration, channels, height, width);
  const wrongOrder = faults.some((fault) => fault.field === "order");
  for (const { field, message } of faults) {
    // A default of three numbers follows from the order.
    if (wrongOrder && field !== "order" && !given.has(field)) continue;
    fail(given.get(field)?.span ?? statement.span, message);
  }
  return failed ? undefined : { declaration };
}

function valueOf(field: Arg, name: string, scope: Scope): Value | undefined {
  // A flag alone is switched on.
  if (!field.value && fieldTypes[name] === bool) return { kind: "bool", value: true };
  if (!field.value) {
    report(scope, "SE0302", "error", field.span, { message: `\`${name}\` needs a value` });
    return undefined;
  }
  const value = evaluateAs(field.value, fieldTypes[name]!, scope, `\`${name}\``);
  return value.kind === "unknown" ? undefined : value;
}

function writtenOf(given: ReadonlyMap<string, { readonly value: Value | undefined }>): WrittenDeclaration {
  const written: Record<string, unknown> = {};
  for (const [name, { value }] of given) {
    if (!value || name === "order") continue;
    if (name === "crop")
      written[name] = value.kind === "int" ? { resizeShortSideTo: value.value, center: true } : "none";
    else if (value.kind === "enum") written[name] = value.member;
    else if (value.kind === "list") written[name] = value.items.map((item) => (isNumber(item) ? item.value : NaN));
    else if (value.kind === "bool" || isNumber(value)) written[name] = value.value;
  }
  return written;
}
