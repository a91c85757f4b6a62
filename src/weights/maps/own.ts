/** Public layouts whose names our networks have themselves, so that no map is needed: known by their keys, as the maps are. */
export const ownLayouts: readonly { readonly title: string; readonly signs: readonly RegExp[] }[] = [
  { title: "torchvision's and timm's names of ResNet and ResNeXt", signs: [/^layer1\.0\.conv1\./, /^fc\./] },
  {
    title: "timm's names of SE-ResNet and SE-ResNeXt",
    signs: [/^layer\d\.\d+\.se\.fc1\./, /^layer1\.0\.conv1\./, /^fc\./],
  },
  {
    title: "timm's names of SENet-154",
    signs: [/^layer\d\.\d+\.se\.fc1\./, /^layer1\.0\.conv1\./, /^conv1\.6\./, /^fc\./],
  },
  { title: "torchvision's names of VGG", signs: [/^features\.0\./, /^classifier\.6\./] },
  { title: "timm's names of MobileNet v1", signs: [/^blocks\.0\.0\.conv_dw\./, /^conv_stem\./] },
  { title: "timm's names of RegNetY", signs: [/^s1\.b1\.conv1\.conv\./, /^s1\.b1\.se\.fc1\./] },
  { title: "timm's names of Inception-ResNet-v2", signs: [/^mixed_5b\./, /^classif\./] },
  { title: "timm's names of ECA-ResNet", signs: [/^layer\d\.\d+\.se\.conv\.weight$/, /^layer1\.0\.conv1\./, /^fc\./] },
];
