/** The concrete tree to the AST of ast.ts. The only reader of Chevrotain's trees; numbers and names were checked by lex.ts. */
import type { CstNodeLocation, IToken } from "chevrotain";
import type * as cst from "../../grammar/cst.d.ts";
import * as t from "../../grammar/tokens.ts";
import { Bug, type Problems, type Span } from "../diagnostics.ts";
import type * as ast from "./ast.ts";
import type { Lexed } from "./lex.ts";

export interface Source extends Pick<Lexed, "tokens" | "comments"> {
  readonly file: string;
  readonly text: string;
  readonly problems: Problems;
}

export function buildFile(node: cst.FileCstNode, source: Source): ast.SourceFile {
  const number = node.children.edition?.[0]?.children.Int[0];
  const imports: ast.Import[] = [];
  const declarations: ast.Declaration[] = [];
  for (const { children } of node.children.declaration ?? []) {
    if (children.importLine) imports.push(importLine(only(children.importLine), source));
    else if (children.enumeration) declarations.push(enumeration(only(children.enumeration), source));
    else declarations.push(definition(only(children.definition), source));
  }
  return {
    path: source.file,
    edition: number && int(number, source),
    imports,
    declarations,
    span: { file: source.file, start: 0, end: source.text.length },
  };
}

// --- declarations ----------------------------------------------------------------------------------------------

function importLine({ children, location }: cst.ImportLineCstNode, source: Source): ast.Import {
  const path = only(children.Text);
  return {
    names: children.Identifier.map((token) => name(token, source)),
    path: { value: text(path), span: tokenSpan(path, source) },
    span: span(location, source),
  };
}

function enumeration({ children, location }: cst.EnumerationCstNode, source: Source): ast.EnumDeclaration {
  return {
    kind: "enum",
    name: name(only(children.Identifier), source),
    doc: docBefore(location, source),
    members: children.name.map((member) => callee(member, source)),
    span: span(location, source),
  };
}

function definition({ children, location }: cst.DefinitionCstNode, source: Source): ast.Definition {
  const [own, ...uses] = children.Identifier;
  return {
    kind: children.Network ? "network" : "block",
    name: name(required(own), source),
    doc: docBefore(location, source),
    params: (children.param ?? []).map((node) => param(node, source)),
    uses: uses.map((token) => name(token, source)),
    body: body(only(children.body), source),
    span: span(location, source),
  };
}

function param({ children, location }: cst.ParamCstNode, source: Source): ast.Param {
  return {
    name: name(only(children.Identifier), source),
    doc: docBefore(location, source),
    type: type(only(children.type), source),
    default: children.expression && expression(only(children.expression), source),
    span: span(location, source),
  };
}

function type({ children, location }: cst.TypeCstNode, source: Source): ast.TypeName {
  return {
    name: children.Identifier?.[0]?.image ?? "()",
    args: (children.type ?? []).map((node) => type(node, source)),
    span: span(location, source),
  };
}

/** The `///` lines right above: between the token before and the place itself, each on a line of its own. */
function docBefore(location: CstNodeLocation | undefined, source: Source): string[] {
  const start = required(location).startOffset;
  const previous = source.tokens[tokenIndex(source.tokens, start) - 1];
  const from = previous === undefined ? 0 : previous.startOffset + previous.image.length;
  return source.comments
    .slice(tokenIndex(source.comments, from), tokenIndex(source.comments, start))
    .filter((comment) => isDoc(comment.image) && startsLine(source.text, comment.startOffset))
    .map((comment) => comment.image.slice(3).replace(/^ /, "").trimEnd());
}

/** `///`, but not a ruler such as `//////`. */
export function isDoc(comment: string): boolean {
  return comment.startsWith("///") && !comment.startsWith("////");
}

