import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { compilerVersion } from "../../src/device/cuda.ts";
import { folder, repository, sec } from "../cli/sec.ts";

const digits = join(repository, "examples/digits.se");
const weights = ["--weights", join(repository, "examples/digits/weights/standard.safetensors")];
const noCompiler = compilerVersion() === undefined;
const noNvcc = spawnSync("nvcc", ["--version"]).status !== 0;

const strict = ["-Werror", "all-warnings", "-Xcompiler", "-Wall,-Wextra,-Werror", "-Xptxas", "-warn-spills,-Werror"];

describe("compile", () => {
  test("writes a package, and the line that builds it", async () => {
    const out = join(folder({}), "out");
    const { exit, err } = await sec(["compile", digits, "--target", "cuda", "-o", out, ...weights]);
    expect(exit).toBe(0);
    expect(readdirSync(out).sort()).toEqual([
      "CMakeLists.txt",
      "main.cu",
      "manifest.json",
      "net.cu",
      "net.h",
      "net_torch.cpp",
      "weights.bin",
    ]);
    expect(err).toContain(`nvcc -O3 -std=c++17 -arch=sm_80 -o ${out}/net ${out}/main.cu ${out}/net.cu\n`);

    const manifest = JSON.parse(readFileSync(join(out, "manifest.json"), "utf8"));
    const schema = (target: string) =>
      JSON.parse(readFileSync(join(repository, `targets/${target}/manifest.schema.json`), "utf8")) as object;
    const validate = new Ajv2020({
      strict: true,
      strictTuples: false,
      allErrors: true,
      schemas: [schema("wgsl")],
    }).compile(schema("cuda"));
    expect(validate(manifest) ? [] : validate.errors).toEqual([]);

    const later = join(folder({}), "later");
    await sec(["compile", digits, "--target", "cuda", "-o", later, "--quiet"]);
    await sec(["pack", later, ...weights, "--quiet"]);
    for (const file of ["net.cu", "weights.bin", "manifest.json"])
      expect(readFileSync(join(later, file)).equals(readFileSync(join(out, file))), file).toBe(true);
  });

  test("--emit plan tells what is stored in halves, batches, slices and branches", async () => {
    const path = join(repository, "examples/se-resnet50.se");
    const { out } = await sec(["compile", path, "--target", "cuda", "--precision", "f16", "--emit", "plan"]);
    const line = (launch: string) => out.split("\n").find((each) => each.split(/ +/)[2] === launch)!;
    expect(line("layer1.0.conv1")).toMatch(
      /maxpool@\d+: f16\[N, 64, 56, 56\] -> layer1.0.relu@\d+: f16\[N, 64, 56, 56\] {3}\(conv2d, addBias, relu\)$/,
    );
    expect(line("layer1.0.downsample.0")).toMatch(/ {2}\[beside layer1.0.conv1, layer1.0.conv2, layer1.0.se\]$/);
    expect(line("layer1.0.se")).toMatch(/-> layer1.0.se.gate@\d+: f32\[N, 256\] .* {2}\[large batches\]$/);
    expect(line("layer1.0.conv3.excited")).toMatch(/\) {2}\[small batches\]$/);
    expect(line("layer4.1.conv2")).toMatch(/ {2}\[\d+ slices, apart up to a batch of \d+\]$/);
  });

  test("net.cu of the digits network, whole", async () => {
    const { out } = await sec(["compile", digits, "--target", "cuda", "--emit", "cuda"]);
    await expect(out).toMatchFileSnapshot(join(repository, "test/golden/digits/net.cu"));
  });

  test("what the target does not write is told", async () => {
    const { exit, err } = await sec(["compile", digits, "--target", "cuda", "--emit", "js"]);
    expect({ exit, err }).toEqual({ exit: 2, err: expect.stringContaining("this target writes no js") as string });
  });
});

describe.skipIf(noCompiler)("with g++", () => {
  test("verify a source: 0, with the worst of each kind", async () => {
    const { exit, out } = await sec(["verify", digits, "--target", "cuda", ...weights, "--json"]);
    const document = JSON.parse(out);
    expect(document).toMatchObject({ ok: true, network: "Digits", launches: 37, findings: [] });
    expect(document.on).toContain("emulation of CUDA");
    expect(exit).toBe(0);
  });

  test("a package in f16 verifies, and its filters take half the room", async () => {
    const packed = async (precision: string) => {
      const out = join(folder({}), precision);
      await sec(["compile", digits, "--target", "cuda", "--precision", precision, "-o", out, "--quiet", ...weights]);
      return out;
    };
    const [halves, floats] = [await packed("f16"), await packed("f32")];
    const bytes = (out: string) => readFileSync(join(out, "weights.bin")).length;
    expect(bytes(halves) / bytes(floats)).toBeLessThan(0.7); // dense layers and vectors stay f32
    const { exit, out } = await sec(["verify", halves, "--target", "cuda", ...weights]);
    expect(out).toContain("allowed 2 times what rounding to f16 changes in the reference");
    expect(exit).toBe(0);
    const other = await sec(["verify", halves, "--target", "cuda", "--precision", "tf32", ...weights]);
    expect(other.err).toContain("was compiled for f16, not for tf32");
    expect(other.exit).toBe(2);
  });

  test("verify a compiled folder: a spoilt constant is 70 and names the launch; what does not compile is 1", async () => {
    const out = join(folder({}), "out");
    await sec(["compile", digits, "--target", "cuda", "-o", out, "--quiet"]);
    const path = join(out, "net.cu");
    const text = readFileSync(path, "utf8");
    const from = text.indexOf("namespace layer2_0_conv1 {");
    writeFileSync(
      path,
      text.slice(0, from) + text.slice(from).replace(/constexpr unsigned BIAS = \d+/, "constexpr unsigned BIAS = 1"),
    );
    const spoilt = await sec(["verify", out, "--target", "cuda", ...weights]);
    expect(spoilt.exit).toBe(70);
    expect(spoilt.out).toContain("first in layer2.0.conv1");

    writeFileSync(path, text.replace("return ", "retrun "));
    const broken = await sec(["verify", out, "--target", "cuda", ...weights]);
    expect({ exit: broken.exit, err: broken.err }).toEqual({
      exit: 1,
      err: expect.stringMatching(/net\.cu does not compile: net\.cu:\d+:\d+: error: /) as string,
    });
  });
});

