import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { graphOf, type Graph } from "../../src/ir/graph.ts";
import { layoutsOf, readNames } from "../../src/weights/check.ts";
import { nameMaps } from "../../src/weights/maps/index.ts";
import { Build } from "../graphs.ts";
import { networkGraph, type Settings } from "../networks.ts";

type Keys = ReadonlyMap<string, readonly number[]>;

/** Every key and shape of public checkpoints, printed from the constructed models. */
function keysOf(model: string): Keys {
  const text = readFileSync(`test/fixtures/keys/${model}.json`, "utf8");
  return new Map(Object.entries(JSON.parse(text) as Record<string, readonly number[]>));
}

/** A network of nothing but parameters. */
function parameters(keys: Iterable<readonly [string, readonly number[]]>): Graph {
  const build = new Build();
  const outputs = [...keys].map(([name, shape]) => ({ name, node: build.parameter(name, "weight", ...shape) }));
  return graphOf("Test", outputs, []);
}

const tracked = (name: string) => name.endsWith("num_batches_tracked");

interface Case {
  readonly model: string;
  readonly example: string;
  readonly set?: Settings;
  /** The map that must be chosen; undefined: the names are the network's own. */
  readonly map?: string;
}

const resnet50 = { example: "se-resnet50" };
const cases: readonly Case[] = [
  { model: "timm.seresnet18", example: "se-resnet18", set: { rounding: "8" } },
  { model: "timm.seresnet34", example: "se-resnet34", set: { rounding: "8" } },
  { model: "timm.seresnet50", ...resnet50, set: { rounding: "8" } },
  { model: "torchvision.resnet18", example: "se-resnet18", set: { se: "none" } },
  { model: "torchvision.resnet34", example: "se-resnet34", set: { se: "none" } },
  { model: "torchvision.resnet50", ...resnet50, set: { se: "none" } },
  { model: "torchvision.resnet101", example: "se-resnet101", set: { se: "none" } },
  { model: "timm.legacy_seresnet18", example: "se-resnet18", map: "cadene" },
  { model: "timm.legacy_seresnet50", ...resnet50, set: { variant: "v1" }, map: "cadene" },
  { model: "timm.seresnext50_32x4d", example: "se-resnext50", set: { rounding: "8" } },
  { model: "timm.resnext50_32x4d", example: "se-resnext50", set: { se: "none" } },
  { model: "torchvision.resnext50_32x4d", example: "se-resnext50", set: { se: "none" } },
  { model: "timm.legacy_seresnext50_32x4d", example: "se-resnext50", set: { variant: "v1" }, map: "cadene" },
  { model: "timm.senet154", example: "senet154", set: { rounding: "8" } },
  { model: "timm.legacy_senet154", example: "senet154", set: { variant: "v1" }, map: "cadene-senet154" },
  { model: "timm.ecaresnet50d", example: "eca-resnet50d" },
  { model: "torchvision.vgg16_bn", example: "se-vgg16", set: { se: "none" } },
  { model: "timm.vgg16_bn", example: "se-vgg16", set: { se: "none" }, map: "timm-vgg" },
  { model: "timm.mobilenetv1_100", example: "se-mobilenet", set: { se: "none" } },
  { model: "timm.mobilenetv3_large_100", example: "mobilenetv3-large", map: "timm-mobile" },
  { model: "timm.mobilenetv3_small_100", example: "mobilenetv3-small", map: "timm-mobile" },
  { model: "torchvision.mobilenet_v3_large", example: "mobilenetv3-large", map: "torchvision-mobilenetv3" },
  { model: "torchvision.mobilenet_v3_small", example: "mobilenetv3-small", map: "torchvision-mobilenetv3" },
  { model: "timm.efficientnet_b0", example: "efficientnet", map: "timm-mobile" },
  { model: "torchvision.efficientnet_b0", example: "efficientnet", map: "torchvision-efficientnet" },
  { model: "timm.semnasnet_100", example: "mnasnet-a1", map: "timm-mobile" },
  { model: "timm.ghostnet_100", example: "ghostnet", map: "timm-mobile" },
  { model: "timm.regnety_004", example: "regnety" },
  { model: "torchvision.regnet_y_400mf", example: "regnety", map: "torchvision-regnet" },
  { model: "timm.inception_resnet_v2", example: "se-inception-resnet-v2", set: { se: "none" } },
];

