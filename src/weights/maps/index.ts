import { attentionMaps } from "./attention.ts";
import type { NameMap } from "./map.ts";
import { mobileMaps } from "./mobile.ts";
import { plainMaps } from "./plain.ts";
import { regnetMaps } from "./regnet.ts";
import { resnetMaps } from "./resnet.ts";

/** Every layout that is read beside a network's own names, in the order in which they are tried. */
export const nameMaps: readonly NameMap[] = [
  ...resnetMaps,
  ...mobileMaps,
  ...regnetMaps,
  ...plainMaps,
  ...attentionMaps,
];
