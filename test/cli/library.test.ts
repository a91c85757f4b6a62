import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import * as library from "../../src/index.ts";
import { folder, repository, sec } from "./sec.ts";

const { compile, check, format, formatDiagnostics, pack, version } = library;

const source = readFileSync(join(repository, "examples/digits.se"), "utf8");
const load = (path: string) => (path === "net.se" ? source : undefined);
const options = { entry: "net.se", load, target: "wgsl" } as const;

describe("compile", () => {
  test("gives the files that the command line writes", async () => {
    const out = folder({ "net.se": source });
    await sec(["compile", join(out, "net.se"), "--target", "wgsl", "-o", join(out, "Digits"), "--set", "se=pre"]);
    const { ok, files, diagnostics, report } = compile({ ...options, set: { se: "pre" } });
    expect({ ok, diagnostics }).toEqual({ ok: true, diagnostics: [] });
    expect(files.map(({ path }) => path)).toContain("net.js");
    for (const { path, bytes } of files) expect(Buffer.from(bytes)).toEqual(readFileSync(join(out, "Digits", path)));
    expect(report).toMatchObject({
      network: "Digits",
      kernels: report!.launches.length,
    });
  });

  test("values of set are numbers, words and lists", () => {
    const { ok, report } = compile({ ...options, set: { ratio: 8, bias: true, stages: [3, 4], gate: "tanh" } });
    expect(ok).toBe(true);
    expect(report!.insertions.map(({ name, gate }) => [name, gate])).toEqual(
      ["layer2.0", "layer2.1", "layer3.0", "layer3.1"].map((unit) => [`${unit}.se`, "tanh"]),
    );
  });

  test("a load that returns promises is told so, by check too", () => {
    const wrong = { ...options, load: (async () => source) as unknown as typeof load };
    const message =
      'load("net.se") should give the text of a file, or undefined, but it gave a Promise: read the files first, then compile';
    expect(compile(wrong).diagnostics).toEqual([{ code: "SE0204", severity: "error", message }]);
    expect(check(wrong).diagnostics).toEqual([{ code: "SE0204", severity: "error", message }]);
  });

  test("a load that throws is told where the file is imported", () => {
    const importing =
      'se 1\nimport { b } from "./b.se"\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  b\n  output y\n}\n';
    const failing = (path: string) => {
      if (path === "net.se") return importing;
      throw new Error("ENOENT: no such file");
    };
    const { diagnostics } = check({ entry: "net.se", load: failing });
    expect(diagnostics).toMatchObject([{ code: "SE0204", message: 'load("b.se") failed: ENOENT: no such file' }]);
    expect(importing.slice(diagnostics[0]!.span!.start, diagnostics[0]!.span!.end)).toBe('"./b.se"');
  });

  test("never throws on what a user wrote", () => {
    const wrong: Partial<Record<keyof library.CompileOptions, unknown>>[] = [
      { entry: "nope.se" },
      { entry: undefined },
      { load: undefined },
      {
        load: () => {
          throw new Error("no disk");
        },
      },
      { network: 5 },
      { set: "se=pre" },
      { set: null },
      { set: { se: null } },
      { set: { se: {} } },
      { load: () => "" },
      { load: () => "se 1\nnetwork {" },
      { load: () => "\u0000" },
      { load: async () => source },
      { load: () => new Uint8Array(1) },
      { network: "Nope" },
      { set: { nope: 1 } },
      { set: { ratio: "1 +" } },
      { set: { ratio: 0.5 } },
      { target: "pytorch", precision: "tf32" },
      { target: "spirv" },
      { precision: "f16" },
      { precision: "int8" },
      { maxBatch: 0 },
      { maxBatch: 1.5 },
      { passes: "O9" },
    ];
    for (const each of wrong) {
      const { ok, files, diagnostics } = compile({ ...options, ...each } as library.CompileOptions);
      expect({ ok, files }, JSON.stringify(each)).toEqual({ ok: false, files: [] });
      expect(diagnostics.some(({ severity }) => severity === "error")).toBe(true);
      expect(formatDiagnostics(diagnostics, { load })).toMatch(/error\[SE\d{4}\]: /);
    }
  });

  test("a value larger than any buffer is said so", () => {
    const large = "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8192, 8192]\n  conv 8, 3x3 -> relu\n  output y\n}\n";
    const { ok, diagnostics } = compile({ ...options, load: () => large });
    expect(ok).toBe(false);
    expect(diagnostics).toMatchObject([{ code: "SE0903" }]);
  });
});

test("check and format", () => {
  expect(check(options)).toEqual({ ok: true, diagnostics: [] });
  expect(check({ entry: "x.se", load: () => "se 1\nblock b() {\n  nope\n}\n" })).toMatchObject({ ok: false });
  expect(format("se 1\nblock  b( ) {\n relu\n}\n")).toMatchObject({
    ok: true,
    text: "se 1\n\nblock b() {\n  relu\n}\n",
  });
  expect(format("se 1\nblock {")).toMatchObject({ ok: false, diagnostics: [{ severity: "error" }] });
});

test("pack", () => {
  const { files } = compile(options);
  const manifest = Buffer.from(files.find(({ path }) => path === "manifest.json")!.bytes).toString();
  const weights = (name: string) => readFileSync(join(repository, `examples/digits/weights/${name}.safetensors`));
  const packed = pack(manifest, weights("standard"));
  expect(packed).toMatchObject({ ok: true, file: { path: "weights.bin" }, warnings: [] });
  const wrong = pack(manifest, weights("none"));
  expect(wrong.ok ? [] : wrong.messages).toHaveLength(12);
  expect(pack("{}", weights("standard"))).toMatchObject({ ok: false });
  expect(pack(manifest, new Uint8Array(3))).toMatchObject({ ok: false });
});

test("version", () => expect(version).toMatch(/^\d+\.\d+\.\d+$/));

test("bundles for a browser: no node:, no process, no Buffer, no eval, nothing left to import", async () => {
  const { outputFiles, warnings } = await build({
    absWorkingDir: repository,
    entryPoints: ["src/index.ts"],
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "silent",
  });
  expect(warnings).toEqual([]);
  const text = outputFiles[0]!.text;
  for (const word of [
    /["']node:/,
    /(?<!\.)\bprocess\./,
    /(?<!\.)\bBuffer\b/,
    /(?<!\.)\brequire\(["']/,
    /^import /m,
    /\bimport\(/,
    /\beval\(/,
    /new Function\b/,
  ]) {
    expect(text.match(word)?.[0], String(word)).toBeUndefined();
  }
});

describe("sweep", () => {
  const { sweep } = library;

  test("gives a row for every combination, the rows of the command line", async () => {
    const { ok, rows } = sweep({ entry: "net.se", load, over: { se: ["pre", "post"], stages: [[2], [3, 4]] } });
    expect(ok).toBe(true);
    const here = folder({ "net.se": source });
    const flags = ["--over", "se=pre,post", "--over", "stages=[2],[3, 4]", "--json"];
    const { out } = await sec(["sweep", join(here, "net.se"), ...flags]);
    expect((JSON.parse(out) as { rows: unknown }).rows).toEqual(JSON.parse(JSON.stringify(rows)));
  });

  test("has no rows if one is wrong", () => {
    const { ok, rows, diagnostics } = sweep({ entry: "net.se", load, over: { ratio: [2, "many"] } });
    expect({ ok, rows }).toEqual({ ok: false, rows: [] });
    expect(diagnostics.map(({ code }) => code)).toEqual(["SE0301"]);
  });
});
