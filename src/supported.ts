import type { Diagnostic } from "./diagnostics.ts";

export const targetNames = ["wgsl", "cuda", "pytorch"] as const;
export type TargetName = (typeof targetNames)[number];

export const precisions = ["f32", "tf32", "f16", "bf16"] as const;
export type Precision = (typeof precisions)[number];

/** What this sec cannot generate yet, in the words of the language's other diagnostics. */
export function unsupported(target: TargetName, precision: Precision): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  if (target !== "wgsl") {
    diagnostics.push({
      code: "SE0901",
      severity: "error",
      message: `the target ${target} is not supported yet`,
      hint: "the target wgsl is",
    });
  }
  if (precision !== "f32") {
    diagnostics.push({
      code: "SE0902",
      severity: "error",
      message: `the precision ${precision} is not supported yet`,
      hint: "kernels compute in f32",
    });
  }
  return diagnostics;
}