/** The first token at or behind the offset. */
function tokenIndex(tokens: readonly IToken[], offset: number): number {
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (required(tokens[middle]).startOffset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function startsLine(text: string, offset: number): boolean {
  let index = offset - 1;
  while (text[index] === " " || text[index] === "\t" || text[index] === "\uFEFF") index--;
  return index < 0 || text[index] === "\n" || text[index] === "\r";
}

// --- statements ------------------------------------------------------------------------------------------------

function body({ children }: cst.BodyCstNode, source: Source): ast.Statement[] {
  return (children.statement ?? []).map((node) => statement(node, source));
}

function statement({ children, location }: cst.StatementCstNode, source: Source): ast.Statement {
  if (children.inputLine) return input(only(children.inputLine), source);
  if (children.outputLine) return output(only(children.outputLine), source);
  if (children.insert) return insert(only(children.insert), source);
  if (children.binding) return binding(only(children.binding), source);
  if (children.condition) return condition(only(children.condition), source);
  if (children.loop) return loop(only(children.loop), source);
  return { kind: "flow", pipeline: pipeline(only(children.pipeline), source), span: span(location, source) };
}

function input({ children, location }: cst.InputLineCstNode, source: Source): ast.InputStatement {
  return {
    kind: "input",
    name: name(only(children.Identifier), source),
    type: tensorType(only(children.tensorType), source),
    fields: (children.field ?? []).map(({ children: field, location: place }) => ({
      name: name(only(field.Name), source),
      value: field.expression && expression(only(field.expression), source),
      span: span(place, source),
    })),
    span: span(location, source),
  };
}

function output({ children, location }: cst.OutputLineCstNode, source: Source): ast.OutputStatement {
  return {
    kind: "output",
    name: name(only(children.Identifier), source),
    type: children.tensorType && tensorType(only(children.tensorType), source),
    value: children.pipeline && pipeline(only(children.pipeline), source),
    span: span(location, source),
  };
}

function tensorType({ children, location }: cst.TensorTypeCstNode, source: Source): ast.TensorTypeExpr {
  return {
    dtype: name(only(children.Identifier), source),
    dims: children.expression.map((node) => expression(node, source)),
    span: span(location, source),
  };
}

function insert({ children, location }: cst.InsertCstNode, source: Source): ast.InsertStatement {
  return {
    kind: "insert",
    context: name(only(children.Identifier), source),
    args: parenArgs(only(children.parenArgs), source),
    span: span(location, source),
  };
}

function binding({ children, location }: cst.BindingCstNode, source: Source): ast.LetStatement {
  const whole = span(location, source);
  const value: ast.Pipeline | ast.ChainExpr = children.body
    ? {
        kind: "chain",
        body: body(only(children.body), source),
        span: { ...whole, start: only(children.Chain).startOffset },
      }
    : pipeline(only(children.pipeline), source);
  return { kind: "let", names: names(only(children.names), source), value, span: whole };
}

function names({ children }: cst.NamesCstNode, source: Source): ast.Name[] {
  return (children.Identifier ?? []).map((token) => name(token, source));
}

/** `else if` becomes one nested IfStatement. */
function condition({ children, location }: cst.ConditionCstNode, source: Source): ast.IfStatement {
  const whole = span(location, source);
  const bodies = children.body.map((node) => body(node, source));
  let otherwise: readonly ast.Statement[] = bodies[children.If.length] ?? [];
  let result: ast.IfStatement | undefined;
  for (let index = children.If.length - 1; index >= 0; index--) {
    result = {
      kind: "if",
      condition: expression(required(children.expression[index]), source),
      then: required(bodies[index]),
      otherwise,
      span: { ...whole, start: required(children.If[index]).startOffset },
    };
    otherwise = [result];
  }
  return required(result);
}

function loop({ children, location }: cst.LoopCstNode, source: Source): ast.ForStatement {
  const [from, to] = children.expression;
  const first = expression(required(from), source);
  return {
    kind: "for",
    names: names(only(children.names), source),
    over: to ? { kind: "range", from: first, to: expression(to, source) } : first,
    body: body(only(children.body), source),
    span: span(location, source),
  };
}

// --- pipelines -------------------------------------------------------------------------------------------------

function pipeline({ children, location }: cst.PipelineCstNode, source: Source): ast.Pipeline {
  return {
    kind: "pipeline",
    steps: children.step.map((node) => step(node, source)),
    span: span(location, source),
  };
}

function step({ children, location }: cst.StepCstNode, source: Source): ast.Step {
  const whole = span(location, source);
  if (children.stage) return repeat(only(children.stage), source);
  if (children.counted) return repeat(only(children.counted), source);
  const own = children.label && label(only(children.label), source);
  const { residual: unit, arms: branches, group: named, simple: plain } = only(children.action).children;
  if (unit) return { label: own, action: residual(only(unit), source), span: whole };
  if (branches) return { label: own, action: arms(only(branches), source), span: whole };
  if (named) return group(own, only(named), source);
  return { label: own, action: simple(only(plain), source), span: whole };
}

function label({ children }: cst.LabelCstNode, source: Source): ast.Name {
  return name(only(children.Name ?? children.Int), source);
}

function residual({ children, location }: cst.ResidualCstNode, source: Source): ast.Residual {
  const bypass = children.skip && only(children.skip);
  return {
    kind: "residual",
    options: (children.namedArg ?? []).map((node) => namedArg(node, source)),
    when: children.expression && expression(only(children.expression), source),
    branch: body(only(children.body), source),
    skip: bypass && {
      unlessSame: bypass.children.Unless !== undefined,
      body: body(only(bypass.children.body), source),
      span: span(bypass.location, source),
    },
    after: children.pipeline && pipeline(only(children.pipeline), source),
    span: span(location, source),
  };
}

function arms({ children, location }: cst.ArmsCstNode, source: Source): ast.Concat {
  return {
    kind: "concat",
    arms: (children.arm ?? []).map(({ children: arm, location: place }) => {
      const own = arm.label && label(only(arm.label), source);
      const line = pipeline(only(arm.pipeline), source);
      const whole = span(place, source);
      const [first, ...more] = line.steps;
      // `b { … }`: the group is the arm.
      if (own === undefined && more.length === 0 && first?.action.kind === "group") {
        return { label: first.label, body: first.action.body, span: whole };
      }
      return { label: own, body: [{ kind: "flow", pipeline: line, span: line.span }], span: whole };
    }),
    span: span(location, source),
  };
}

function group(own: ast.Name | undefined, { children, location }: cst.GroupCstNode, source: Source): ast.Step {
  const label = name(only(children.GroupName ?? children.Int), source);
  if (own !== undefined) {
    source.problems.report({
      code: "SE0112",
      severity: "error",
      message: `the group \`${label.text}\` has a second label, \`${own.text}\``,
      span: own.span,
      related: [{ span: label.span, message: "this is its label already" }],
      hint: `write \`${own.text} { … }\` or \`${label.text} { … }\``,
    });
  }
  const whole = span(location, source);
  return { label, action: { kind: "group", body: body(only(children.body), source), span: whole }, span: whole };
}

function repeat(node: cst.StageCstNode | cst.CountedCstNode, source: Source): ast.Step {
  const { children, location } = node;
  const operands = children.operand.map((one) => operand(one, source));
  const own = children.Name ?? children.Int;
  const label = own && name(only(own), source);
  const whole = span(location, source);
  if (label && children.DotDot && !/\d$/.test(label.text)) {
    source.problems.report({
      code: "SE0112",
      severity: "error",
      message: `\`${label.text}\` has no number to count on from`,
      span: label.span,
      hint: `as in \`${label.text}1..: 3 of bottleneck(64)\``,
    });
  }
  return {
    label: children.DotDot ? undefined : label,
    action: {
      kind: "repeat",
      stage: node.name === "stage" ? operands[0] : undefined,
      counting: children.DotDot && label,
      count: required(operands.at(-1)),
      unit: unit(only(children.unit), source),
      span: whole,
    },
    span: whole,
  };
}

function unit({ children, location }: cst.UnitCstNode, source: Source): ast.Apply {
  return {
    kind: "apply",
    callee: callee(only(children.name), source),
    args: children.parenArgs ? parenArgs(only(children.parenArgs), source) : bareArgs(children, source),
    parens: children.parenArgs !== undefined,
    span: span(location, source),
  };
}

function simple({ children }: cst.SimpleCstNode, source: Source): ast.Action {
  if (children.point) return point(only(children.point), source);
  if (children.bareCall) {
    const call = only(children.bareCall);
    return {
      kind: "apply",
      callee: callee(only(call.children.name), source),
      args: bareArgs(call.children, source),
      parens: false,
      span: span(call.location, source),
    };
  }
  return value(only(children.value), source);
}

function point({ children, location }: cst.PointCstNode, source: Source): ast.Point {
  return { kind: "point", name: only(children.Window ?? children.Name).image, span: span(location, source) };
}

function value({ children, location }: cst.ValueCstNode, source: Source): ast.Action {
  const first = expression(only(children.expression), source);
  const whole = span(location, source);
  if (children.unit) {
    return {
      kind: "repeat",
      stage: undefined,
      counting: undefined,
      count: first,
      unit: unit(only(children.unit), source),
      span: whole,
    };
  }
  if (children.arg === undefined) return actionOf(first);
  const rest = children.arg.map((node) => arg(node, source));
  // `conv (4 * w), 1x1`: the first of several arguments without parentheses, in parentheses of its own.
  if (first.kind === "call" && first.args.length === 1 && first.args[0]?.name === undefined) {
    const start = source.text.indexOf("(", first.callee.span.end);
    const own = first.args.map((item) => ({ ...item, span: { ...first.span, start } }));
    return { kind: "apply", callee: first.callee, args: [...own, ...rest], parens: false, span: whole };
  }
  const comma = only(children.Comma);
  source.problems.report({
    code: "SE0118",
    severity: "error",
    message:
      first.kind === "call"
        ? `more arguments follow the closing parenthesis of \`${first.callee.text}(…)\``
        : "an argument list follows an expression",
    span: tokenSpan(comma, source),
    related: [
      { span: first.span, message: first.kind === "call" ? "this call is complete" : "this is a whole expression" },
    ],
    hint: "put all arguments into one pair of parentheses, as in `conv(64, 3x3, groups: 2)`",
  });
  return actionOf(first);
}

/** A name or a call is applied to the current value, or is a value: check/ knows what the name stands for. */
function actionOf(expr: ast.Expr): ast.Action {
  if (expr.kind === "call") {
    return { kind: "apply", callee: expr.callee, args: expr.args, parens: true, span: expr.span };
  }
  if (expr.kind === "name") {
    const callee = { text: expr.text, span: expr.span };
    return { kind: "apply", callee, args: [], parens: false, span: expr.span };
  }
  return { kind: "value", expr, span: expr.span };
}

// --- arguments -------------------------------------------------------------------------------------------------

function parenArgs({ children }: cst.ParenArgsCstNode, source: Source): ast.Arg[] {
  const args = (children.arg ?? []).map((node) => arg(node, source));
  const [first] = args;
  if (children.tail === undefined || first?.value === undefined) return args;
  const line = chained(first.value, children.tail, source);
  return [{ name: first.name, value: line, span: { ...first.span, end: line.span.end } }];
}

function bareArgs(
  children: { readonly bareArg?: cst.BareArgCstNode[]; readonly arg?: cst.ArgCstNode[] },
  source: Source,
): ast.Arg[] {
  const first = (children.bareArg ?? []).map(({ children: bare, location }): ast.Arg =>
    bare.namedArg
      ? namedArg(only(bare.namedArg), source)
      : { name: undefined, value: bareExpression(only(bare.bareExpression), source), span: span(location, source) },
  );
  return [...first, ...(children.arg ?? []).map((node) => arg(node, source))];
}

function arg({ children, location }: cst.ArgCstNode, source: Source): ast.Arg {
  if (children.namedArg) return namedArg(only(children.namedArg), source);
  return { name: undefined, value: expression(only(children.expression), source), span: span(location, source) };
}

function namedArg({ children, location }: cst.NamedArgCstNode, source: Source): ast.Arg {
  return {
    name: name(only(children.Name), source),
    value: expression(only(children.expression), source),
    span: span(location, source),
  };
}

/** `first -> conv 1, 7x7 -> bn` inside parentheses. */
function chained(first: ast.Expr, tails: readonly cst.TailCstNode[], source: Source): ast.Pipeline {
  const steps: ast.Step[] = [{ label: undefined, action: actionOf(first), span: first.span }];
  for (const { children, location } of tails) {
    const whole = span(location, source);
    steps.push({
      label: children.label && label(only(children.label), source),
      action: simple(only(children.simple), source),
      span: { ...whole, start: required((children.label ?? children.simple)[0]?.location).startOffset },
    });
  }
  return { kind: "pipeline", steps, span: { ...first.span, end: steps.at(-1)?.span.end ?? first.span.end } };
}

// --- expressions -----------------------------------------------------------------------------------------------

/** A flat list, operands between operators, each with its prefixes. */
interface Term {
  readonly operator: IToken | undefined;
  readonly prefixes: readonly IToken[];
  readonly operand: cst.OperandCstNode | cst.PlainOperandCstNode;
}

/** How tightly an operator binds. `not` stands between `and` and the comparisons, `-` above all. */
const precedence: Readonly<Record<string, number>> = {
  then: 1,
  or: 2,
  and: 3,
  "==": 5,
  "!=": 5,
  "<": 5,
  "<=": 5,
  ">": 5,
  ">=": 5,
  in: 5,
  "+": 6,
  "-": 6,
  "*": 7,
  "/": 7,
  "%": 7,
};
const notOperand = 5;

function expression({ children }: cst.ExpressionCstNode, source: Source): ast.Expr {
  const first = { operator: undefined, prefixes: children.Prefix ?? [], operand: only(children.operand) };
  return climb([first, ...(children.operation ?? []).map(operation)], source);
}

function bareExpression({ children }: cst.BareExpressionCstNode, source: Source): ast.Expr {
  const first = {
    operator: undefined,
    prefixes: [...(children.Not ?? []), ...(children.Prefix ?? [])],
    operand: children.operand ? only(children.operand) : only(children.plainOperand),
  };
  return climb([first, ...(children.operation ?? []).map(operation)], source);
}

function operation({ children }: cst.OperationCstNode): Term {
  return { operator: only(children.Operator), prefixes: children.Prefix ?? [], operand: only(children.operand) };
}

/** Precedence climbing over the terms. */
function climb(terms: readonly Term[], source: Source): ast.Expr {
  let index = 0;
  return binary(0, 0);

  /** Operators that bind at least as tightly; the first operand under its prefixes from number `from` on. */
  function binary(tightness: number, from: number): ast.Expr {
    let left = prefixed(from);
    for (;;) {
      const token = terms[index]?.operator;
      const level = token === undefined ? -1 : required(precedence[token.image]);
      if (token === undefined || level < tightness) return left;
      const right = binary(level + 1, 0);
      left = join(token, left, right);
      const next = terms[index]?.operator;
      if (next && doesNotChain(level) && precedence[next.image] === level) refuseChain(token, next, source);
    }
  }

  function prefixed(from: number): ast.Expr {
    const { prefixes, operand: own } = required(terms[index]);
    const prefix = prefixes[from];
    if (prefix === undefined) {
      index++;
      return operand(own, source);
    }
    const not = prefix.tokenType === t.Not;
    const inner = not ? binary(notOperand, from + 1) : prefixed(from + 1);
    const whole = { ...inner.span, start: prefix.startOffset };
    return { kind: "unary", operator: not ? "not" : "-", operand: inner, span: whole };
  }
}

function join({ image }: IToken, left: ast.Expr, right: ast.Expr): ast.Expr {
  const whole = { ...left.span, end: right.span.end };
  if (image === "then") return { kind: "then", first: left, others: right, span: whole };
  return { kind: "binary", operator: image as ast.BinaryExpr["operator"], left, right, span: whole };
}

function doesNotChain(level: number): boolean {
  return level === precedence["then"] || level === precedence["=="];
}

function refuseChain(first: IToken, second: IToken, source: Source): void {
  const both = first.image === second.image ? `\`${first.image}\`` : `\`${first.image}\` and \`${second.image}\``;
  source.problems.report({
    code: "SE0119",
    severity: "error",
    message: `${both} cannot be chained`,
    span: tokenSpan(second, source),
    related: [{ span: tokenSpan(first, source), message: "the first one is here" }],
    hint:
      first.image === "then"
        ? "`a then b` is the first unit and all others; a list gives one value for each: `[2, 1, 1]`"
        : "join two comparisons with `and`: `a < b and b < c`",
  });
}

function operand(node: cst.OperandCstNode | cst.PlainOperandCstNode, source: Source): ast.Expr {
  if (node.name === "plainOperand") return plainOperand(node.children, source);
  const { plainOperand: plain, parenthesized: inner, list: items, suffix } = node.children;
  if (plain) return plainOperand(only(plain).children, source);
  const first = inner ? parenthesized(only(inner), source) : list(only(items), source);
  return suffixed(first, suffix ?? [], source);
}

function plainOperand(children: cst.PlainOperandCstChildren, source: Source): ast.Expr {
  const token = (children.Int ??
    children.Float ??
    children.Window ??
    children.Text ??
    children.True ??
    children.False)?.[0];
  if (token) return literal(token, source);
  if (children.choice) return choice(only(children.choice), source);
  return suffixed(reference(only(children.reference), source), children.suffix ?? [], source);
}

function reference({ children, location }: cst.ReferenceCstNode, source: Source): ast.Expr {
  const name = callee(only(children.name), source);
  if (children.parenArgs === undefined) return nameExpr(name, source);
  return {
    kind: "call",
    callee: name,
    args: parenArgs(only(children.parenArgs), source),
    span: span(location, source),
  };
}

function suffixed(first: ast.Expr, suffixes: readonly cst.SuffixCstNode[], source: Source): ast.Expr {
  let object = first;
  for (const { children, location } of suffixes) {
    const whole = { ...object.span, end: span(location, source).end };
    object = children.expression
      ? { kind: "index", object, index: expression(only(children.expression), source), span: whole }
      : { kind: "member", object, member: name(only(children.Name), source), span: whole };
  }
  return object;
}

/** A tuple; or what leaves no trace in the AST but the span, which covers the parentheses. */
function parenthesized({ children, location }: cst.ParenthesizedCstNode, source: Source): ast.Expr {
  const items = children.expression.map((node) => expression(node, source));
  if (items.length > 1) return { kind: "tuple", items, span: span(location, source) };
  const first = required(items[0]);
  const inner = children.tail ? chained(first, children.tail, source) : first;
  return { ...inner, span: span(location, source) };
}

function list({ children, location }: cst.ListCstNode, source: Source): ast.Expr {
  const items = (children.expression ?? []).map((node) => expression(node, source));
  return { kind: "list", items, span: span(location, source) };
}

/** `if a { x } else if b { y } else { z }`: the conditions and values alternate, the last value stands alone. */
function choice({ children, location }: cst.ChoiceCstNode, source: Source): ast.Expr {
  const whole = span(location, source);
  const parts = children.expression.map((node) => expression(node, source));
  let result = required(parts.at(-1));
  for (let index = children.If.length - 1; index >= 0; index--) {
    result = {
      kind: "ifExpr",
      condition: required(parts[2 * index]),
      then: required(parts[2 * index + 1]),
      otherwise: result,
      span: { ...whole, start: required(children.If[index]).startOffset },
    };
  }
  return result;
}

// --- the value of `--set` --------------------------------------------------------------------------------------

export function buildLiteral({ children, location }: cst.LiteralCstNode, source: Source): ast.Expr {
  const items = children.literalItem.map((node) => literalItem(node, source));
  const [first] = items;
  if (first !== undefined && items.length === 1) return first;
  return { kind: "list", items, span: span(location, source) };
}

function literalItem({ children, location }: cst.LiteralItemCstNode, source: Source): ast.Expr {
  const whole = span(location, source);
  if (children.LeftSquare || children.LeftParen) {
    const items = (children.literalItem ?? []).map((node) => literalItem(node, source));
    return { kind: children.LeftSquare ? "list" : "tuple", items, span: whole };
  }
  const token = only(children.Int ?? children.Float ?? children.Window ?? children.Text ?? children.Name);
  const item = literal(token, source);
  return children.Minus ? { kind: "unary", operator: "-", operand: item, span: whole } : item;
}

// --- tokens ----------------------------------------------------------------------------------------------------

function literal(token: IToken, source: Source): ast.Expr {
  const { image } = token;
  const place = tokenSpan(token, source);
  switch (token.tokenType) {
    case t.Int:
      return int(token, source);
    case t.Float:
      return { kind: "float", value: Number(image), text: image, span: place };
    case t.Window: {
      const [height, width] = image.split("x").map(Number);
      return { kind: "window", height: required(height), width: required(width), span: place };
    }
    case t.Text:
      return { kind: "string", value: text(token), span: place };
    case t.True:
    case t.False:
      return { kind: "bool", value: token.tokenType === t.True, span: place };
    default:
      return nameExpr({ text: image, span: place }, source);
  }
}

function nameExpr({ text: word, span: place }: ast.Name, source: Source): ast.Expr {
  if (word === "NaN" || word === "Infinity") {
    source.problems.report({
      code: "SE0104",
      severity: "error",
      message: `\`${word}\` is not a number of the language`,
      span: place,
      hint: "a network computes with finite numbers",
    });
  }
  return { kind: "name", text: word, span: place };
}

function int(token: IToken, source: Source): ast.IntLiteral {
  return { kind: "int", value: Number(token.image), span: tokenSpan(token, source) };
}

function text(token: IToken): string {
  return token.image.slice(1, -1);
}

function callee({ children }: cst.NameCstNode, source: Source): ast.Name {
  return name(only(children.Identifier ?? children.Concat), source);
}

function name(token: IToken, source: Source): ast.Name {
  return { text: token.image, span: tokenSpan(token, source) };
}

function tokenSpan({ startOffset, image }: IToken, { file }: Source): Span {
  return { file, start: startOffset, end: startOffset + image.length };
}

function span(location: CstNodeLocation | undefined, { file }: Source): Span {
  const { startOffset, endOffset } = required(location);
  return { file, start: startOffset, end: required(endOffset) + 1 };
}

/** The first of what the grammar says is there. */
function only<T>(list: readonly T[] | undefined): T {
  return required(list?.[0]);
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Bug("the syntax tree lacks a part that its grammar demands");
  return value;
}
