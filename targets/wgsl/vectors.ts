import { Bug } from "../../src/diagnostics.ts";
import { copyGroups, copyThreads, mapExtent } from "../../src/plan/kernels/geometry.ts";
import type { Launch } from "../../src/plan/plan.ts";
import { render } from "../render.ts";
import { Module } from "./emit.ts";
import { lowest } from "./literal.ts";
import { exportDense, importDense, softmax } from "./templates.generated.ts";

/** Kernels that are not fused with anything: softmax, and what takes values over the boundary. */

export function softmaxKernel(launch: Launch, name: string, banner: string): string {
  const { channels, vectors } = mapExtent(onlyRead(launch).type);
  const threads = vectors > 64 ? 256 : 64;
  const module = new Module(launch);
  return render(
    softmax,
    { name, threads, classes: channels, classes4: vectors, lowest },
    { banner, bindings: module.bindings() },
  );
}

/** Dense NCHW -> map. */
export function importKernel(launch: Launch, name: string, banner: string): string {
  const { channels, pixels, vectors } = mapExtent(onlyRead(launch).type);
  return render(
    importDense,
    { name, threads: copyThreads, pixels, channels, out4: vectors, stride: copyThreads * copyGroups(pixels * vectors) },
    { banner, bindings: new Module(launch).bindings() },
  );
}

/** Map -> dense NCHW, or -> a vector in that order (flatten). */
export function exportKernel(launch: Launch, name: string, banner: string): string {
  const { channels, pixels, vectors } = mapExtent(onlyRead(launch).type);
  const length = launch.writes[0]!.floatsPerImage;
  return render(
    exportDense,
    {
      name,
      threads: copyThreads,
      pixels,
      channels,
      padded: 4 * vectors,
      length,
      stride: copyThreads * copyGroups(length),
    },
    { banner, bindings: new Module(launch).bindings() },
  );
}

function onlyRead(launch: Launch) {
  const [value] = launch.reads;
  if (launch.reads.length !== 1 || !value || launch.writes.length !== 1)
    throw new Bug(`${launch.name} must copy one value to one value`);
  return value;
}
