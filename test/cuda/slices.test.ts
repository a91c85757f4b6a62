import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Node } from "../../src/ir/graph.ts";
import { withBranches } from "../../src/plan/branch.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { packWeights, weightLayout } from "../../src/weights/pack.ts";
import { hostFiles } from "../../targets/cuda/host.ts";
import { cudaKernels } from "../../targets/cuda/kernels.ts";
import { emulation } from "../../targets/cuda/emulation.generated.ts";
import { folder, repository } from "../cli/sec.ts";
import { Build, leavesOf } from "../graphs.ts";
import { planOf } from "../networks.ts";
import { casesInOneProgram, cut, useCompiler, type Case } from "./emulated.ts";

/** Sums that are cut into slices. Each launch runs with its slices apart and in one block, and must give the same bits. */

const cases: Case[] = [];

function add(name: string, slices: number, make: (b: Build) => Node | readonly Node[], batch = 2): void {
  const b = new Build();
  const made = make(b);
  cases.push({ name, graph: b.graph(...(Array.isArray(made) ? (made as Node[]) : [made as Node])), batch, slices });
}

// A depth of 5 x 9 terms is 3 steps of f16 and 6 of tf32; of 17 x 9, 6 and 12: with padding, slices are of unequal length.
for (const [channels, outputs, size, kernel, stride, slices, batch] of [
  [5, 36, 5, 3, 1, 2, 1],
  [17, 8, 6, 3, 2, 5, 3],
  [3, 65, 9, 7, 2, 4, 1],
  [130, 5, 1, 1, 1, 3, 5],
  [33, 7, 3, 3, 1, 99, 2],
] as const)
  add(
    `convolution ${kernel}x${kernel} of ${channels} x ${size} x ${size + 1} -> ${outputs} in ${slices} slices`,
    slices,
    (b) => b.conv("conv", b.input("x", channels, size, size + 1), outputs, { kernel, stride, bias: true }),
    batch,
  );
add("bias, residual and activation", 3, (b) => {
  const x = b.unary("relu", "r", b.conv("conv1", b.input("x", 12, 6, 7), 24, { kernel: 3, bias: true }));
  return b.unary("relu", "y", b.add("sum", b.conv("conv2", x, 24, { kernel: 3, bias: true }), x));
});
for (const squeeze of ["avg", "max"] as const)
  add(`the ${squeeze} of a map, and a gate in the epilogue`, 4, (b) => {
    const x = b.unary("relu", "r", b.conv("conv1", b.input("x", 20, 11, 13), 24, { kernel: 3, bias: true }));
    return b.add("sum", b.se("block.se", b.conv("conv2", x, 24, { kernel: 3 }), { squeeze, hidden: 4 }), x);
  });
add("a gate on its way, and an activation of what is read", 2, (b) => {
  const x = b.se("block.se", b.conv("conv1", b.input("x", 20, 5, 6), 36, { kernel: 3 }), { hidden: 4 });
  return [b.conv("conv2", b.unary("silu", "a", x), 12, { kernel: 3 }), x];
});

const full = process.env.SEC_FULL !== undefined;
const some = cases.filter(({ name }) => /33 x|the avg|on its way/.test(name));
describe("f16", () => casesInOneProgram(full ? cases : some, full ? "addresses" : undefined, "f16"));
describe.runIf(full)("tf32", () => casesInOneProgram(cases, "addresses", "tf32"));
describe.runIf(full)("bf16", () => casesInOneProgram(cases, "addresses", "bf16"));

test("what runs beside others has memory of its own for its sums", () => {
  const b = new Build();
  const act = (name: string, x: Node) =>
    b.unary("relu", `${name}.relu`, b.conv(name, x, 36, { kernel: 3, bias: true }));
  const x = act("conv1", b.input("x", 12, 6, 7));
  const long = b.conv("conv4", act("conv3", act("conv2", x)), 36, { kernel: 3, bias: true });
  const graph = b.graph(b.unary("relu", "y", b.add("sum", long, b.conv("skip", x, 36, { kernel: 3, bias: true }))));
  const plan = withBranches(cut(planOf(graph, { precision: "f16" }), 3));
  const place = () => "test.se";
  const { netCu } = hostFiles(plan, cudaKernels(plan, place), place);
  const splits = [...netCu.matchAll(/^ {2}\{(\d+), (true|false), \d+, \d+, \d+, \d+, \d+\},$/gm)];
  expect(splits.map(([, launch, onBranch]) => [plan.launches[Number(launch)]!.name, onBranch])).toEqual([
    ["conv1", "false"],
    ["conv2", "false"],
    ["conv3", "false"],
    ["skip", "true"],
    ["conv4", "false"],
  ]);
});

