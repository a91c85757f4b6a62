import type { Span } from "../diagnostics.ts";
import type { Node } from "../ir/graph.ts";
import { typeText, type TensorType } from "../tensor/type.ts";

/** Ops that decide how many channels their result has. */
const setsChannels: ReadonlySet<Node["op"]> = new Set([
  "input",
  "conv2d",
  "dense",
  "concat",
  "sliceChannels",
  "flatten",
  "channelMean",
  "channelMax",
]);

/** `f32[N, 64, 56, 56] comes from \`layer1.0.conv2\` here`, at the last layer that decided the channels. */
export function whence(node: Node, role?: string): { readonly span: Span; readonly message: string } {
  const source = originOf(node, 1);
  const what = role === undefined ? "" : `${role} is `;
  const verb = role === undefined ? " comes from" : ", from";
  return { span: source.span, message: `${what}${typeText(node.type)}${verb} \`${layerName(source.name)}\` here` };
}

/** `64 channels come from \`conv2\` here`, `56x56 comes from \`maxpool\` here`: whichever of the two differs. */
export function whenceOf(
  node: Node,
  other: TensorType,
  role: string,
): { readonly span: Span; readonly message: string } {
  const shape = node.type.shape;
  if (shape.length !== other.shape.length) return whence(node, role);
  if (shape[1] !== other.shape[1]) {
    const source = originOf(node, 1);
    return { span: source.span, message: `${role} has ${shape[1]} channels, from \`${layerName(source.name)}\` here` };
  }
  const axis = shape.findIndex((dim, i) => dim !== other.shape[i]);
  const source = originOf(node, axis);
  return {
    span: source.span,
    message: `${role} is ${shape.slice(2).join("x")}, from \`${layerName(source.name)}\` here`,
  };
}

/** The node that gave this axis its extent. */
function originOf(node: Node, axis: number): Node {
  let at = node;
  for (;;) {
    const inputs = at.inputs as Readonly<Record<string, Node>>;
    const before = inputs["x"] ?? inputs["a"];
    if (!before || before.op === "parameter" || before.type.shape.length !== at.type.shape.length) return at;
    if (axis === 1 ? setsChannels.has(at.op) : before.type.shape[axis] !== at.type.shape[axis]) return at;
    at = before;
  }
}

/** A product and its bias are one layer to a reader: `fc`, not `fc.product`. */
export function layerName(node: string): string {
  return node.replace(/\.product$/, "");
}