test.each(cases)("$model loads into $example: nothing missing, left over or of another shape", (each) => {
  const reading = readNames(networkGraph(`examples/${each.example}.se`, each.set), keysOf(each.model));
  expect(reading.faults).toEqual([]);
  expect(reading.map?.id).toBe(each.map);
  expect(reading.prefix).toBe("");
});

/**
 * The same network under two layouts, both printed in the order in which the layers run: so the n-th tensor of one is the
 * n-th of the other. That is known without any map, and catches a map that swaps tensors of one shape.
 */
describe("torchvision's names find the same layers as timm's, in order", () => {
  test.each([
    ["efficientnet_b0", "efficientnet_b0", "torchvision-efficientnet"],
    ["mobilenetv3_large_100", "mobilenet_v3_large", "torchvision-mobilenetv3"],
    ["mobilenetv3_small_100", "mobilenet_v3_small", "torchvision-mobilenetv3"],
    ["regnety_004", "regnet_y_400mf", "torchvision-regnet"],
  ])("%s as %s", (timm, torchvision, map) => {
    const ours = [...keysOf(`timm.${timm}`)]
      .filter(([name]) => !tracked(name))
      .map(
        ([name, shape]) =>
          [name.replace(".se.conv_reduce.", ".se.fc1.").replace(".se.conv_expand.", ".se.fc2."), shape] as const,
      );
    const reading = readNames(parameters(ours), keysOf(`torchvision.${torchvision}`));
    expect(reading.faults).toEqual([]);
    expect(reading.map?.id).toBe(map);
    const theirs = runningOrder([...keysOf(`torchvision.${torchvision}`).keys()].filter((name) => !tracked(name)));
    expect([...reading.names.values()]).toEqual(theirs);
  });

  /** torchvision's RegNet lists the projection of a block first, timm last. */
  function runningOrder(names: string[]): string[] {
    const blockOf = (name: string) => /^(trunk_output\.block\d\.block\d-\d+)\./.exec(name)?.[1];
    const order: string[] = [];
    let waiting: string[] = [];
    for (const [i, name] of names.entries()) {
      if (name.includes(".proj.")) waiting.push(name);
      else order.push(name);
      if (blockOf(names[i + 1] ?? "") !== blockOf(name)) {
        order.push(...waiting);
        waiting = [];
      }
    }
    return order;
  }
});

describe("timm's names with conv_reduce and conv_expand", () => {
  test.each(["efficientnet_b0", "mobilenetv3_large_100", "mobilenetv3_small_100", "semnasnet_100", "ghostnet_100"])(
    "%s",
    (model) => {
      const keys = keysOf(`timm.${model}`);
      const ours = [...keys]
        .filter(([name]) => !tracked(name))
        .map(
          ([name, shape]) =>
            [name.replace(".se.conv_reduce.", ".se.fc1.").replace(".se.conv_expand.", ".se.fc2."), shape] as const,
        );
      const reading = readNames(parameters(ours), keys);
      expect(reading.faults).toEqual([]);
      expect(reading.map?.id).toBe("timm-mobile");
      expect([...reading.names.values()]).toEqual([...keys.keys()].filter((name) => !tracked(name)));
    },
  );
});

test("Cadene's Inception-ResNet-v2 and older BN-Inception differ in the head alone", () => {
  const timm = [...keysOf("timm.inception_resnet_v2")].filter(([name]) => !tracked(name));
  const cadene = timm.map(([name, shape]) => [name.replace("classif.", "last_linear."), shape] as const);
  expect(readNames(parameters(timm), new Map(cadene))).toMatchObject({
    faults: [],
    map: { id: "cadene-inceptionresnetv2" },
  });
  const ours = [
    ["inception_3a_1x1.weight", [64, 192, 1, 1]],
    ["inception_3a_1x1_bn.weight", [64]],
    ["last_linear.weight", [10, 64]],
  ] as const;
  // In old files a BatchNorm's tensors are rows.
  const old = new Map([
    ["inception_3a_1x1.weight", [64, 192, 1, 1]],
    ["inception_3a_1x1_bn.weight", [1, 64]],
    ["fc.weight", [10, 64]],
  ]);
  expect(readNames(parameters(ours), old)).toMatchObject({ faults: [], map: { id: "cadene-bninception-old" } });
});

