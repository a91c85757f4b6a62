import { typeText, type TensorType } from "../tensor/type.ts";
import { defineOp, type Complaint, type None } from "./op.ts";
import { pointWindow, slide, type Window } from "./window.ts";

/** Ops that move values and compute nothing, and reductions over channels. */

/** y[n, offset(k) + c, …] = input k [n, c, …] */
export const concat = defineOp({
  doc: "Puts the channels of several values one after the other.",
  inputs: "variadic",
  infer(inputs: Record<string, TensorType>, _attrs: None): TensorType | Complaint {
    const types = Object.values(inputs);
    const first = types[0];
    if (!first) return { complaint: "a concatenation needs at least one value" };
    let channels = 0;
    for (const [name, type] of Object.entries(inputs)) {
      const differs =
        type.shape.length !== first.shape.length ||
        type.shape.some((dim, axis) => axis !== 1 && dim !== first.shape[axis]);
      if (differs || type.shape.length < 2) {
        return {
          complaint: `all values must agree in everything but channels: ${typeText(first)} and ${typeText(type)}`,
          about: ["0", name],
        };
      }
      channels += type.shape[1] as number;
    }
    return { dtype: first.dtype, shape: first.shape.map((dim, axis) => (axis === 1 ? channels : dim)) };
  },
  evaluate(inputs, _attrs, y) {
    const channels = y.shape[1]!;
    const inner = y.shape.slice(2).reduce((a, b) => a * b, 1);
    let offset = 0;
    for (const x of Object.values(inputs)) {
      const block = x.shape[1]! * inner;
      for (let n = 0; n < y.shape[0]!; n++) {
        y.data.set(x.data.subarray(n * block, (n + 1) * block), (n * channels + offset) * inner);
      }
      offset += x.shape[1]!;
    }
  },
});

/** y[n,c,h,w] = x[n,c, h - top, w - left], 0 outside; a negative side crops. Sides are [top, left, bottom, right]. */
export const pad = defineOp({
  doc: "Zeros around a map; a negative side leaves rows or columns out.",
  inputs: ["x"],
  infer: ({ x }, attrs: Pick<Window, "padding">) => {
    const size = slide(x, { ...pointWindow, ...attrs });
    return "complaint" in size ? size : { dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...size] };
  },
  evaluate({ x }, { padding: [top, left] }, y) {
    const [, , inHeight, inWidth] = x.shape as [number, number, number, number];
    const [images, channels, height, width] = y.shape as [number, number, number, number];
    let to = 0;
    for (let plane = 0; plane < images * channels; plane++) {
      for (let row = -top; row < height - top; row++) {
        for (let column = -left; column < width - left; column++) {
          const inside = row >= 0 && row < inHeight && column >= 0 && column < inWidth;
          y.data[to++] = inside ? x.data[(plane * inHeight + row) * inWidth + column]! : 0;
        }
      }
    }
  },
});

/** y[n,c,…] = x[n, start + c, …] */
export const sliceChannels = defineOp({
  doc: "Some consecutive channels.",
  inputs: ["x"],
  infer({ x }, attrs: { readonly start: number; readonly size: number }) {
    const channels = x.shape[1];
    if (x.shape.length < 2 || attrs.start < 0 || attrs.size < 1 || attrs.start + attrs.size > (channels as number)) {
      return {
        complaint: `channels ${attrs.start} to ${attrs.start + attrs.size - 1} do not exist in ${typeText(x)}`,
        about: ["x"],
      };
    }
    return { dtype: x.dtype, shape: x.shape.map((dim, axis) => (axis === 1 ? attrs.size : dim)) };
  },
  evaluate({ x }, attrs, y) {
    const inner = y.shape.slice(2).reduce((a, b) => a * b, 1);
    for (let n = 0; n < y.shape[0]!; n++) {
      const from = (n * x.shape[1]! + attrs.start) * inner;
      y.data.set(x.data.subarray(from, from + attrs.size * inner), n * attrs.size * inner);
    }
  },
});

