import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tensorCoreHeader } from "../../bench/cuda/fragments.ts";
import { compilerVersion } from "../../src/device/cuda.ts";
import { emulation } from "../../targets/cuda/emulation.generated.ts";
import { useCompiler } from "./emulated.ts";

/**
 * The parts of PTX in the emulation: layouts of fragments by a second source, and what a warp may not do. The same
 * fragments.cu runs on a GPU before anything is measured there. And shared memory of the size that a launch asks for.
 */
useCompiler();

/** Expressions of ptx.h, what stands there by mistake, and what is told first. */
const faults = [
  ["lower + 2 * (k / 8)", "2 * lower + k / 8", "mma of f16: lane 0, register 0: "],
  ["k % 8 / 2", "k / 4", "mma of f16: lane 0, register 0: "],
  ["lower + 2 * (k / 4)", "2 * lower + k / 4", "mma of tf32: lane 0, register 0: "],
  ["word & 0xffffe000u", "word", "mma of tf32 with bits that it lacks: lane 0, register 0: "],
  [
    "lanes.words[8 * i + lane / 4][lane % 4]",
    "lanes.words[8 * i + lane % 8][lane / 8]",
    "ldmatrix: lane 1, register 0: ",
  ],
  ["8 * i + 2 * member + half", "8 * i + member + 4 * half", "ldmatrix.trans: lane 0, register 0: "],
  ["(word + 0x1000u)", "(word + 0xfffu + (word >> 13 & 1))", "cvt.rna.tf32: lane 4, register 0: "],
  ["(word & 0x7fffffffu) > 0x7f800000u", "false", "cvt.rna.tf32: lane 30, register 0: "],
  ["there ? 0 : BYTES", "0", "cp.async.cg: lane 0, register 4: "],
] as const;

const isFull = process.env["SEC_FULL"] !== undefined;
const folder = mkdtempSync(join(tmpdir(), "sec-fragments-"));
const run = (what: string, fault = 0) =>
  spawnSync(join(folder, "fragments"), [what], { encoding: "utf8", env: { ...process.env, PLANTED: String(fault) } });

beforeAll(() => {
  if (compilerVersion() === undefined) return;
  for (const { path, text } of emulation) writeFileSync(join(folder, path), path === "ptx.h" ? planted(text) : text);
  writeFileSync(join(folder, "tensorCores.h"), tensorCoreHeader());
  const sanitizer = isFull ? ["-fsanitize=address"] : [];
  const options = ["-std=c++17", "-O1", ...sanitizer, "-Wall", "-Wextra", "-Werror", "-I", folder, "-I", "bench/cuda"];
  const sources = ["test/cuda/fragments.cpp", join(folder, "runtime.cpp")];
  execFileSync("g++", [...options, ...sources, "-o", join(folder, "fragments")]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** With each fault, of which a number in the environment turns one on. */
function planted(ptx: string): string {
  const text = faults.reduce((text, [right, wrong], index) => {
    if (text.split(right).length !== 2) throw new Error(`${right} is not once in ptx.h`);
    return text.replace(right, `(planted == ${index + 1} ? ${wrong} : ${right})`);
  }, ptx);
  const which = `#include <cstdlib>\ninline const int planted = std::atoi(std::getenv("PLANTED"));\n`;
  return text.replace("#include", `${which}#include`);
}

test("fragments agree, in both orders of threads", () => {
  const { stdout, status } = run("fragments");
  expect({ stdout, status }).toEqual({ stdout: "fragments: agree\n".repeat(2), status: 0 });
});

test("a launch has the shared memory that it asks for, if its kernel has asked for more than 48 KiB before", () => {
  const { stdout, status } = run("large memory");
  expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
});

test.runIf(isFull)("a sanitizer sees the end of that memory", () => {
  expect(run("beyond").stderr).toContain("heap-buffer-overflow");
});

test.runIf(isFull)("a sanitizer sees the end of an allocation", () => {
  expect(run("behind").stderr).toContain("heap-buffer-overflow");
});

describe.skipIf(isFull)("without a sanitizer, which sees the end itself", () => {
  test("NaN is behind an allocation", () => {
    const { stdout, status } = run("behind");
    expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  });

  test("further away nothing may be touched", () => {
    const { stderr, status } = run("far");
    expect({ stderr, status }).toEqual({ stderr: "thread 0 touches what is no memory of its launch\n", status: 3 });
  });
});

test("a copy is not there before it is waited for; the last group may still be under way", () => {
  const { stdout, status } = run("early read");
  expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
});

test.each([
  ["absent lane", /^thread 3 is not with its warp, which does ldmatrix in line \d+\n$/],
  ["other line", /^thread \d+ is not with its warp, which does ldmatrix in line \d+\n$/],
  ["unwaited copy", /^a thread returned with asynchronous copies under way\n$/],
])("%s is an error", (what, message) => {
  const { stderr, status } = run(what);
  expect(stderr).toMatch(message);
  expect(status).toBe(3);
});

test.each(faults.map(([right, wrong, first], index) => ({ right, wrong, first, fault: index + 1 })))(
  "$wrong instead of $right is found",
  ({ first, fault }) => {
    const { stdout, status } = run("fragments", fault);
    expect({ first: stdout.slice(0, first.length), status }).toEqual({ first, status: 1 });
  },
);
