import type { ZooNetwork } from "./zoo.ts";

const small = { classes: "10", ratio: "4" };

export const networks: readonly ZooNetwork[] = [
  {
    title: "SE-MobileNet 1.0",
    entry: "examples/se-mobilenet.se",
    counts: [
      { label: "MobileNet 1.0", set: { se: "none" } },
      { label: "SE-MobileNet 1.0 (SE after pw)", set: {} },
      { label: "SE-MobileNet 1.0 (SE after dw)", set: { se: "3x3" } },
    ],
    tiny: [
      { fixture: "se-mobilenet", set: { ...small, width: "0.125", resolution: "32" }, keyOf: mobilenet },
      {
        fixture: "se-mobilenet-3x3",
        set: { ...small, se: "3x3", act: "relu6", width: "0.125", resolution: "32" },
        keyOf: mobilenet,
      },
    ],
  },
  {
    title: "SE-ShuffleNet 1x (3 groups)",
    entry: "examples/se-shufflenet.se",
    counts: [
      { label: "ShuffleNet 1x g=3", set: { se: "none" } },
      { label: "SE-ShuffleNet 1x g=3", set: {} },
    ],
    tiny: [
      {
        fixture: "se-shufflenet",
        set: { ...small, width: "0.25", blocks: "2,3,2", resolution: "64" },
        keyOf: shufflenet,
      },
    ],
  },
];

/** timm counts the units of a group, the reference all of them. */
function mobilenet(parameter: string): string {
  return parameter
    .replace("conv_stem.", "conv1.")
    .replace("classifier.", "fc.")
    .replace(/blocks\.(\d)\.(\d)\./, (_, group, unit) => `blocks.${[0, 1, 3, 5, 11][group]! + Number(unit)}.`)
    .replace(/(blocks\.\d+)\.(conv_dw|bn1|conv_pw|bn2)\./, (_, block: string, layer: keyof typeof layers) => {
      return `${block}.${layers[layer]}.`;
    });
}

const layers = { conv_dw: "dw", bn1: "bn_dw", conv_pw: "pw", bn2: "bn_pw" };

function shufflenet(parameter: string): string {
  return parameter.replace(/^stage(\d)\.(\d)\./, (_, stage, unit) => `units.${[0, 2, 5][stage - 2]! + Number(unit)}.`);
}
