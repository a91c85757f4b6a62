import { timm, torchvisionLayer } from "./names.ts";
import type { ZooNetwork } from "./zoo.ts";

const small = { width: "0.125", classes: "10", resolution: "64" };

export const networks: readonly ZooNetwork[] = [
  {
    title: "EfficientNet-B0 to B7",
    entry: "examples/efficientnet.se",
    counts: [0, 1, 2, 3, 4, 5, 6, 7].map((variant) => ({
      label: `EfficientNet-B${variant} (tv)`,
      set: { variant: `b${variant}`, eps: variant < 5 ? "1e-5" : "1e-3" },
    })),
    tiny: [
      { fixture: "efficientnet", set: { ...small, depth: "0.33" }, keyOf: torchvision },
      // TensorFlow's padding and epsilon.
      { fixture: "efficientnet-tf", set: { ...small, depth: "0.33", padding: "same", eps: "1e-3" }, keyOf: timm },
    ],
  },
];

/** torchvision counts the stem as the first stage. */
function torchvision(parameter: string): string {
  return parameter
    .replace(/^blocks\.(\d)\.(\d+)\.(.*)/, (_, stage: string, unit: string, layer: string) => {
      const kind = { expands: stage !== "0", gated: true };
      return `features.${Number(stage) + 1}.${unit}.block.${torchvisionLayer(layer, kind)}`;
    })
    .replace(/^conv_stem\./, "features.0.0.")
    .replace(/^bn1\./, "features.0.1.")
    .replace(/^conv_head\./, "features.8.0.")
    .replace(/^bn2\./, "features.8.1.")
    .replace(/^classifier\./, "classifier.1.");
}
