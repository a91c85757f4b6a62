import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { tensorsFile } from "../../src/cli/weights.ts";
import { compilerVersion } from "../../src/device/cuda.ts";
import { emulation } from "../../targets/cuda/emulation.generated.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { folder, repository, sec } from "../cli/sec.ts";
import { networkGraph } from "../networks.ts";
import { useCompiler } from "./emulated.ts";

/** The host code of net.cu, with everything that a caller can do wrong, under the address and leak sanitizers. */
useCompiler();

const network = (name: string, classes: number) => `se 1
import { bottleneck } from "std/resnet.se"
network ${name}() {
  input image: f32[N, 3, 5, 7]
  insert se(at: standard, ratio: 4)
  conv1: conv 8, 3x3 -> relu
  unit: bottleneck(4)
  gap
  fc: dense ${classes}
  output logits
}
`;

const here = folder({ "ada.se": network("Ada", 6), "bob.se": network("Bob", 5) });
const run = (program: string, ...more: string[]) => spawnSync(program, more, { cwd: here, encoding: "utf8" });

beforeAll(async () => {
  if (compilerVersion() === undefined) return;
  for (const { path, text } of emulation) writeFileSync(join(here, path), text);
  for (const name of ["ada", "bob"]) {
    mkdirSync(join(here, name));
    const { exit, err } = await sec(["compile", join(here, `${name}.se`), "--target", "cuda", "-o", join(here, name)]);
    expect({ exit, err }).toMatchObject({ exit: 0 });
    await packMadeUp(name);
  }
});

async function packMadeUp(name: string): Promise<void> {
  const weights = join(here, `${name}.safetensors`);
  writeFileSync(weights, tensorsFile(seedWeights(networkGraph(join(here, `${name}.se`)), 0)));
  const { exit, err } = await sec(["pack", join(here, name), "--weights", weights, "--quiet"]);
  expect({ exit, err }).toEqual({ exit: 0, err: "" });
}

const strict = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-I", "."];

test("bad arguments, weights and devices end in a status; nothing leaks; two threads and a graph give the same bits", () => {
  const sanitizers = ["-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  const sources = ["-x", "c++", "ada/net.cu", "bob/net.cu", join(repository, "test/cuda/api.cpp"), "runtime.cpp"];
  const compiled = run("g++", ...strict, ...sanitizers, ...sources, "-o", "api", "-pthread");
  expect(compiled.stderr).toBe("");
  const { stdout, stderr, status } = run("./api");
  expect({ stdout, stderr, status }).toEqual({ stdout: "as it should be\n", stderr: "", status: 0 });
  const leaking = run("./api", "leak");
  expect(leaking.status).not.toBe(0);
  expect(leaking.stderr).toContain("LeakSanitizer: detected memory leaks");
});

test("net.h is C99", () => {
  writeFileSync(join(here, "caller.c"), '#include "ada/net.h"\nint launches(void) { return ADA_LAUNCHES; }\n');
  const { stderr, status } = run("gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-c", "caller.c");
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
});

test("main.cu runs the network, agrees with its own output and says where one differs", () => {
  const compiled = run(
    "g++",
    ...strict,
    "-x",
    "c++",
    "ada/net.cu",
    "ada/main.cu",
    "runtime.cpp",
    "-o",
    "main",
    "-pthread",
  );
  expect(compiled.stderr).toBe("");
  const noise = run("./main", "ada/weights.bin", "2");
  expect(noise.stderr).toBe("");
  expect(noise.stdout).toMatch(/^logits: [-\d.]+, /);
  expect(noise.stdout).toMatch(/ {2}conv1 {2}ada\.se:6:3\n/);
  // The emulated device: 16 GB/s, and 128 multiply-adds in a nanosecond.
  const rows = [...noise.stdout.matchAll(/^ *[\d.]+ +([\d.]+) +([\d.]+) +([\d.]+) {2}\S+ {2}/gm)];
  expect(rows.length).toBeGreaterThan(5);
  for (const [, rate, flops, share] of rows)
    expect(Math.abs(Number(share) - 100 * Math.max(Number(rate) / 16, Number(flops) / 256))).toBeLessThan(0.5);

  writeFileSync(join(here, "image.bin"), new Float32Array(2 * 3 * 5 * 7));
  writeFileSync(join(here, "wrong.bin"), new Float32Array(12).fill(1e6));
  const other = run("./main", "ada/weights.bin", "2", "--image", "image.bin", "--logits", "wrong.bin");
  expect(other.status).toBe(1);
  expect(other.stdout).toMatch(/^logits: DIFFERS, relative difference /);
  const allowed = run("./main", "ada/weights.bin", "2", "--logits", "wrong.bin", "--tolerance", "2");
  expect(allowed).toMatchObject({ status: 0, stdout: expect.stringMatching(/^logits: agrees, /) as string });
  // An image of no numbers is not forgotten over a right one behind it.
  const nothing = new Float32Array(12).fill(NaN, 0, 6);
  writeFileSync(join(here, "nothing.bin"), nothing);
  const never = run("./main", "ada/weights.bin", "2", "--logits", "nothing.bin", "--tolerance", "1e9");
  expect(never).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/^logits: DIFFERS, relative difference -?nan/) as string,
  });
  expect(run("./main", "ada/weights.bin", "3", "--image", "image.bin")).toMatchObject({
    status: 2,
    stderr: "image.bin: not readable, or not as long as the batch\n",
  });
  expect(run("./main", "bob/weights.bin")).toMatchObject({
    status: 2,
    stderr: "bob/weights.bin: these are the weights of another network than Ada, or of another precision\n",
  });
});
