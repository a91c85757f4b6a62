import { Bug } from "../diagnostics.ts";
import { typeText, type TensorType } from "../tensor/type.ts";
import { defineOp, type None } from "./op.ts";

/** Arithmetic on parameters: the weight program. It runs in float64 when weights are packed, never in the shipped runtime. */

/** y[o,…] = weight[o,…] * scale[o] */
export const scaleRows = defineOp({
  doc: "Multiplies every output row of a weight by its scale.",
  inputs: ["weight", "scale"],
  infer({ weight, scale }, _attrs: None) {
    if (scale.shape.length !== 1 || scale.shape[0] !== weight.shape[0]) {
      return { complaint: `the scale is ${typeText(scale)}, but the weight is ${typeText(weight)}` };
    }
    return weight;
  },
  evaluate({ weight, scale }, _attrs, y) {
    const row = weight.data.length / weight.shape[0]!;
    for (let i = 0; i < y.data.length; i++) y.data[i] = weight.data[i]! * scale.data[Math.floor(i / row)]!;
  },
});

/** y[m,n] = sum over k of a[m,k] * b[k,n]; a and b are read as matrices: [rows, everything else] */
export const matmul = defineOp({
  doc: "The product of two parameter matrices.",
  inputs: ["a", "b"],
  infer({ a, b }, _attrs: None) {
    const [rows, inner] = asMatrix(a);
    const [innerB, columns] = asMatrix(b);
    if (inner !== innerB) return { complaint: `the inner extents differ: ${typeText(a)} and ${typeText(b)}` };
    return { dtype: a.dtype, shape: [rows, columns] };
  },
  evaluate({ a, b }, _attrs, y) {
    const [rows, columns] = y.shape as [number, number];
    const inner = a.data.length / rows;
    y.data.fill(0);
    for (let m = 0; m < rows; m++) {
      for (let k = 0; k < inner; k++) {
        const factor = a.data[m * inner + k]!;
        for (let n = 0; n < columns; n++) y.data[m * columns + n]! += factor * b.data[k * columns + n]!;
      }
    }
  },
});

/** y[m] = sum over k of matrix[m,k] * vector[k] */
export const matvec = defineOp({
  doc: "The product of a parameter matrix and a parameter vector.",
  inputs: ["matrix", "vector"],
  infer({ matrix, vector }, _attrs: None) {
    const [rows, inner] = asMatrix(matrix);
    if (vector.shape.length !== 1 || vector.shape[0] !== inner) {
      return { complaint: `the vector is ${typeText(vector)}, but the matrix is ${typeText(matrix)}` };
    }
    return { dtype: matrix.dtype, shape: [rows] };
  },
  evaluate({ matrix, vector }, _attrs, y) {
    const inner = vector.data.length;
    for (let m = 0; m < y.data.length; m++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += matrix.data[m * inner + k]! * vector.data[k]!;
      y.data[m] = sum;
    }
  },
});

/** y = the same elements under another shape. */
export const reshape = defineOp({
  doc: "The same elements, in the same order, under another shape.",
  inputs: ["x"],
  infer({ x }, attrs: { readonly shape: readonly number[] }) {
    const count = (shape: readonly unknown[]) => shape.reduce<number>((a, b) => a * (b as number), 1);
    if (count(x.shape) !== count(attrs.shape))
      return { complaint: `${typeText(x)} cannot be read as [${attrs.shape.join(", ")}]` };
    return { dtype: x.dtype, shape: attrs.shape };
  },
  evaluate({ x }, _attrs, y) {
    y.data.set(x.data);
  },
});

/** y[o, i, r, s] = weight[o, i - group(o)*I, r, s] inside the group of o, else 0 */
export const expandGroups = defineOp({
  doc: "A grouped convolution's weight as the block-diagonal weight of an ungrouped one.",
  inputs: ["weight"],
  infer({ weight }, attrs: { readonly groups: number }) {
    const [outputs, perGroup, ...kernel] = weight.shape as number[];
    return { dtype: weight.dtype, shape: [outputs!, perGroup! * attrs.groups, ...kernel] };
  },
  evaluate({ weight }, attrs, y) {
    const [outputs, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
    const taps = kernel.reduce((a, b) => a * b, 1);
    y.data.fill(0);
    for (let o = 0; o < outputs; o++) {
      const group = Math.floor(o / (outputs / attrs.groups));
      const row = weight.data.subarray(o * perGroup * taps, (o + 1) * perGroup * taps);
      y.data.set(row, (o * perGroup * attrs.groups + group * perGroup) * taps);
    }
  },
});

/** y[o,…] = weight[start + o,…] */
export const sliceRows = defineOp({
  doc: "Some consecutive output rows of a weight, or elements of a vector.",
  inputs: ["weight"],
  infer({ weight }, attrs: { readonly start: number; readonly size: number }) {
    return { dtype: weight.dtype, shape: [attrs.size, ...weight.shape.slice(1)] };
  },
  evaluate({ weight }, attrs, y) {
    const row = weight.data.length / weight.shape[0]!;
    y.data.set(weight.data.subarray(attrs.start * row, (attrs.start + attrs.size) * row));
  },
});

/**
 * How a kernel reads a weight: y[r][s][i][o] (a tap's input channels, outputs innermost), with i and o padded by zeros
 * to multiples of 4. A dense weight [o, i] is the case of one tap.
 */
export const packConv = defineOp({
  doc: "A convolution weight in the order in which the tiled kernel reads it: [kh, kw, in padded to 4, out padded to 4].",
  inputs: ["weight"],
  infer({ weight }, _attrs: None) {
    const [outputs, inputs, height, width] = ohwi(weight);
    return { dtype: weight.dtype, shape: [height, width, padTo4(inputs), padTo4(outputs)] };
  },
  evaluate({ weight }, _attrs, y) {
    const [outputs, inputs = 1, height = 1, width = 1] = weight.shape as [number, number?, number?, number?];
    const [, , inPadded, outPadded] = y.shape as [number, number, number, number];
    y.data.fill(0);
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        for (let tap = 0; tap < height * width; tap++) {
          y.data[(tap * inPadded + i) * outPadded + o] = weight.data[(o * inputs + i) * height * width + tap]!;
        }
      }
    }
  },
});

