import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compilerVersion, CudaEmulation, type EmulationProgram } from "../../src/device/cuda.ts";
import { withBranches } from "../../src/plan/branch.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { packWeights, weightLayout } from "../../src/weights/pack.ts";
import { hostFiles } from "../../targets/cuda/host.ts";
import { cudaKernels } from "../../targets/cuda/kernels.ts";
import { leavesOf } from "../graphs.ts";
import { planOf, textGraph } from "../networks.ts";
import { build, cut, useCompiler } from "./emulated.ts";

/**
 * A graph runs its branches as early and as late as they may be, and computes what a run does; unless something of the fork,
 * the join or the memory is wrong, which is planted here.
 */
useCompiler();

const graph = textGraph(`se 1
network Skip() {
  input image: f32[N, 3, 6, 5]
  conv1: conv 512, 1x1 -> relu
  residual {
    branch { conv2: conv 32, 1x1 -> relu -> conv3: conv 32, 3x3 -> relu -> conv4: conv 32, 1x1 }
    skip { downsample: conv 32, 1x1 }
    after relu
  }
  output y
}
`);
const serial = cut(planOf(graph, { precision: "f16" }), 4);
const plan = withBranches(serial);
const batch = 2;
const leaves = leavesOf(graph, 1, batch);

test("the skip is on a branch, and has slices as others beside it", () => {
  expect(plan.branches.map(({ launch }) => plan.launches[launch]!.name)).toEqual(["downsample"]);
  const split = plan.launches.filter((launch) => launch.split !== undefined);
  expect(split.map(({ name }) => name)).toEqual(expect.arrayContaining(["downsample", "conv2"]));
});

/** Each with what is found. */
const faults = {
  fork: ["a fork before what the branch reads is there", "whose branches start early differs"],
  join: ["a join after what needs the branch", "whose branches start late differs"],
  unjoined: ["no join", "cannot be made a graph"],
  memory: ["slots as for one launch after the other", "whose branches start early differs"],
  sums: ["sums of slices where others leave theirs", "at the same time, though one writes memory of the other"],
  overlap: ["a launch behind a join that overlaps", "may overlap, but does not follow one kernel alone"],
} as const;

function planted(netCu: string): string {
  const change = (
    text: string,
    from: string | RegExp,
    to: (fault: (what: keyof typeof faults) => string) => string,
  ) => {
    expect(text.search(typeof from === "string" ? from.replace(/\W/g, "\\$&") : from)).toBeGreaterThan(0);
    return text.replace(
      from,
      to((what) => `(planted == ${Object.keys(faults).indexOf(what) + 1})`),
    );
  };
  const [{ launch, fork, join }] = plan.branches as [Plan["branches"][0]];
  const entry = (fault: (what: keyof typeof faults) => string) =>
    `{${launch}, ${fork} - ${fault("fork")}, ${join} + ${fault("join")}}`;
  let text = change(netCu, "constexpr Branch BRANCHES", () => "const Branch BRANCHES");
  text = change(text, `{${launch}, ${fork}, ${join}}`, entry);
  text = change(text, "error = cudaStreamWaitEvent(stream, streams.join, 0);", (fault) => {
    return `if (!${fault("unjoined")}) error = cudaStreamWaitEvent(stream, streams.join, 0);`;
  });
  text = change(text, /( *v\[value::BRANCH_SUMS\] = .*;)/, (fault) => {
    return `$1\n  if (${fault("sums")}) v[value::BRANCH_SUMS] = v[value::SLICE_SUMS];`;
  });
  text = change(text, "queue.overlaps = false;", (fault) => `queue.overlaps = ${fault("overlap")};`);
  // Every slot is large enough for every value; each value also has its place in the serial plan.
  const sizes = plan.slots.map(() => 4 * Math.max(...plan.slots.map(({ floatsPerImage }) => floatsPerImage)));
  text = change(text, /SLOT_BYTES\[\] = \{.*\}/, () => `SLOT_BYTES[] = {${sizes.join(", ")}}`);
  for (const [index, value] of plan.values.entries()) {
    const place = new RegExp(`(v\\[value::${value.name}\\]) = slot\\[(\\d+)\\];`);
    if (!place.test(text)) continue;
    const other = placeIn(serial, serial.values[index]!.name);
    text = change(text, place, (fault) => `$1 = slot[${fault("memory")} ? ${other} : $2];`);
  }
  const variable = `static const int planted = std::getenv("PLANTED") ? std::atoi(std::getenv("PLANTED")) : 0;`;
  return text.replace("namespace {", `${variable}\n\nnamespace {`);
}

/** The number of a value's slot in net.cu. */
function placeIn(of: Plan, value: string): string {
  const place = () => "test.se";
  const { netCu } = hostFiles(of, cudaKernels(of, place), place);
  return new RegExp(`v\\[value::${value}\\] = slot\\[(\\d+)\\];`).exec(netCu)![1]!;
}

describe("a run, and a graph in both orders", () => {
  let program: EmulationProgram | undefined;
  beforeAll(async () => {
    if (compilerVersion() !== undefined) program = await build(plan, { change: planted });
  });
  afterAll(() => program?.remove());

  async function run(fault: number): Promise<Map<string, Tensor>> {
    const emulated = new CudaEmulation(program!, { PLANTED: String(fault) });
    const packed = packWeights(weightLayout(plan), leaves);
    if (!packed.ok) throw new Error(packed.messages.join());
    try {
      return await emulated.run(plan, leaves, packed.bytes, batch);
    } finally {
      await emulated.close();
    }
  }

  test("agree", async () => {
    expect([...(await run(0)).keys()]).toEqual(["y"]);
  });

  test.each(Object.values(faults).map((fault, index) => [...fault, index + 1] as const))(
    "%s",
    async (_, found, fault) => {
      await expect(run(fault)).rejects.toThrow(found);
    },
  );
});
