import { timm } from "./names.ts";
import type { ZooNetwork } from "./zoo.ts";

/** Units with and without SE, stride and projection. */
const rows = `
  [(3x3, 16, 16, false, 1)], [(3x3, 48, 24, false, 2)], [(5x5, 72, 40, true, 2), (5x5, 120, 40, true, 1)],
  [(3x3, 184, 80, false, 1), (5x5, 960, 160, true, 2)]`;

export const networks: readonly ZooNetwork[] = [
  {
    title: "GhostNet",
    entry: "examples/ghostnet.se",
    counts: [{ label: "GhostNet 1.0 (timm)", set: {} }],
    tiny: [
      {
        fixture: "ghostnet",
        set: { rows, width: "0.125", head: "32", classes: "10", resolution: "64" },
        // The convolution behind the last group is the last group.
        keyOf: (parameter) => timm(parameter).replace("blocks.9.", "blocks.4."),
      },
    ],
  },
];
