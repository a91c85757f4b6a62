import { timm } from "./names.ts";
import type { ZooNetwork } from "./zoo.ts";

export const networks: readonly ZooNetwork[] = [
  {
    title: "GhostNet",
    entry: "examples/ghostnet.se",
    counts: [{ label: "GhostNet 1.0 (timm)", set: {} }],
    tiny: [
      {
        fixture: "ghostnet",
        set: { width: "0.125", head: "32", classes: "10", resolution: "64" },
        keyOf: timm,
      },
    ],
  },
];
