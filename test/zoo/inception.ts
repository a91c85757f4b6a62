import type { ZooNetwork } from "./zoo.ts";

const small = { classes: "10", ratio: "4", width: "0.0625" };

/** Ours have a prefix with a dot, and no name begins with a number. */
const cadene = (parameter: string): string => parameter.replace(/^(inception_..)\.(conv_)?/, "$1_");

/** The reference has the SE blocks of the mixed modules beside them. */
const beside = (parameter: string): string => parameter.replace(/^mixed_(..)\.se\./, "se_$1.");

export const networks: readonly ZooNetwork[] = [
  {
    title: "SE-BN-Inception",
    entry: "examples/se-bn-inception.se",
    counts: [
      { label: "BN-Inception", set: { se: "none" } },
      { label: "SE-BN-Inception", set: {} },
    ],
    tiny: [
      { fixture: "se-bn-inception", set: { ...small, resolution: "64" }, keyOf: cadene },
      {
        fixture: "bn-inception-cadene",
        set: { se: "none", conv_bias: "true", classes: "10", width: "0.03125", resolution: "33" },
        keyOf: cadene,
      },
    ],
  },
  {
    title: "SE-Inception-ResNet-v2",
    entry: "examples/se-inception-resnet-v2.se",
    counts: [
      { label: "Inception-ResNet-v2 (slim 10-20-10)", set: { se: "none" } },
      { label: "SE-Inception-ResNet-v2 (slim)", set: {} },
      { label: "SE-Inception-ResNet-v2 (slim, blocks only)", set: { mixed: "false" } },
      { label: "Inception-ResNet-v2 (paper 5-10-5)", set: { se: "none", edition: "paper" } },
      { label: "SE-Inception-ResNet-v2 (paper 5-10-5)", set: { edition: "paper" } },
    ],
    tiny: [
      {
        fixture: "se-inception-resnet-v2",
        set: { ...small, blocks: "1,2,2", resolution: "75" },
        keyOf: beside,
      },
      {
        fixture: "se-inception-resnet-v2-paper",
        set: { ...small, width: "0.03125", edition: "paper", blocks: "1,1,1", resolution: "75" },
        keyOf: beside,
      },
      {
        fixture: "se-inception-resnet-v2-blocks",
        set: { ...small, width: "0.03125", mixed: "false", blocks: "1,1,1", resolution: "75" },
      },
    ],
  },
];
