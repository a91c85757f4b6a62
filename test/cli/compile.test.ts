import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { folder, repository, sec, within } from "./sec.ts";

const digits = join(repository, "examples/digits.se");
const weights = join(repository, "examples/digits/weights/standard.safetensors");

const net = `se 1

network Net(width: int = 8, se: Placement = none) {
  input image: f32[N, 3, 8, 8] { rgb, scale: 1 / 255 }
  insert se(at: se, ratio: 2)
  conv1: conv width, 3x3 -> @standard -> relu
  gap
  fc: dense 4
  output logits: f32[N, 4]
}
`;

/** The bytes of all files below a folder, as text. */
function contents(path: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const full = join(entry.parentPath, entry.name);
    files[full.slice(path.length + 1)] = readFileSync(full).toString("latin1");
  }
  return files;
}

describe("what compile writes", () => {
  let here: string;

  beforeAll(async () => {
    here = folder({ "net.se": net });
    const { exit, out, err } = await within(here, () => sec(["compile", "net.se", "--target", "wgsl", "-o", "out"]));
    expect({ exit, out }).toEqual({ exit: 0, out: "" });
    expect(err).toMatch(/^Net: \d+ kernels a run, in out\n {2}file +raw +brotli\n {2}net.js .* kB .* kB\n/);
    expect(err).toContain("sec pack out --weights FILE");
  });

  test("net.js, its types, the kernels and the manifest", () => {
    const files = Object.keys(contents(join(here, "out")));
    expect(files).toEqual(expect.arrayContaining(["net.js", "net.d.ts", "manifest.json"]));
    expect(files.filter((file) => file.startsWith("kernels/"))).not.toHaveLength(0);
    expect(files.every((file) => /^(net\.(js|d\.ts)|manifest\.json|kernels\/\w+\.wgsl)$/.test(file))).toBe(true);
  });

  test("net.js holds the kernels as they are in kernels/", async () => {
    const { "net.js": module, ...others } = contents(join(here, "out"));
    for (const [path, text] of Object.entries(others)) {
      if (path.endsWith(".wgsl")) expect(module).toContain(text.trimEnd());
    }
  });

  test("the same bytes in another folder, on a second run, and under another current folder", async () => {
    const other = folder({ "deep/er/net.se": net });
    await sec(["compile", join(other, "deep/er/net.se"), "--target", "wgsl", "-o", join(other, "x")]);
    expect(contents(join(other, "x"))).toEqual(contents(join(here, "out")));
    const again = await within(here, () => sec(["compile", "net.se", "--target", "wgsl", "-o", "out", "--json"]));
    expect(JSON.parse(again.out)).toMatchObject({ ok: true, network: "Net", out: "out", written: [] });
  });

  test("no path of the machine is in it", () => {
    for (const text of Object.values(contents(join(here, "out")))) expect(text).not.toContain(here);
  });

  test("without -o the folder is called like the network", async () => {
    expect((await within(here, () => sec(["compile", "net.se", "--target", "wgsl", "--quiet"]))).err).toBe("");
    expect(contents(join(here, "Net"))).toEqual(contents(join(here, "out")));
  });

  test("compile --weights writes the bytes of compile, then pack", async () => {
    const [one, two] = [join(here, "one"), join(here, "two")];
    await sec(["compile", digits, "--target", "wgsl", "-o", one, "--weights", weights]);
    await sec(["compile", digits, "--target", "wgsl", "-o", two]);
    const packed = await sec(["pack", two, "--weights", weights, "--json"]);
    expect(JSON.parse(packed.out)).toMatchObject({ ok: true, network: "Digits", file: "weights.bin" });
    expect(contents(two)).toEqual(contents(one));
  });

  test("weights.bin of before: whether it fits is told", async () => {
    const out = join(folder({}), "out");
    const compile = (...more: string[]) => sec(["compile", digits, "--target", "wgsl", "-o", out, ...more]);
    const weights = ["--weights", join(repository, "examples/digits/weights/standard.safetensors")];
    expect((await compile()).err).toContain("without weights; they come with: sec pack ");
    await compile(...weights);
    expect((await compile()).err).toContain("weights.bin of before fits; others come with: sec pack ");
    expect((await compile("--set", "se=pre")).err).toContain("weights.bin of before does not fit any more; ");
  });

  test("fault 67: never over a file that sec did not write, an input, or through a link", async () => {
    const path = folder({ "net.se": net, "out/net.js": "// mine\n", "linked/kept": "mine" });
    const compile = (...flags: string[]) =>
      within(path, () => sec(["compile", "net.se", "--target", "wgsl", ...flags]));
    expect(await compile("-o", "out")).toMatchObject({ exit: 3, out: "" });
    expect(readdirSync(join(path, "out"))).toEqual(["net.js"]);
    expect((await compile("-o", "out")).err).toBe(
      "error: out/net.js: was not written by sec; --force writes over it\n",
    );
    expect((await compile("-o", "out", "--force")).exit).toBe(0);

    symlinkSync("kept", join(path, "linked/net.js"));
    expect(await compile("-o", "linked")).toMatchObject({ exit: 3 });
    expect(lstatSync(join(path, "linked/net.js")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(path, "linked/kept"), "utf8")).toBe("mine");
  });

  test("compiled again otherwise, the folder holds the new package alone", async () => {
    const path = folder({ "net.se": net });
    const compile = (...flags: string[]) =>
      within(path, () => sec(["compile", "net.se", "--target", "wgsl", "--quiet", ...flags]));
    await compile("-o", "once");
    await compile("-o", "again", "-O0", "--set", "se=standard");
    await compile("-o", "again");
    expect(contents(join(path, "again"))).toEqual(contents(join(path, "once")));
  });

  test("fault 66: a folder that is a file ends with 3", async () => {
    const path = folder({ "net.se": net, out: "" });
    const { exit, err } = await within(path, () => sec(["compile", "net.se", "--target", "wgsl", "-o", "out"]));
    expect({ exit, err }).toMatchObject({ exit: 3, err: expect.stringMatching(/^error: out: /) });
  });
});

