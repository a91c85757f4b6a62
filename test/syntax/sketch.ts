/** An AST as one line, so that a test can show what a text means to the parser. */
import { Problems } from "../../src/diagnostics.ts";
import type * as ast from "../../src/syntax/ast.ts";
import { parse, parseLiteral } from "../../src/syntax/parse.ts";

/** The AST of a valid text; its errors otherwise. */
export function parsed(text: string): ast.SourceFile | string {
  const problems = new Problems();
  return parse(text, "test.se", problems) ?? problems.list.map(({ code, message }) => `${code} ${message}`).join("\n");
}

/** The statements of a block, one line each. */
export function sketchBody(text: string): string {
  const file = parsed(`se 1\nblock unit() {\n${text}\n}\n`);
  if (typeof file === "string") return file;
  const [declaration] = file.declarations;
  return declaration?.kind === "block" ? declaration.body.map(statement).join("\n") : "no block";
}

export function sketchLiteral(text: string): string {
  const problems = new Problems();
  const value = parseLiteral(text, problems);
  return value ? expr(value) : problems.list.map(({ code, message }) => `${code} ${message}`).join("\n");
}

export function sketchFile(text: string): string {
  const file = parsed(text);
  if (typeof file === "string") return file;
  return [
    ...(file.edition ? [`se ${file.edition.value}`] : []),
    ...file.imports.map(({ names, path }) => `import ${names.map((name) => name.text).join(" ")} from ${path.value}`),
    ...file.declarations.map(declaration),
  ].join("\n");
}

function declaration(item: ast.Declaration): string {
  const doc = docs(item.doc);
  if (item.kind === "enum")
    return `${doc}enum ${item.name.text} ${item.members.map((member) => member.text).join(" ")}`;
  const params = item.params.map((param) => {
    const value = param.default ? ` = ${expr(param.default)}` : "";
    return `${docs(param.doc)}${param.name.text}: ${type(param.type)}${value}`;
  });
  const uses = item.uses.map((name) => name.text).join(" ");
  return `${doc}${item.kind} ${item.name.text} [${params.join("; ")}] uses [${uses}] ${block(item.body)}`;
}

function docs(lines: readonly string[]): string {
  return lines.map((line) => `«${line}» `).join("");
}

function type({ name, args }: ast.TypeName): string {
  return args.length === 0 ? name : `${name}<${args.map(type).join(", ")}>`;
}

function block(body: readonly ast.Statement[]): string {
  return `{${body.map(statement).join("; ")}}`;
}

function statement(item: ast.Statement): string {
  switch (item.kind) {
    case "input":
      return `input ${item.name.text}: ${tensor(item.type)} {${item.fields.map(arg).join(", ")}}`;
    case "output":
      return `output ${item.name.text}${item.type ? `: ${tensor(item.type)}` : ""}${item.value ? ` = ${pipeline(item.value)}` : ""}`;
    case "insert":
      return `insert ${item.context.text} (${item.args.map(arg).join(", ")})`;
    case "let":
      return `let ${names(item.names)} = ${item.value.kind === "chain" ? `chain ${block(item.value.body)}` : pipeline(item.value)}`;
    case "flow":
      return pipeline(item.pipeline);
    case "if":
      return `if ${expr(item.condition)} ${block(item.then)} else ${block(item.otherwise)}`;
    case "for":
      return `for ${names(item.names)} ${range(item.over)} ${block(item.body)}`;
  }
}

function names(own: readonly ast.Name[]): string {
  const all = own.map(({ text }) => text).join(", ");
  return own.length === 1 ? all : `(${all})`;
}

function range(over: ast.ForStatement["over"]): string {
  return over.kind === "range" ? `from ${expr(over.from)} to ${expr(over.to)}` : `over ${expr(over)}`;
}

function tensor({ dtype, dims }: ast.TensorTypeExpr): string {
  return `${dtype.text}[${dims.map(expr).join(", ")}]`;
}

function pipeline({ steps }: ast.Pipeline): string {
  return steps.map(step).join(" -> ");
}

function step({ label, action }: ast.Step): string {
  return `${label ? `${label.text}: ` : ""}${act(action)}`;
}

function act(action: ast.Action): string {
  switch (action.kind) {
    case "apply":
      return apply(action);
    case "point":
      return `@${action.name}`;
    case "value":
      return `value ${expr(action.expr)}`;
    case "group":
      return `group ${block(action.body)}`;
    case "concat":
      return `concat {${action.arms.map((arm) => `${arm.label?.text ?? "-"} ${block(arm.body)}`).join("; ")}}`;
    case "repeat":
      return `${action.stage ? `stage ${expr(action.stage)} ` : ""}${action.counting ? `${action.counting.text}.. ` : ""}${expr(action.count)} of ${apply(action.unit)}`;
    case "residual": {
      const { options, when, branch, skip, after } = action;
      return [
        `residual (${options.map(arg).join(", ")})`,
        ...(when ? [`when ${expr(when)}`] : []),
        `branch ${block(branch)}`,
        ...(skip ? [`skip${skip.unlessSame ? " unless same" : ""} ${block(skip.body)}`] : []),
        ...(after ? [`after ${pipeline(after)}`] : []),
      ].join(" ");
    }
  }
}

function apply({ callee, args, parens }: ast.Apply): string {
  return `${callee.text}${parens ? "" : " "}(${args.map(arg).join(", ")})`;
}

function arg({ name, value }: ast.Arg): string {
  return [...(name ? [name.text] : []), ...(value ? [expr(value)] : [])].join(": ");
}

function expr(value: ast.Expr): string {
  switch (value.kind) {
    case "int":
    case "bool":
      return String(value.value);
    case "float":
      return value.text;
    case "string":
      return JSON.stringify(value.value);
    case "window":
      return `${value.height}x${value.width}`;
    case "list":
      return `[${value.items.map(expr).join(", ")}]`;
    case "tuple":
      return `(${value.items.map(expr).join(", ")})`;
    case "name":
      return value.text;
    case "member":
      return `${expr(value.object)}.${value.member.text}`;
    case "index":
      return `${expr(value.object)}[${expr(value.index)}]`;
    case "call":
      return `${value.callee.text}(${value.args.map(arg).join(", ")})`;
    case "unary":
      return `(${value.operator} ${expr(value.operand)})`;
    case "binary":
      return `(${expr(value.left)} ${value.operator} ${expr(value.right)})`;
    case "then":
      return `(${expr(value.first)} then ${expr(value.others)})`;
    case "ifExpr":
      return `(if ${expr(value.condition)} ${expr(value.then)} else ${expr(value.otherwise)})`;
    case "pipeline":
      return `<${pipeline(value)}>`;
  }
}
