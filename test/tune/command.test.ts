import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { compilerVersion } from "../../src/device/cuda.ts";
import { emulation } from "../../targets/cuda/emulation.generated.ts";
import { folder, repository, sec, within } from "../cli/sec.ts";

const digits = readFileSync(join(repository, "examples/digits.se"), "utf8");

afterEach(() => void vi.unstubAllEnvs());

/** A folder with these programs, alone on the PATH. */
function onlyPrograms(programs: Readonly<Record<string, string>>): void {
  const bin = folder(programs);
  for (const name of Object.keys(programs)) chmodSync(join(bin, name), 0o755);
  vi.stubEnv("PATH", bin);
}

describe("what is missing is named", () => {
  test("nvcc: 4", async () => {
    onlyPrograms({});
    expect(await sec(["tune", "net.se"])).toMatchObject({
      exit: 4,
      err: "error: sec tune builds with nvcc, of NVIDIA's CUDA toolkit, which is not on the PATH\n",
    });
  });

  test("a GPU: 4, and how to measure elsewhere", async () => {
    onlyPrograms({ nvcc: "#!/bin/sh\n" });
    expect(await sec(["tune", "net.se"])).toMatchObject({
      exit: 4,
      err:
        "error: sec tune measures on an NVIDIA GPU, and nvidia-smi finds none\n" +
        "  build here with --build-only DIR and --arch, and measure where there is one\n",
    });
  });

  test.each([
    [[], "no file was named"],
    [["net.se", "--build-only", "out"], "--build-only needs --arch, as the GPU is elsewhere"],
    [["net.se", "--measured", "out"], "a source goes with building; --measured takes what was built"],
    [["--measured", "out", "--batches", "1"], "--batches goes with building; --measured takes what was built"],
    [["--measured", "out"], "out/tuning.json: no such file or folder"],
    [["net.se", "--batches", "1,x"], "It should be a whole number from 1."],
  ])("%j: 2", async (argv, message) => {
    const here = folder({ "net.se": digits });
    const { exit, err } = await within(here, () => sec(["tune", ...argv]));
    expect(exit).toBe(2);
    expect(err).toContain(message);
  });
});

/** One candidate after the other, each with the same times for its launches. */
const said = (device: string, time: number) => `logits: 1, 2, 3 ...

on ${device}
        us       GB/s    GFLOP/s  % of peak  launch
${time.toFixed(1).padStart(10)}        1.0        2.0          -  conv1  net.se:6:3
       9.0        1.0        2.0       12.5  gap  net.se:7:3
       9.0 us: the sum
`;
const tilings = [{ tile: { pixels: 128, channels: 64 } }, { tile: { pixels: 64, channels: 64 } }];
const index = {
  network: "Net",
  precision: "f16",
  batches: [1],
  candidates: 2,
  convolutions: [{ shape: "3x3, 8x8x8 to 8x8x8", launches: ["conv1"], tilings }],
};
const times = (second: string) =>
  `candidate 0, batch 1\n${said("Made-up GPU", 20)}candidate 1, batch 1\n${said(second, 15)}`;
const measured = (files: Readonly<Record<string, string>>) => {
  const all = { "m/tuning.json": JSON.stringify(index), ...files };
  return within(folder(all), async () => {
    const ran = await sec(["tune", "--measured", "m"]);
    return { ...ran, file: existsSync("Net.tuning.json") ? readFileSync("Net.tuning.json", "utf8") : undefined };
  });
};

describe("choosing from what was measured elsewhere", () => {
  test("a table, and the file that compile takes", async () => {
    const { exit, out, err, file } = await measured({ "m/times.txt": times("Made-up GPU") });
    expect({ exit, err }).toEqual({
      exit: 0,
      err: "Net.tuning.json; use it with: sec compile --target cuda --precision f16 --tuning Net.tuning.json\n",
    });
    expect(out).toMatchInlineSnapshot(`
      "Net in f16 on Made-up GPU

      convolution          launches    cut  us at 1  of model's  model's cut
      3x3, 8x8x8 to 8x8x8         1  64x64     15.0        75 %       128x64
      all                         1            15.0        75 %
      "
    `);
    expect(JSON.parse(file!)).toMatchObject({
      device: "Made-up GPU",
      convolutions: [{ tile: [64, 64], microseconds: [15], model: { tile: [128, 64], microseconds: [20] } }],
    });
  });

  test.each([
    [{}, 2, "m/times.txt: no such file or folder\n  measure first: sh m/measure.sh\n"],
    [{ "m/times.txt": "" }, 1, "m/times.txt: there are no times of candidate 0, batch 1\n"],
    [
      { "m/times.txt": times("Made-up GPU").split("candidate 1")[0]! },
      1,
      "m/times.txt: there are no times of candidate 1, batch 1\n",
    ],
    [
      { "m/times.txt": times("Another GPU") },
      1,
      "m/times.txt: they come from several devices: Made-up GPU; Another GPU\n",
    ],
    [{ "m/tuning.json": "{" }, 1, "m/tuning.json: it is not JSON\n"],
  ])("what is wrong with it: %#", async (files, exit, message) => {
    expect(await measured(files)).toMatchObject({ exit, out: "", err: `error: ${message}`, file: undefined });
  });
});

/** An nvcc that is g++ with the emulation, on a machine of which nvidia-smi says that it has a GPU. Minutes. */
test.skipIf(process.env.SEC_FULL === undefined || compilerVersion() === undefined)(
  "builds, measures and chooses on the emulation, and what is compiled with it agrees (SEC_FULL)",
  { timeout: 3_600_000 },
  async () => {
    const here = folder({ "net.se": digits });
    mkdirSync(join(here, "bin"));
    for (const { path, text } of emulation) writeFileSync(join(here, "bin", path), text);
    const compiler = `#!/bin/sh
[ "$1" = --version ] && exit
exec g++ -std=c++17 -O1 -w -x c++ -I "${here}/bin" -o net main.cu net.cu "${here}/bin/runtime.cpp" -pthread
`;
    writeFileSync(join(here, "bin/nvcc"), compiler, { mode: 0o755 });
    writeFileSync(join(here, "bin/nvidia-smi"), "#!/bin/sh\n", { mode: 0o755 });
    vi.stubEnv("PATH", `${here}/bin:${process.env["PATH"]}`);
    await within(here, async () => {
      const network = ["net.se", "--precision", "f16", "--set", "stages=[4]"];
      const tuned = await sec(["tune", ...network, "--batches", "2,1", "--rounds", "1", "-o", "t.json"]);
      expect(tuned).toMatchObject({ exit: 0, out: expect.stringContaining("us at 1  of model's  us at 2") as string });

      const flags = ["--precision", "f16", "--set", "stages=[4]"];
      const built = await sec(["tune", "net.se", ...flags, "--batches", "1", "--arch", "sm_80", "--build-only", "b"]);
      expect(built).toMatchObject({ exit: 0, err: expect.stringContaining("sh b/measure.sh") as string });
      expect(readFileSync("b/measure.sh", "utf8")).toContain("    ./0/net weights-");

      const compiled = await sec(["compile", ...network, "--target", "cuda", "--tuning", "t.json", "-o", "out"]);
      expect(compiled).toMatchObject({ exit: 0, err: expect.not.stringContaining("note:") as string });
      expect((await sec(["verify", "out", "--target", "cuda"])).exit).toBe(0);
    });
  },
);
