import type { InputDeclaration } from "../image/declaration.ts";
import type { TensorType } from "../tensor/type.ts";
import { Bug } from "../diagnostics.ts";
import { defineOp } from "./op.ts";

/** What a parameter is for: says how it is seeded, and whether `report` counts it as a parameter or a buffer. */
export type ParameterRole = (typeof parameterRoles)[number];

export const parameterRoles = ["weight", "bias", "bnWeight", "bnBias", "bnMean", "bnVariance"] as const;

export interface InputAttrs {
  readonly type: TensorType;
  /** How a picture becomes the tensor; undefined if the source does not say. */
  readonly image: InputDeclaration | undefined;
}

export interface ParameterAttrs {
  readonly type: TensorType;
  readonly role: ParameterRole;
}

export const input = defineOp({
  doc: "What the user gives: a node's name is the input's name.",
  inputs: [],
  infer: (_inputs, attrs: InputAttrs) => attrs.type,
  evaluate() {
    throw new Bug("an input has no meaning of its own; the interpreter is given its value");
  },
});

export const parameter = defineOp({
  doc: "A trained tensor: the node's name is its key in a checkpoint.",
  inputs: [],
  infer: (_inputs, attrs: ParameterAttrs) => attrs.type,
  evaluate() {
    throw new Bug("a parameter has no meaning of its own; the interpreter is given its value");
  },
});
