import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compile } from "../../src/index.ts";
import { onEachAdapter } from "./onEachAdapter.ts";

onEachAdapter(
  (adapter) => {
    test("compile() runs in a page under script-src 'self' and gives the bytes that it gives in Node", async () => {
      const { outputFiles } = await build({
        entryPoints: ["src/index.ts"],
        bundle: true,
        write: false,
        format: "esm",
        platform: "browser",
        target: "es2023",
      });
      const source = readFileSync("examples/digits.se");
      const { ok, evalIsRefused, ...files } = await adapter().run({
        entry: new URL("compilePage.job.ts", import.meta.url),
        files: [
          { path: "compiler.js", bytes: outputFiles[0]!.contents },
          { path: "digits.se", bytes: source },
        ],
        headers: { "content-security-policy": "default-src 'none'; script-src 'self'; connect-src 'self'" },
      });
      expect({ ok, evalIsRefused }).toEqual({ ok: "true", evalIsRefused: "yes" });
      const load = (path: string) => (path.endsWith("digits.se") ? source.toString() : undefined);
      const here = compile({ entry: "examples/digits.se", load, target: "wgsl", set: { se: "post" } });
      expect(Object.keys(files).sort()).toEqual(here.files.map(({ path }) => path).sort());
      for (const { path, bytes } of here.files)
        expect(Buffer.from(files[path] as Uint8Array).equals(bytes), path).toBe(true);
    });
  },
  ["chromium"],
);
