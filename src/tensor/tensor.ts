/** A value on the CPU: dense, row-major (NCHW), float64. The reference never rounds between ops. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export function tensor(shape: readonly number[], data: ArrayLike<number>): Tensor {
  const size = sizeOf(shape);
  if (data.length !== size)
    throw new Error(`a tensor of shape [${shape.join(", ")}] needs ${size} elements, got ${data.length}`);
  return { shape, data: data instanceof Float64Array ? data : Float64Array.from(data) };
}

export function zeros(shape: readonly number[]): Tensor {
  return { shape, data: new Float64Array(sizeOf(shape)) };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
