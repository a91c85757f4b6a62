/** What the type of a value is, and nothing about how a target stores it. */

/** The element type of values in the language. Half precision is private to a plan, so it is not here. */
export type DType = "f32";

/** An extent: a positive integer, or the symbolic batch "N" (axis 0 of an activation only). */
export type Dim = number | "N";

/** Axes are always in the order n, c, h, w. Parameters have no "N". */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

export function f32(...shape: readonly Dim[]): TensorType {
  return { dtype: "f32", shape };
}

/** `f32[N, 64, 56, 56]` */
export function typeText(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(", ")}]`;
}

export function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

export function sameShape(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** The extents with the batch made concrete. */
export function concreteShape(type: TensorType, batch: number): number[] {
  return type.shape.map((dim) => (dim === "N" ? batch : dim));
}

/** Elements of one image: the product of all extents, counting the batch as one. */
export function elementsPerImage(type: TensorType): number {
  return type.shape.reduce<number>((product, dim) => product * (dim === "N" ? 1 : dim), 1);
}

/** Whether a number of the source keeps its value, but for rounding, in f32: it is 0, or neither overflows nor vanishes. */
export function fitsF32(value: number): boolean {
  const size = Math.abs(value);
  return size === 0 || (size >= 2 ** -126 && Number.isFinite(Math.fround(size)));
}
