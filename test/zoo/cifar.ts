import type { ZooNetwork } from "./zoo.ts";

const small = { ratio: "4", resolution: "16" };

export const networks: readonly ZooNetwork[] = [
  {
    title: "SE-ResNet-110 for CIFAR",
    entry: "examples/se-resnet110-cifar.se",
    counts: [
      { label: "CIFAR ResNet-110 pre-act", set: { se: "none" } },
      { label: "CIFAR SE-ResNet-110 pre-act", set: {} },
      { label: "CIFAR SE-ResNet-110 post-act", set: { preact: "false" } },
    ],
    tiny: [
      { fixture: "se-resnet110-cifar", set: { ...small, width: "0.5", blocks: "2,2,2" } },
      { fixture: "se-resnet110-cifar-postact", set: { ...small, preact: "false", width: "0.5", blocks: "2,2,2" } },
    ],
  },
  {
    title: "SE-ResNet-164 for CIFAR",
    entry: "examples/se-resnet164-cifar.se",
    counts: [
      { label: "CIFAR ResNet-164 pre-act", set: { se: "none" } },
      { label: "CIFAR SE-ResNet-164 pre-act", set: {} },
    ],
    tiny: [{ fixture: "se-resnet164-cifar", set: { ...small, width: "0.25", blocks: "2,2,2" } }],
  },
  {
    title: "SE-Shake-Shake 26 2x96d",
    entry: "examples/se-shake-shake.se",
    counts: [
      { label: "Shake-Shake 26 2x96d", set: { se: "none" } },
      { label: "SE-Shake-Shake 26 2x96d (SE on sum)", set: {} },
      { label: "SE-Shake-Shake 26 2x96d (SE per branch)", set: { each: "true" } },
    ],
    tiny: [
      { fixture: "se-shake-shake", set: { ...small, width: "8", blocks: "2,2,2" } },
      {
        fixture: "se-shake-shake-each",
        set: { ...small, each: "true", width: "8", blocks: "1,1,1", resolution: "17" },
      },
    ],
  },
  {
    title: "SE-WRN-16-8",
    entry: "examples/se-wrn-16-8.se",
    counts: [
      { label: "WRN-16-8", set: { se: "none" } },
      { label: "SE-WRN-16-8", set: {} },
    ],
    tiny: [{ fixture: "se-wrn", set: { ...small, widen: "1", blocks: "1,1,1" } }],
  },
];