describe("which file is compiled without FILE", () => {
  const compile = (path: string, ...flags: string[]) => within(path, () => sec(["compile", ...flags]));

  test("the only source in the folder", async () => {
    const path = folder({ "a.se": net, "b.txt": "" });
    expect(await compile(path, "--target", "wgsl", "--quiet")).toMatchObject({ exit: 0, err: "" });
    expect(existsSync(join(path, "Net/net.js"))).toBe(true);
  });

  test("with none or several it says which it saw", async () => {
    expect(await compile(folder({}), "--target", "wgsl")).toMatchObject({
      exit: 2,
      err: expect.stringContaining("there is no .se file here"),
    });
    expect(await compile(folder({ "b.se": net, "a.se": net }), "--target", "wgsl")).toMatchObject({
      exit: 2,
      err: expect.stringContaining("there are several here: a.se, b.se"),
    });
  });

  test("the entry of sec.config, with its other fields; flags win", async () => {
    const config = { entry: "a.se", target: "wgsl", outDir: "dist", set: { width: 12 }, maxBatch: 2 };
    const path = folder({ "a.se": net, "b.se": net, "sec.config.json": JSON.stringify(config) });
    expect(await compile(path)).toMatchObject({ exit: 0 });
    const manifest = (name: string) => JSON.parse(readFileSync(join(path, name, "manifest.json"), "utf8")) as object;
    expect(manifest("dist")).toMatchObject({ maxBatch: 2 });
    expect(JSON.stringify(manifest("dist"))).toContain('"conv1.weight","shape":[12,3,3,3]');
    expect(await compile(path, "-o", "other", "--set", "width=16", "--max-batch", "3")).toMatchObject({ exit: 0 });
    expect(manifest("other")).toMatchObject({ maxBatch: 3 });
    expect(JSON.stringify(manifest("other"))).toContain('"conv1.weight","shape":[16,3,3,3]');
  });

  test("a config that is a module", async () => {
    const config = "export default { entry: 'a.se', target: 'wgsl', outDir: 'dist', set: { se: 'standard' } };\n";
    const path = folder({ "a.se": net, "sec.config.js": config, "package.json": '{ "type": "module" }' });
    expect(await compile(path)).toMatchObject({ exit: 0 });
    expect(existsSync(join(path, "dist/net.js"))).toBe(true);
  });
});

