import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { asInPackages, planIn, steps, type Ways } from "../../bench/cuda/candidates.ts";
import { compilerVersion } from "../../src/device/cuda.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { largeBatch, launchesOf } from "../../src/plan/plan.ts";
import type { Precision } from "../../src/precision.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { interpretPlan } from "../../src/reference/interpretPlan.ts";
import { emulation } from "../../targets/cuda/emulation.generated.ts";
import { folder, repository } from "../cli/sec.ts";
import { Build, leavesOf, relativeDifference } from "../graphs.ts";
import { networkGraph } from "../networks.ts";
import { pythonThat } from "../pytorch/python.ts";
import { casesInOneProgram } from "./emulated.ts";

/** bench/cuda without a GPU: how it is called, what it does with what programs say, and the table of a results file. */

const python = pythonThat("import json");
const bench = join(repository, "bench/cuda");
const run = (argv: readonly string[], env: Record<string, string> = {}) => {
  const { status, stdout, stderr } = spawnSync(join(bench, "run"), argv, {
    encoding: "utf8",
    env: { ...process.env, PYTHON: python ?? "python3", ...env },
  });
  return { status, stdout, stderr };
};

test.each([
  [["--nope"], "--nope is not known"],
  [["--out"], "--out needs a value"],
  [["--build-only", "a", "--prebuilt", "b"], "--build-only and --prebuilt exclude each other"],
])("%j is 2, with how to call it", (argv, message) => {
  expect(run(argv)).toEqual({
    status: 2,
    stdout: "",
    stderr: expect.stringContaining(`${message}; as in: `) as string,
  });
});

test("an architecture or a group that is none, and no nvcc", () => {
  const out = join(folder({}), "out");
  expect(run(["--build-only", out, "--quick", "--arch", "ampere"])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("--arch ampere: numbers are meant, as in 80,90") as string,
  });
  expect(run(["--build-only", out, "--quick", "--only", "SE-ResNet"])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("--only SE-ResNet: one of digits; digits, step by step is meant") as string,
  });
  const only = folder({});
  for (const program of ["node", "sh", "dirname"])
    writeFileSync(
      join(only, program),
      `#!/bin/sh\nexec ${program === "node" ? process.execPath : `/usr/bin/${program}`} "$@"\n`,
      {
        mode: 0o755,
      },
    );
  expect(run(["--build-only", out, "--quick"], { PATH: only })).toMatchObject({
    status: 4,
    stderr: expect.stringContaining("there is no nvcc to build with") as string,
  });
});

test.skipIf(python === undefined)("without a GPU: 4, and how to go on", ({ skip }) => {
  skip(spawnSync(python!, [join(bench, "measure.py")]).status === 0, "there is a GPU");
  for (const argv of [[], ["--prebuilt", "somewhere"]]) {
    const { status, stderr } = run(argv);
    expect(status).toBe(4);
    expect(stderr).toMatch(
      /^no GPU: .*; build here with --build-only DIR, measure where there is one with --prebuilt DIR\n$/,
    );
  }
});

describe("the steps of SE's fusion", () => {
  // 53 convolutions, a pooling, the head and the import of the image; of each of 16 SE blocks 6, 3, 2, 1 and no launches. On
  // its way into the next convolution is all but the last block's map, which no convolution reads.
  test.each([
    ["without SE", 56, 56],
    ["squeeze, each layer, gate and scale apart", 152, 152],
    ["layers and gate in a launch, scale with the addition", 104, 104],
    ["squeeze in the epilogue", 88, 88],
    ["scale on its way into the next convolution", 73, 73],
    ["squeeze hoisted, scale in the epilogue", 72, 72],
    ["first layer with the squeeze, gates by batch", 56, 72],
  ])("%s: %i launches of one image, %i of many", (step, small, large) => {
    const { set, ways = asInPackages } = steps.find(({ name }) => name === step)!;
    const plan = planIn(ways, networkGraph("examples/se-resnet50.se", set), "f16");
    expect([1, largeBatch].map((batch) => launchesOf(plan, batch).length)).toEqual([small, large]);
  });

  test("are all that are measured", () => {
    expect(steps).toHaveLength(7);
  });

  const graph = block();
  const plan = (ways: Ways) => (precision: Precision) => planIn(ways, graph, precision);
  const cases = steps.map(({ name, ways = asInPackages }) => ({ name, graph, plan: plan(ways) }));

  test.each(cases)("$name: the plan computes the network", ({ plan }) => {
    const planned = plan("f16");
    const leaves = leavesOf(graph, 1, 2);
    const expected = interpret(graph, leaves, 2).get(graph.outputs[0]!.node)!;
    for (const batch of [1, largeBatch]) {
      const found = interpretPlan({ ...planned, launches: launchesOf(planned, batch) }, leaves, leaves, 2);
      expect(relativeDifference(expected, found.get("y")!)).toBeLessThan(1e-5);
    }
  });

  describe("each launch computes its part", () => casesInOneProgram(cases.slice(1), undefined, "f16"));
});

