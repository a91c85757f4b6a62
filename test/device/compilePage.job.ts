import type { JobFunction } from "./job.ts";

/** Compiles a network in a page: `compiler.js` is the library, bundled for browsers. */
const job: JobFunction = async (_inputs, load) => {
  const module = "./compiler.js";
  const { compile } = (await import(module)) as typeof import("../../src/index.ts");
  const text = new TextDecoder().decode(await load("digits.se"));
  const result = compile({
    entry: "examples/digits.se",
    load: (path) => (path.endsWith("digits.se") ? text : undefined),
    target: "wgsl",
    set: { se: "post" },
  });
  let evalIsRefused = "no";
  try {
    (0, eval)("1");
  } catch {
    evalIsRefused = "yes";
  }
  return {
    ok: String(result.ok),
    evalIsRefused,
    ...Object.fromEntries(result.files.map(({ path, bytes }) => [path, bytes])),
  };
};
export default job;
