import type { ZooNetwork } from "./zoo.ts";

const small = { ratio: "4", width: "0.0625", blocks: "2,1,1,1", resolution: "64,64" };

export const networks: readonly ZooNetwork[] = [
  {
    title: "SE-ResNet-50 and 101 as backbones",
    entry: "examples/se-resnet-backbone.se",
    counts: [],
    others: [{}, { depth: "101" }],
    tiny: [{ fixture: "se-resnet-backbone", set: small }],
  },
  {
    title: "The backbones with a feature pyramid",
    entry: "examples/se-resnet-fpn.se",
    counts: [],
    others: [{}, { depth: "101" }],
    tiny: [{ fixture: "se-resnet-fpn", set: { ...small, channels: "12" } }],
  },
];