/** A block with SE whose skip is a convolution, into which the addition could go, and one that reads it twice. */
function block(): Graph {
  const b = new Build();
  const x = b.conv("x", b.input("image", 3, 7, 9), 12, { bias: true });
  const inner = b.unary("relu", "r", b.conv("inner", x, 8, { kernel: 3, stride: 2, bias: true }));
  const gated = b.se("se", b.conv("outer", inner, 20, { bias: true }), { hidden: 5 });
  const block = b.unary("relu", "b", b.add("add", gated, b.conv("skip", x, 20, { stride: 2, bias: true })));
  const next = b.unary("relu", "n", b.conv("next", block, 72, { bias: true }));
  return b.graph(b.unary("relu", "y", b.add("last", b.conv("after", next, 20, { kernel: 3, bias: true }), block)));
}

const madeUp = {
  device: { name: "Made-up GPU", capability: "9.0", driver: "CUDA 13.0" },
  date: "2026-01-02",
  compiler: "nvcc of nobody",
  architectures: ["90"],
  batches: [1, 8],
  quick: false,
  rounds: 5,
  fragments: { agrees: false, said: "ldmatrix: lane 1, register 0: 1\n" },
  groups: [
    {
      title: "Net",
      networks: [
        {
          name: "Net",
          programs: [
            {
              precision: "f32",
              agrees: true,
              difference: 1.5e-6,
              tolerance: 1e-4,
              sanitizer: { memcheck: "clean", racecheck: "clean" },
              timings: [
                { batch: 1, ms: 0.25, ratio: 1 },
                { batch: 8, ms: 1.5, ratio: 1 },
              ],
            },
          ],
        },
        {
          name: "SE-Net",
          programs: [
            {
              precision: "f32",
              agrees: false,
              difference: 0.5,
              tolerance: 1e-4,
              sanitizer: { skipped: "compute-sanitizer is not on the PATH" },
              timings: [
                { batch: 1, ms: 0.26, ratio: 1.04 },
                { batch: 8, failed: "out of\nmemory" },
              ],
            },
          ],
        },
      ],
    },
  ],
  peers: {
    torch: "9.9",
    results: [
      { network: "Net", precision: "f32", peer: "eager", difference: 2e-6, timings: [{ batch: 1, ms: 2 }] },
      { network: "Net", precision: "f32", peer: "TensorRT", skipped: "torch_tensorrt: absent", timings: [] },
    ],
  },
};

test("the table replaces itself and leaves the rest of the page alone", () => {
  const here = folder({ "made-up.json": JSON.stringify(madeUp), "page.md": "# Page\n\nBefore.\n" });
  const page = join(here, "page.md");
  const write = () =>
    execFileSync(process.execPath, ["scripts/run-ts.mjs", "bench/cuda/table.ts", join(here, "made-up.json"), page], {
      cwd: repository,
    });
  write();
  const first = readFileSync(page, "utf8");
  expect(first).toMatchInlineSnapshot(`
    "# Page

    Before.

    <!-- bench/cuda/run writes this -->

    ## CUDA on Made-up GPU

    2026-01-02, CUDA 13.0, nvcc of nobody; all figures are in bench/results/made-up.json. A time is that of a run as a CUDA graph, the median of 5 rounds, each the least of 20. Peers: PyTorch 9.9. Fragments of tensor cores: see below.

    Milliseconds of a batch, by its size:

    | network | precision | by    | 1     | 8      | off by | allowed |
    | ------- | --------- | ----- | ----- | ------ | ------ | ------- |
    | Net     | f32       | sec   | 0.250 | 1.500  | 1.5e-6 | 1.0e-4  |
    | Net     | f32       | eager | 2.000 |        | 2.0e-6 |         |
    | SE-Net  | f32       | sec   | 0.260 | failed | 5.0e-1 | 1.0e-4  |

    What SE costs: the time over that of the same network without it, median of the rounds:

    | network | precision | 1     | 8   |
    | ------- | --------- | ----- | --- |
    | SE-Net  | f32       | 1.040 |     |

    - fragments: DIFFER: ldmatrix: lane 1, register 0: 1
    - SE-Net f32: DIFFERS from the reference
    - compute-sanitizer: skipped, compute-sanitizer is not on the PATH
    - SE-Net f32 batch 8: out of memory
    - TensorRT: skipped, torch_tensorrt: absent

    <!-- until here -->
    "
  `);
  writeFileSync(page, `${first}\nBehind.\n`);
  write();
  expect(readFileSync(page, "utf8")).toBe(`${first}\nBehind.\n`);
});

