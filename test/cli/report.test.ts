import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repository, sec } from "./sec.ts";

const digits = join(repository, "examples/digits.se");

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
    expect((await sec(["report", digits, "--kernels"])).out).toContain(
      "\nlayer1.0.se (standard)\n  squeeze  partial sums in the epilogue of layer1.0.conv2\n",
    );
    expect((await sec(["report", digits, "--memory"])).out).toMatch(
      /\nbuffer +one image +values, in turn\n +0 +32\.8 kB /,
    );
  });

  test("of a target that is not there yet", async () => {
    expect(await sec(["report", digits, "--target", "cuda"])).toMatchObject({
      exit: 2,
      err: expect.stringContaining("error[SE0901]"),
    });
  });
});
