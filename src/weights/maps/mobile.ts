import { differentEps, type NameMap, type Rule, type Unit } from "./map.ts";

/** Ours: timm's names, with `se.fc1` and `se.fc2` for the SE layers, as everywhere. */
const timmSe: readonly Rule[] = [
  [/\.se\.fc1\./, ".se.conv_reduce."],
  [/\.se\.fc2\./, ".se.conv_expand."],
];

/**
 * An inverted residual as torchvision has it: a sequence of expansion, depthwise convolution, SE and projection, of which
 * the first and the third may be left out. timm calls the projection `conv_pwl`, but `conv_pw` where nothing is expanded.
 */
function sequence(to: string, { has }: Unit): Record<string, string> {
  const depthwise = has("conv_pwl") ? 1 : 0;
  const se = depthwise + 1;
  const projection = has("se.fc1") ? se + 1 : se;
  const [first, second] = ["0", String(depthwise)];
  const expanded = {
    conv_pw: `${to}${first}.0`,
    bn1: `${to}${first}.1`,
    conv_dw: `${to}${second}.0`,
    bn2: `${to}${second}.1`,
  };
  const plain = { conv_dw: `${to}0.0`, bn1: `${to}0.1`, conv_pw: `${to}${projection}.0`, bn2: `${to}${projection}.1` };
  return {
    ...(depthwise === 1 ? expanded : plain),
    "se.fc1": `${to}${se}.fc1`,
    "se.fc2": `${to}${se}.fc2`,
    conv_pwl: `${to}${projection}.0`,
    bn3: `${to}${projection}.1`,
  };
}

export const mobileMaps: readonly NameMap[] = [
  {
    id: "timm-mobile",
    title: "timm's names of EfficientNet, MobileNetV3, MnasNet and GhostNet",
    signs: [/^blocks\.\d+\.\d+\.se\.conv_(reduce|expand)\./],
    rules: timmSe,
  },
  {
    id: "torchvision-efficientnet",
    title: "torchvision's names of EfficientNet",
    signs: [/^features\.\d+\.\d+\.block\.\d\./],
    rules: [
      {
        unit: /^blocks\.(\d+)\.(\d+)\./,
        layers: (unit) => sequence(`features.${Number(unit.at[0]) + 1}.${unit.at[1]}.block.`, unit),
      },
      [/^conv_stem\./, "features.0.0."],
      [/^bn1\./, "features.0.1."],
      [/^conv_head\./, "features.8.0."],
      [/^bn2\./, "features.8.1."],
      [/^classifier\./, "classifier.1."],
    ],
  },
  {
    id: "torchvision-mobilenetv3",
    title: "torchvision's names of MobileNetV3",
    signs: [/^features\.\d+\.block\.\d\./],
    rules: [
      {
        // The last is one convolution, no block.
        unit: /^blocks\.\d+\.\d+\./,
        layers: (unit) => {
          const to = `features.${unit.number + 1}.`;
          return unit.has("conv") ? { conv: `${to}0`, bn1: `${to}1` } : sequence(`${to}block.`, unit);
        },
      },
      [/^conv_stem\./, "features.0.0."],
      [/^bn1\./, "features.0.1."],
      [/^conv_head\./, "classifier.0."],
      [/^classifier\./, "classifier.3."],
    ],
    differs: (network) => differentEps(network, 1e-3),
  },
  {
    id: "lukemelas",
    title: "EfficientNet-PyTorch's names",
    signs: [/^_blocks\.\d+\._depthwise_conv\./],
    rules: [
      {
        unit: /^blocks\.\d+\.\d+\./,
        layers: ({ number, has }) => {
          const to = `_blocks.${number}.`;
          const expanded = has("conv_pwl");
          return {
            conv_pw: `${to}${expanded ? "_expand_conv" : "_project_conv"}`,
            bn1: `${to}${expanded ? "_bn0" : "_bn1"}`,
            conv_dw: `${to}_depthwise_conv`,
            bn2: `${to}${expanded ? "_bn1" : "_bn2"}`,
            "se.fc1": `${to}_se_reduce`,
            "se.fc2": `${to}_se_expand`,
            conv_pwl: `${to}_project_conv`,
            bn3: `${to}_bn2`,
          };
        },
      },
      [/^conv_stem\./, "_conv_stem."],
      [/^bn1\./, "_bn0."],
      [/^conv_head\./, "_conv_head."],
      [/^bn2\./, "_bn1."],
      [/^classifier\./, "_fc."],
    ],
    differs: (network) => differentEps(network, 1e-3),
  },
];
