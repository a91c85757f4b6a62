import { expect } from "vitest";
import { opDef } from "../../src/ir/graph.ts";
import { isComplaint } from "../../src/ops/op.ts";
import type { OpName } from "../../src/ops/index.ts";
import { tensor, zeros, type Tensor } from "../../src/tensor/tensor.ts";
import { f32, type TensorType } from "../../src/tensor/type.ts";

/** Runs one op on arrays written in the test: infers the type, then evaluates. */
export function evaluate(op: OpName, inputs: Readonly<Record<string, Tensor>>, attrs: object = {}): Tensor {
  const types = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, f32(...value.shape)]));
  const type = opDef(op).infer(types, attrs);
  if (isComplaint(type)) throw new Error(type.complaint);
  const out = zeros(type.shape as readonly number[]);
  // An op must write every element: what is left over from before must not show.
  out.data.fill(NaN);
  opDef(op).evaluate(inputs, attrs, out);
  return out;
}

/** What the op says about types that do not fit. */
export function complaint(op: OpName, types: Readonly<Record<string, TensorType>>, attrs: object = {}): string {
  const result = opDef(op).infer(types, attrs);
  return isComplaint(result) ? result.complaint : "accepted";
}

/** A map of one image and one channel, or of as many as there are. */
export function map(...rows: readonly (readonly number[])[]): Tensor {
  return channels(rows);
}

/** One image; a channel is a list of rows. */
export function channels(...planes: readonly (readonly (readonly number[])[])[]): Tensor {
  const [first] = planes;
  return tensor([1, planes.length, first!.length, first![0]!.length], planes.flat(2));
}

export function vector(...values: readonly number[]): Tensor {
  return tensor([values.length], values);
}

export function row(...values: readonly number[]): Tensor {
  return tensor([1, values.length], values);
}

export function expectTensor(found: Tensor, shape: readonly number[], values: readonly number[]): void {
  expect(found.shape).toEqual(shape);
  expect(found.data.length).toBe(values.length);
  values.forEach((value, index) => expect(found.data[index], `element ${index}`).toBeCloseTo(value, 12));
}