describe("layouts of which no keys are printed, from the patterns in their sources", () => {
  const ours = (set: Settings) => networkGraph("examples/se-resnet50.se", set);
  const shapesOf = (graph: Graph) => {
    return graph.nodes.flatMap((node) =>
      node.op === "parameter" ? [[node.name, node.type.shape as number[]] as const] : [],
    );
  };

  test("moskomule: Linear layers without a bias", () => {
    const graph = ours({ bias: "false" });
    const theirs = shapesOf(graph).map(([name, shape]) => {
      const renamed = name.replace(".se.fc1.", ".se.fc.0.").replace(".se.fc2.", ".se.fc.2.");
      return [renamed, name.includes(".se.") ? shape.slice(0, 2) : shape] as const;
    });
    expect(readNames(graph, new Map(theirs))).toMatchObject({ faults: [], map: { id: "moskomule" } });
    // Into a network that has one it says so.
    const { faults, causes } = readNames(ours({}), new Map(theirs));
    expect(new Set(faults.map(({ name }) => name.replace(/.*(fc\d\..*)/, "$1")))).toEqual(
      new Set(["fc1.bias", "fc2.bias"]),
    );
    expect(causes[0]).toBe("the SE layers of the file have no bias: `bias: false` in insert se, or --set bias=false");
  });

  test("the authors' names of ECA and CBAM", () => {
    const eca = networkGraph("examples/eca-resnet50.se");
    const ofEca = shapesOf(eca).map(([name, shape]) => [name.replace(".se.conv.", ".eca.conv."), shape] as const);
    expect(readNames(eca, new Map(ofEca))).toMatchObject({ faults: [], map: { id: "ecanet" } });
    const cbam = networkGraph("examples/cbam-resnet50.se");
    const ofCbam = shapesOf(cbam).map(([name, shape]) => {
      const gate = name
        .replace(".se.channel.fc1.", ".cbam.ChannelGate.mlp.1.")
        .replace(".se.channel.fc2.", ".cbam.ChannelGate.mlp.3.")
        .replace(".se.spatial.conv.conv.", ".cbam.SpatialGate.spatial.conv.")
        .replace(".se.spatial.conv.bn.", ".cbam.SpatialGate.spatial.bn.");
      return [`module.${gate}`, gate.includes(".mlp.") ? shape.slice(0, 2) : shape] as const;
    });
    expect(readNames(cbam, new Map(ofCbam))).toMatchObject({ faults: [], map: { id: "cbam" }, prefix: "module." });
  });

  test("pytorchcv", () => {
    const graph = ours({});
    const theirs = shapesOf(graph).map(([name, shape]) => {
      const [, stage, unit, rest] = /^layer(\d)\.(\d+)\.(.*)$/.exec(name) ?? [];
      if (rest === undefined) {
        const head = name
          .replace(/^conv1/, "features.init_block.conv.conv")
          .replace(/^bn1/, "features.init_block.conv.bn");
        return [head.replace(/^fc/, "output"), shape] as const;
      }
      const layer = rest
        .replace(/^conv(\d)/, "body.conv$1.conv")
        .replace(/^bn(\d)/, "body.conv$1.bn")
        .replace("se.fc", "se.conv")
        .replace("downsample.0", "identity_conv.conv")
        .replace("downsample.1", "identity_conv.bn");
      return [`features.stage${stage}.unit${Number(unit) + 1}.${layer}`, shape] as const;
    });
    expect(readNames(graph, new Map(theirs))).toMatchObject({ faults: [], map: { id: "pytorchcv" } });
  });

  test("EfficientNet-PyTorch numbers its blocks flat", () => {
    const ours = ["0.0", "1.0", "1.1"].flatMap((block, i) => {
      const layers =
        i === 0
          ? ["conv_dw", "bn1", "se.fc1", "se.fc2", "conv_pw", "bn2"]
          : ["conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3"];
      return layers.map((layer) => [`blocks.${block}.${layer}.weight`, [1 + i]] as const);
    });
    const theirs = [
      "0._depthwise_conv",
      "0._bn1",
      "0._se_reduce",
      "0._se_expand",
      "0._project_conv",
      "0._bn2",
      "1._expand_conv",
      "1._bn0",
      "1._depthwise_conv",
      "1._bn1",
      "1._project_conv",
      "1._bn2",
      "2._expand_conv",
      "2._bn0",
      "2._depthwise_conv",
      "2._bn1",
      "2._project_conv",
      "2._bn2",
    ].map((name) => `_blocks.${name}.weight`);
    const reading = readNames(parameters(ours), new Map(theirs.map((name, i) => [name, ours[i]![1]])));
    expect(reading).toMatchObject({ faults: [], map: { id: "lukemelas" } });
    expect([...reading.names.values()]).toEqual(theirs);
  });
});

