import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { tensorCoreHeader } from "../../bench/cuda/fragments.ts";
import { folder, repository, sec } from "../cli/sec.ts";

/**
 * nvcc compiles every network of examples/ at its full size as users would, for sm_80 and sm_90, with warnings and spilled
 * registers as errors. One after the other: 20 minutes for all.
 */
const isFull = process.env.SEC_FULL !== undefined;
const noNvcc = spawnSync("nvcc", ["--version"]).status !== 0;

beforeEach(({ skip }) => {
  skip(!isFull, "SEC_FULL is not set");
  skip(noNvcc, "there is no nvcc");
});

const examples = readdirSync(join(repository, "examples")).filter((file) => file.endsWith(".se"));
const strict = ["-Werror", "all-warnings", "-Xcompiler", "-Wall,-Wextra,-Werror", "-Xptxas", "-warn-spills,-Werror"];
const architectures = ["80", "90"].flatMap((each) => ["-gencode", `arch=compute_${each},code=sm_${each}`]);

test("fragments.cu, with the section of PTX that net.cu gets", { timeout: 600_000 }, () => {
  const here = folder({ "tensorCores.h": tensorCoreHeader() });
  const source = join(repository, "bench/cuda/fragments.cu");
  const options = ["-O3", "-std=c++17", ...strict, ...architectures, "-I", here];
  execFileSync("nvcc", [...options, "-c", source, "-o", join(here, "fragments.o")], { stdio: "pipe" });
});

describe.each(["f32", "f16"])("in %s", (precision) => {
  test.each(examples)("%s", { timeout: 3_600_000 }, async (example) => {
    const out = join(folder({}), "out");
    const { exit, err } = await sec([
      "compile",
      join(repository, "examples", example),
      ...["--target", "cuda", "--precision", precision, "-o", out, "--quiet"],
    ]);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    const options = ["-O3", "-std=c++17", ...strict, ...architectures];
    execFileSync("nvcc", [...options, "-c", join(out, "net.cu"), "-o", join(out, "net.o")], { stdio: "pipe" });
  });
});
