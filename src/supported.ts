import type { Diagnostic } from "./diagnostics.ts";
import type { Precision } from "./precision.ts";

export const targetNames = ["wgsl", "cuda", "pytorch"] as const;
export type TargetName = (typeof targetNames)[number];

/** What a target is wanted for: to write code, or to run the code and count what it does. */
export type Purpose = "compile" | "run";

const supported: Readonly<Record<Purpose, readonly TargetName[]>> = {
  compile: ["wgsl", "cuda", "pytorch"],
  run: ["wgsl", "cuda"],
};

/** What this sec cannot generate yet, in the words of the language's other diagnostics. */
export function unsupported(target: TargetName, precision: Precision, purpose: Purpose): Diagnostic[] {
  const notYet = (code: "SE0901" | "SE0902", what: string, hint: string): Diagnostic => {
    return { code, severity: "error", message: `the ${what} is not supported yet`, hint };
  };
  const able = supported[purpose];
  const here = supported.compile.includes(target) ? `target ${target} for this command` : `target ${target}`;
  return [
    ...(able.includes(target)
      ? []
      : [
          notYet(
            "SE0901",
            here,
            able.length === 1 ? `the target ${able[0]!} is` : `the targets ${able.join(" and ")} are`,
          ),
        ]),
    ...(precision === "f32" || target === "cuda"
      ? []
      : [notYet("SE0902", `precision ${precision} for ${target}`, "only CUDA kernels compute in anything but f32")]),
  ];
}
