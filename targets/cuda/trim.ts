import type { Declaration, Expression, FunctionDeclaration, KernelTree } from "./syntax.ts";
import { freeNamesIn, mapBlock, namesIn, namesInExpression } from "./walk.ts";

/**
 * Without what nothing reads: parameters with their arguments, local values, functions and constants. WGSL's compilers
 * do not mind them; in C they are warnings, and more to read. Expressions have no effects, so nothing else changes.
 */
export function trim(tree: KernelTree): KernelTree {
  for (let before = tree; ;) {
    const after = withoutDeclarations(withoutLocals(withoutParameters(before)));
    if (JSON.stringify(after) === JSON.stringify(before)) return after;
    before = after;
  }
}

export function functionsOf(tree: KernelTree): FunctionDeclaration[] {
  return tree.declarations.filter((declaration) => declaration.kind === "function");
}

function withoutParameters(tree: KernelTree): KernelTree {
  const kept = new Map<string, readonly boolean[]>();
  for (const each of functionsOf(tree)) {
    if (each.threads !== undefined) continue;
    const used = new Set(namesIn(each));
    kept.set(
      each.name,
      each.parameters.map((parameter) => used.has(parameter.name)),
    );
  }
  const change = (expression: Expression): Expression => {
    const wanted = expression.kind === "call" ? kept.get(expression.name) : undefined;
    if (expression.kind !== "call" || !wanted) return expression;
    return { ...expression, inputs: expression.inputs.filter((_, index) => wanted[index]) };
  };
  return mapFunctions(tree, (each) => ({
    ...each,
    parameters: each.parameters.filter((_, index) => kept.get(each.name)?.[index] ?? true),
    body: mapBlock(each.body, change, () => true),
  }));
}

function withoutLocals(tree: KernelTree): KernelTree {
  return mapFunctions(tree, (each) => {
    const used = new Set(namesIn(each));
    return {
      ...each,
      body: mapBlock(
        each.body,
        (expression) => expression,
        (statement) => statement.kind !== "let" || used.has(statement.name),
      ),
    };
  });
}

/** What the entry point does not reach. */
function withoutDeclarations(tree: KernelTree): KernelTree {
  const reached = new Set<string>();
  const visit = (name: string) => {
    if (reached.has(name)) return;
    reached.add(name);
    for (const each of tree.declarations) {
      if (!("name" in each) || each.name !== name) continue;
      if (each.kind === "const") namesInExpression(each.value).forEach(visit);
      if (each.kind === "shared") namesInExpression(each.length).forEach(visit);
      if (each.kind === "function") [...freeNamesIn(each), each.result ?? ""].forEach(visit);
    }
  };
  for (const each of functionsOf(tree)) if (each.threads !== undefined) visit(each.name);
  return {
    ...tree,
    declarations: tree.declarations.filter((each) => each.kind === "binding" || reached.has(each.name)),
  };
}

function mapFunctions(tree: KernelTree, change: (each: FunctionDeclaration) => FunctionDeclaration): KernelTree {
  return {
    ...tree,
    declarations: tree.declarations.map((each): Declaration => (each.kind === "function" ? change(each) : each)),
  };
}
