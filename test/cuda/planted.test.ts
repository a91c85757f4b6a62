import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CudaEmulation, emulationRunner, type EmulationProgram, type Sanitized } from "../../src/device/cuda.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { verifyPlanOn, type Finding } from "../../src/verify/verify.ts";
import type { Precision } from "../../src/precision.ts";
import { packWeights, weightLayout } from "../../src/weights/pack.ts";
import { hostFiles } from "../../targets/cuda/host.ts";
import { cudaKernels } from "../../targets/cuda/kernels.ts";
import { Build, leavesOf } from "../graphs.ts";
import { cudaPlanOf } from "../networks.ts";
import { build, cut, useCompiler } from "./emulated.ts";

/**
 * Faults are planted in the kernels of a small network, one at a time, and verification must name the launch. All are
 * compiled into one program, where a number in the environment turns one of them on.
 */
const graph = network();
const batch = 2;
const leaves = leavesOf(graph, 1, batch);
const place = () => "test.se";
const isFull = process.env["SEC_FULL"] !== undefined;
const precisions = isFull ? (["f32", "tf32", "f16", "bf16"] as const) : (["f32", "f16"] as const);

/** Every family with a barrier: convolutions of several steps, with and without squeezes, chains, softmax. */
function network() {
  const b = new Build();
  // The last of its steps is in the first of its stages, where its sums go.
  const x = b.unary("relu", "r1", b.conv("conv1", b.input("x", 13, 7, 9), 12, { kernel: 3, bias: true }));
  // Two squeezes of one map: its mean, and what the taps of a 3x3 see; the sums are of several kinds of pixels.
  const gated = b.se("block.se", b.conv("conv2", x, 20, { kernel: 3, bias: true }), { hidden: 5 });
  // Its squeeze is hoisted over the second convolution, and its first layer over the sums: shares, and a gate on the spot.
  const inner = b.unary("relu", "i1", b.conv("inner", gated, 36, { kernel: 3, bias: true }));
  const excited = b.se("bottleneck.se", b.conv("outer", inner, 20, { bias: true }), { hidden: 9 });
  const depthwise = b.unary("silu", "d1", b.conv("depthwise", excited, 20, { kernel: 3, groups: 20 }));
  const scaled = b.se("mobile.se", b.maxPool("pool", depthwise, 3, 2, 1), { squeeze: "max", hidden: 8 });
  // Its operand is computed as it is read: the gate is on its way.
  const projected = b.unary("relu", "p1", b.conv("project", scaled, 24, { kernel: 3, bias: true }));
  const hidden = b.unary("relu", "h", b.dense("fc1", b.squeeze("gap", projected), 100));
  return b.graph(b.op("softmax", "y", { x: b.dense("fc2", hidden, 90) }, {}));
}

interface Fault {
  readonly what: string;
  /** The namespace of the kernel in which it is planted; empty: what kernels call, or the host code. */
  readonly kernel: string;
}

/**
 * In each kernel: a barrier or a wait for copies that is left out, a pad check that is one row off, a sum that ends one step
 * early, or does not begin at zero, filters that are not stored. Where slices of a sum are apart: a step that is counted twice or not at all, a slice that is left out or left behind
 * the barrier, counters that are not set to zero or are those of another launch. And, if `overlaps`, a wait for the launches
 * before it that is left out, and a read or a copy before it.
 */
