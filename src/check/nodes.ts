import { Bug, type Span } from "../diagnostics.ts";
import { tryNode, type Node } from "../ir/graph.ts";
import type { AttrsOf, InputsOf, OpName } from "../ops/index.ts";
import type { ParameterRole } from "../ops/leaves.ts";
import { elementsPerImage, f32, sameType, typeText } from "../tensor/type.ts";
import { layerName, whence } from "./explain.ts";
import { join, maxElements, maxLayers, report, Stop, type Scope } from "./scope.ts";

/** A step's name, relative to its scope, and where it was written. */
export interface Place {
  readonly scope: Scope;
  readonly name: string;
  readonly span: Span;
}

/** The node, or undefined after a report of the op's complaint. */
export function make<K extends OpName>(
  place: Place,
  op: K,
  inputs: Readonly<Record<InputsOf<K>, Node>>,
  attrs: AttrsOf<K>,
): Node | undefined {
  const { scope, span } = place;
  const name = join(scope.path, place.name);
  const made = tryNode(op, { name, span }, inputs, attrs);
  if ("complaint" in made) {
    const named = inputs as Readonly<Record<string, Node>>;
    report(scope, "SE0401", "error", span, {
      message: `\`${layerName(name)}\`: ${made.complaint}`,
      related: (made.about ?? []).flatMap((input) => {
        const node = named[input];
        return node && node.op !== "parameter" ? [whence(node, roleOf(input))] : [];
      }),
      hint: hintFor(op, named),
    });
    return undefined;
  }
  if (elementsPerImage(made.type) > maxElements) {
    report(scope, "SE0404", "error", span, {
      message: `\`${name}\` would be ${typeText(made.type)}: more than 2^31 elements`,
      related: Object.values<Node>(inputs)
        .filter((input) => input.op !== "parameter")
        .map((input) => whence(input)),
    });
    return undefined;
  }
  const node = made as Node;
  scope.session.made.push(node);
  if (scope.session.made.length > maxLayers) {
    report(scope, "SE0315", "error", span, { message: `the network has more than ${maxLayers} layers` });
    throw new Stop();
  }
  return node;
}

/** The trained tensor `<step>.<key>`; in a later call of a chain, the one that the first call made. */
export function weight(place: Place, key: string, shape: readonly number[], role: ParameterRole): Node | undefined {
  const { scope, span } = place;
  const name = join(join(scope.weights, place.name), key);
  const type = f32(...shape);
  const made = scope.session.parameters.get(name);
  if (made) {
    if (scope.weights === scope.path) throw new Bug(`two parameters are called ${name}`);
    if (sameType(made.type, type)) return made;
    report(scope, "SE0409", "error", span, {
      message: `\`${name}\` is shared: the first call made it ${typeText(made.type)}, this one needs ${typeText(type)}`,
      related: [{ span: made.span, message: "made here" }],
      hint: "every call of a chain must be given values with the same number of channels",
    });
    return undefined;
  }
  if (elementsPerImage(type) > maxElements) {
    report(scope, "SE0404", "error", span, {
      message: `the weight \`${name}\` would be ${typeText(type)}: more than 2^31 elements`,
    });
    return undefined;
  }
  const node = tryNode("parameter", { name, span }, {}, { type, role });
  if ("complaint" in node) throw new Bug(node.complaint);
  scope.session.parameters.set(name, node);
  return node;
}

function roleOf(input: string): string | undefined {
  if (input === "x") return undefined;
  return /^\d+$/.test(input) ? `value ${Number(input) + 1}` : input;
}

const takeVectors: ReadonlySet<OpName> = new Set(["dense", "softmax", "channelConv"]);

function hintFor(op: OpName, inputs: Readonly<Record<string, Node>>): string | undefined {
  if (takeVectors.has(op) && inputs["x"]?.type.shape.length === 4) {
    return "`gap` (the mean over the map) or `flatten` before it makes a vector";
  }
  if ((op === "globalAvgPool" || op === "globalMaxPool") && inputs["x"]?.type.shape.length === 2) {
    return "the map is already squeezed";
  }
  return undefined;
}
