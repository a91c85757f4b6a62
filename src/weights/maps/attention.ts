import type { NameMap } from "./map.ts";

/** ECA and CBAM. Ours: timm's names. */
export const attentionMaps: readonly NameMap[] = [
  {
    id: "ecanet",
    title: "ECANet's names of ECA-ResNet",
    signs: [/\.eca\.conv\.weight$/],
    rules: [[/\.se\.conv\./, ".eca.conv."]],
  },
  {
    id: "cbam",
    title: "the authors' names of CBAM-ResNet",
    signs: [/\.cbam\.ChannelGate\.mlp\.1\./],
    rules: [
      [/\.se\.channel\.fc1\./, ".cbam.ChannelGate.mlp.1."],
      [/\.se\.channel\.fc2\./, ".cbam.ChannelGate.mlp.3."],
      [/\.se\.spatial\.conv\.conv\./, ".cbam.SpatialGate.spatial.conv."],
      [/\.se\.spatial\.conv\.bn\./, ".cbam.SpatialGate.spatial.bn."],
    ],
  },
];