test("with SE, timm's keys have 331 tensors for SE-ResNet-50, and torchvision's lack those of SE", () => {
  const graph = networkGraph("examples/se-resnet50.se");
  expect(graph.nodes.filter((node) => node.op === "parameter").length).toBe(331);
  const { faults, causes } = readNames(graph, keysOf("torchvision.resnet50"));
  expect(new Set(faults.map(({ kind, name }) => `${kind} ${name.replace(/layer\d\.\d\./, "")}`))).toEqual(
    new Set(["missing se.fc1.weight", "missing se.fc1.bias", "missing se.fc2.weight", "missing se.fc2.bias"]),
  );
  expect(causes[0]).toBe("the file has no SE blocks: compile with --set se=none");
});

test("legacy names into a network that pools and strides as torchvision's: the function is another, and that is told", () => {
  const legacy = keysOf("timm.legacy_seresnet50");
  const differs = (set: Settings) => {
    const graph = networkGraph("examples/se-resnet50.se", set);
    return readNames(graph, legacy).map?.differs?.(graph);
  };
  expect(differs({})).toMatch(/the names fit, the function is another. Compile with --set variant=v1$/);
  expect(differs({ variant: "v1" })).toBeUndefined();
});

test("torchvision's MobileNetV3 has another BatchNorm eps than timm's, and that is told", () => {
  const differs = (set: Settings) => {
    const graph = networkGraph("examples/mobilenetv3-small.se", set);
    return readNames(graph, keysOf("torchvision.mobilenet_v3_small")).map?.differs?.(graph);
  };
  expect(differs({})).toMatch(/BatchNorm eps of 0\.001, bn1 has 0\.00001: .* Compile with --set eps=0\.001$/);
  expect(differs({ eps: "1e-3" })).toBeUndefined();
});

test("the keys alone name the layout", () => {
  const look = (model: string) => layoutsOf(keysOf(model)).titles;
  for (const model of ["timm.legacy_seresnet50", "timm.legacy_seresnext50_32x4d", "timm.legacy_seresnet18"]) {
    expect(look(model)).toEqual(["Cadene's names (timm's legacy_*) of SE-ResNet and SE-ResNeXt"]);
  }
  expect(look("timm.legacy_senet154")).toEqual(["Cadene's names (timm's legacy_senet154) of SENet-154"]);
  expect(look("timm.senet154")).toEqual(["timm's names of SENet-154"]);
  expect(look("timm.seresnet50")).toEqual(["timm's names of SE-ResNet and SE-ResNeXt"]);
  expect(look("torchvision.resnet50")).toEqual(["torchvision's and timm's names of ResNet and ResNeXt"]);
  expect(look("timm.ghostnet_100")).toEqual(["timm's names of EfficientNet, MobileNetV3, MnasNet and GhostNet"]);
  expect(look("torchvision.mobilenet_v3_small")).toEqual(["torchvision's names of MobileNetV3"]);
  expect(look("torchvision.efficientnet_b0")).toEqual(["torchvision's names of EfficientNet"]);
  expect(look("torchvision.regnet_y_400mf")).toEqual(["torchvision's names of RegNetY"]);
  expect(look("timm.regnety_004")).toEqual(["timm's names of RegNetY"]);
  expect(look("timm.vgg16_bn")).toEqual(["timm's names of VGG"]);
  expect(look("torchvision.vgg16_bn")).toEqual(["torchvision's names of VGG"]);
  expect(look("timm.mobilenetv1_100")).toEqual(["timm's names of MobileNet v1"]);
  expect(look("timm.inception_resnet_v2")).toEqual(["timm's names of Inception-ResNet-v2"]);
  expect(look("timm.ecaresnet50d")).toEqual(["timm's names of ECA-ResNet"]);
});

test("every map has an id of its own, and a row in docs/weights.md", () => {
  expect(new Set(nameMaps.map(({ id }) => id)).size).toBe(nameMaps.length);
  const page = readFileSync("docs/weights.md", "utf8");
  expect(nameMaps.filter(({ id, title }) => !page.includes(title) || !page.includes(`\`${id}\``))).toEqual([]);
});
