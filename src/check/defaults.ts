import { inputDefaults } from "../image/declaration.ts";

/**
 * What an argument means that is not written. One table: the checker reads it, docs/language.md quotes it (a test
 * compares the two), and nothing else in the compiler has a default of its own.
 */
export const defaults = {
  conv: { pad: "dilation * (kernel - 1) / 2", dilation: 1, groups: 1, bias: false },
  dwconv: { pad: "dilation * (kernel - 1) / 2", dilation: 1, multiplier: 1, bias: false },
  dense: { bias: true },
  bn: { eps: 1e-5 },
  leaky_relu: { slope: 0.01 },
  maxpool: { pad: 0, dilation: 1, ceil: false },
  avgpool: { pad: 0, ceil: false, count_pad: true },
  upsample: { mode: "nearest" },
  /** Without `in`, every unit takes part. */
  insert: {
    ratio: 16,
    squeeze: "avg",
    gate: "sigmoid",
    hidden: "relu",
    bias: true,
    rounding: "floor",
    of_input: false,
  },
  residual: { join: "add" },
  input: inputDefaults,
} as const;
