import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compilerVersion } from "../../src/device/cuda.ts";
import { useCompiler } from "./emulated.ts";

/** The parts of PTX in the emulation: layouts of fragments by a second source, and what a warp may not do. */
useCompiler();

const folder = mkdtempSync(join(tmpdir(), "sec-fragments-"));
const program = join(folder, "fragments");
beforeAll(() => {
  if (compilerVersion() === undefined) return;
  const emulation = "targets/cuda/emulation";
  const sources = ["test/cuda/fragments.cpp", `${emulation}/runtime.cpp`];
  execFileSync("g++", ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-I", emulation, ...sources, "-o", program]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(["fragments", "early read"])("%s", (what) => {
  const { stdout, status } = spawnSync(program, [what], { encoding: "utf8" });
  expect({ stdout, status }).toEqual({ stdout: "all as they should be\n", status: 0 });
});

test.each([
  ["absent lane", /^thread 3 is not with its warp, which does ldmatrix in line \d+\n$/],
  ["other line", /^thread \d+ is not with its warp, which does ldmatrix in line \d+\n$/],
  ["unwaited copy", /^a thread returned with asynchronous copies under way\n$/],
])("%s is an error", (what, message) => {
  const { stderr, status } = spawnSync(program, [what], { encoding: "utf8" });
  expect(stderr).toMatch(message);
  expect(status).toBe(3);
});
