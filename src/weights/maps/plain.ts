import type { NameMap, Rule } from "./map.ts";

/** No name of ours begins with a number: `inception_3a.conv_1x1` is `inception_3a_1x1` there. */
const moduleOfInception: Rule = [/^(inception_..)\.(conv_)?/, "$1_"];

/** Ours: torchvision's names of VGG; Cadene's of BN-Inception, with a dot behind the module; timm's of Inception-ResNet-v2. */
export const plainMaps: readonly NameMap[] = [
  {
    id: "timm-vgg",
    title: "timm's names of VGG",
    signs: [/^features\.0\./, /^pre_logits\.fc1\./],
    rules: [
      [/^classifier\.0\./, "pre_logits.fc1."],
      [/^classifier\.3\./, "pre_logits.fc2."],
      [/^classifier\.6\./, "head.fc."],
    ],
  },
  {
    id: "cadene-bninception",
    title: "Cadene's names of BN-Inception",
    signs: [/^inception_3a_1x1\./, /^last_linear\./],
    rules: [moduleOfInception],
  },
  {
    id: "cadene-bninception-old",
    title: "Cadene's older names of BN-Inception",
    signs: [/^inception_3a_1x1\./, /^fc\./],
    rules: [[/^last_linear\./, "fc."], moduleOfInception],
  },
  {
    id: "cadene-inceptionresnetv2",
    title: "Cadene's names of Inception-ResNet-v2",
    signs: [/^mixed_5b\./, /^last_linear\./],
    rules: [[/^classif\./, "last_linear."]],
  },
];
