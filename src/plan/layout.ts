import { padTo4 } from "../ops/weights.ts";
import { elementBytes, numbersOf, wordsOf } from "../precision.ts";
import { zeros, type Tensor } from "../tensor/tensor.ts";
import { concreteShape } from "../tensor/type.ts";
import type { Value } from "./plan.ts";

/** Between a value as it is meant (row-major NCHW) and as it lies in its buffer. Only checks use this; kernels know it by heart. */

/** The words of the buffer; padding channels are zero. */
export function toStored(value: Value, tensor: Tensor): Float32Array {
  const stored = new Float32Array((value.floatsPerImage * tensor.shape[0]! * 4) / elementBytes[value.element]);
  eachElement(value, tensor.shape, (index, place) => (stored[place] = tensor.data[index]!));
  return wordsOf(stored, value.element);
}

/** The value, from the words of its buffer. */
export function fromStored(value: Value, words: Float32Array, batch: number): Tensor {
  const tensor = zeros(concreteShape(value.type, batch));
  const stored = numbersOf(words, value.element);
  eachElement(value, tensor.shape, (index, place) => (tensor.data[index] = stored[place]!));
  return tensor;
}

function eachElement(value: Value, shape: readonly number[], visit: (index: number, place: number) => void): void {
  const size = shape.reduce((a, b) => a * b, 1);
  if (value.layout === "dense") {
    for (let index = 0; index < size; index++) visit(index, index);
    return;
  }
  if (value.layout === "parts") {
    const channels = shape[3]!;
    for (let index = 0; index < size; index++)
      visit(index, Math.floor(index / channels) * padTo4(channels) + (index % channels));
    return;
  }
  const [images, channels, height = 1, width = 1] = shape as [number, number, number?, number?];
  const pixels = height * width;
  const padded = padTo4(channels);
  let index = 0;
  for (let n = 0; n < images; n++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++) visit(index++, (n * pixels + p) * padded + c);
    }
  }
}