/** Two convolutions of slices that are apart up to a batch of 2, in half precision; one in blocks of more than 48 KiB. */
function network(): { plan: Plan; weights: Uint8Array } {
  const b = new Build();
  const x = b.conv("conv1", b.input("image", 12, 5, 7), 40, { kernel: 3, bias: true });
  const graph = b.graph(b.dense("fc", b.squeeze("gap", b.conv("conv2", x, 70, { kernel: 3, bias: true })), 5));
  const tilings = new Map([["3x3, 5x7x40 to 5x7x70", { tile: { pixels: 128, channels: 128 }, split: undefined }]]);
  const whole = cut(planOf(graph, { precision: "f16", tilings }), 3);
  const launches = whole.launches.map((each) => ({ ...each, split: each.split && { ...each.split, apartUpTo: 2 } }));
  const plan = { ...whole, name: "Cut", launches };
  const packed = packWeights(weightLayout(plan), leavesOf(graph, 1, 1));
  if (!packed.ok) throw new Error(packed.messages.join());
  return { plan, weights: packed.bytes };
}

describe("the C API", () => {
  useCompiler();
  const here = folder(Object.fromEntries(emulation.map(({ path, text }) => [path, text])));
  const run = (program: string, ...more: string[]) => spawnSync(program, more, { cwd: here, encoding: "utf8" });

  test("any batch, any workspace and any way to run give the same bits; faults are found", () => {
    const { plan, weights } = network();
    const place = () => "test.se";
    const { netCu, netH } = hostFiles(plan, cudaKernels(plan, place), place);
    const changes = [
      ["return cudaMemsetAsync(", "return planted() == 1 ? cudaSuccess : cudaMemsetAsync("],
      [
        "split.tile_bytes * split.slices * split.tiles * apart_batch(split, batch)",
        "split.tile_bytes * (split.slices * split.tiles * apart_batch(split, batch) - (planted() == 2))",
      ],
      ["(to - from) * batch * sizeof", "(to - from) * (batch - (planted() == 3)) * sizeof"],
      ["return cudaFuncSetAttribute(", "return planted() == 4 ? cudaSuccess : cudaFuncSetAttribute("],
    ] as const;
    for (const [line] of changes) expect(netCu.split(line)).toHaveLength(2);
    const text = changes.reduce((all, [line, changed]) => all.replace(line, changed), netCu);
    const planted = `static int planted() { return std::getenv("PLANTED") ? std::atoi(std::getenv("PLANTED")) : 0; }`;
    writeFileSync(join(here, "net.cu"), text.replace("namespace {", `${planted}\n\nnamespace {`));
    writeFileSync(join(here, "net.h"), netH);
    writeFileSync(join(here, "weights.bin"), weights);
    const options = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-I", "."];
    const sanitizers = full ? ["-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"] : [];
    const sources = ["-x", "c++", "net.cu", join(repository, "test/cuda/slices.cpp"), "runtime.cpp"];
    expect(run("g++", ...options, ...sanitizers, ...sources, "-o", "slices").stderr).toBe("");

    const fault = (number: number) => run("env", `PLANTED=${number}`, "./slices");
    expect(fault(0)).toMatchObject({ stdout: "as it should be\n", stderr: "", status: 0 });
    // Counters that are not set, of all launches and of the last image; memory that is too small by a tile.
    expect(fault(1).stdout).toBe("a second run in the same workspace\n");
    expect(fault(2).status).not.toBe(0);
    if (full) expect(fault(2).stderr).toContain("heap-buffer-overflow");
    expect(fault(3).stdout).toBe("a second run in the same workspace\n");
    // Shared memory that nobody has asked for.
    expect(fault(4).stdout).toBe("a run\n");
  });
});

/** What the emulation cannot see without the thread sanitizer: fences, and that nothing is read before them. */
test.runIf(full && spawnSync("nvcc", ["--version"]).status === 0).each(["sm_80", "sm_90"])(
  "with nvcc for %s: sums are stored, then counted between fences, then read",
  (architecture) => {
    const { plan } = network();
    const place = () => "test.se";
    const { netCu, netH } = hostFiles(plan, cudaKernels(plan, place), place);
    const here = folder({ "net.cu": netCu, "net.h": netH });
    const options = ["-O3", "-std=c++17", `-arch=${architecture}`, "-ptx", "-o", "net.ptx", "net.cu"];
    execFileSync("nvcc", options, { cwd: here, stdio: "pipe" });
    const kernels = readFileSync(join(here, "net.ptx"), "utf8").split(".entry").slice(1);
    const split = kernels.filter((kernel) => kernel.includes("mma.sync"));
    expect(split).toHaveLength(2);
    for (const kernel of split) {
      const after = kernel.slice(kernel.lastIndexOf("mma.sync"), kernel.indexOf("st.shared.v2"));
      const [...said] = after.matchAll(/\b(?:(?:st|ld|atom)\.global\.\w+|bar\.\w+|membar\.\w+)/g);
      const order = said.map(([each]) => each).filter((each, index, all) => each !== all[index - 1]);
      expect(order).toEqual([
        ...["st.global.v4", "bar.sync", "membar.gl", "atom.global.add", "membar.gl", "bar.red", "ld.global.cg"],
      ]);
    }
  },
);
