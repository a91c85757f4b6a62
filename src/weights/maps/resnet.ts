import type { Graph } from "../../ir/graph.ts";
import type { NameMap, Rule } from "./map.ts";

/** Ours: torchvision's names, and timm's for the SE layers. */
const cadeneRules: readonly Rule[] = [
  [/^(conv1|bn1)\./, "layer0.$1."],
  [/\.se\./, ".se_module."],
  [/^fc\./, "last_linear."],
];

/** SENet-154's stem has three convolutions, which timm numbers in a sequence. */
const cadene154Rules: readonly Rule[] = [
  [/^conv1\.0\./, "layer0.conv1."],
  [/^conv1\.1\./, "layer0.bn1."],
  [/^conv1\.3\./, "layer0.conv2."],
  [/^conv1\.4\./, "layer0.bn2."],
  [/^conv1\.6\./, "layer0.conv3."],
  [/^bn1\./, "layer0.bn3."],
  ...cadeneRules,
];

/** The release of Hu et al. pools without padding in ceil mode, and its ResNets have their stride on the first 1x1. */
function notV1(network: Graph): string | undefined {
  const padded = network.nodes.find((node) => node.op === "maxPool" && node.attrs.rounding !== "ceil");
  return (
    padded &&
    `checkpoints with these names pool in ceil mode without padding, and SE-ResNets among them have the stride on the first 1x1; ` +
      `${padded.name} pools otherwise: the names fit, the function is another. Compile with --set variant=v1`
  );
}

export const resnetMaps: readonly NameMap[] = [
  {
    id: "cadene",
    title: "Cadene's names (timm's legacy_*) of SE-ResNet and SE-ResNeXt",
    signs: [/^layer0\.conv1\./, /\.se_module\./],
    rules: cadeneRules,
    differs: notV1,
  },
  {
    id: "cadene-senet154",
    title: "Cadene's names (timm's legacy_senet154) of SENet-154",
    signs: [/^layer0\.conv1\./, /^layer0\.conv3\./, /\.se_module\./],
    rules: cadene154Rules,
    differs: notV1,
  },
  {
    id: "moskomule",
    title: "moskomule's names of SE-ResNet",
    signs: [/^layer\d\.\d+\.se\.fc\.[02]\./],
    rules: [
      [/\.se\.fc1\./, ".se.fc.0."],
      [/\.se\.fc2\./, ".se.fc.2."],
    ],
  },
  {
    id: "pytorchcv",
    title: "pytorchcv's names of SE-ResNet and SE-ResNeXt",
    signs: [/^features\.stage\d\.unit\d+\.body\./],
    rules: [
      [/^conv1\./, "features.init_block.conv.conv."],
      [/^bn1\./, "features.init_block.conv.bn."],
      [/^fc\./, "output."],
      {
        unit: /^layer(\d)\.(\d+)\./,
        layers: ({ at: [stage, unit] }) => {
          const to = `features.stage${stage}.unit${Number(unit) + 1}.`;
          return {
            conv1: `${to}body.conv1.conv`,
            bn1: `${to}body.conv1.bn`,
            conv2: `${to}body.conv2.conv`,
            bn2: `${to}body.conv2.bn`,
            conv3: `${to}body.conv3.conv`,
            bn3: `${to}body.conv3.bn`,
            "se.fc1": `${to}se.conv1`,
            "se.fc2": `${to}se.conv2`,
            "downsample.0": `${to}identity_conv.conv`,
            "downsample.1": `${to}identity_conv.bn`,
          };
        },
      },
    ],
  },
];
