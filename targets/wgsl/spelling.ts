import type { AttrsOf, InputsOf, OpName } from "../../src/ops/index.ts";
import { literal } from "./literal.ts";

/** How WGSL says an op on each element, on vec4f. */
export interface Spelled<K extends OpName> {
  /** What the result is called where it needs a name: `biased`. */
  readonly result: string;
  /** In the banner: `bias`. */
  readonly says: string;
  text(inputs: Readonly<Record<InputsOf<K>, string>>, attrs: AttrsOf<K>): string;
  /** A function that `text` calls. */
  readonly helper?: string;
}

/** Every op but these works element by element, and needs a row below: a missing one does not compile. */
type OtherOp =
  | "input" | "parameter" | "dropout" | "conv2d" | "dense" | "maxPool" | "avgPool" | "globalAvgPool" | "globalMaxPool" | "softmax"
  | "concat" | "sliceChannels" | "shuffleChannels" | "upsample" | "flatten" | "pad" | "channelMean" | "channelMax" | "channelConv" | "tapMeans" | "squeezeParts"
  | "reduceParts" | "squeezeFinish" | "rsqrt" | "scaleRows" | "matmul" | "matvec" | "reshape" | "expandGroups" | "sliceRows"
  | "packConv" | "packChunks" | "packDepthwise" | "packGrouped" | "packVector"; // prettier-ignore
export type ElementwiseName = Exclude<OpName, OtherOp>;

export const spelling: { readonly [K in ElementwiseName]: Spelled<K> } = {
  relu: activation("relu", ({ x }) => `max(${x}, vec4f(0.0))`),
  relu6: activation("relu6", ({ x }) => `clamp(${x}, vec4f(0.0), vec4f(6.0))`),
  leakyRelu: {
    result: "activated",
    says: "leakyRelu",
    text: ({ x }, { negativeSlope }) => `select(${literal(negativeSlope)} * ${x}, ${x}, ${x} > vec4f(0.0))`,
  },
  sigmoid: activation("sigmoid", ({ x }) => `sigmoid(${x})`, sigmoidHelper()),
  tanh: activation("tanh", ({ x }) => `hyperbolic_tangent(${x})`, tanhHelper()),
  hardSigmoid: activation("hardSigmoid", ({ x }) => `clamp(${x} + 3.0, vec4f(0.0), vec4f(6.0)) / 6.0`),
  hardSwish: activation("hardSwish", ({ x }) => `${x} * clamp(${x} + 3.0, vec4f(0.0), vec4f(6.0)) / 6.0`),
  silu: activation("silu", ({ x }) => `${x} * sigmoid(${x})`, sigmoidHelper()),
  scaleBy: { result: "scaled", says: "scale", text: ({ x }, { factor }) => `${x} * ${literal(factor)}` },
  add: { result: "total", says: "add", text: ({ a, b }) => `${a} + ${b}` },
  sub: { result: "difference", says: "subtract", text: ({ a, b }) => `${a} - ${b}` },
  mul: { result: "product", says: "multiply", text: ({ a, b }) => `${a} * ${b}` },
  addBias: { result: "biased", says: "bias", text: ({ x, bias }) => `${x} + ${bias}` },
  affine: { result: "normalised", says: "affine", text: ({ x, scale, shift }) => `${x} * ${scale} + ${shift}` },
  batchNorm: {
    result: "normalised",
    says: "batchNorm",
    // Padding channels have variance 0: without an eps, the smallest normal number keeps them finite.
    text: ({ x, weight, bias, mean, variance }, { eps }) =>
      eps > 0
        ? `(${x} - ${mean}) / sqrt(${variance} + ${literal(eps)}) * ${weight} + ${bias}`
        : `(${x} - ${mean}) / sqrt(max(${variance}, vec4f(1.1754944e-38))) * ${weight} + ${bias}`,
  },
  scaleChannels: { result: "scaled", says: "gate", text: ({ x, gate }) => `${x} * ${gate}` },
  scalePixels: { result: "scaled", says: "pixel gate", text: ({ x, gate }) => `${x} * ${gate}.x` },
};

export function isElementwiseName(op: OpName): op is ElementwiseName {
  return op in spelling;
}

function activation(
  says: string,
  text: (inputs: { readonly x: string }) => string,
  helper?: string,
): { result: string; says: string; text: typeof text; helper?: string } {
  return { result: "activated", says, text, ...(helper !== undefined && { helper }) };
}

/** Far below 0 the exponential would overflow; at 88 it is e^88, and the result 0 to within f32. */
function sigmoidHelper(): string {
  return `fn sigmoid(x: vec4f) -> vec4f {
  return 1.0 / (1.0 + exp(min(-x, vec4f(88.0))));
}`;
}

/**
 * WGSL's own tanh may be a quotient of exponentials that overflow. Near 0, where 1 - e^(-2|x|) cancels, the continued
 * fraction of tanh, good to 1e-9 up to 0.6.
 */
function tanhHelper(): string {
  return `fn hyperbolic_tangent(x: vec4f) -> vec4f {
  let square = x * x;
  let near = x * (945.0 + square * (105.0 + square)) / (945.0 + square * (420.0 + 15.0 * square));
  let decay = exp(-2.0 * min(abs(x), vec4f(20.0)));
  let far = sign(x) * (1.0 - decay) / (1.0 + decay);
  return select(far, near, abs(x) < vec4f(0.6));
}`;
}
