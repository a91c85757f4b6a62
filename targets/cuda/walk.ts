import type { Block, Expression, FunctionDeclaration, Statement } from "./syntax.ts";

/** Going through kernel trees. */

export function mapExpression(expression: Expression, change: (expression: Expression) => Expression): Expression {
  const inner = (each: Expression) => mapExpression(each, change);
  switch (expression.kind) {
    case "name":
    case "number":
      return change(expression);
    case "call":
      return change({ ...expression, inputs: expression.inputs.map(inner) });
    case "array":
      return change({ ...expression, items: expression.items.map(inner) });
    case "index":
      return change({ ...expression, of: inner(expression.of), at: inner(expression.at) });
    case "member":
    case "unary":
      return change({ ...expression, of: inner(expression.of) });
    case "binary":
      return change({ ...expression, left: inner(expression.left), right: inner(expression.right) });
    default:
      return expression satisfies never;
  }
}

/** Statements become what `change` makes of them, the inner ones first; undefined drops one. */
export function mapBlock(
  block: Block,
  change: (expression: Expression) => Expression,
  keep: (statement: Statement) => boolean,
): Block {
  return {
    ...block,
    statements: block.statements.filter(keep).map((statement) => mapStatement(statement, change, keep)),
  };
}

function mapStatement(
  statement: Statement,
  change: (expression: Expression) => Expression,
  keep: (statement: Statement) => boolean,
): Statement {
  const say = (expression: Expression) => mapExpression(expression, change);
  const inner = (block: Block) => mapBlock(block, change, keep);
  switch (statement.kind) {
    case "let":
    case "var":
      return { ...statement, value: say(statement.value) };
    case "assign":
      return { ...statement, to: say(statement.to), value: say(statement.value) };
    case "increment":
      return { ...statement, to: say(statement.to) };
    case "call":
      return { ...statement, call: say(statement.call) };
    case "if":
      return {
        ...statement,
        condition: say(statement.condition),
        then: inner(statement.then),
        otherwise: statement.otherwise && inner(statement.otherwise),
      };
    case "for":
      return {
        ...statement,
        start: mapStatement(statement.start, change, keep),
        condition: say(statement.condition),
        step: mapStatement(statement.step, change, keep),
        body: inner(statement.body),
      };
    case "scope":
      return { ...statement, body: inner(statement.body) };
    case "return":
      return { ...statement, value: statement.value && say(statement.value) };
    case "continue":
      return statement;
    default:
      return statement satisfies never;
  }
}

/** Every name and called function in the body of a function, as often as it stands there. */
export function namesIn({ body }: FunctionDeclaration): string[] {
  const names: string[] = [];
  mapBlock(body, noting(names), () => true);
  return names;
}

/** What a function uses of the module around it: no parameter and no value of its own hides it. */
export function freeNamesIn(declaration: FunctionDeclaration): string[] {
  const own = new Set(declaration.parameters.map(({ name }) => name));
  mapBlock(
    declaration.body,
    (expression) => expression,
    (statement) => {
      const declares = statement.kind === "for" ? statement.start : statement;
      if (declares.kind === "let" || declares.kind === "var") own.add(declares.name);
      return true;
    },
  );
  return namesIn(declaration).filter((name) => !own.has(name));
}

export function namesInExpression(expression: Expression): string[] {
  const names: string[] = [];
  mapExpression(expression, noting(names));
  return names;
}

function noting(names: string[]): (expression: Expression) => Expression {
  return (expression) => {
    if (expression.kind === "name" || expression.kind === "call") names.push(expression.name);
    return expression;
  };
}
