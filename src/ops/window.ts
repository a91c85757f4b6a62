import type { Dim, TensorType } from "../tensor/type.ts";
import { typeText } from "../tensor/type.ts";
import type { Complaint } from "./op.ts";

/** How a kernel slides over a map. Pairs are [height, width]; padding is [top, left, bottom, right], of zeros. */
export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
}

export const pointWindow: Window = { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };

/** Where the window may stop: `floor` inside the padded map, `ceil` as PyTorch's ceil_mode. */
export type Rounding = "floor" | "ceil";

/**
 * floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1, or with ceil; with ceil a last window that
 * would start in the padding after the map is dropped (PyTorch's rule).
 */
export function outputExtent(window: Window, axis: 0 | 1, size: number, rounding: Rounding = "floor"): number {
  const before = window.padding[axis];
  const after = window.padding[axis === 0 ? 2 : 3];
  const stride = window.stride[axis];
  const span = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
  const steps = (size + before + after - span) / stride;
  if (rounding === "floor") return Math.floor(steps) + 1;
  const extent = Math.ceil(steps) + 1;
  return (extent - 1) * stride >= size + before ? extent - 1 : extent;
}

/** The map's extents after the window, or a complaint that shows the formula with its numbers. */
export function slide(x: TensorType, window: Window, rounding: Rounding = "floor"): readonly [Dim, Dim] | Complaint {
  if (x.shape.length !== 4)
    return { complaint: `a window slides over a feature map of rank 4, but x is ${typeText(x)}`, about: ["x"] };
  const extents: number[] = [];
  for (const axis of [0, 1] as const) {
    const size = x.shape[2 + axis];
    if (typeof size !== "number")
      return { complaint: `the map's extents must be numbers, but x is ${typeText(x)}`, about: ["x"] };
    const extent = outputExtent(window, axis, size, rounding);
    if (extent < 1) {
      const before = window.padding[axis];
      const after = window.padding[axis === 0 ? 2 : 3];
      const formula = `(${size} + ${before + after} - ${window.dilation[axis]} * (${window.kernel[axis]} - 1) - 1) / ${window.stride[axis]} + 1`;
      return {
        complaint: `the output ${axis === 0 ? "height" : "width"} would be ${formula} = ${extent}; it must be at least 1`,
        about: ["x"],
      };
    }
    extents.push(extent);
  }
  return [extents[0]!, extents[1]!];
}

export function isPointwise(window: Window): boolean {
  return (
    window.kernel.every((k) => k === 1) && window.stride.every((s) => s === 1) && window.padding.every((p) => p === 0)
  );
}
