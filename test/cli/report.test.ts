import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repository, sec } from "./sec.ts";

const digits = join(repository, "examples/digits.se");

interface Traffic {
  readonly maps: number;
  readonly vectors: number;
  readonly parts: number;
}

interface Document {
  readonly params: number;
  readonly buffers: number;
  readonly macs: number;
  readonly se: { readonly params: number; readonly macs: number };
  readonly layers: readonly {
    name: string;
    op: string;
    shape: unknown[];
    params: number;
    buffers: number;
    macs: number;
    isSe: boolean;
  }[];
  readonly stages: readonly {
    stage: number | null;
    name: string;
    params: number;
    buffers: number;
    macs: number;
    se: { params: number; macs: number };
    kernels: number;
    traffic: Traffic;
    weightBytes: number;
  }[];
  readonly traffic: Traffic;
  readonly weightBytes: number;
  readonly kernels: number;
  readonly launches: readonly unknown[];
  readonly peakActivationBytes: number;
  readonly buffersOfActivations: readonly { bytes: number }[];
}

async function report(...flags: string[]): Promise<Document> {
  const { exit, out, err } = await sec(["report", digits, "--json", ...flags]);
  expect({ exit, err }).toEqual({ exit: 0, err: "" });
  return JSON.parse(out) as Document;
}

describe("report --json", () => {
  test("has the fields that are promised", async () => {
    const document = await report();
    expect(document).toMatchObject({ schemaVersion: 1, network: "Digits", target: "wgsl", params: 78_522 });
    for (const layer of document.layers) {
      expect(Object.keys(layer)).toEqual(expect.arrayContaining(["name", "op", "shape", "params", "macs"]));
    }
    expect(document.kernels).toBe(document.launches.length);
  });

  test.each(["none", "standard", "pre", "post", "identity", "3x3"])("the layers of %s sum up", async (se) => {
    const {
      params,
      buffers,
      macs,
      se: part,
      layers,
      peakActivationBytes,
      buffersOfActivations,
    } = await report("--set", `se=${se}`);
    const sum = (pick: (layer: Document["layers"][number]) => number) =>
      layers.reduce((total, layer) => total + pick(layer), 0);
    expect(sum((layer) => layer.params)).toBe(params);
    expect(sum((layer) => layer.buffers)).toBe(buffers);
    expect(sum((layer) => layer.macs)).toBe(macs);
    expect(sum((layer) => (layer.isSe ? layer.params : 0))).toBe(part.params);
    expect(part.params > 0).toBe(se !== "none");
    expect(buffersOfActivations.reduce((total, { bytes }) => total + bytes, 0)).toBe(peakActivationBytes);
  });

  test.each(["standard", "pre", "post", "identity", "3x3"])("so do the stages of %s", async (se) => {
    const all = await report("--set", `se=${se}`, "--set", "stages=3,4");
    expect(all.stages.map(({ stage, name }) => [stage, name])).toEqual([
      [null, "before"],
      [2, "layer1"],
      [3, "layer2"],
      [4, "layer3"],
      [null, "after"],
    ]);
    const sum = (pick: (row: Document["stages"][number]) => number) =>
      all.stages.reduce((total, row) => total + pick(row), 0);
    for (const key of ["params", "buffers", "macs", "kernels"] as const) expect(sum((row) => row[key])).toBe(all[key]);
    for (const key of ["params", "macs"] as const) expect(sum((row) => row.se[key])).toBe(all.se[key]);
    for (const key of ["maps", "vectors", "parts"] as const) {
      expect(sum((row) => row.traffic[key])).toBe(all.traffic[key]);
    }
    // Sections of weights begin at multiples of 256 bytes.
    expect(sum((row) => row.weightBytes)).toBeLessThanOrEqual(all.weightBytes);
    expect(all.stages.map((row) => row.se.params > 0)).toEqual([false, false, true, true, false]);
    const [, second] = all.stages;
    const inside = all.layers.filter(({ name }) => name.startsWith("layer1."));
    expect(second!.params).toBe(inside.reduce((total, { params }) => total + params, 0));
  });

  test("says for every SE block what was fused", async () => {
    expect(await report()).toMatchObject({
      fusion: expect.arrayContaining([
        {
          name: "layer1.0.se",
          point: "standard",
          squeeze: expect.stringContaining("layer1.0.conv2"),
          gate: expect.stringContaining("one launch, layer1.0.se"),
          scale: "in the epilogue of layer1.0.conv3",
          launches: ["layer1.0.se"],
        },
      ]),
    });
  });
});

describe("report in words", () => {
  test("layers and sums; kernels and memory when asked", async () => {
    const { out } = await sec(["report", digits]);
    expect(out).toMatch(/^layer +op +shape +params +buffers +macs\nconv1 +conv2d +N x 16 x 16 x 16 +144 +36,864\n/);
    expect(out).toContain("\nparameters                    78,522\n");
    expect(out).not.toContain("layer1.0.se (standard)");
    expect(out).toMatch(/\nstage +params .*\n +before +176 .*\n +2 +layer1 +/);
    expect((await sec(["report", digits, "--kernels"])).out).toContain(
      "\nlayer1.0.se (standard)\n  squeeze  partial sums in the epilogue of layer1.0.conv2\n",
    );
    expect((await sec(["report", digits, "--memory"])).out).toMatch(
      /\nbuffer +one image +values, in turn\n +0 +32\.8 kB /,
    );
  });

  test("of a target without kernels", async () => {
    expect(await sec(["report", digits, "--target", "pytorch"])).toMatchObject({
      exit: 2,
      err: expect.stringContaining("error[SE0901]"),
    });
  });
});

test("a network without stages has no table of them", async () => {
  const net = "se 1\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  a: 2 of conv 8, 3x3\n  output y\n}\n";
  const io = { stdin: () => Promise.resolve(new TextEncoder().encode(net)) };
  expect((await sec(["report", "-"], io)).out).not.toContain("stage");
  expect(JSON.parse((await sec(["report", "-", "--json"], io)).out)).toMatchObject({ ok: true, stages: [] });
});
