import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/weights/safetensors.ts";
import { storeFloat32, toFloat32, type StoredTensor } from "../../src/weights/stored.ts";
import { folder, repository, sec } from "./sec.ts";

const digits = join(repository, "examples/digits.se");
const weights = join(repository, "examples/digits/weights/standard.safetensors");
const net = "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  gap\n  fc: dense 4\n  output y\n}\n";

function file(tensors: Readonly<Record<string, StoredTensor>>): Uint8Array {
  return writeSafetensors(new Map(Object.entries(tensors)));
}

const fc = {
  "fc.weight": storeFloat32([4, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
  "fc.bias": storeFloat32([4], [1, 2, 3, 4]),
};

function tensorsOf(path: string): Map<string, StoredTensor> {
  const read = readSafetensors(new Uint8Array(readFileSync(path)));
  if (!read.ok) throw new Error(read.message);
  return read.tensors;
}

describe("sec weights list", () => {
  test("names, types, shapes, sizes, and whose names they are", async () => {
    const { exit, out, err } = await sec(["weights", "list", weights]);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    expect(out).toMatch(/^ *bytes +dtype +shape +name\n/);
    expect(out).toMatch(/\n *36,864 +F32 +\[32, 32, 3, 3\] +layer3\.0\.conv2\.weight\n/);
    expect(out).toMatch(
      /\n124 tensors, 80,346 numbers, 321\.4 kB; its keys look like timm's names of SE-ResNet and SE-ResNeXt\n$/,
    );
  });

  test("--json; what is not finite is a warning", async () => {
    const here = folder({ "w.safetensors": file({ "module.a": storeFloat32([3], [NaN, Infinity, 1]) }) });
    const path = join(here, "w.safetensors");
    const { exit, out, err } = await sec(["weights", "list", path, "--json"]);
    expect({ exit, err }).toEqual({ exit: 0, err: `warning: ${path}: module.a holds 1 NaN and 1 infinite values\n` });
    expect(JSON.parse(out)).toMatchObject({
      schemaVersion: 1,
      command: "weights",
      ok: true,
      count: 1,
      elements: 3,
      bytes: 12,
      layouts: [],
      prefix: "module.",
      tensors: [{ name: "module.a", dtype: "F32", shape: [3], bytes: 12, nan: 1, infinite: 1 }],
    });
    expect((await sec(["weights", "list", path, "--quiet"])).err).toBe("");
  });
});

describe("sec weights check", () => {
  test("what fits", async () => {
    const { exit, out, err } = await sec(["weights", "check", digits, "--weights", weights]);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    expect(out).toBe(`${weights} fits Digits, by its own names: 124 tensors, 80,346 numbers\n`);
  });

  test("another layout is said, and in --json", async () => {
    const legacy = new Map(
      [...tensorsOf(weights)].map(([name, tensor]) => {
        const theirs = name
          .replace(/^(conv1|bn1)\./, "layer0.$1.")
          .replace(".se.", ".se_module.")
          .replace(/^fc\./, "last_linear.");
        return [`module.${theirs}`, tensor];
      }),
    );
    const path = join(folder({ "w.safetensors": writeSafetensors(legacy) }), "w.safetensors");
    const title = `Cadene's names (timm's legacy_*) of SE-ResNet and SE-ResNeXt`;
    const told = await sec(["weights", "check", digits, "--weights", path]);
    expect(told).toEqual({
      exit: 0,
      out: `${path} fits Digits: 124 tensors, 80,346 numbers\n`,
      err: `note: ${path}: read as ${title}, without "module."\n`,
    });
    const json = JSON.parse(
      (await sec(["weights", "check", digits, "--weights", path, "--json", "--quiet"])).out,
    ) as object;
    expect(json).toMatchObject({
      ok: true,
      network: "Digits",
      weights: { file: path, layout: "cadene", prefix: "module.", warnings: [] },
      names: { "fc.weight": "module.last_linear.weight" },
    });
    const out = folder({});
    const compiled = await sec([
      "compile",
      digits,
      "--target",
      "wgsl",
      "-o",
      out,
      "--weights",
      path,
      "--json",
      "--quiet",
    ]);
    expect(JSON.parse(compiled.out)).toMatchObject({ weights: { layout: "cadene", prefix: "module." } });
    const own = folder({});
    await sec(["compile", digits, "--target", "wgsl", "-o", own, "--weights", weights, "--quiet"]);
    expect(readFileSync(join(out, "weights.bin"))).toEqual(readFileSync(join(own, "weights.bin")));
  });

  test("what does not fit: 1, with places and causes, in --json too", async () => {
    const here = folder({
      "net.se": net,
      "w.safetensors": file({ ...fc, "fc.weight": storeFloat32([3, 4], new Float32Array(12)) }),
    });
    const argv = ["weights", "check", join(here, "net.se"), "--weights", join(here, "w.safetensors")];
    const { exit, out, err } = await sec(argv);
    expect({ exit, out }).toEqual({ exit: 1, out: "" });
    expect(err).toBe(
      `error: ${join(here, "w.safetensors")}: "fc.weight" should be [4, 3], but is [3, 4]: it looks transposed (net.se:5:3)\n`,
    );
    expect(JSON.parse((await sec([...argv, "--json"])).out)).toMatchObject({
      ok: false,
      error: { faults: [{ kind: "shape", name: "fc.weight" }], causes: [] },
    });
  });
});

describe("sec weights convert", () => {
  test.each(["f32", "f16", "bf16"] as const)("to %s", async (to) => {
    const here = folder({ "w.safetensors": file(fc) });
    const out = join(here, "out.safetensors");
    const { exit, err } = await sec(["weights", "convert", join(here, "w.safetensors"), "-o", out, "--to", to]);
    expect({ exit, err }).toEqual({
      exit: 0,
      err: expect.stringMatching(/out\.safetensors: 2 tensors, \d+ B\n$/) as string,
    });
    const written = tensorsOf(out);
    expect(written.get("fc.bias")!.dtype).toBe(to.toUpperCase());
    expect([...toFloat32(written.get("fc.weight")!)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    // It may write over its own.
    expect((await sec(["weights", "convert", join(here, "w.safetensors"), "-o", out, "--to", "f16"])).exit).toBe(0);
  });

  test("with a network: its names and shapes, and nothing else", async () => {
    const given = {
      "module.fc.weight": { ...fc["fc.weight"], shape: [4, 3, 1, 1] },
      "module.fc.bias": fc["fc.bias"],
      "module.bn.num_batches_tracked": { dtype: "I64" as const, shape: [], bytes: new Uint8Array(8) },
    };
    const here = folder({ "net.se": net, "w.safetensors": file(given) });
    const out = join(here, "out.safetensors");
    const { exit, err } = await sec([
      "weights",
      "convert",
      join(here, "w.safetensors"),
      join(here, "net.se"),
      "-o",
      out,
    ]);
    expect(exit).toBe(0);
    expect(err).toContain('w.safetensors: read without "module."\n');
    expect([...tensorsOf(out)].map(([name, { shape }]) => [name, shape])).toEqual([
      ["fc.bias", [4]],
      ["fc.weight", [4, 3]],
    ]);
  });

  test("what is refused, and writes nothing", async () => {
    const large = file({ a: storeFloat32([1], [1e6]) });
    const here = folder({
      "w.safetensors": file(fc),
      "net.se": net,
      "large.safetensors": large,
      "mine.safetensors": "mine",
    });
    const convert = (...argv: string[]) =>
      sec(["weights", "convert", ...argv.map((arg) => (/\./.test(arg) ? join(here, arg) : arg))]);
    expect(await convert("w.safetensors", "-o", "out.safetensors")).toMatchObject({
      exit: 2,
      err: expect.stringContaining("nothing to convert") as string,
    });
    expect(await convert("large.safetensors", "-o", "out.safetensors", "--to", "f16")).toMatchObject({
      exit: 1,
      err: expect.stringContaining("a holds 1000000, beyond f16") as string,
    });
    expect(await convert("large.safetensors", "net.se", "-o", "out.safetensors")).toMatchObject({
      exit: 1,
      err: expect.stringMatching(/does not fit Net:\n {2}"fc\.weight" \[4, 3\] is missing \(net\.se:5:3\)\n/) as string,
    });
    expect(await convert("w.safetensors", "-o", "mine.safetensors", "--to", "f16")).toMatchObject({
      exit: 3,
      err: expect.stringContaining("was not written by sec; --force writes over it") as string,
    });
    expect(await convert("w.safetensors", "-o", "w.safetensors", "--to", "f16", "--force")).toMatchObject({
      exit: 3,
      err: expect.stringContaining("is an input, too") as string,
    });
    expect(readdirSync(here).sort()).toEqual(["large.safetensors", "mine.safetensors", "net.se", "w.safetensors"]);
  });
});

describe("--weights-as", () => {
  test.each(["f16", "int8"])(
    "%s: compile with weights, and compile then pack, write the same bytes",
    async (storage) => {
      const [whole, packed, later] = [folder({}), folder({}), folder({})];
      const compile = (out: string, ...more: string[]) =>
        sec(["compile", digits, "--target", "wgsl", "--quiet", "-o", out, ...more]);
      await compile(whole, "--weights", weights, "--weights-as", storage);
      await compile(packed, "--weights-as", storage);
      await sec(["pack", packed, "--weights", weights, "--quiet"]);
      await compile(later);
      expect(await sec(["pack", later, "--weights", weights, "--weights-as", storage, "--quiet"])).toMatchObject({
        exit: 0,
        err: "",
      });
      for (const file of ["net.js", "net.d.ts", "manifest.json", "weights.bin"]) {
        const expected = readFileSync(join(whole, file));
        expect(readFileSync(join(packed, file)).equals(expected), file).toBe(true);
        expect(readFileSync(join(later, file)).equals(expected), file).toBe(true);
      }
      const manifest = JSON.parse(readFileSync(join(whole, "manifest.json"), "utf8")) as {
        weights: { byteLength: number };
      };
      expect(manifest).toMatchObject({ formatVersion: "1.1", weights: { storage } });
      expect(manifest.weights.byteLength).toBe(readFileSync(join(whole, "weights.bin")).length);
    },
  );

  test("a net.js that is not the manifest's is not written over", async () => {
    const here = folder({});
    await sec(["compile", digits, "--target", "wgsl", "--quiet", "-o", here]);
    const module = join(here, "net.js");
    writeFileSync(module, readFileSync(module, "utf8").replace('"maxBatch"', '"MaxBatch"'));
    const { exit, err } = await sec(["pack", here, "--weights", weights, "--weights-as", "int8"]);
    expect({ exit, err }).toEqual({
      exit: 1,
      err: `error: ${module} was not made with its manifest\n  compile with --weights-as int8\n`,
    });
    expect(existsSync(join(here, "weights.bin"))).toBe(false);
  });

  test("beyond f16: refused with the tensor's name, and nothing is written", async () => {
    const large = new Map(tensorsOf(weights)).set(
      "fc.weight",
      storeFloat32([10, 128], new Float32Array(1280).fill(1e5)),
    );
    const here = folder({ "w.safetensors": writeSafetensors(large) });
    const argv = [
      "compile",
      digits,
      "--target",
      "wgsl",
      "-o",
      join(here, "out"),
      "--weights",
      join(here, "w.safetensors"),
      "--weights-as",
      "f16",
    ];
    expect(await sec(argv)).toMatchObject({
      exit: 1,
      err: `error: ${join(here, "w.safetensors")}: fc.weight holds 100000, beyond f16, whose largest is 65504\n`,
    });
    expect(existsSync(join(here, "out"))).toBe(false);
  });

  test("other targets take f32", async () => {
    expect(await sec(["compile", digits, "--target", "pytorch", "--weights-as", "f16"])).toMatchObject({ exit: 2 });
  });

  test("verify tells what storage costs", async () => {
    const gated =
      "se 1\nblock unit() uses se {\n  conv: conv 8, 1x1 -> @standard\n}\nnetwork Gated() {\n" +
      "  input image: f32[N, 4, 4, 4]\n  insert se(at: standard, ratio: 2)\n  unit()\n  output y\n}\n";
    const here = folder({ "net.se": gated });
    const argv = ["verify", join(here, "net.se"), "--target", "wgsl", "--weights-as", "int8", "--quiet"];
    const told = await sec(argv);
    expect(told).toMatchObject({ exit: 0, err: "" });
    expect(told.out).toMatch(/\ny, int8 +\S+ +relative difference per image that storing weights as int8 makes\n/);
    expect(told.out).toMatch(/\ngates, int8 +\S+ +largest difference that it makes, of se\.gate\n/);
    expect(JSON.parse((await sec([...argv, "--json"])).out)).toMatchObject({
      findings: [],
      storage: { as: "int8", outputs: [{ name: "y" }], worstGate: { gate: "se.gate" } },
    });
  });
});
