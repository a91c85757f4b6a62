import type { ZooNetwork } from "./zoo.ts";

const v1 = { variant: "v1" };
const small = { width: "0.0625", classes: "10", resolution: "32", ratio: "4" };

export const networks: readonly ZooNetwork[] = [
  {
    title: "SE-ResNeXt-50 32x4d",
    entry: "examples/se-resnext50.se",
    counts: [
      { label: "ResNeXt-50 32x4d", set: { ...v1, se: "none" } },
      { label: "SE-ResNeXt-50 32x4d", set: v1 },
    ],
    tiny: [{ fixture: "se-resnext50-v1", set: { ...small, ...v1, groups: "4", base_width: "32", blocks: "2,1,1,1" } }],
  },
  {
    title: "SE-ResNeXt-101 32x4d",
    entry: "examples/se-resnext101.se",
    counts: [
      { label: "ResNeXt-101 32x4d", set: { ...v1, se: "none" } },
      { label: "SE-ResNeXt-101 32x4d", set: v1 },
    ],
    tiny: [
      { fixture: "se-resnext101-pre", set: { ...small, se: "pre", groups: "2", base_width: "48", blocks: "1,1,2,1" } },
    ],
  },
  {
    title: "SENet-154",
    entry: "examples/senet154.se",
    counts: [{ label: "SENet-154", set: v1 }],
    tiny: [
      { fixture: "senet154-v1", set: { ...small, ...v1, width: "0.03125", groups: "4", blocks: "1,2,1,1" } },
      {
        fixture: "senet154-timm-identity",
        set: {
          ...small,
          se: "identity",
          rounding: "8",
          width: "0.03125",
          groups: "2",
          blocks: "1,1,1,1",
          resolution: "33",
        },
      },
    ],
  },
];
