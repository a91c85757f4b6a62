import type { JobFunction } from "./job.ts";
import type { ShaderMessage } from "./shaders.ts";

const job: JobFunction = async ({ wgsl }, _load, openDevice) => {
  const code = wgsl as string;
  const device = await openDevice();
  const messages: ShaderMessage[] = [];
  const error = (message: string) => messages.push({ type: "error", message, line: 0, column: 0 });

  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code });
  const info = await module.getCompilationInfo();
  const refused = await device.popErrorScope();
  for (const { type, message, lineNum, linePos } of info.messages) {
    messages.push({ type, message, line: lineNum, column: linePos });
  }
  if (refused !== null && !messages.some(({ type }) => type === "error")) error(refused.message);

  if (!messages.some(({ type }) => type === "error")) {
    const entryPoints = [...code.matchAll(/@compute\b[^{;]*?\bfn\s+(\w+)/g)].map((match) => match[1] ?? "");
    if (entryPoints.length === 0) error("there is no compute entry point");
    for (const entryPoint of entryPoints) {
      device.pushErrorScope("validation");
      try {
        await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint } });
      } catch (thrown) {
        error(`${entryPoint}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      }
      await device.popErrorScope();
    }
  }
  return { messages: JSON.stringify(messages) };
};
export default job;
