import type { Span } from "../diagnostics.ts";
import type { Node } from "../ir/graph.ts";
import { pointWindow } from "../ops/window.ts";
import type { Name } from "../syntax/ast.ts";
import { sameType, typeText } from "../tensor/type.ts";
import { whence } from "./explain.ts";
import { makeDivisible } from "./functions.ts";
import { instantiateInserted } from "./apply.ts";
import type { InsertContext, InsertedBlock } from "./insert.ts";
import { biased, channelsOf, layers } from "./layers.ts";
import { claim } from "./names.ts";
import { make, weight, type Place } from "./nodes.ts";
import { join, report, type Scope } from "./scope.ts";
import { unknown, type Value } from "./values.ts";

/** What the insertion asks for, on the value of a point. */
export function insertAt(scope: Scope, value: Value, span: Span, label?: Name): Value {
  const { insertion, session } = scope;
  if (value.kind !== "tensor" || !insertion || insertion.at === "none") return unknown;
  const x = value.node;
  if (x.type.shape.length !== 4) {
    report(scope, "SE0507", "error", span, {
      message: `an SE block scales the channels of a feature map, but here is ${typeText(x.type)}`,
      related: [whence(x), { span: insertion.span, message: "the insertion is asked for here" }],
    });
    return unknown;
  }
  if (session.scaled.has(x)) {
    report(scope, "SE0508", "warning", span, {
      message: "two SE blocks stand at one point",
      related: [{ span: x.span, message: "the other one is here" }],
    });
  }
  const name = claim(scope, label, "se", span);
  const scaled = insertion.block
    ? insertedBlock(scope, insertion.block, name, value)
    : seBlock(scope, insertion, x, name, span);
  if (!scaled) return unknown;
  session.scaled.add(scaled);
  const { squeeze, gate, at, block } = insertion;
  const place = { name: join(scope.path, name), point: at };
  session.insertions.push(block ? { ...place, block: block.definition.name.text } : { ...place, squeeze, gate });
  return { kind: "tensor", node: scaled };
}

/** The block that `insert eca(…)` names: it may do anything to the map but change its shape. */
function insertedBlock(scope: Scope, block: InsertedBlock, name: string, value: Value & { kind: "tensor" }) {
  const result = instantiateInserted(scope, block, name, value);
  if (result.kind !== "tensor") return undefined;
  if (sameType(result.node.type, value.node.type)) return result.node;
  if (!block.failed) {
    report(scope, "SE0513", "error", block.span, {
      message: `\`${block.definition.name.text}\` makes ${typeText(result.node.type)} of ${typeText(value.node.type)}: what is inserted keeps the shape`,
      related: [whence(value.node), whence(result.node)],
    });
  }
  block.failed = true;
  return undefined;
}

/**
 *   squeeze = mean(x)              f32[N, C]
 *   gate = sigmoid(fc2(relu(fc1(squeeze))))
 *   scale = x * gate, channel by channel
 *
 * Without a squeeze, fc1 and fc2 are 1x1 convolutions and the product is of two maps. Weights are [hidden, C, 1, 1] and
 * [C, hidden, 1, 1] in both cases, as checkpoints have them.
 */
function seBlock(scope: Scope, insertion: InsertContext, x: Node, name: string, span: Span): Node | undefined {
  const part = (last: string): Place => ({ scope, name: `${name}.${last}`, span });
  const channels = channelsOf(x);
  const divided = insertion.ofInput ? (scope.unit?.channels ?? channels) : channels;
  const hidden = hiddenWidth(divided, insertion);
  if (insertion.ratio > divided) insertion.exceeded.add(divided);
  else if (insertion.rounding === "floor" && divided % insertion.ratio !== 0) insertion.uneven.add(divided);

  const layer = (last: string, input: Node | undefined, outputs: number): Node | undefined => {
    const w = input && weight(part(last), "weight", [outputs, channelsOf(input), 1, 1], "weight");
    if (!w) return undefined;
    return biased(part(last), insertion.bias, (place) =>
      insertion.squeeze === "none"
        ? make(place, "conv2d", { x: input, weight: w }, { ...pointWindow, groups: 1 })
        : make(place, "dense", { x: input, weight: w }, {}),
    );
  };
  const activation = (last: string, input: Node | undefined, kind: string): Node | undefined =>
    input && (kind === "none" ? input : layers[kind]!.lower(part(last), [input], defaultsOf(kind)));

  const squeezed = insertion.squeeze === "none" ? x : make(part("squeeze"), squeezeOps[insertion.squeeze], { x }, {});
  const fc1 = layer("fc1", squeezed, hidden);
  const fc2 = layer("fc2", activation(insertion.hidden, fc1, insertion.hidden), channels);
  const gate = activation("gate", fc2, insertion.gate);
  if (!gate) return undefined;
  return insertion.squeeze === "none"
    ? make(part("scale"), "mul", { a: x, b: gate }, {})
    : make(part("scale"), "scaleChannels", { x, gate }, {});
}

const squeezeOps = { avg: "globalAvgPool", max: "globalMaxPool" } as const;

/** floor: max(1, C / r rounded down); 8: timm's rule; div8: MobileNetV3's; 4: GhostNet's. */
export function hiddenWidth(channels: number, { ratio, rounding }: Pick<InsertContext, "ratio" | "rounding">): number {
  if (rounding === "8") return makeDivisible(channels / ratio, 8, 0);
  if (rounding === "div8") return makeDivisible(channels / ratio, 8, 0.9);
  if (rounding === "4") return makeDivisible(channels / ratio, 4, 0.9);
  return Math.max(1, Math.floor(channels / ratio));
}

function defaultsOf(kind: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(layers[kind]!.specs).map(([name, spec]) => [name, spec.fallback?.value]));
}
