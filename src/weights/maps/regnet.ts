import type { NameMap } from "./map.ts";

/** Ours: timm's names. */
export const regnetMaps: readonly NameMap[] = [
  {
    id: "torchvision-regnet",
    title: "torchvision's names of RegNetY",
    signs: [/^trunk_output\.block\d\./],
    rules: [
      {
        unit: /^s(\d+)\.b(\d+)\./,
        layers: ({ at: [stage, block] }) => {
          const to = `trunk_output.block${stage}.block${stage}-${Number(block) - 1}.`;
          return {
            "conv1.conv": `${to}f.a.0`,
            "conv1.bn": `${to}f.a.1`,
            "conv2.conv": `${to}f.b.0`,
            "conv2.bn": `${to}f.b.1`,
            se: `${to}f.se`,
            "conv3.conv": `${to}f.c.0`,
            "conv3.bn": `${to}f.c.1`,
            "downsample.conv": `${to}proj.0`,
            "downsample.bn": `${to}proj.1`,
          };
        },
      },
      [/^stem\.conv\./, "stem.0."],
      [/^stem\.bn\./, "stem.1."],
      [/^head\.fc\./, "fc."],
    ],
  },
];
