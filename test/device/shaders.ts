import type { Adapter } from "./adapters.ts";

export interface ShaderMessage {
  readonly type: "error" | "warning" | "info";
  readonly message: string;
  /** From 1; 0 where the message has no place, as those about a pipeline. */
  readonly line: number;
  readonly column: number;
}

/**
 * What the WGSL front end of an adapter says about a shader and about a pipeline for each of its compute entry points.
 * None is best; `error` means that it was refused.
 */
export async function checkShader(adapter: Adapter, wgsl: string): Promise<readonly ShaderMessage[]> {
  const { messages } = await adapter.run({
    entry: new URL("checkShader.job.ts", import.meta.url),
    inputs: { wgsl },
  });
  return JSON.parse(messages as string) as ShaderMessage[];
}
