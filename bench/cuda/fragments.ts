import { tensorCoreIncludes, tensorCoreSection } from "../../targets/cuda/tensorCores.ts";

/** tensorCores.h of fragments.cu: all that any net.cu says in PTX, as it says it. */
export function tensorCoreHeader(): string {
  const precisions = ["tf32", "f16", "bf16"] as const;
  return `${tensorCoreIncludes(...precisions)}\nnamespace {\n\n${tensorCoreSection(...precisions)}} // namespace\n`;
}
