import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tensorTiles } from "../../src/plan/kernels/tensorConv.ts";
import type { Node } from "../../src/ir/graph.ts";
import { hostFiles, type HostFiles } from "../../targets/cuda/host.ts";
import { cudaKernels } from "../../targets/cuda/kernels.ts";
import { emulation } from "../../targets/cuda/emulation.generated.ts";
import { folder, repository } from "../cli/sec.ts";
import { Build } from "../graphs.ts";
import { planOf } from "../networks.ts";
import { useCompiler } from "./emulated.ts";

/**
 * What a warp asks for in shared memory at once is in different banks, in every tile of the product on tensor cores: its
 * operands as they are stored, copied by 16 and by 8 bytes and computed on their way, and as they are read; its sums.
 */
useCompiler();

const isFull = process.env["SEC_FULL"] !== undefined;
type Precision = "f16" | "tf32";

/** Channels in and out, which say how operands come to shared memory, and a convolution for each. */
function convolutions(b: Build): ((name: string) => Node)[] {
  const [x, odd] = [b.input("x", 40, 5, 6), b.input("odd", 36, 5, 6)];
  return [
    (name) => b.conv(name, x, 136, { kernel: 3 }),
    (name) => b.conv(name, odd, 132),
    (name) => b.conv(name, b.unary("relu", `${name}.relu`, x), 72),
  ];
}

function textsOf(precision: Precision): HostFiles {
  const b = new Build();
  const all = convolutions(b);
  const made = tensorTiles.flatMap((_, tile) =>
    all.flatMap((make, kind) => (isFull || kind === tile % all.length ? [make(`tile${tile}.${kind}`)] : [])),
  );
  const plan = planOf(b.graph(...made), { precision });
  const launches = plan.launches.map((launch) => {
    const tile = /^tile(\d+)/.exec(launch.name)?.[1];
    return tile === undefined ? launch : { ...launch, tile: tensorTiles[Number(tile)]!, split: undefined };
  });
  const place = () => "test.se";
  const changed = { ...plan, name: "Banks", launches };
  return hostFiles(changed, cudaKernels(changed, place), place);
}

/** What is touched how, by how many bytes a lane, and the most turns of a warp. */
function turnsOf(precision: Precision, change: (netCu: string) => string): Record<string, number> {
  const { netCu, netH } = textsOf(precision);
  const text = change(netCu)
    .replace(/\b(copy_async(?:_kept)?<|load_matrices\(a|load_matrices_transposed\(b)/g, "watched::$1")
    .replace(/\breinterpret_cast<(\w+) \*>\((?=\s*(swizzled|upper))/g, "watched::as<$1>(")
    .replace(/\b__float_as_uint\((?=ws)/g, "watched::word(")
    .replace(/= (memory\[.*\]);$/gm, "= *watched::as<float4>(&$1);");
  const here = folder({
    ...Object.fromEntries(emulation.map(({ path, text }) => [path, text])),
    "net.cu": text,
    "net.h": netH,
  });
  const run = (program: string, ...more: string[]) => spawnSync(program, more, { cwd: here, encoding: "utf8" });
  const source = join(repository, "test/cuda/banks.cpp");
  const options = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-I", "."];
  expect(run("g++", ...options, source, "runtime.cpp", "-o", "banks").stderr).toBe("");
  const lines = text.split("\n");
  const worst: Record<string, number> = {};
  for (const [, line, bytes, turns] of run("./banks").stdout.matchAll(/^(\d+) (\d+) (\d+)$/gm)) {
    const [, how, operand] = /watched::(\w+).*?(xs|ws|upper|memory)/s.exec(
      lines.slice(Number(line) - 1, Number(line) + 2).join("\n"),
    )!;
    const what = `${how!.replace("_kept", "")} ${operand} ${bytes}`;
    worst[what] = Math.max(worst[what] ?? 0, Number(turns));
  }
  return worst;
}

/** Stores and loads of a tile's sums. */
const sums = { "as upper 8": 1, "as memory 16": 1 };
const halves = {
  ...sums,
  ...{ "copy_async xs 16": 1, "copy_async xs 8": 1, "as xs 8": 1, "load_matrices xs 16": 1 },
  ...{ "copy_async ws 16": 1, "copy_async ws 8": 1, "load_matrices_transposed ws 16": 1 },
};
const words = {
  ...sums,
  ...{ "copy_async xs 16": 1, "as xs 16": 1, "load_matrices xs 16": 1 },
  ...{ "copy_async ws 16": 1, "word ws 4": 1 },
};

test("in f16", () => expect(turnsOf("f16", (text) => text)).toEqual(halves));

test.runIf(isFull)("in tf32", () => expect(turnsOf("tf32", (text) => text)).toEqual(words));

test.runIf(isFull)("rows that keep their order would take a warp up to eight turns", () => {
  const plain = (text: string) => text.replace("^ (turn * together)", "^ (turn * 0)");
  expect(turnsOf("f16", plain)).toEqual({
    ...halves,
    ...{ "load_matrices xs 16": 4, "load_matrices_transposed ws 16": 8 },
  });
});
