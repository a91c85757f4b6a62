import type { JobFunction } from "./job.ts";

/** Gives shader texts, separated by NUL, to the front end; returns what was refused, one line each. Makes no pipelines. */
const job: JobFunction = async ({ texts }, _load, openDevice) => {
  const device = await openDevice();
  const refused: string[] = [];
  for (const code of (texts as string).split("\0")) {
    device.pushErrorScope("validation");
    const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
    const error = await device.popErrorScope();
    const bad = messages
      .filter(({ type }) => type !== "info")
      .map(({ lineNum, message }) => `line ${lineNum}: ${message}`);
    if (error !== null || bad.length > 0)
      refused.push(`${code.split("\n")[2]}: ${[...bad, error?.message].join("; ")}`);
  }
  return { refused: refused.join("\n") };
};
export default job;
