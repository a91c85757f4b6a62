import type { Span } from "../diagnostics.ts";
import type { Node } from "../ir/graph.ts";
import type { BinaryExpr, CallExpr, Expr, IndexExpr, MemberExpr, Name, NameExpr } from "../syntax/ast.ts";
import { literalFile } from "../syntax/parse.ts";
import { applyCallee } from "./apply.ts";
import { functions } from "./functions.ts";
import { runPipeline } from "./statements.ts";
import { whence } from "./explain.ts";
import { claim } from "./names.ts";
import { lookUp, report, type Scope } from "./scope.ts";
import { make } from "./nodes.ts";
import { didYouMean } from "../suggest.ts";
import { float, int, memberOf, typeName, type EnumType, type Type } from "./types.ts";
import {
  describeValue,
  expectation,
  fit,
  isNumber,
  sameValue,
  typeOfValue,
  unknown,
  type Value,
  type WindowValue,
} from "./values.ts";

/** The value of an expression where one of a given type is wanted; unknown after the report of another. */
export function evaluateAs(expr: Expr, type: Type, scope: Scope, what: string): Value {
  const value = evaluate(expr, scope, type);
  if (value.kind === "unknown") return value;
  const fitting = fit(value, type);
  if (fitting) return fitting;
  report(scope, "SE0301", "error", expr.span, {
    message: `${what} must be ${expectation(type)}, but this is ${describeValue(value)}`,
    hint: type.kind === "window" && value.kind === "int" ? `write \`${value.value}x${value.value}\`` : undefined,
  });
  return unknown;
}

/**
 * @param wanted decides what a word (`standard`, `v1`) means, and whether `1 / 3` divides exactly
 * @param label the name of the step, for the node of the outermost operation
 */
export function evaluate(expr: Expr, scope: Scope, wanted?: Type, label?: Name): Value {
  switch (expr.kind) {
    case "int":
      return { kind: "int", value: expr.value };
    case "float":
      return { kind: "float", value: expr.value };
    case "bool":
      return { kind: "bool", value: expr.value };
    case "string":
      return { kind: "string", value: expr.value };
    case "window":
      return { kind: "window", kernel: [expr.height, expr.width], stride: [1, 1] };
    case "list": {
      const item = itemOf(wanted);
      const items = expr.items.map((one) => (item ? evaluateAs(one, item, scope, "an item") : evaluate(one, scope)));
      return items.some((one) => one.kind === "unknown") ? unknown : { kind: "list", items };
    }
    case "tuple": {
      const types = wanted?.kind === "tuple" ? wanted.items : [];
      const items = expr.items.map((one, i) =>
        types[i] ? evaluateAs(one, types[i], scope, "an item") : evaluate(one, scope),
      );
      return items.some((one) => one.kind === "unknown") ? unknown : { kind: "tuple", items };
    }
    case "name":
      return named(expr, scope, wanted);
    case "member":
      return member(expr, scope);
    case "index":
      return indexed(expr, scope);
    case "call":
      return called(expr, scope, label);
    case "unary":
      return expr.operator === "not" ? negated(expr.operand, scope) : minus(expr.operand, scope, wanted);
    case "binary":
      return binary(expr, scope, wanted, label);
    case "then":
      if (scope.index === undefined) {
        report(scope, "SE0313", "error", expr.span, {
          message: "`then` tells the first unit of a repeat from the others; this is not an argument of one",
        });
        return unknown;
      }
      return evaluate(scope.index === 0 ? expr.first : expr.others, scope, wanted);
    case "ifExpr": {
      const condition = truth(expr.condition, scope);
      return condition === undefined ? unknown : evaluate(condition ? expr.then : expr.otherwise, scope, wanted, label);
    }
    case "pipeline":
      return runPipeline(expr, scope, undefined) ?? unknown;
    default:
      return expr satisfies never;
  }
}

/** A condition, or undefined if it is not known. */
export function truth(expr: Expr, scope: Scope): boolean | undefined {
  const value = evaluateAs(expr, { kind: "bool" }, scope, "a condition");
  return value.kind === "bool" ? value.value : undefined;
}

export function evaluateInt(expr: Expr, scope: Scope, what: string): number | undefined {
  const value = evaluateAs(expr, int, scope, what);
  return value.kind === "int" ? value.value : undefined;
}

/** Whether an expression gives a tensor: decided by names alone, so that nothing is evaluated twice. */
export function givesTensor(expr: Expr, scope: Scope): boolean {
  switch (expr.kind) {
    case "name": {
      const value = lookUp(scope.locals, expr.text);
      return value?.kind === "tensor" || value?.kind === "unknown" || value?.kind === "outputs";
    }
    case "member":
      return expr.object.kind === "name" && lookUp(scope.locals, expr.object.text)?.kind === "outputs";
    case "call":
      return !Object.hasOwn(functions, expr.callee.text);
    case "binary":
      return givesTensor(expr.left, scope) || givesTensor(expr.right, scope);
    case "ifExpr":
      return givesTensor(expr.then, scope) || givesTensor(expr.otherwise, scope);
    case "pipeline":
      return true;
    default:
      return false;
  }
}

