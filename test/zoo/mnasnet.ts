import { timm } from "./names.ts";
import type { ZooNetwork } from "./zoo.ts";

export const networks: readonly ZooNetwork[] = [
  {
    title: "MnasNet-A1",
    entry: "examples/mnasnet-a1.se",
    counts: [{ label: "MnasNet-A1 (timm)", set: {} }],
    tiny: [
      {
        fixture: "mnasnet-a1",
        set: { width: "0.125", head: "32", classes: "10", resolution: "64" },
        keyOf: timm,
      },
    ],
  },
];
