import type { Tensor } from "../tensor/tensor.ts";
import type { TensorType } from "../tensor/type.ts";

/** Everything the compiler knows about one op, apart from how a target spells it. */
export interface OpDef<In extends string, Attrs> {
  /** One line: what it computes. */
  readonly doc: string;
  /** Input names, in order: messages, the printer and generated code use them. "variadic" ops name them "0", "1", … */
  readonly inputs: readonly In[] | "variadic";
  /** The result's type, or what to tell the user at the node's span. */
  infer(inputs: Record<In, TensorType>, attrs: Attrs): TensorType | Complaint;
  /** The meaning, summed in float64. Slow and obvious: every pass and target is checked against it. */
  evaluate(inputs: Record<In, Tensor>, attrs: Attrs, out: Tensor): void;
  /** Set on ops that work on each element alone; fusion asks for this property, never for names. */
  readonly elementwise?: boolean;
  /** Of a unary elementwise op with f(0) = 0 and |f(a) - f(b)| <= slope * |a - b|: used for error bounds. */
  readonly slope?: number;
}

export interface Complaint {
  readonly complaint: string;
  /** Inputs that disagree with the message, so that the caller can show where they came from. */
  readonly about?: readonly string[];
}

export function isComplaint(result: TensorType | Complaint): result is Complaint {
  return "complaint" in result;
}

export function defineOp<const In extends string, Attrs>(def: OpDef<In, Attrs>): OpDef<In, Attrs> {
  return def;
}

/** No attributes. */
export type None = Readonly<Record<never, never>>;
