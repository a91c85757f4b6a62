import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { folder, sec, within } from "../cli/sec.ts";
import { pythonThat } from "./python.ts";

/** What `sec init --train` writes: that it is there, and (`npm run test:pytorch`) that it trains. */

const reader = pythonThat("import ast");
const python = process.env["SEC_PYTORCH"] === "1" ? pythonThat("import torch") : undefined;

test("init --train writes the script beside the project; without it, none", async () => {
  const here = folder({});
  expect(await within(here, () => sec(["init", "--train"]))).toMatchObject({ exit: 0 });
  expect(readdirSync(here).sort()).toEqual(["README.md", "net.se", "sec.config.json", "train.py"]);
  expect(readFileSync(join(here, "README.md"), "utf8")).toContain("torchrun --nproc_per_node=8 train.py");
  expect((await within(here, () => sec(["init", "--train"]))).exit).toBe(3);
  const other = folder({});
  await within(other, () => sec(["init"]));
  expect(existsSync(join(other, "train.py"))).toBe(false);
});

test.skipIf(reader === undefined)("python3 reads the script", async () => {
  const here = folder({});
  await within(here, () => sec(["init", "--train", "--quiet"]));
  const program = "import ast, sys; ast.parse(open(sys.argv[1]).read())";
  const { status, stderr } = spawnSync(reader!, ["-c", program, join(here, "train.py")], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

describe.skipIf(python === undefined)("training in PyTorch (npm run test:pytorch)", () => {
  const flags = ["--epochs", "3", "--workers", "0", "--samples", "128", "--lr", "0.4"];

  /** Each process as torchrun starts it; what the first one says. */
  async function train(here: string, processes: number, ...more: readonly string[]): Promise<string> {
    const alone = processes === 1 ? {} : { WORLD_SIZE: `${processes}`, MASTER_ADDR: "127.0.0.1", MASTER_PORT: "29517" };
    const run = (rank: number) =>
      new Promise<string>((resolve, reject) => {
        const own = processes === 1 ? {} : { RANK: `${rank}`, LOCAL_RANK: `${rank}`, GLOO_SOCKET_IFNAME: "lo" };
        const env = { ...process.env, OMP_NUM_THREADS: "1", ...alone, ...own };
        const child = spawn(python!, ["train.py", ...flags, ...more], { cwd: here, env, timeout: 300_000 });
        let [out, err] = ["", ""];
        child.stdout.on("data", (data) => (out += data));
        child.stderr.on("data", (data) => (err += data));
        child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`exit ${code}: ${err}`))));
      });
    const [first] = await Promise.all(Array.from({ length: processes }, (_, rank) => run(rank)));
    return first!;
  }

  function losses(out: string): number[] {
    return [...out.matchAll(/^epoch \d+: loss ([\d.]+)/gm)].map(([, loss]) => Number(loss));
  }

  async function project(): Promise<string> {
    const here = folder({});
    await within(here, () => sec(["init", "--train", "--quiet"]));
    await within(here, () => sec(["compile", "net.se", "--target", "pytorch", "-o", "model", "--quiet"]));
    return here;
  }

  test("one process: the loss falls, it goes on from a checkpoint and from weights, and sec reads what it wrote", async () => {
    const here = await project();
    const [first, , last] = losses(await train(here, 1, "--batch", "16"));
    expect(last).toBeLessThan(first!);
    expect(losses(await train(here, 1, "--batch", "16", "--resume", "--epochs", "4"))).toHaveLength(1);
    const again = await train(here, 1, "--batch", "16", "--epochs", "1", "--init", "runs/net.safetensors", "--amp");
    expect(losses(again)[0]).toBeLessThan(first!);
    const run = ["run", "net.se", "--backend", "reference", "--weights", "runs/net.safetensors", "--input", picture];
    expect(await within(here, () => sec([...run, "--json"]))).toMatchObject({ exit: 0 });
  });

  test("two processes, as torchrun starts them", async () => {
    const here = await project();
    const [first, , last] = losses(await train(here, 2, "--batch", "8"));
    expect(last).toBeLessThan(first!);
    const run = ["run", "net.se", "--backend", "reference", "--weights", "runs/net.safetensors", "--input", picture];
    expect(await within(here, () => sec([...run, "--json"]))).toMatchObject({ exit: 0 });
  });

  test("torchrun starts two processes", async () => {
    const here = await project();
    // Standard output also to files: torch 1.13's launcher does not understand its own default on Python 3.11.
    const launcher = ["-m", "torch.distributed.run", "--nproc_per_node=2", "--redirects=1", "--tee=1", "train.py"];
    const env = { ...process.env, GLOO_SOCKET_IFNAME: "lo" };
    const options = { cwd: here, env, encoding: "utf8", timeout: 300_000 } as const;
    const { status, stdout, stderr } = spawnSync(python!, [...launcher, ...flags, "--batch", "8"], options);
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    const [first, , last] = losses(stdout.replace(/^\[default0\]:/gm, ""));
    expect(last).toBeLessThan(first!);
    const run = ["run", "net.se", "--backend", "reference", "--weights", "runs/net.safetensors", "--input", picture];
    expect(await within(here, () => sec([...run, "--json"]))).toMatchObject({ exit: 0 });
  });

  const picture = join(process.cwd(), "examples/digits/images", readdirSync("examples/digits/images")[0]!);
});
