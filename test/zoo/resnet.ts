import type { ZooNetwork } from "./zoo.ts";

const v1 = { variant: "v1" };
const small = { width: "0.0625", classes: "10", resolution: "32", ratio: "4" };

export const networks: readonly ZooNetwork[] = [
  {
    title: "SE-ResNet-18",
    entry: "examples/se-resnet18.se",
    counts: [],
    tiny: [{ fixture: "se-resnet18", set: { ...small, width: "0.125", blocks: "1,1,1,1" } }],
  },
  { title: "SE-ResNet-34", entry: "examples/se-resnet34.se", counts: [], tiny: [] },
  {
    title: "SE-ResNet-50",
    entry: "examples/se-resnet50.se",
    counts: [
      { label: "ResNet-50 v1", set: { ...v1, se: "none" } },
      { label: "SE-ResNet-50 (bias)", set: v1 },
      { label: "SE-ResNet-50 (no bias)", set: { ...v1, bias: "false" } },
      { label: "ResNet-50 v1.5", set: { se: "none" } },
      { label: "SE-ResNet-50 v1.5 (timm)", set: { rounding: "8" } },
      { label: "ratio r=2 (no bias)", set: { ...v1, ratio: "2", bias: "false" } },
      { label: "ratio r=2 (bias)", set: { ...v1, ratio: "2" } },
      { label: "ratio r=4 (no bias)", set: { ...v1, ratio: "4", bias: "false" } },
      { label: "ratio r=4 (bias)", set: { ...v1, ratio: "4" } },
      { label: "ratio r=8 (no bias)", set: { ...v1, ratio: "8", bias: "false" } },
      { label: "ratio r=8 (bias)", set: { ...v1, ratio: "8" } },
      { label: "ratio r=32 (no bias)", set: { ...v1, ratio: "32", bias: "false" } },
      { label: "ratio r=32 (bias)", set: { ...v1, ratio: "32" } },
      { label: "SE stage 2 only (no bias)", set: { ...v1, stages: "2", bias: "false" } },
      { label: "SE stage 3 only (no bias)", set: { ...v1, stages: "3", bias: "false" } },
      { label: "SE stage 4 only (no bias)", set: { ...v1, stages: "4", bias: "false" } },
      { label: "SE stages 2-4 (no stage 5, no bias)", set: { ...v1, stages: "2,3,4", bias: "false" } },
      { label: "SE_3x3 (no bias)", set: { ...v1, se: "3x3", bias: "false" } },
      { label: "SE_3x3 (bias)", set: { ...v1, se: "conv3x3" } },
      { label: "SE-PRE (no bias)", set: { ...v1, se: "pre", bias: "false" } },
      { label: "SE-POST (no bias)", set: { ...v1, se: "post", bias: "false" } },
      { label: "SE-Identity (no bias, after proj.)", set: { ...v1, se: "identity", bias: "false" } },
      { label: "NoSqueeze (no bias)", set: { ...v1, squeeze: "none", bias: "false" } },
    ],
    tiny: [
      { fixture: "resnet50-v1", set: { ...small, ...v1, se: "none", blocks: "1,2,1,1" } },
      { fixture: "se-resnet50-v1", set: { ...small, ...v1, blocks: "2,1,1,1" } },
      { fixture: "se-resnet50-timm", set: { ...small, rounding: "8", blocks: "1,1,1,1", resolution: "33" } },
    ],
  },
  {
    title: "SE-ResNet-101",
    entry: "examples/se-resnet101.se",
    counts: [
      { label: "ResNet-101 v1", set: { ...v1, se: "none" } },
      { label: "SE-ResNet-101", set: v1 },
    ],
    tiny: [],
  },
  {
    title: "SE-ResNet-152",
    entry: "examples/se-resnet152.se",
    counts: [
      { label: "ResNet-152 v1", set: { ...v1, se: "none" } },
      { label: "SE-ResNet-152", set: v1 },
    ],
    tiny: [],
  },
  {
    title: "SE-ResNet-152 for Places365",
    entry: "examples/se-resnet152-places365.se",
    counts: [{ label: "SE-ResNet-152 Places365 (365 cl.)", set: v1 }],
    tiny: [{ fixture: "places365", set: { ...v1, width: "0.0625", resolution: "32", ratio: "4", blocks: "1,1,1,1" } }],
  },
];
