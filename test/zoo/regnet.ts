import type { ZooNetwork } from "./zoo.ts";

export const networks: readonly ZooNetwork[] = [
  {
    title: "RegNetY",
    entry: "examples/regnety.se",
    counts: [
      { label: "RegNetY-400MF (tv)", set: {} },
      { label: "RegNetY-800MF (tv)", set: { size: "mf800_torchvision" } },
      { label: "RegNetY-1.6GF (tv)", set: { size: "gf1_6" } },
      { label: "RegNetY-3.2GF (tv)", set: { size: "gf3_2" } },
      { label: "RegNetY-8GF (tv)", set: { size: "gf8_torchvision" } },
      { label: "RegNetY-16GF (tv)", set: { size: "gf16" } },
      { label: "RegNetY-32GF (tv)", set: { size: "gf32" } },
    ],
    others: ["mf200", "mf600", "mf800", "gf4", "gf6_4", "gf8", "gf12"].map((size) => ({ size })),
    tiny: [
      {
        fixture: "regnety",
        set: { rows: "(mf400, [1, 1, 2, 2], [16, 24, 40, 64], 8)", classes: "10", resolution: "64" },
        keyOf: torchvision,
      },
    ],
  },
];

function torchvision(parameter: string): string {
  return parameter
    .replace(/^s(\d)\.b(\d+)\./, (_, stage: string, unit: string) => {
      return `trunk_output.block${stage}.block${stage}-${Number(unit) - 1}.f.`;
    })
    .replace(/\.conv([123])\./, (_, layer: string) => `.${"abc"[Number(layer) - 1]}.`)
    .replace("f.downsample.", "proj.")
    .replace(/\.conv\./, ".0.")
    .replace(/\.bn\./, ".1.")
    .replace("head.fc.", "fc.");
}