/** y[i / chunk][r][s][i % chunk][o]: all taps of some input channels, then those of the next ones; o padded by zeros. */
export const packChunks = defineOp({
  doc: "A convolution weight in chunks of input channels: [in / chunk, kh, kw, chunk, out padded to 4].",
  inputs: ["weight"],
  infer({ weight }, attrs: { readonly chunk: number }) {
    const [outputs, inputs, height, width] = ohwi(weight);
    if (inputs % attrs.chunk !== 0)
      return { complaint: `${inputs} input channels are no number of chunks of ${attrs.chunk}` };
    return { dtype: weight.dtype, shape: [inputs / attrs.chunk, height, width, attrs.chunk, padTo4(outputs)] };
  },
  evaluate({ weight }, { chunk }, y) {
    const [outputs, inputs = 1, height = 1, width = 1] = weight.shape as [number, number?, number?, number?];
    const [taps, outPadded] = [height * width, y.shape[4]!];
    y.data.fill(0);
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        for (let tap = 0; tap < taps; tap++) {
          const row = (Math.floor(i / chunk) * taps + tap) * chunk + (i % chunk);
          y.data[row * outPadded + o] = weight.data[(o * inputs + i) * taps + tap]!;
        }
      }
    }
  },
});

/**
 * y[r][s][i][o] for the inputs of one slice: those of output o begin at the slice that o is in, and i counts from there;
 * zero outside the group of o. Every group has as many inputs as outputs, and slices are whole groups.
 */
export const packGrouped = defineOp({
  doc: "A grouped convolution's weight as one block of a matrix for every slice of channels: [kh, kw, slice, out padded to 4].",
  inputs: ["weight"],
  infer({ weight }, attrs: { readonly slice: number }) {
    const [outputs, perGroup, height, width] = ohwi(weight);
    if (attrs.slice % perGroup !== 0)
      return { complaint: `a slice of ${attrs.slice} channels is no number of groups of ${perGroup}` };
    return { dtype: weight.dtype, shape: [height, width, attrs.slice, padTo4(outputs)] };
  },
  evaluate({ weight }, { slice }, y) {
    const [outputs, perGroup, height = 1, width = 1] = weight.shape as [number, number, number?, number?];
    const outPadded = y.shape[3]!;
    y.data.fill(0);
    for (let o = 0; o < outputs; o++) {
      const first = (o % slice) - (o % perGroup);
      for (let i = 0; i < perGroup; i++) {
        for (let tap = 0; tap < height * width; tap++) {
          y.data[(tap * slice + first + i) * outPadded + o] = weight.data[(o * perGroup + i) * height * width + tap]!;
        }
      }
    }
  },
});

/** y[r][s][c], c padded to 4, from a depthwise weight [c, 1, kh, kw] */
export const packDepthwise = defineOp({
  doc: "A depthwise weight with the channels innermost: [kh, kw, channels padded to 4].",
  inputs: ["weight"],
  infer({ weight }, _attrs: None) {
    const [channels, , height, width] = ohwi(weight);
    return { dtype: weight.dtype, shape: [height, width, padTo4(channels)] };
  },
  evaluate({ weight }, _attrs, y) {
    const [channels, , height = 1, width = 1] = weight.shape as [number, number, number?, number?];
    const padded = y.shape[2]!;
    y.data.fill(0);
    for (let c = 0; c < channels; c++) {
      for (let tap = 0; tap < height * width; tap++) y.data[tap * padded + c] = weight.data[c * height * width + tap]!;
    }
  },
});

/** y[i] = the elements of x in order, zeros up to a multiple of 4 */
export const packVector = defineOp({
  doc: "One value per channel, or the taps of a filter, padded by zeros to a multiple of 4.",
  inputs: ["x"],
  infer: ({ x }, _attrs: None) => ({
    dtype: x.dtype,
    shape: [padTo4((x.shape as number[]).reduce((a, b) => a * b, 1))],
  }),
  evaluate({ x }, _attrs, y) {
    y.data.fill(0);
    y.data.set(x.data);
  },
});

export function padTo4(channels: number): number {
  return Math.ceil(channels / 4) * 4;
}

function ohwi(weight: TensorType): [number, number, number, number] {
  const [outputs, inputs = 1, height = 1, width = 1] = weight.shape as number[];
  if (outputs === undefined) throw new Bug("a weight without axes cannot be packed");
  return [outputs, inputs, height, width];
}

function asMatrix(type: TensorType): [number, number] {
  const [rows, ...rest] = type.shape as [number, ...number[]];
  return [rows, rest.reduce((a, b) => a * b, 1)];
}