describe("the project", () => {
  const block = "se 1\nblock unit(width: int) {\n  conv width, 3x3 -> relu\n}\n";
  const user =
    'se 1\nimport { unit } from "../blocks/unit.se"\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  unit(8)\n  output y\n}\n';

  test("imports reach up to the folder with a package.json or a sec.config", async () => {
    for (const marker of ["package.json", "sec.config.json"]) {
      const path = folder({ [marker]: "{}", "nets/net.se": user, "blocks/unit.se": block });
      expect(await sec(["check", join(path, "nets/net.se")])).toMatchObject({ exit: 0, err: "" });
    }
  });

  test("fault 15: and no further", async () => {
    const path = folder({ "nets/net.se": user, "blocks/unit.se": block });
    const { exit, err } = await sec(["check", join(path, "nets/net.se")]);
    expect(exit).toBe(1);
    expect(err).toContain("error[SE0205]");
    expect(err).toContain("--> net.se:2:22");
  });

  test("a link that leads out, a folder, and bytes that are no text are refused", async () => {
    const path = folder({ "package.json": "{}", "nets/net.se": user, "blocks/kept": "" });
    mkdirSync(join(path, "blocks/unit.se"));
    expect(await sec(["check", join(path, "nets/net.se")])).toMatchObject({
      exit: 1,
      err: expect.stringContaining("error[SE0204]"),
    });
    const linked = folder({ "package.json": "{}", "nets/net.se": user, "blocks/kept": "" });
    symlinkSync(join(folder({ "unit.se": block }), "unit.se"), join(linked, "blocks/unit.se"));
    expect(await sec(["check", join(linked, "nets/net.se")])).toMatchObject({
      exit: 1,
      err: expect.stringMatching(
        /SE0204\]: blocks\/unit.se is a link that leads out of the project\n +--> nets\/net.se:2:22/,
      ),
    });
    const bytes = folder({ "package.json": "{}", "nets/net.se": user, "blocks/unit.se": Uint8Array.of(0xfe) });
    expect(await sec(["check", join(bytes, "nets/net.se")])).toMatchObject({
      exit: 1,
      err: expect.stringMatching(/SE0204\]: blocks\/unit.se: not UTF-8 at byte 0\n +--> nets\/net.se:2:22/),
    });
  });
});

describe("--emit prints one thing", () => {
  const emit = async (kind: string, ...flags: string[]) => {
    const { exit, out, err } = await sec(["compile", digits, "--target", "wgsl", "--emit", kind, ...flags]);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    return out;
  };

  test("each of them", async () => {
    expect(JSON.parse(await emit("ast"))).toMatchObject({ path: "examples/digits.se" });
    expect(await emit("graph")).toMatch(/^graph Digits\n {2}image = input\(\)/);
    expect(await emit("plan")).toMatch(/^plan Digits\n/);
    expect(await emit("wgsl", "-o", "-")).toMatch(/^\/\/ Generated by sec[^]*@compute/);
    expect(await emit("js")).toContain("const NETWORK = ");
    expect(await emit("dts")).toContain("export interface Inputs");
    expect(JSON.parse(await emit("manifest"))).toMatchObject({ network: "Digits" });
    expect((await emit("weights", "--weights", weights)).slice(0, 4)).toBe("SECW");
    expect(JSON.parse(await emit("plan", "--json"))).toMatchObject({ emit: "plan", text: await emit("plan") });
  });

  test("-O0 fuses nothing", async () => {
    const kernels = async (level: string) => (await emit("plan", level)).split("\n").length;
    expect(await kernels("-O0")).toBeGreaterThan(2 * (await kernels("-O1")));
  });

  test("ast and graph need no target", async () => {
    expect(await sec(["compile", digits, "--emit", "graph"])).toMatchObject({ exit: 0 });
    expect(await sec(["compile", digits])).toMatchObject({
      exit: 2,
      err: "error: no target was named\n  --target wgsl, cuda, pytorch\n",
    });
  });
});

describe("--print-after", () => {
  test("prints the graph after passes", async () => {
    const out = folder({});
    const argv = ["compile", digits, "--target", "wgsl", "-o", out, "--print-after", "foldBatchNorm"];
    const printed = await sec([...argv, "--print-after", "removeDead"]);
    expect(printed.out).toMatch(/^\/\/ after removeDead\ngraph Digits\n[^]*\/\/ after foldBatchNorm\ngraph Digits\n/);
    expect(printed.out.slice(printed.out.indexOf("// after foldBatchNorm"))).not.toContain("batchNorm(");
    expect(JSON.parse((await sec([...argv, "--json"])).out)).toMatchObject({ printed: [{ pass: "foldBatchNorm" }] });
  });

  test("names the passes that there are", async () => {
    const { exit, err } = await sec(["compile", digits, "--target", "wgsl", "--print-after", "foldBatchnorm"]);
    expect({ exit, err }).toEqual({
      exit: 2,
      err: "error: there is no pass foldBatchnorm\n  did you mean `foldBatchNorm`?\n",
    });
  });
});