test("without g++: 4, with the words to install it", async () => {
  const path = process.env["PATH"];
  process.env["PATH"] = folder({});
  const { exit, err } = await sec(["verify", digits, "--target", "cuda", ...weights]).finally(
    () => (process.env["PATH"] = path),
  );
  expect({ exit, err }).toEqual({ exit: 4, err: expect.stringContaining("install g++") as string });
});

/** What each precision is about. Without SEC_FULL only f16 is tried: nvcc takes ten seconds. */
const instructions: readonly (readonly [string, readonly string[]])[] = [
  ["tf32", ["mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", "cvt.rna.tf32.f32", "cp.async.cg.shared.global"]],
  ["f16", ["mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", "ldmatrix.sync.aligned.m8n8.x4.trans", "cp.async.cg"]],
  ["bf16", ["mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", "ldmatrix.sync.aligned.m8n8.x4", "cp.async.ca"]],
];
const tried = instructions.filter(([precision]) => process.env.SEC_FULL !== undefined || precision === "f16");

test.skipIf(noNvcc).each(tried)(
  "with nvcc: in %s the PTX has the instructions that are meant",
  async (precision, meant) => {
    const out = join(folder({}), "out");
    await sec(["compile", digits, "--target", "cuda", "--precision", precision, "-o", out, "--quiet"]);
    const nvcc = (...options: string[]) =>
      execFileSync("nvcc", ["-O3", "-std=c++17", ...strict, ...options, join(out, "net.cu")], { stdio: "pipe" });
    const ptxFor = (architecture: string) => {
      nvcc(`-arch=${architecture}`, "-ptx", "-o", join(out, "net.ptx"));
      return readFileSync(join(out, "net.ptx"), "utf8");
    };
    const ptx = ptxFor("sm_80");
    for (const instruction of [...meant, "st.global.v", "ld.shared.v4.f32"]) expect(ptx).toContain(instruction);
    expect(ptx).not.toContain("griddepcontrol");
    expectToWait(ptxFor("sm_90"));
    const architectures = process.env.SEC_FULL === undefined ? [] : ["sm_80", "sm_90"];
    for (const architecture of architectures) nvcc(`-arch=${architecture}`, "-c", "-o", join(out, "net.o"));
  },
);

/** Every kernel lets the next one begin, and waits before it touches what other launches do; filters are copied before. */
function expectToWait(ptx: string): void {
  const kernels = ptx.split(".entry").slice(1);
  for (const kernel of kernels) {
    const name = /\w+/.exec(kernel)![0];
    const [start, before, after, ...others] = kernel.split(/griddepcontrol\.(?:launch_dependents|wait);/);
    expect(others, name).toEqual([]);
    expect(start! + before!, name).not.toMatch(/(?:ld|st)\.global(?!\.nc)|\b(?:ld|st)\.[vufbs]\d/);
    expect(after, name).toMatch(/(?:ld|cp\.async\.c[ag]\.shared)\.global/);
    expect(after, name).toMatch(/st\.global/);
    // The cache of what never changes is for weights.
    if (name.includes("import")) expect(kernel, name).not.toContain("ld.global.nc");
    expect(before!.includes("cp.async"), name).toBe(kernel.includes("mma.sync"));
  }
  expect(kernels.some((kernel) => kernel.includes("mma.sync"))).toBe(true);
  expect(kernels.some((kernel) => /^\s*\w*import/.test(kernel))).toBe(true);
}

test.skipIf(noNvcc)("with nvcc: the printed line builds, without a warning or a spilled register", async () => {
  const out = join(folder({}), "out");
  const { err } = await sec(["compile", digits, "--target", "cuda", "-o", out]);
  const line = /it builds with: (.*)\n/.exec(err)![1]!;
  const architectures = process.env.SEC_FULL === undefined ? ["sm_80"] : ["sm_75", "sm_80", "sm_90"];
  for (const architecture of architectures) {
    const [program, ...parts] = line.replace("sm_80", architecture).split(" ");
    execFileSync(program!, [...strict, ...parts], { stdio: "pipe" });
  }
});
