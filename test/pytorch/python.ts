import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { placeIn } from "../../src/compile.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { writeSafetensors } from "../../src/weights/safetensors.ts";
import { storeFloat32 } from "../../src/weights/stored.ts";
import { moduleText } from "../../targets/pytorch/module.ts";
import { tensorsOf } from "../networks.ts";

/** $PYTHON, or the system's; undefined if it does not run what it should. */
export function pythonThat(statement: string): string | undefined {
  const candidates = [process.env["PYTHON"], "/usr/bin/python3", "python3"];
  return candidates.find((path) => path !== undefined && spawnSync(path, ["-c", statement]).status === 0);
}

export function moduleOf(graph: Graph): string {
  const load = (path: string) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  };
  return moduleText(graph, placeIn(load));
}

/** A module, the weights that it is given, and what it is run on. */
export interface Job {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly inputs: ReadonlyMap<string, Tensor>;
}

export interface JobResult {
  readonly error?: string;
  /** Names and shapes that only one of state_dict and network has. */
  readonly differing: readonly unknown[];
  readonly loss: number;
  /** Parameters without a gradient. */
  readonly idle: readonly string[];
  readonly finite: boolean;
  /** Whether every BatchNorm's statistics moved. */
  readonly statistics: boolean;
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** The path of its state_dict as a safetensors file, after loading the weights. */
  readonly state: string;
}

/** One process for all: loading PyTorch takes seconds. */
export function runModules(python: string, jobs: ReadonlyMap<string, Job>): Map<string, JobResult> {
  const folder = mkdtempSync(join(tmpdir(), "sec-pytorch-"));
  const file = (tensors: ReadonlyMap<string, Tensor>) =>
    writeSafetensors(new Map([...tensors].map(([name, { shape, data }]) => [name, storeFloat32(shape, data)])));
  const folders = new Map([...jobs.keys()].map((name, index) => [name, join(folder, String(index).padStart(4, "0"))]));
  for (const [name, { graph, weights, inputs }] of jobs) {
    const here = folders.get(name)!;
    mkdirSync(here);
    writeFileSync(join(here, "net.py"), moduleOf(graph));
    writeFileSync(join(here, "weights.safetensors"), file(weights));
    writeFileSync(join(here, "inputs.safetensors"), file(inputs));
  }
  execFileSync(python, ["test/pytorch/run.py", folder], { stdio: ["ignore", "inherit", "inherit"] });
  return new Map(
    [...folders].map(([name, here]) => {
      const result = JSON.parse(readFileSync(join(here, "result.json"), "utf8")) as Omit<
        JobResult,
        "outputs" | "state"
      >;
      const outputs = result.error ? new Map() : tensorsOf(join(here, "outputs.safetensors"));
      return [name, { ...result, outputs, state: join(here, "state.safetensors") }];
    }),
  );
}
