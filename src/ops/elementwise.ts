import { fitsF32, sameShape, typeText } from "../tensor/type.ts";
import { defineOp, type None } from "./op.ts";

/** Ops on each element alone. A new one is a line here, a line in the list, and a row in each target's spelling. */

/** `slope` bounds the derivative; the error bound of a fused body uses it. */
function unary(doc: string, slope: number, f: (x: number) => number) {
  return defineOp({
    doc,
    inputs: ["x"],
    elementwise: true,
    slope,
    infer: ({ x }) => x,
    evaluate({ x }, _attrs: None, out) {
      for (let i = 0; i < out.data.length; i++) out.data[i] = f(x.data[i]!);
    },
  });
}

function binary(doc: string, f: (a: number, b: number) => number) {
  return defineOp({
    doc,
    inputs: ["a", "b"],
    elementwise: true,
    infer({ a, b }) {
      if (!sameShape(a.shape, b.shape)) {
        return { complaint: `the two shapes differ: ${typeText(a)} and ${typeText(b)}`, about: ["a", "b"] };
      }
      return a;
    },
    evaluate({ a, b }, _attrs: None, out) {
      for (let i = 0; i < out.data.length; i++) out.data[i] = f(a.data[i]!, b.data[i]!);
    },
  });
}

function beyondF32(what: string, value: number) {
  return { complaint: `the ${what} ${value} is no number of f32: those go from 1.2e-38 to 3.4e38` };
}

export const relu = unary("max(x, 0).", 1, (x) => Math.max(x, 0));
export const relu6 = unary("min(max(x, 0), 6).", 1, (x) => Math.min(Math.max(x, 0), 6));
export const sigmoid = unary("1 / (1 + e^-x).", 0.25, (x) => 1 / (1 + Math.exp(-x)));
export const tanh = unary("The hyperbolic tangent.", 1, (x) => Math.tanh(x));
/** PyTorch's and MobileNetV3's; not Keras's clip(0.2 x + 0.5). */
export const hardSigmoid = unary("min(max(x + 3, 0), 6) / 6.", 1 / 6, (x) => Math.min(Math.max(x + 3, 0), 6) / 6);
export const hardSwish = unary("x * hardSigmoid(x).", 1.5, (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6);
export const silu = unary("x * sigmoid(x).", 1.1, (x) => x / (1 + Math.exp(-x)));

export const add = binary("a + b.", (a, b) => a + b);
export const sub = binary("a - b.", (a, b) => a - b);
export const mul = binary("a * b.", (a, b) => a * b);

export const leakyRelu = defineOp({
  doc: "x where x > 0, else slope * x.",
  inputs: ["x"],
  elementwise: true,
  slope: 1,
  infer: ({ x }, { negativeSlope }: { readonly negativeSlope: number }) =>
    fitsF32(negativeSlope) ? x : beyondF32("slope", negativeSlope),
  evaluate({ x }, attrs: { readonly negativeSlope: number }, out) {
    for (let i = 0; i < out.data.length; i++)
      out.data[i] = x.data[i]! > 0 ? x.data[i]! : attrs.negativeSlope * x.data[i]!;
  },
});

export const scaleBy = defineOp({
  doc: "x * factor, a constant of the source.",
  inputs: ["x"],
  elementwise: true,
  infer: ({ x }, { factor }: { readonly factor: number }) => (fitsF32(factor) ? x : beyondF32("factor", factor)),
  evaluate({ x }, attrs: { readonly factor: number }, out) {
    for (let i = 0; i < out.data.length; i++) out.data[i] = x.data[i]! * attrs.factor;
  },
});

/** Only in graphs that are made for training: what is evaluated here is inference. */
export const dropout = defineOp({
  doc: "x; in training, zeros at a rate, and the rest scaled up to make up for them.",
  inputs: ["x"],
  elementwise: true,
  slope: 1,
  infer: ({ x }, _attrs: { readonly rate: number }) => x,
  evaluate({ x }, _attrs, out) {
    out.data.set(x.data);
  },
});

export const rsqrt = defineOp({
  doc: "1 / sqrt(x + eps); only on parameters.",
  inputs: ["x"],
  elementwise: true,
  infer: ({ x }) => x,
  evaluate({ x }, attrs: { readonly eps: number }, out) {
    for (let i = 0; i < out.data.length; i++) out.data[i] = 1 / Math.sqrt(x.data[i]! + attrs.eps);
  },
});