describe("what is wrong", () => {
  const wrong = "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  conv widht, 3x3\n  output y\n}\n";

  test("is shown on standard error, with its code and place", async () => {
    const path = folder({ "net.se": wrong });
    const { exit, out, err } = await within(path, () => sec(["compile", "net.se", "--target", "wgsl", "-o", "out"]));
    expect({ exit, out }).toEqual({ exit: 1, out: "" });
    expect(err).toMatch(/^error\[SE0201\]: .*widht.*\n {2}--> net\.se:4:8\n/);
    expect(existsSync(join(path, "out"))).toBe(false);
  });

  test("fault 72: with --json it is one document, and nothing else is on standard output", async () => {
    const path = folder({ "net.se": wrong });
    for (const argv of [
      ["check", "net.se"],
      ["report", "net.se"],
      ["compile", "net.se", "--target", "wgsl"],
    ]) {
      const { exit, out } = await within(path, () => sec([...argv, "--json"]));
      expect(exit).toBe(1);
      expect(JSON.parse(out)).toMatchObject({
        schemaVersion: 1,
        command: argv[0],
        ok: false,
        diagnostics: [
          {
            code: "SE0201",
            severity: "error",
            span: { file: "net.se", start: { line: 4, column: 8 }, end: { line: 4, column: 13 } },
          },
        ],
      });
    }
  });

  test("fault 71: no colour unless a terminal takes it", async () => {
    const path = folder({ "net.se": wrong });
    const check = (colour: boolean) => within(path, () => sec(["check", "net.se"], { colour, width: 20 }));
    expect((await check(true)).err).toContain("\x1b[1;31m");
    expect((await check(false)).err).not.toContain("\x1b");
  });

  test.each([
    ["wgsl", "f16"],
    ["pytorch", "tf32"],
  ])("--target %s --precision %s is not supported yet", async (target, precision) => {
    const { exit, err } = await sec(["compile", digits, "--target", target, "--precision", precision]);
    expect(exit).toBe(2);
    expect(err).toContain(`error[SE0902]: the precision ${precision} for ${target} is not supported yet`);
  });

  test("weights that do not fit are all listed", async () => {
    const other = join(repository, "examples/digits/weights/none.safetensors");
    const { exit, err } = await sec(["compile", digits, "--target", "wgsl", "-o", folder({}), "--weights", other]);
    expect(exit).toBe(1);
    expect(err).toMatch(
      /^error: .*none\.safetensors does not fit Digits:\n( {2}"layer\d\.\d\.se\.fc[12]\.weight" \[.*\] is missing \(std\/resnet\.se:\d+:\d+\)\n){12} {2}the file has no SE blocks: compile with --set se=none\n$/,
    );
  });

  test("pack: no folder, no manifest, an edited one", async () => {
    const pack = (path: string) => sec(["pack", path, "--weights", weights]);
    expect(await pack("nope")).toMatchObject({ exit: 2, err: "error: nope: no such folder\n" });
    expect(await pack(folder({}))).toMatchObject({ exit: 2, err: expect.stringContaining("no such file or folder") });
    const out = folder({});
    await sec(["compile", digits, "--target", "wgsl", "-o", out]);
    const path = join(out, "manifest.json");
    const text = readFileSync(path, "utf8");
    for (const [from, to, message] of [
      [/"formatVersion": "1\.\d"/, '"formatVersion": "2.0"', "its format is 2.0, this sec reads 1.x"],
      [/"generator": "sec"/, '"generator": "other"', "it was not written by sec"],
      [/"role": "weight"/, '"role": "bias"', "its fingerprint is that of other weights"],
      [/\{/, "", "it is not JSON"],
    ] as const) {
      writeFileSync(path, text.replace(from, to));
      expect(await pack(out)).toMatchObject({ exit: 1, err: expect.stringContaining(message) });
    }
  });
});
