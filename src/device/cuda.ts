import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromStored, toStored } from "../plan/layout.ts";
import { sliceBytes, tilesOfImage } from "../plan/kernels/geometry.ts";
import type { Launch, Plan } from "../plan/plan.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { KernelFault, type Runner } from "../verify/verify.ts";
import { DeviceAbsent } from "./absent.ts";
import { weightSections } from "./planRunner.ts";

/** A file of the emulation: targets/cuda/emulation. */
export interface EmulationFile {
  readonly path: string;
  readonly text: string;
}

export interface EmulatedSource {
  /** The text of net.cu and net.h. */
  readonly files: readonly EmulationFile[];
  /** In front of every name of the C API. */
  readonly prefix: string;
  readonly emulation: readonly EmulationFile[];
  readonly sanitized?: Sanitized | undefined;
}

/**
 * Compiled to look for addresses out of bounds and undefined behaviour, for races between threads, or for uses of what nobody
 * has written (by clang++); slower by ten times.
 */
export type Sanitized = "addresses" | "threads" | "memory";

/** What g++ said about a source that it does not compile. */
export class DoesNotCompile extends Error {
  override readonly name = "DoesNotCompile";
}

/** The C++ compiler, by its own words; undefined where there is none. */
export function compilerVersion(): string | undefined {
  const { status, stdout } = spawnSync(compiler, ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.split("\n")[0]! : undefined;
}

const compiler = "g++";

/** What compiles for a sanitizer; undefined where that is not there. */
export function compilerFor(sanitized: Sanitized | undefined): string | undefined {
  if (sanitized !== "memory") return compilerVersion() && compiler;
  const names = ["clang++", ...[19, 18, 17, 16, 15, 14].map((version) => `clang++-${version}`)];
  const options = [...flags.memory, "-x", "c++", "-", "-o", "/dev/null"];
  return names.find((name) => spawnSync(name, options, { input: "int main() {}" }).status === 0);
}

const flags: Readonly<Record<Sanitized | "plain", readonly string[]>> = {
  plain: [],
  addresses: [
    "-g1",
    "-fsanitize=address,undefined",
    "-fsanitize-sections=cuda_shared",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
  ],
  // What g++ does not inline it reads as a whole argument, which it hides from this sanitizer.
  threads: ["-g1", "-fsanitize=thread", "-finline-small-functions"],
  // As a driver of C, clang++ leaves out the sanitizer's `operator new`, of which runtime.cpp has another one. Of newer debug
  // information addr2line does not read what was inlined.
  memory: [
    "-g1",
    "-gdwarf-4",
    "-fsanitize=memory",
    "-fsanitize-memory-track-origins",
    "-fno-omit-frame-pointer",
    "-DEMULATION_MSAN",
    "--driver-mode=gcc",
    "-Wl,--no-as-needed",
    "-lstdc++",
    "-lm",
  ],
};

/** One launch of a net.cu, with buffers for the values that it reads and writes; all are numbered as in its plan. */
export interface LaunchRequest {
  readonly launch: number;
  readonly batch: number;
  readonly reads: readonly { readonly value: number; readonly data: Float32Array }[];
  /** Its section, and where that lies in all weights, in bytes. */
  readonly weights: { readonly offset: number; readonly data: Float32Array } | undefined;
  readonly writes: readonly { readonly value: number; readonly floats: number }[];
  /** What its blocks leave for one another, where slices of its sums may be apart; numbered behind the plan's values. */
  readonly shared: readonly SharedMemory[];
}

interface SharedMemory {
  readonly value: number;
  /** Bytes of other launches that lie before its own. */
  readonly before: number;
  readonly bytes: number;
  /** What each byte is before a run. */
  readonly byte: number;
}

/** The sums of slices, of which nothing is known, and the counters of tiles, which a run sets to zero. */
export function sharedOf(
  launches: readonly Launch[],
  launch: Launch,
  batch: number,
  values: number,
): readonly SharedMemory[] {
  const { split } = launch;
  if (!split) return [];
  const tilesOf = (each: Launch) => tilesOfImage(each) * batch;
  const earlier = launches.slice(0, launches.indexOf(launch)).filter((each) => each.split);
  const before = 4 * earlier.reduce((sum, each) => sum + tilesOf(each), 0);
  const tiles = tilesOf(launch);
  const sums = { before: 0, bytes: sliceBytes(launch) * split.slices * tiles, byte: 0xff };
  return [
    { ...sums, value: values },
    // In their place where it is on a branch.
    { ...sums, value: values + 1 },
    { value: values + 2, before, bytes: 4 * tiles, byte: 0 },
  ];
}

/** Where the weights of a launch lie in the file behind its header, in bytes. */
export function weightOffset(plan: Plan, { weights }: Launch): number {
  if (!weights) return 0;
  return plan.weights.buffers.slice(0, weights.buffer).reduce((sum, bytes) => sum + bytes, 0) + weights.byteOffset;
}

/** Compiles a net.cu with the emulation around it; the program is below a temporary folder until `remove`. */
export async function buildEmulation(source: EmulatedSource): Promise<EmulationProgram> {
  const version = compilerVersion();
  if (version === undefined)
    throw new DeviceAbsent("CUDA C is verified on the CPU, for which a C++ compiler is needed: install g++");
  const folder = mkdtempSync(join(tmpdir(), "sec-cuda-"));
  folders.add(folder);
  const remove = () => removeFolder(folder);
  try {
    for (const { path, text } of [...source.emulation, ...source.files]) writeFileSync(join(folder, path), text);
    await compile(folder, source);
  } catch (error) {
    remove();
    throw error;
  }
  return { path: join(folder, "verify"), on: `emulation of CUDA, ${version}`, remove };
}

/** What a signal may leave behind. */
const folders = new Set<string>();
process.on("exit", () => folders.forEach(removeFolder));

function removeFolder(folder: string): void {
  folders.delete(folder);
  rmSync(folder, { recursive: true, force: true });
}

export interface EmulationProgram {
  readonly path: string;
  /** What it runs on, in words. */
  readonly on: string;
  remove(): void;
}

/**
 * A compiled net.cu on the CPU: a process that runs single launches, or the whole network, in the emulation of CUDA's
 * execution model. A kernel that breaks its rules ends it, which is a KernelFault.
 */
export class CudaEmulation {
  private readonly process: ChildProcess;
  private readonly closed: Promise<void>;
  private received: Buffer[] = [];
  private receivedBytes = 0;
  private said = "";
  private exit: number | undefined;
  private wake: () => void = () => {};

  constructor(program: EmulationProgram, environment: Readonly<Record<string, string>> = {}) {
    // Of what clang brings to name lines, only g++'s is sure to be there.
    const symbolizer = "allow_addr2line=1:external_symbolizer_path=/usr/bin/addr2line";
    const env = { ...process.env, TSAN_OPTIONS: "halt_on_error=1", MSAN_OPTIONS: symbolizer, ...environment };
    this.process = spawn(program.path, { stdio: ["pipe", "pipe", "pipe"], env });
    this.process.stdout!.on("data", (bytes: Buffer) => {
      this.received.push(bytes);
      this.receivedBytes += bytes.length;
      this.wake();
    });
    this.process.stderr!.on("data", (bytes: Buffer) => (this.said += bytes.toString()));
    // What is written to a process that has ended is told by its exit.
    this.process.stdin!.on("error", () => {});
    this.closed = new Promise((resolve) => {
      this.process.on("close", (code) => {
        this.exit = code ?? -1;
        this.wake();
        resolve();
      });
    });
  }

  /** @returns the floats that a launch wrote; those that the kernel left alone are NaN */
  async launch({ launch, batch, reads, weights, writes, shared }: LaunchRequest): Promise<Float32Array[]> {
    this.send(
      words(0, launch, batch, reads.length),
      ...reads.flatMap(({ value, data }) => [words(value, data.length), bytesOf(data)]),
      words(weights?.offset ?? 0, weights?.data.byteLength ?? 0),
      ...(weights ? [bytesOf(weights.data)] : []),
      words(writes.length),
      ...writes.map(({ value, floats }) => words(value, floats)),
      words(shared.length),
      ...shared.map(({ value, before, bytes, byte }) => words(value, before, bytes, byte)),
    );
    const results: Float32Array[] = [];
    for (const { floats } of writes) results.push(floatsOf(await this.receive(4 * floats)));
    return results;
  }

  /** The whole network by its C API: create, run, destroy. */
  async run(
    plan: Plan,
    inputs: ReadonlyMap<string, Tensor>,
    weightsBin: Uint8Array,
    batch: number,
  ): Promise<Map<string, Tensor>> {
    const boundary = [...plan.inputs, ...plan.outputs];
    this.send(
      words(1, batch, weightsBin.length),
      weightsBin,
      words(boundary.length),
      ...boundary.map(({ value }, at) => words(value.floatsPerImage * batch, at < plan.inputs.length ? 1 : 0)),
      ...plan.inputs.map(({ name, value }) => bytesOf(toStored({ ...value, layout: "dense" }, inputs.get(name)!))),
    );
    const status = (await this.receive(4)).readUInt32LE();
    const text = (await this.receive((await this.receive(4)).readUInt32LE())).toString();
    const results = new Map<string, Tensor>();
    for (const { name, value } of plan.outputs) {
      const floats = floatsOf(await this.receive(4 * value.floatsPerImage * batch));
      results.set(name, fromStored({ ...value, layout: "dense" }, floats, batch));
    }
    if (status !== 0) throw new KernelFault(`the C API answers: ${text}`);
    return results;
  }

  async close(): Promise<void> {
    this.process.stdin!.end();
    await this.closed;
  }

  private send(...parts: readonly Uint8Array[]): void {
    for (const part of parts) this.process.stdin!.write(part);
  }

  private async receive(bytes: number): Promise<Buffer> {
    while (this.receivedBytes < bytes) {
      if (this.exit !== undefined) throw new KernelFault(faultOf(this.said, this.exit));
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    const all = Buffer.concat(this.received);
    this.received = [all.subarray(bytes)];
    this.receivedBytes = all.length - bytes;
    return all.subarray(0, bytes);
  }
}

async function compile(folder: string, { prefix, sanitized }: EmulatedSource): Promise<void> {
  const by = compilerFor(sanitized);
  if (by === undefined) throw new DeviceAbsent(`there is no compiler that looks for ${sanitized}`);
  const common = ["-std=c++17", "-O2", "-Wall", "-Wextra"];
  // The scheduler of the fibers is no part of what is looked at for races.
  const alone = sanitized === "threads";
  if (alone) await run(by, folder, [...common, "-DEMULATION_TSAN", "-c", "runtime.cpp", "-o", "runtime.o"]);
  const net = ["-I", ".", `-DNET="net.cu"`, `-DPREFIX=${prefix}`, "verify.cpp", alone ? "runtime.o" : "runtime.cpp"];
  // Optimised, what is not known becomes what suits, and the sanitizer does not see it any more.
  const optimised = sanitized === "memory" ? ["-O0"] : [];
  await run(by, folder, [...common, ...optimised, ...flags[sanitized ?? "plain"], ...net, "-o", "verify"]);
}

async function run(compiler: string, folder: string, options: readonly string[]): Promise<void> {
  const child = spawn(compiler, options, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => (said += bytes.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  if (code === 0) return;
  const first = said.split("\n").find((line) => line.includes("error:"));
  throw new DoesNotCompile(`net.cu does not compile: ${first ?? said.slice(0, 500)}`);
}

/** The first lines of what the process said before it ended. */
function faultOf(said: string, exit: number): string {
  const line = said.split("\n").find((each) => each.trim() !== "" && !/^=+$/.test(each));
  const where = said.split("\n").find((each) => / #\d+ .*net\.cu:\d+/.test(each));
  const place = where === undefined ? "" : `, at ${/net\.cu:\d+/.exec(where)![0]}`;
  return line === undefined ? `the emulation ended with ${exit}` : `${line.trim()}${place}`;
}

function words(...values: readonly number[]): Uint8Array {
  return bytesOf(Uint32Array.from(values));
}

function bytesOf(data: Float32Array | Uint32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function floatsOf(bytes: Buffer): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** Runs a plan's launches one at a time, and the whole network, for verification. */
export function emulationRunner(
  emulation: CudaEmulation,
  plan: Plan,
  parameters: ReadonlyMap<string, Tensor>,
  weightsBin: Uint8Array,
): Runner {
  const sections = weightSections(plan, parameters);
  const numbers = new Map(plan.values.map((value, index) => [value, index]));
  return {
    faults: () => [],
    async run(launch, reads, batch) {
      const section = sections.get(launch);
      const written = await emulation.launch({
        launch: plan.launches.indexOf(launch),
        batch,
        reads: launch.reads.map((value) => ({
          value: numbers.get(value)!,
          data: toStored(value, reads.get(value.name)!),
        })),
        weights: section && { offset: weightOffset(plan, launch), data: section },
        writes: launch.writes.map((value) => ({ value: numbers.get(value)!, floats: value.floatsPerImage * batch })),
        shared: sharedOf(plan.launches, launch, batch, plan.values.length),
      });
      return new Map(launch.writes.map((value, at) => [value.name, fromStored(value, written[at]!, batch)]));
    },
    network: (inputs, batch) => emulation.run(plan, inputs, weightsBin, batch),
  };
}