/** What measure.py makes of a GPU of a compute capability where fragments.cu says something. */
function measured(capability: string, script: string, ...options: readonly string[]) {
  const here = folder({
    fragments: `#!/bin/sh\n${script}\n`,
    "index.json": JSON.stringify({
      ...{ compiler: "", architectures: [], batches: [], quick: false, groups: [] },
      fragments: "fragments",
    }),
  });
  chmodSync(join(here, "fragments"), 0o755);
  const statement = `import sys, measure, peers
measure.device = lambda: {"name": "GPU", "capability": "${capability}", "driver": "none"}
peers.measure = lambda folder, index: {"skipped": "not now"}
sys.argv = ["measure.py", "${here}", "--out", "${here}/results", *${JSON.stringify(options)}]
sys.exit(measure.main())`;
  const { status, stdout } = spawnSync(python!, ["-c", statement], { cwd: bench, encoding: "utf8" });
  const [, path] = /^wrote (.*)$/m.exec(stdout)!;
  const { fragments, peers } = JSON.parse(readFileSync(path!, "utf8"));
  return { status, said: /^fragments: .*$/m.exec(stdout)![0], ...fragments, peers: peers.skipped };
}

test.skipIf(python === undefined)("fragments that differ make the exit status 1; what is skipped is named", () => {
  const agree = "echo 'fragments: agree'";
  const right = { status: 0, said: "fragments: agree", agrees: true };
  expect(measured("9.0", agree)).toEqual({ ...right, peers: "not now" });
  expect(measured("9.0", agree, "--skip", "peers")).toEqual({ ...right, peers: "as --skip says" });
  const wrong = "mma of f16: lane 3, register 1: 2 instead of 1";
  expect(measured("8.0", `echo '${wrong}'; exit 1`)).toMatchObject({ status: 1, agrees: false, said: `${wrong}\n` });
  expect(measured("8.0", "exit 139")).toMatchObject({ status: 1, agrees: false, said: "ended with 139" });
  const skipped = "compute capability 7.5 has no such tensor cores";
  expect(measured("7.5", "exit 1")).toEqual({
    status: 0,
    said: `fragments: skipped, ${skipped}`,
    skipped,
    peers: "not now",
  });
});

/** An nvcc that is g++ with the emulation, so that programs which were built run here. Minutes. */
test.skipIf(process.env.SEC_FULL === undefined || compilerVersion() === undefined || python === undefined)(
  "builds, checks and times on the emulation (SEC_FULL)",
  { timeout: 3_600_000 },
  () => {
    const here = folder(Object.fromEntries(emulation.map(({ path, text }) => [`emulation/${path}`, text])));
    mkdirSync(join(here, "bin"));
    const nvcc = `#!/bin/sh
[ "$1" = --version ] && { echo "an emulation"; echo "of nvcc"; exit; }
while [ "$1" != -o ]; do shift; done
pwd >> "${here}/compiled"
exec g++ -std=c++17 -O1 -w -x c++ -I "${here}/emulation" "$@" "${here}/emulation/runtime.cpp" -pthread
`;
    writeFileSync(join(here, "bin/nvcc"), nvcc);
    chmodSync(join(here, "bin/nvcc"), 0o755);
    const out = join(here, "out");
    const build = () => {
      writeFileSync(join(here, "compiled"), "");
      const built = run(["--build-only", out, "--quick"], { PATH: `${here}/bin:${process.env["PATH"]}` });
      expect(built).toMatchObject({ status: 0, stdout: expect.stringContaining(`built ${out}\n`) as string });
      return {
        compiled: readFileSync(join(here, "compiled"), "utf8"),
        index: readFileSync(join(out, "index.json"), "utf8"),
      };
    };
    const first = build();
    // What is there is kept; what was not finished is made again.
    expect(build()).toEqual({ compiled: "", index: first.index });
    rmSync(join(out, "digits-standard/f16/built.json"));
    expect(build().compiled).toBe(`${join(out, "digits-standard/f16")}\n`);

    execFileSync(join(out, "node"), [join(out, "weights.mjs"), out]);
    const measured = `import json, pathlib, measure; out = pathlib.Path(${JSON.stringify(out)})
index = json.loads((out / "index.json").read_text())
fragments = measure.fragments(out, index, "9.0")
print(json.dumps({"fragments": fragments, "groups": measure.measure(out, index, 1, say=lambda text: None)}))`;
    const { fragments, groups } = JSON.parse(execFileSync(python!, ["-c", measured], { cwd: out, encoding: "utf8" }));
    expect(fragments).toEqual({ agrees: true });
    expect(groups).toHaveLength(2);
    for (const { name, path, programs } of groups.flatMap(({ networks }: { networks: never[] }) => networks))
      for (const { precision, agrees, difference, tolerance, timings } of programs) {
        expect({ name, precision, agrees }).toEqual({ name, precision, agrees: true });
        expect(difference).toBeLessThan(tolerance);
        expect(timings.map(({ batch }: { batch: number }) => batch)).toEqual([1, 2]);
        for (const { ms, ratio, launches } of timings) {
          expect(ms).toBeGreaterThan(0);
          expect(ratio).toBeGreaterThan(0);
          const manifest = JSON.parse(readFileSync(join(out, path, precision, "manifest.json"), "utf8"));
          const names = manifest.launches
            .filter(({ batches }: { batches?: string }) => batches !== "large")
            .map((launch: { name: string }) => launch.name);
          expect(launches.map((launch: { name: string }) => launch.name)).toEqual(names);
        }
      }
  },
);