/** y[n, k*groups + g, h, w] = x[n, g*(C/groups) + k, h, w] */
export const shuffleChannels = defineOp({
  doc: "ShuffleNet's channel shuffle: reads [groups, C / groups] as [C / groups, groups].",
  inputs: ["x"],
  infer({ x }, attrs: { readonly groups: number }) {
    const channels = x.shape[1] as number;
    if (x.shape.length !== 4)
      return { complaint: `only a feature map of rank 4 can be shuffled, but x is ${typeText(x)}`, about: ["x"] };
    if (channels % attrs.groups !== 0)
      return {
        complaint: `${channels} channels do not divide into ${attrs.groups} groups: ${channels} % ${attrs.groups} = ${channels % attrs.groups}`,
        about: ["x"],
      };
    return x;
  },
  evaluate({ x }, attrs, y) {
    const [images, channels, height, width] = y.shape as [number, number, number, number];
    const pixels = height * width;
    for (let n = 0; n < images; n++) {
      for (let c = 0; c < channels; c++) {
        const source = (c % attrs.groups) * (channels / attrs.groups) + Math.floor(c / attrs.groups);
        const from = (n * channels + source) * pixels;
        y.data.set(x.data.subarray(from, from + pixels), (n * channels + c) * pixels);
      }
    }
  },
});

/** Nearest: y[n,c,h,w] = x[n,c, floor(h * H / Ho), floor(w * W / Wo)]; bilinear with half-pixel centres, edges repeated. */
export const upsample = defineOp({
  doc: "Resizes a map to a given size: nearest, or bilinear with half-pixel centres.",
  inputs: ["x"],
  infer({ x }, attrs: { readonly height: number; readonly width: number; readonly mode: "nearest" | "bilinear" }) {
    if (x.shape.length !== 4)
      return { complaint: `only a feature map of rank 4 can be resized, but x is ${typeText(x)}`, about: ["x"] };
    return { dtype: x.dtype, shape: [x.shape[0]!, x.shape[1]!, attrs.height, attrs.width] };
  },
  evaluate({ x }, attrs, y) {
    const [, , inHeight, inWidth] = x.shape as [number, number, number, number];
    const at = (plane: number, row: number, column: number) => {
      const h = Math.min(Math.max(row, 0), inHeight - 1);
      const w = Math.min(Math.max(column, 0), inWidth - 1);
      return x.data[(plane * inHeight + h) * inWidth + w]!;
    };
    let to = 0;
    for (let plane = 0; plane < y.shape[0]! * y.shape[1]!; plane++) {
      for (let h = 0; h < attrs.height; h++) {
        for (let w = 0; w < attrs.width; w++) {
          if (attrs.mode === "nearest") {
            y.data[to++] = at(
              plane,
              Math.floor((h * inHeight) / attrs.height),
              Math.floor((w * inWidth) / attrs.width),
            );
            continue;
          }
          // PyTorch's align_corners=False: a source position before the first centre counts as the first centre.
          const row = Math.max(((h + 0.5) * inHeight) / attrs.height - 0.5, 0);
          const column = Math.max(((w + 0.5) * inWidth) / attrs.width - 0.5, 0);
          const [r, c] = [Math.floor(row), Math.floor(column)];
          const [dr, dc] = [row - r, column - c];
          const above = at(plane, r, c) * (1 - dc) + at(plane, r, c + 1) * dc;
          const below = at(plane, r + 1, c) * (1 - dc) + at(plane, r + 1, c + 1) * dc;
          y.data[to++] = above * (1 - dr) + below * dr;
        }
      }
    }
  },
});

/** y[n, (c*H + h)*W + w] = x[n,c,h,w] */
export const flatten = defineOp({
  doc: "A map as one vector per image, in the order c, h, w.",
  inputs: ["x"],
  infer({ x }, _attrs: None) {
    const size = x.shape.slice(1).reduce<number>((a, b) => a * (b as number), 1);
    return { dtype: x.dtype, shape: [x.shape[0]!, size] };
  },
  evaluate({ x }, _attrs, y) {
    y.data.set(x.data);
  },
});

/** y[n,c] = e^(x[n,c] - max) / sum over c of e^(x[n,c] - max) */
export const softmax = defineOp({
  doc: "Softmax over the channels of a vector.",
  inputs: ["x"],
  infer({ x }, _attrs: None) {
    if (x.shape.length !== 2)
      return { complaint: `softmax needs a vector per image, f32[N, classes], but x is ${typeText(x)}`, about: ["x"] };
    return x;
  },
  evaluate({ x }, _attrs, y) {
    const classes = x.shape[1]!;
    for (let n = 0; n < x.shape[0]!; n++) {
      const row = Array.from(x.data.subarray(n * classes, (n + 1) * classes));
      const largest = Math.max(...row);
      const exps = row.map((value) => Math.exp(value - largest));
      const sum = exps.reduce((a, b) => a + b, 0);
      exps.forEach((value, c) => (y.data[n * classes + c] = value / sum));
    }
  },
});