function named(expr: NameExpr, scope: Scope, wanted: Type | undefined): Value {
  const local = lookUp(scope.locals, expr.text);
  if (local?.kind === "list") scope.session.readWhole.add(local.items);
  if (local) return local;
  const member = wordAs(expr.text, wanted);
  if (member) return member;
  // resolve.ts has reported names that mean nothing anywhere; what was given from outside it has not seen.
  const isWord = scope.session.enums.some((type) => memberOf(type, expr.text) !== undefined);
  if (!isWord && expr.span.file !== literalFile) return unknown;
  const members = enumsOf(wanted).flatMap((type) => type.members);
  if (members.length > 0) {
    report(scope, "SE0306", "error", expr.span, {
      message: `${typeName(wanted!)} has no member \`${expr.text}\``,
      hint: didYouMean(expr.text, members) ?? `it is one of ${members.join(", ")}`,
    });
  } else if (wanted) {
    report(scope, "SE0301", "error", expr.span, {
      message: `${expectation(wanted)} is wanted here, but \`${expr.text}\` is a word`,
    });
  } else {
    report(scope, "SE0301", "error", expr.span, {
      message: `nothing here says which type \`${expr.text}\` is a member of`,
      hint: "compare it with a parameter of that type, or pass it as one",
    });
  }
  return unknown;
}

function wordAs(word: string, wanted: Type | undefined): Value | undefined {
  for (const type of enumsOf(wanted)) {
    const member = memberOf(type, word);
    if (member !== undefined) return { kind: "enum", type, member };
  }
  return undefined;
}

function enumsOf(type: Type | undefined): readonly EnumType[] {
  if (type?.kind === "enum") return [type];
  return type?.kind === "oneOf" ? type.types.flatMap(enumsOf) : [];
}

function itemOf(type: Type | undefined): Type | undefined {
  if (type?.kind === "list") return type.item;
  return type?.kind === "oneOf" ? type.types.map(itemOf).find((item) => item !== undefined) : undefined;
}

function wantsFloat(type: Type | undefined): boolean {
  return type?.kind === "float" || (type?.kind === "oneOf" && type.types.some(wantsFloat));
}

function member(expr: MemberExpr, scope: Scope): Value {
  const object = evaluate(expr.object, scope);
  if (object.kind === "unknown") return unknown;
  const members = membersOf(object);
  const found = members.get(expr.member.text);
  if (found) return found;
  report(scope, "SE0215", "error", expr.member.span, {
    message: `${describeValue(object)} has no \`${expr.member.text}\``,
    hint:
      didYouMean(expr.member.text, members.keys()) ??
      (members.size > 0 ? `it has ${[...members.keys()].join(", ")}` : undefined),
  });
  return unknown;
}

function membersOf(value: Value): ReadonlyMap<string, Value> {
  const numbers = (entries: Record<string, number>): ReadonlyMap<string, Value> =>
    new Map(Object.entries(entries).map(([name, number]) => [name, { kind: "int", value: number }]));
  if (value.kind === "outputs") return value.outputs;
  if (value.kind === "window") return numbers({ height: value.kernel[0], width: value.kernel[1] });
  if (value.kind !== "tensor") return new Map();
  const [, channels, height, width] = value.node.type.shape as readonly [unknown, number, number?, number?];
  if (height === undefined || width === undefined) return numbers({ channels });
  return numbers({ channels, height, width });
}

function indexed(expr: IndexExpr, scope: Scope): Value {
  const local = expr.object.kind === "name" ? lookUp(scope.locals, expr.object.text) : undefined;
  const object = local ?? evaluate(expr.object, scope);
  const index = evaluateInt(expr.index, scope, "an index");
  if (object.kind === "unknown" || index === undefined) return unknown;
  if (object.kind !== "list" && object.kind !== "tuple") {
    report(scope, "SE0301", "error", expr.object.span, {
      message: `only a list or a tuple has items, but this is ${describeValue(object)}`,
    });
    return unknown;
  }
  const item = object.items[index];
  if (item) {
    const { readItems } = scope.session;
    readItems.set(object.items, (readItems.get(object.items) ?? new Set()).add(index));
    return item;
  }
  report(scope, "SE0312", "error", expr.index.span, {
    message: `there is no item ${index}: ${describeValue(object)} has ${object.items.length}`,
    hint: "the first item is 0",
  });
  return unknown;
}