function planted(netCu: string, precision: Precision, overlaps: boolean): { text: string; faults: Fault[] } {
  // Rounding to bf16 explains a sum that lacks two rows of sixteen.
  const lacking = precision === "bf16" ? "(ROWS / 2)" : "1";
  const faults: Fault[] = [];
  let kernel = "";
  let buffer = "";
  // What is read into registers and read again would be left out by a compiler.
  let held = false;
  // A maximum may not be where a row of threads is left out.
  let sums = false;
  const lines = netCu.split("\n").map((line, index) => {
    kernel = /^namespace (?!value)(\w+) \{$/.exec(line)?.[1] ?? kernel;
    if (line.startsWith("} // namespace")) kernel = "";
    if (line.startsWith("namespace")) sums = held = false;
    held ||= line.includes("float4 held[");
    sums ||= line.includes("return a + b;");
    buffer = /\*RESTRICTED (\w+)/.exec(line)?.[1] ?? buffer;
    const plant = (what: string, text: string, changed: (fault: string) => string) => {
      if (!line.includes(text)) return undefined;
      faults.push({ what: `${what} of line ${index + 1}`, kernel });
      return line.replace(text, changed(`(planted == ${faults.length})`));
    };
    // Before the kernels themselves, functions of these names are declared.
    if (overlaps && kernel !== "" && line.includes("wait_for_launches();")) {
      faults.push({ what: `launch wait, line ${index + 1}`, kernel });
      faults.push({ what: `early read, line ${index + 1}`, kernel });
      return `if (planted == ${faults.length}) read_early(${buffer}); if (planted != ${faults.length - 1}) wait_for_launches();`;
    }
    const [, begins, early] = /^ *(if \(.*\)) copy_filters\((.*)\);$/.exec(line) ?? [];
    if (overlaps && !held && begins !== undefined) {
      faults.push({ what: `early copy, line ${index + 1}`, kernel });
      return `${line} ${begins} if (planted == ${faults.length}) copy_terms(${early});`;
    }
    return (
      plant("barrier", "__syncthreads();", (fault) => `if (!${fault}) __syncthreads();`) ??
      plant("wait", "wait_for_copies<", (fault) => `if (!${fault}) wait_for_copies<`) ??
      plant("pad check", "unsigned(at.x) < IN_H", (fault) => `unsigned(at.x) + ${fault} < IN_H`) ??
      plant("pad check", "(row * DILATION_H)) < IN_H", (fault) => `(row * DILATION_H)) + ${fault} < IN_H`) ??
      plant("step", "k4 < DEPTH4; k4 += STEP4", (fault) => `k4 + ${fault} * STEP4 < DEPTH4; k4 += STEP4`) ??
      plant("step", "k4 < IN4; k4 += STEP4", (fault) => `k4 + ${fault} * STEP4 < IN4; k4 += STEP4`) ??
      plant("step", "step < STEPS; step++", (fault) => `step + ${fault} < STEPS; step++`) ??
      plant("step", "step < end_step; step++", (fault) => `step + ${fault} < end_step; step++`) ??
      plant("slice: twice", "first_slice * STEPS / DEPTH_SLICES;", (fault) => {
        return `first_slice * STEPS / DEPTH_SLICES - (${fault} && first_slice > 0);`;
      }) ??
      plant("slice: never", "(first_slice + 1) * STEPS / DEPTH_SLICES : STEPS", (fault) => {
        return `(first_slice + 1) * STEPS / DEPTH_SLICES - ${fault} : STEPS`;
      }) ??
      plant("slice: its end", "step + 1 == end_of_slice", (fault) => `step + 1 + ${fault} == end_of_slice`) ??
      // Behind the barrier that stands between it and the counter.
      plant(
        "slice: late",
        "if (apart) leave_sums<128>(",
        (fault) => `const bool late = ${fault};
if (apart && !late) leave_sums<128>(`,
      ) ??
      plant("slice: left out", "slice < SLICES; slice++", (fault) => `slice + ${fault} < SLICES; slice++`) ??
      plant("slice: no vote", "return __syncthreads_or(", (fault) => `return ${fault} ? is_last : __syncthreads_or(`) ??
      plant(
        "counter: not zero",
        "return cudaMemsetAsync(",
        (fault) => `return ${fault} ? cudaSuccess : cudaMemsetAsync(`,
      ) ??
      plant(
        "counter: another's",
        "size_t(split.first_counter)",
        (fault) => `size_t(${fault} ? 0 : split.first_counter)`,
      ) ??
      plant("accumulator", "float acc[A_TILES][B_TILES][4] = {};", (fault) => {
        return `float acc[A_TILES][B_TILES][4]; if (!${fault}) std::memset(acc, 0, sizeof acc);`;
      }) ??
      plant("accumulator", "float4 acc_0_0 = splat(0.0f);", (fault) => {
        return `float4 acc_0_0; if (!${fault}) acc_0_0 = splat(0.0f);`;
      }) ??
      plant("store", "w_tile[thread] = ", (fault) => `if (!${fault}) w_tile[thread] = `) ??
      plant("fence", "__threadfence();", (fault) => `if (!${fault}) __threadfence();`) ??
      plant("step", "k < 4 * STEP4; k +=", (fault) => `k + ${fault} * 16 < 4 * STEP4; k +=`) ??
      (sums ? plant("partial sum", "r < ROWS; r++", (fault) => `r + ${fault} * ${lacking} < ROWS; r++`) : undefined) ??
      line
    );
  });
  const before = [
    `static const unsigned planted = std::getenv("PLANTED") ? std::atoi(std::getenv("PLANTED")) : 0;`,
    "template <typename T> void read_early(T *at) { (void)*reinterpret_cast<const volatile char *>(at); }",
  ];
  const late = "if (late) leave_sums<128>(total, sums_of_tile, first_slice);";
  const whole = lines.join("\n").replace(/^.*if \(!is_last_to_arrive/gm, `${late}\n$&`);
  const text = whole.replace("namespace {", `${before.join("\n")}\n\nnamespace {`);
  return { text, faults };
}

async function findings(program: EmulationProgram | undefined, plan: Plan, fault: number): Promise<readonly Finding[]> {
  const emulated = new CudaEmulation(program!, { PLANTED: String(fault) });
  const packed = packWeights(weightLayout(plan), leaves);
  if (!packed.ok) throw new Error(packed.messages.join());
  const runner = emulationRunner(emulated, plan, leaves, packed.bytes);
  const result = await verifyPlanOn(runner, graph, plan, leaves, leaves, batch);
  await emulated.close();
  return result.findings;
}

/**
 * Blocks run one after the other, so that only a sanitizer sees what no fence has made visible; and what an accumulator is at
 * first may be zero by chance.
 */
function seenBy(sanitized: Sanitized | undefined, what: string): boolean {
  return {
    nothing: !/^(fence|accumulator)/.test(what),
    addresses: false,
    threads: /^(barrier|fence)/.test(what),
    memory: /^(wait|accumulator|store)/.test(what),
  }[sanitized ?? "nothing"];
}

/**
 * By the numbers alone; and in test:full also by sanitizers that see the accesses of threads without an order, and uses of
 * what nobody has written.
 */
const modes: readonly (Sanitized | undefined)[] = isFull ? [undefined, "threads", "memory"] : [undefined];

describe.each(precisions)("%s", (precision) => {
  // Where there are tensor cores two sums are cut, one of them unevenly.
  const plan = cut(cudaPlanOf(graph, precision), 3, (name) => name === "conv2" || name === "project");
  const kernels = cudaKernels(plan, place);
  // Each kind of kernel is among those of f16.
  const overlaps = isFull || precision !== "f32";
  const { faults } = planted(hostFiles(plan, kernels, place).netCu, precision, overlaps);
  const launchesOf = (kernel: string) =>
    kernel === ""
      ? [...plan.launches.filter(({ split }) => split).map(({ name }) => name), plan.name, plan.launches.at(-1)!.name]
      : kernels.find(({ name }) => name === kernel)!.launches.map((at) => plan.launches[at]!.name);

  test("faults of every kind are planted", () => {
    const kinds = [
      "barrier",
      "pad check",
      "step",
      "partial sum",
      "accumulator",
      ...(precision === "f32" ? ["store"] : ["wait", "early copy", "slice", "counter"]),
    ];
    if (overlaps) kinds.push("launch wait", "early read");
    expect(kinds.filter((kind) => faults.filter(({ what }) => what.startsWith(kind)).length < 2)).toEqual([]);
  });

  describe.each(modes)("sanitized for %s", (sanitized) => {
    let program: EmulationProgram | undefined;
    const hasCompiler = useCompiler(sanitized);
    beforeAll(async () => {
      if (hasCompiler)
        program = await build(plan, { change: (netCu) => planted(netCu, precision, overlaps).text, sanitized });
    });
    afterAll(() => program?.remove());

    test("finds nothing wrong where nothing is", async () => {
      expect(await findings(program, plan, 0)).toEqual([]);
    });

    describe("a fault is found, in the launch where it is", () => {
      for (const [index, { what, kernel }] of faults.entries())
        if (seenBy(sanitized, what))
          test(`${what}, ${kernel || "outside"}`, async () => {
            const [first] = await findings(program, plan, index + 1);
            // Of a sum that lacks half of its rows rounding to bf16 explains as much; its gate is wrong, in the next launch.
            if (precision === "bf16" && what.startsWith("partial sum")) expect(first).toBeDefined();
            else expect(launchesOf(kernel)).toContain(first?.launch);
            if (/^(launch|early)/.test(what))
              expect(first?.message).toContain("before it waits for the launches before it");
            if (sanitized === "memory")
              expect(first?.message).toMatch(
                /(uninitialized-value|nobody has written), at net\.cu:\d+$|asynchronous copies under way$/,
              );
            if (sanitized === "threads") expect(first?.message).toMatch(/data race .*, at net\.cu:\d+$/);
          });
    });
  });
});
