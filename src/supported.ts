import type { Diagnostic } from "./diagnostics.ts";

export const targetNames = ["wgsl", "cuda", "pytorch"] as const;
export type TargetName = (typeof targetNames)[number];

export const precisions = ["f32", "tf32", "f16", "bf16"] as const;
export type Precision = (typeof precisions)[number];

/** What this sec cannot generate yet, in the words of the language's other diagnostics. */
export function unsupported(target: TargetName, precision: Precision): Diagnostic[] {
  const notYet = (code: "SE0901" | "SE0902", what: string, hint: string): Diagnostic => {
    return { code, severity: "error", message: `the ${what} is not supported yet`, hint };
  };
  return [
    ...(target === "wgsl" ? [] : [notYet("SE0901", `target ${target}`, "the target wgsl is")]),
    ...(precision === "f32" ? [] : [notYet("SE0902", `precision ${precision}`, "kernels compute in f32")]),
  ];
}
