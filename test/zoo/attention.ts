import type { ZooNetwork } from "./zoo.ts";

const v1 = { variant: "v1" };
const small = { width: "0.0625", classes: "10", resolution: "32" };

/** Ours are timm's names; those of the reference have no part for the half of the gate. */
const flat = (parameter: string): string =>
  parameter
    .replace(".se.channel.", ".se.")
    .replace(".se.spatial.conv.conv.", ".se.spatial.")
    .replace(".se.spatial.conv.bn.", ".se.bn.");

export const networks: readonly ZooNetwork[] = [
  {
    title: "ECA-ResNet-50",
    entry: "examples/eca-resnet50.se",
    counts: [{ label: "ECA-ResNet-50 v1 stride", set: v1 }],
    tiny: [{ fixture: "eca-resnet50", set: { ...small, ...v1, blocks: "2,1,1,1" } }],
  },
  {
    title: "ECA-ResNet-50-D",
    entry: "examples/eca-resnet50d.se",
    counts: [],
    // Odd extents: some means at the edge are of two pixels, or one.
    tiny: [{ fixture: "eca-resnet50d", set: { ...small, blocks: "2,1,1,1", resolution: "33" } }],
  },
  {
    title: "CBAM-ResNet-50",
    entry: "examples/cbam-resnet50.se",
    counts: [{ label: "CBAM-ResNet-50 v1 stride", set: v1 }],
    tiny: [
      { fixture: "cbam-resnet50", set: { ...small, ...v1, ratio: "4", blocks: "1,2,1,1" }, keyOf: flat },
      {
        fixture: "cbam-resnet50-timm",
        set: { ...small, ratio: "4", bias: "false", order: "mean_max", blocks: "1,1,1,1", resolution: "33" },
        keyOf: flat,
      },
    ],
  },
];
