import type { ZooNetwork } from "./zoo.ts";

const small = { width: "0.03125", features: "16", classes: "10" };

export const networks: readonly ZooNetwork[] = [
  {
    title: "SE-VGG-16 with BatchNorm",
    entry: "examples/se-vgg16.se",
    counts: [
      { label: "VGG-16-BN", set: { se: "none" } },
      { label: "SE-VGG-16-BN", set: {} },
    ],
    tiny: [
      { fixture: "vgg16", set: { ...small, se: "none", resolution: "64" }, keyOf },
      { fixture: "se-vgg16", set: { ...small, ratio: "2", resolution: "32" }, keyOf },
    ],
  },
];

/** Torchvision numbers every layer, the reference every convolution and pooling. */
function keyOf(parameter: string): string {
  const dense = /^classifier\.(\d)\.(.*)/.exec(parameter);
  if (dense) return `${{ 0: "fc6", 3: "fc7", 6: "fc8" }[dense[1]!]}.${dense[2]}`;
  const [, layer, rest] = /^features\.(\d+)\.(.*)/.exec(parameter)!;
  const first = convolutions.findLast((each) => each <= Number(layer))!;
  const pools = [6, 13, 23, 33].filter((pool) => pool < first).length;
  const unit = convolutions.indexOf(first) + pools;
  return `units.${unit}.${["conv.", "bn.", ""][Number(layer) - first]}${rest}`;
}

/** Where the 13 convolutions stand in `features`. */
const convolutions = [0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40];
