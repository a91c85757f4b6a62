import { torchvisionLayer } from "./names.ts";
import type { ZooNetwork } from "./zoo.ts";

const small = { head: "32", classes: "10", eps: "1e-3" };

export const networks: readonly ZooNetwork[] = [
  {
    title: "MobileNetV3-Large",
    entry: "examples/mobilenetv3-large.se",
    counts: [{ label: "MobileNetV3-Large 1.0 (tv)", set: { eps: "1e-3" } }],
    tiny: [
      {
        fixture: "mobilenetv3-large",
        set: { ...small, width: "0.15", resolution: "64" },
        keyOf: torchvision({ units: [1, 2, 3, 4, 2, 3], gated: [2, 4, 5] }),
      },
    ],
  },
  {
    title: "MobileNetV3-Small",
    entry: "examples/mobilenetv3-small.se",
    counts: [{ label: "MobileNetV3-Small 1.0 (tv)", set: { eps: "1e-3" } }],
    tiny: [
      {
        fixture: "mobilenetv3-small",
        set: { ...small, width: "0.25", resolution: "65" },
        keyOf: torchvision({ units: [1, 2, 3, 2, 3], gated: [0, 2, 3, 4] }),
      },
    ],
  },
];

/** Groups: how many units each has, and which have SE blocks. */
interface Groups {
  readonly units: readonly number[];
  readonly gated: readonly number[];
}

/** torchvision counts the units of all groups through. */
function torchvision({ units, gated }: Groups): (parameter: string) => string {
  const before = (group: number) => units.slice(0, group).reduce((sum, count) => sum + count, 1);
  return (parameter) =>
    parameter
      .replace(/^blocks\.(\d)\.(\d)\.(.*)/, (_, group: string, unit: string, layer: string) => {
        const features = `features.${before(Number(group)) + Number(unit)}`;
        if (Number(group) === units.length) return `${features}.${layer.replace("conv.", "0.").replace("bn1.", "1.")}`;
        const kind = { expands: group !== "0", gated: gated.includes(Number(group)) };
        return `${features}.block.${torchvisionLayer(layer, kind)}`;
      })
      .replace(/^conv_stem\./, "features.0.0.")
      .replace(/^bn1\./, "features.0.1.")
      .replace(/^conv_head\./, "classifier.0.")
      .replace(/^classifier\.(?=[wb])/, "classifier.3.");
}
