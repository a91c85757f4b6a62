import { execFile, spawnSync, type ExecFileException } from "node:child_process";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { OutputFile } from "../compile.ts";
import { GENERATED } from "../marker.ts";
import { runTitle } from "../tune/times.ts";
import { exit, Refusal, usage } from "./exit.ts";
import { reasonOf } from "./files.ts";
import { makeFolder } from "./makeFolder.ts";

/** A candidate as files: its package, and which weights it reads. */
export interface CandidatePackage {
  readonly files: readonly OutputFile[];
  /** Candidates of the same layout share theirs. */
  readonly weights: OutputFile;
}

/** What says later what was built; written last, so that a folder that is half built is none. */
export const indexName = "tuning.json";

/** A folder that is empty, or was built before. */
export function emptyFolder(folder: string, force: boolean): void {
  try {
    if (existsSync(folder) && readdirSync(folder).length > 0) {
      if (!force && !existsSync(join(folder, indexName)))
        throw new Refusal(exit.unwritten, `${folder}: there is something in it`, "name another folder, or --force");
      rmSync(folder, { recursive: true });
    }
    makeFolder(folder);
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal(exit.unwritten, `${folder}: ${reasonOf(error)}`);
  }
}

/** A program of each candidate, and the script that runs them in turns. */
export async function buildPrograms(
  folder: string,
  packages: readonly CandidatePackage[],
  { arch, batches, rounds }: { readonly arch: string; readonly batches: readonly number[]; readonly rounds: number },
  built: (count: number) => void,
): Promise<void> {
  const write = (path: string, content: Uint8Array | string) => {
    try {
      writeFileSync(join(folder, path), content);
    } catch (error) {
      throw new Refusal(exit.unwritten, `${join(folder, path)}: ${reasonOf(error)}`);
    }
  };
  for (const [index, { files, weights }] of packages.entries()) {
    makeFolder(join(folder, `${index}`));
    for (const { path, bytes } of files) write(`${index}/${path}`, bytes);
    if (!existsSync(join(folder, weights.path))) write(weights.path, weights.bytes);
  }
  let count = 0;
  const waiting = packages.map((_, index) => join(folder, `${index}`));
  const worker = async () => {
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
      await nvcc(at, arch);
      built(++count);
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), packages.length) }, worker));
  write("measure.sh", measureScript(packages, batches, rounds));
}

/** Where there is no nvcc the command ends with 4 before long work. */
export function needNvcc(): void {
  if (spawnSync("nvcc", ["--version"]).status !== 0)
    throw new Refusal(exit.absent, "sec tune builds with nvcc, of NVIDIA's CUDA toolkit, which is not on the PATH");
}

/** The driver's own tool knows whether there is a GPU. */
export function needGpu(): void {
  if (spawnSync("nvidia-smi", ["-L"]).status !== 0) {
    const elsewhere = "build here with --build-only DIR and --arch, and measure where there is one";
    throw new Refusal(exit.absent, "sec tune measures on an NVIDIA GPU, and nvidia-smi finds none", elsewhere);
  }
}

/** Runs measure.sh; what a program says against it ends the command. */
export async function measure(folder: string): Promise<void> {
  const { error, stderr } = await execute("sh", [join(folder, "measure.sh")]);
  if (error) throw new Refusal(exit.absent, `measuring failed: ${stderr.trim() || error.message}`);
}

async function nvcc(folder: string, arch: string): Promise<void> {
  const flags = ["-O3", "-std=c++17", `-arch=${arch}`, "-o", "net", "main.cu", "net.cu"];
  const { error, stdout, stderr } = await execute("nvcc", flags, folder);
  if (error) throw usage(`nvcc ${flags.join(" ")}: ${(stderr + stdout).trim() || error.message}`);
}

interface Executed {
  readonly error: ExecFileException | null;
  readonly stdout: string;
  readonly stderr: string;
}

function execute(program: string, flags: readonly string[], cwd?: string): Promise<Executed> {
  return new Promise((resolve) =>
    execFile(program, flags, { cwd, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      resolve({ error, stdout, stderr }),
    ),
  );
}

/** In turns, so that what the machine does meanwhile meets each candidate. */
function measureScript(packages: readonly CandidatePackage[], batches: readonly number[], rounds: number): string {
  const numbers = Array.from({ length: rounds }, (_, index) => index + 1);
  const runs = packages.map(
    ({ weights }, index) => `    echo "${runTitle(index, "$batch")}"\n    ./${index}/net ${weights.path} $batch\n`,
  );
  return `#!/bin/sh
# ${GENERATED}. Times what \`sec tune\` built, on this machine's GPU, into times.txt.
set -eu
cd "$(dirname "$0")"
for round in ${numbers.join(" ")}; do
  for batch in ${batches.join(" ")}; do
${runs.join("")}  done
done > times.part
mv times.part times.txt
echo "measured; where sec is: sec tune --measured $(basename "$PWD")" >&2
`;
}
