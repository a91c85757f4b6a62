import { tryNode } from "../ir/graph.ts";
import type { InputStatement, OutputStatement, TensorTypeExpr } from "../syntax/ast.ts";
import { f32, sameType, typeText, type Dim, type TensorType } from "../tensor/type.ts";
import { evaluateInt } from "./evaluate.ts";
import { whence } from "./explain.ts";
import { readImage } from "./pictures.ts";
import { bindLocal, lookUp, maxElements, report, type Scope } from "./scope.ts";
import { maxExtent } from "./specs.ts";
import { runPipeline } from "./statements.ts";
import { describeValue, unknown, type Value } from "./values.ts";

export function runInput(statement: InputStatement, scope: Scope): Value {
  const { name } = statement;
  const type = tensorType(statement.type, scope);
  const image = type && readImage(statement, type, scope);
  const value: Value = type && image ? inputNode(statement, scope, type, image.declaration) : unknown;
  bindLocal(scope, name.text, value);
  return value;
}

function inputNode(
  { name, span }: InputStatement,
  scope: Scope,
  type: TensorType,
  image: NonNullable<ReturnType<typeof readImage>>["declaration"],
): Value {
  const known = scope.session.inputs.get(name.text);
  if (known) {
    // Two networks called by one may share an input.
    if (scope.calls.length > 0 && sameType(known.type, type)) return { kind: "tensor", node: known };
    // Two in one network are reported by resolve.ts, but for one in a loop.
    if (scope.calls.length === 0 && known.span.start !== span.start) return unknown;
    report(scope, "SE0203", "error", name.span, {
      message: `there are two inputs called \`${name.text}\``,
      related: [{ span: known.span, message: "the other one is here" }],
    });
    return unknown;
  }
  const node = tryNode("input", { name: name.text, span }, {}, { type, image });
  if ("complaint" in node) return unknown;
  const taken = scope.session.names.get(name.text.toLowerCase());
  if (taken) {
    const same = taken.name === name.text;
    report(scope, same ? "SE0212" : "SE0213", "error", name.span, {
      message: same
        ? `\`${name.text}\` is the name of a layer already`
        : `\`${name.text}\` and \`${taken.name}\` differ only in upper and lower case`,
      related: [{ span: taken.span, message: `\`${taken.name}\` is here` }],
      hint: "layers and inputs have names of their own: choose another",
    });
  } else scope.session.names.set(name.text.toLowerCase(), { name: name.text, span: name.span });
  scope.session.inputs.set(name.text, node);
  return { kind: "tensor", node };
}

export function runOutput(statement: OutputStatement, scope: Scope, current: Value | undefined): void {
  const { name, span, type: written } = statement;
  if (!scope.outputs) return;
  const taken = [...scope.outputs.keys()].find((other) => other.toLowerCase() === name.text.toLowerCase());
  if (taken !== undefined) {
    const same = taken === name.text;
    report(scope, same ? "SE0203" : "SE0213", "error", name.span, {
      message: same
        ? `there are two outputs called \`${name.text}\``
        : `the outputs \`${name.text}\` and \`${taken}\` differ only in upper and lower case`,
      related: [{ span: scope.outputs.get(taken)!.span, message: "the other one is here" }],
    });
    return;
  }
  const value = outputValue(statement, scope, current);
  const type = written && tensorType(written, scope);
  scope.outputs.set(name.text, { value, span: name.span });
  if (value.kind === "tensor" && type && !sameType(value.node.type, type)) {
    report(scope, "SE0405", "error", written.span, {
      message: `the output \`${name.text}\` is declared as ${typeText(type)}, but it is ${typeText(value.node.type)}`,
      related: [whence(value.node)],
    });
  } else if (value.kind !== "tensor" && value.kind !== "unknown") {
    report(scope, "SE0301", "error", span, { message: `an output is a tensor, but this is ${describeValue(value)}` });
  }
}

function outputValue({ name, span, value }: OutputStatement, scope: Scope, current: Value | undefined): Value {
  if (value) return runPipeline(value, scope, current) ?? unknown;
  const namesake = lookUp(scope.locals, name.text);
  if (namesake?.kind === "tensor" && !(current?.kind === "tensor" && current.node === namesake.node)) {
    report(scope, "SE0412", "error", name.span, {
      message: `the output is the current value, which is not the one called \`${name.text}\``,
      hint: `write \`output ${name.text}: ${name.text}\` for that one, or give the output another name`,
    });
    return unknown;
  }
  if (current) return current;
  report(scope, "SE0406", "error", span, { message: `nothing flows into the output \`${name.text}\`` });
  return unknown;
}

function tensorType(written: TensorTypeExpr, scope: Scope): TensorType | undefined {
  if (written.dtype.text !== "f32") {
    report(scope, "SE0319", "error", written.dtype.span, {
      message: `${written.dtype.text} is not supported yet: values are f32`,
      hint: "write f32; `--precision` decides what kernels compute with",
    });
    return undefined;
  }
  const dims: Dim[] = [];
  for (const [axis, expr] of written.dims.entries()) {
    const isBatch = expr.kind === "name" && expr.text === "N";
    if (isBatch !== (axis === 0)) {
      report(scope, "SE0411", "error", expr.span, {
        message: isBatch ? "the batch N is the first extent, and only that" : "the first extent is the batch, N",
      });
      return undefined;
    }
    const extent = isBatch ? "N" : evaluateInt(expr, scope, "an extent");
    if (extent === undefined) return undefined;
    if (extent !== "N" && (extent < 1 || extent > maxExtent)) {
      report(scope, "SE0307", "error", expr.span, {
        message: `an extent is a whole number from 1 to ${maxExtent}, but this is ${extent}`,
      });
      return undefined;
    }
    dims.push(extent);
  }
  const elements = dims.reduce<number>((product, dim) => product * (dim === "N" ? 1 : dim), 1);
  if (dims.length < 2 || dims.length > 8 || elements > maxElements) {
    report(scope, "SE0411", "error", written.span, {
      message:
        elements > maxElements
          ? `one image would have ${dims.slice(1).join(" * ")} = ${elements} elements: more than 2^31`
          : "a tensor has 2 to 8 extents: f32[N, channels, height, width] or f32[N, features]",
    });
    return undefined;
  }
  return f32(...dims);
}
