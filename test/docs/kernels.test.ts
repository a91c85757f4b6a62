import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Launch } from "../../src/plan/plan.ts";
import type { Precision } from "../../src/precision.ts";
import { gridOf, imagesOf } from "../../src/plan/kernels/geometry.ts";
import { trafficOf } from "../../src/plan/traffic.ts";
import { macsOf } from "../../src/report/count.ts";
import { cudaKernels } from "../../targets/cuda/kernels.ts";
import { networkGraph, cudaPlanOf } from "../networks.ts";

const marked = /(?<=^<!-- kernel (\S+) (\S+) (\S+) -->\n)[^]*?(?=^<!-- end -->$)/gm;

/** Of an H100, as docs/kernels.md says; TFLOP/s and TB/s. */
const peaks = { f32: 60, tf32: 400, f16: 800, bf16: 800, memory: 3.0 };
const batch = 32;

test("docs/kernels.md shows the kernels of today", async () => {
  const page = readFileSync("docs/kernels.md", "utf8");
  let shown = 0;
  const now = page.replace(marked, (_, entry: string, precision: Precision, name: string) => {
    const plan = cudaPlanOf(networkGraph(entry), precision);
    const launch = plan.launches.find((each) => each.name === name)!;
    const kernels = cudaKernels(plan, ({ file }) => file);
    const kernel = kernels.find(({ launches }) => launches.includes(plan.launches.indexOf(launch)))!;
    shown++;
    return `\n${factsOf(launch, precision, kernel.threads)}\n\n\`\`\`cuda\n${kernel.text}\n\`\`\`\n\n`;
  });
  expect(shown).toBeGreaterThan(6);
  await expect(now).toMatchFileSnapshot("../../docs/kernels.md");
});

function factsOf(launch: Launch, precision: Precision, threads: number): string {
  const macs = launch.body.nodes.reduce((sum, node) => sum + macsOf(node), 0);
  const { maps, vectors, parts } = trafficOf([launch]);
  const bytes = maps + vectors + parts;
  const weights = launch.weights?.byteLength ?? 0;
  const peak = peaks[launch.kernel === "conv" ? precision : "f32"];
  const arithmetic = (2 * macs * batch) / peak / 1e6;
  const memory = (bytes * batch + weights) / peaks.memory / 1e6;
  const [x, y] = gridOf(launch);
  const images = imagesOf(launch);
  const { split } = launch;
  const slices = split ? `, up to a batch of ${split.apartUpTo} x ${split.slices} slices` : "";
  return [
    `${(macs / 1e6).toFixed(1)} M multiply-adds and ${(bytes / 1e3).toFixed(0)} kB of activations an image, ${(weights / 1e3).toFixed(0)} kB of weights;`,
    `grid ${x} x ${y} x ${images === 1 ? "batch" : `batch / ${images}`}${slices}, ${threads} threads. Floors at batch ${batch}: arithmetic ${arithmetic.toFixed(1)} us, memory ${memory.toFixed(1)} us.`,
  ].join(" ");
}
