import type { NameMap } from "./map.ts";

/** ECA and CBAM. Ours: timm's names of ECA, the authors' of CBAM. */
export const attentionMaps: readonly NameMap[] = [
  {
    id: "ecanet",
    title: "ECANet's names of ECA-ResNet",
    signs: [/\.eca\.conv\.weight$/],
    rules: [[/\.se\.conv\./, ".eca.conv."]],
  },
];