function called(expr: CallExpr, scope: Scope, label: Name | undefined): Value {
  const name = expr.callee.text;
  if (Object.hasOwn(functions, name)) {
    const values = expr.args.map((arg) => {
      if (arg.name) {
        report(scope, "SE0303", "error", arg.span, { message: `\`${name}\` takes no argument with a name` });
        return unknown;
      }
      // Rounding functions are where a division need not be exact.
      return arg.value ? evaluate(arg.value, scope, functions[name]!.inexact ? float : undefined) : unknown;
    });
    if (values.some((value) => value.kind === "unknown")) return unknown;
    const result = functions[name]!.apply(values);
    if (typeof result === "string") {
      report(scope, "SE0317", "error", expr.span, { message: `\`${name}\` ${result}` });
      return unknown;
    }
    return bounded(result, expr.span, scope);
  }
  const { callee, args, span } = expr;
  return applyCallee(scope, { callee, args, span, label, piped: false }, undefined) ?? unknown;
}

function negated(operand: Expr, scope: Scope): Value {
  const value = truth(operand, scope);
  return value === undefined ? unknown : { kind: "bool", value: !value };
}

function minus(operand: Expr, scope: Scope, wanted: Type | undefined): Value {
  const value = evaluate(operand, scope, wanted);
  if (value.kind === "unknown") return value;
  if (isNumber(value)) return { kind: value.kind, value: value.value === 0 ? 0 : -value.value };
  report(scope, "SE0317", "error", operand.span, {
    message: `\`-\` needs a number, but this is ${describeValue(value)}`,
  });
  return unknown;
}

// --- two operands ------------------------------------------------------------------------------------------------

function binary(expr: BinaryExpr, scope: Scope, wanted: Type | undefined, label: Name | undefined): Value {
  const { operator } = expr;
  switch (operator) {
    case "and":
    case "or": {
      const left = truth(expr.left, scope);
      if (left === undefined) return unknown;
      if (left === (operator === "or")) return { kind: "bool", value: left };
      const right = truth(expr.right, scope);
      return right === undefined ? unknown : { kind: "bool", value: right };
    }
    case "==":
    case "!=":
    case "in":
      return compared(expr, scope);
    case "<":
    case "<=":
    case ">":
    case ">=": {
      const [left, right] = [evaluate(expr.left, scope), evaluate(expr.right, scope)];
      if (left.kind === "unknown" || right.kind === "unknown") return unknown;
      if (!isNumber(left) || !isNumber(right)) return misfit(expr, scope, left, right);
      const value = {
        "<": left.value < right.value,
        "<=": left.value <= right.value,
        ">": left.value > right.value,
        ">=": left.value >= right.value,
      }[operator];
      return { kind: "bool", value };
    }
    default: {
      const operands = wantsFloat(wanted) ? float : undefined;
      const [left, right] = [evaluate(expr.left, scope, operands), evaluate(expr.right, scope, operands)];
      if (left.kind === "unknown" || right.kind === "unknown") return unknown;
      if (left.kind === "tensor" || right.kind === "tensor") return tensors(expr, scope, left, right, label);
      if (operator === "/" && left.kind === "window") return strided(expr, scope, left, right);
      if (!isNumber(left) || !isNumber(right)) return misfit(expr, scope, left, right);
      return arithmetic(expr, scope, left, right, operands !== undefined);
    }
  }
}

/** A word on one side has the type of the other. */
function compared(expr: BinaryExpr, scope: Scope): Value {
  const { left, right, operator } = expr;
  const isWord = (side: Expr) => side.kind === "name" && lookUp(scope.locals, side.text) === undefined;
  const first = isWord(left) && operator !== "in" ? right : left;
  const known = evaluate(first, scope);
  if (known.kind === "unknown") return unknown;
  const type = typeOfValue(known);
  const wanted: Type | undefined = operator === "in" && type ? { kind: "list", item: type } : type;
  const other = evaluate(first === left ? right : left, scope, wanted);
  if (other.kind === "unknown") return unknown;
  const [a, b] = first === left ? [known, other] : [other, known];
  if (operator === "in") {
    if (b.kind !== "list") return misfit(expr, scope, a, b);
    return { kind: "bool", value: b.items.some((item) => sameValue(alike(item, a), a) === true) };
  }
  const same = sameValue(a, alike(b, a)) ?? sameValue(alike(a, b), b);
  if (same === undefined) return misfit(expr, scope, a, b);
  return { kind: "bool", value: same === (operator === "==") };
}

/** `3x3` beside a Placement is one. */
function alike(value: Value, other: Value): Value {
  return (other.kind === "enum" ? fit(value, other.type) : undefined) ?? value;
}

function strided(expr: BinaryExpr, scope: Scope, window: WindowValue, by: Value): Value {
  const stride = by.kind === "window" ? by.kernel : by.kind === "int" ? ([by.value, by.value] as const) : undefined;
  if (!stride) return misfit(expr, scope, window, by);
  if (stride.some((step) => step < 1)) {
    report(scope, "SE0307", "error", expr.right.span, { message: `a stride is at least 1, but this is ${stride[0]}` });
    return unknown;
  }
  return { ...window, stride: [window.stride[0] * stride[0], window.stride[1] * stride[1]] };
}

function arithmetic(
  expr: BinaryExpr,
  scope: Scope,
  left: { readonly kind: "int" | "float"; readonly value: number },
  right: { readonly kind: "int" | "float"; readonly value: number },
  inexact: boolean,
): Value {
  const [a, b] = [left.value, right.value];
  const whole = left.kind === "int" && right.kind === "int";
  const kind = whole ? "int" : "float";
  switch (expr.operator) {
    case "+":
      return bounded({ kind, value: a + b }, expr.span, scope);
    case "-":
      return bounded({ kind, value: a - b }, expr.span, scope);
    case "*":
      return bounded({ kind, value: a * b }, expr.span, scope);
    case "%":
      if (!whole || b <= 0) return misfit(expr, scope, left, right, "`%` needs two whole numbers, the second above 0");
      return { kind: "int", value: ((a % b) + b) % b };
    default:
      if (b === 0) {
        report(scope, "SE0308", "error", expr.span, { message: "a division by 0" });
        return unknown;
      }
      if (!whole || inexact) return bounded({ kind: "float", value: a / b }, expr.span, scope);
      if (a % b === 0) return { kind: "int", value: a / b };
      report(scope, "SE0308", "error", expr.span, {
        message: `${a} / ${b} is not a whole number: ${a} % ${b} = ${a % b}`,
        hint: "write `floor(a / b)`, `ceil(a / b)` or `round(a / b)`",
      });
      return unknown;
  }
}

/** Whole numbers are exact, all numbers finite. */
function bounded(value: Value, span: Span, scope: Scope): Value {
  if (!isNumber(value)) return value;
  const fits = value.kind === "int" ? Number.isSafeInteger(value.value) : Number.isFinite(value.value);
  if (fits) return value;
  report(scope, "SE0309", "error", span, {
    message:
      value.kind === "int"
        ? "the result is larger than 2^53 - 1, up to which whole numbers are exact"
        : "the result is not a finite number",
  });
  return unknown;
}

/** Sums, differences and products of values of one shape; a product of a map and a vector scales the channels. */
function tensors(expr: BinaryExpr, scope: Scope, left: Value, right: Value, label: Name | undefined): Value {
  const { operator, span } = expr;
  const place = (op: string) => ({ scope, name: claim(scope, label, op, span), span });
  const result = (node: Node | undefined): Value => (node ? { kind: "tensor", node } : unknown);
  if (left.kind === "tensor" && right.kind === "tensor") {
    const [a, b] = [left.node, right.node];
    if (operator === "+") return result(make(place("add"), "add", { a, b }, {}));
    if (operator === "-") return result(make(place("sub"), "sub", { a, b }, {}));
    if (operator === "*") {
      const [ranksA, ranksB] = [a.type.shape.length, b.type.shape.length];
      if (ranksA === 4 && ranksB === 2) return result(make(place("scale"), "scaleChannels", { x: a, gate: b }, {}));
      if (ranksA === 2 && ranksB === 4) return result(make(place("scale"), "scaleChannels", { x: b, gate: a }, {}));
      if (isPixelGate(b, a)) return result(make(place("scale"), "scalePixels", { x: a, gate: b }, {}));
      if (isPixelGate(a, b)) return result(make(place("scale"), "scalePixels", { x: b, gate: a }, {}));
      return result(make(place("mul"), "mul", { a, b }, {}));
    }
  } else if (operator === "*") {
    const [x, factor] = left.kind === "tensor" ? [left, right] : [right, left];
    if (x.kind === "tensor" && isNumber(factor)) {
      return result(make(place("scale"), "scaleBy", { x: x.node }, { factor: factor.value }));
    }
  }
  return misfit(expr, scope, left, right);
}

/** A map of one channel beside one of several. */
function isPixelGate(gate: Node, x: Node): boolean {
  return gate.type.shape.length === 4 && x.type.shape.length === 4 && gate.type.shape[1] === 1 && x.type.shape[1] !== 1;
}

function misfit(expr: BinaryExpr, scope: Scope, left: Value, right: Value, why?: string): Value {
  const nodes = [left, right].flatMap((value) => (value.kind === "tensor" ? [whence(value.node)] : []));
  report(scope, "SE0317", "error", expr.span, {
    message: why ?? `\`${expr.operator}\` does not fit ${describeValue(left)} and ${describeValue(right)}`,
    related: nodes,
  });
  return unknown;
}
