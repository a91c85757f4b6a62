import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { readNames } from "../../src/weights/check.ts";
import { readCheckpoint } from "../../src/weights/checkpoint.ts";
import { convert } from "../../src/weights/convert.ts";
import { readSafetensors, writeSafetensors } from "../../src/weights/safetensors.ts";
import { storeFloat32, toFloat64, type StoredTensor } from "../../src/weights/stored.ts";
import { networkGraph } from "../networks.ts";

/** Square SE layers, and many tensors of one shape: only names can tell them apart. */
const set = { width: "0.0625", classes: "8", resolution: "32", ratio: "1", blocks: "1,1,1,1" };
const graph = networkGraph("examples/se-resnet18.se", set);

/** Every tensor is filled with a number of its own: its place in the network, from 1. */
function tagged(network: Graph, nameOf: (name: string) => string = (name) => name): Map<string, StoredTensor> {
  return new Map(
    tagsOf(network).map(([name, tag, shape]) => {
      return [nameOf(name), storeFloat32(shape, new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(tag))];
    }),
  );
}

function tagsOf(network: Graph): (readonly [name: string, tag: number, shape: number[]])[] {
  const parameters = network.nodes.filter((node) => node.op === "parameter");
  return parameters.map(({ name, type }, index) => [name, index + 1, type.shape as number[]]);
}

function read(tensors: ReadonlyMap<string, StoredTensor>, network = graph) {
  return readCheckpoint(writeSafetensors(tensors), network, { place: ({ file }) => file });
}

describe("every tensor goes to the layer of its role", () => {
  const legacy = (name: string) => {
    return name
      .replace(/^conv1\./, "layer0.conv1.")
      .replace(/^bn1\./, "layer0.bn1.")
      .replace(".se.", ".se_module.")
      .replace(/^fc\./, "last_linear.");
  };
  test.each([
    ["the network's own names", (name: string) => name, undefined],
    ["DataParallel's", (name: string) => `module.${name}`, undefined],
    ["timm's legacy names", legacy, "cadene"],
    ["both", (name: string) => `module.${legacy(name)}`, "cadene"],
  ])("by %s", (_, nameOf, map) => {
    const checkpoint = read(tagged(graph, nameOf));
    if (!checkpoint.ok) throw new Error(checkpoint.messages.join("\n"));
    expect(checkpoint.reading.map?.id).toBe(map);
    for (const [name, tag] of tagsOf(graph))
      expect(new Set(checkpoint.tensors.get(name)!.data), name).toEqual(new Set([tag]));
    expect(checkpoint.tensors.size).toBe(tagsOf(graph).length);
  });

  test("BN-Inception under Cadene's names, as PyTorch wrote them", () => {
    const inception = networkGraph("examples/se-bn-inception.se", {
      se: "none",
      conv_bias: "true",
      classes: "10",
      width: "0.03125",
      resolution: "33",
    });
    const bytes = new Uint8Array(readFileSync("test/zoo/fixtures/bn-inception-cadene.weights.safetensors"));
    const file = readSafetensors(bytes);
    const checkpoint = readCheckpoint(bytes, inception);
    if (!checkpoint.ok || !file.ok) throw new Error("they do not fit");
    expect(checkpoint.reading.map?.id).toBe("cadene-bninception");
    for (const [name, { data }] of checkpoint.tensors) {
      const theirs = name.replace(/^(inception_..)\.conv_/, "$1_").replace(/^(inception_..)\./, "$1_");
      expect(data, name).toEqual(toFloat64(file.tensors.get(theirs)!));
    }
  });
});

describe("wrong weights: one answer, with everything, and nothing loaded", () => {
  const changed = (change: (tensors: Map<string, StoredTensor>) => void) => {
    const tensors = tagged(graph);
    change(tensors);
    return read(tensors);
  };

  test("a transposed matrix", () => {
    const fitting = tagged(graph).get("fc.weight")!;
    const wrong = changed((tensors) => tensors.set("fc.weight", { ...fitting, shape: fitting.shape.toReversed() }));
    expect(wrong).toEqual({
      ok: false,
      messages: ['"fc.weight" should be [8, 32], but is [32, 8]: it looks transposed (examples/se-resnet18.se)'],
      faults: [expect.objectContaining({ kind: "shape", name: "fc.weight" })],
      causes: [],
    });
  });

  test("a missing block", () => {
    const wrong = changed((tensors) => {
      for (const name of [...tensors.keys()]) if (name.startsWith("layer2.0.se.")) tensors.delete(name);
    });
    expect(wrong).toMatchObject({ ok: false, causes: ["all weights of layer2.0.se are missing"] });
    expect(wrong.ok ? [] : wrong.messages).toEqual([
      expect.stringMatching(/^"layer2\.0\.se\.fc1\.weight" \[8, 8, 1, 1\] is missing \(std\/resnet\.se\)$/),
      expect.stringContaining('"layer2.0.se.fc1.bias" [8] is missing'),
      expect.stringContaining('"layer2.0.se.fc2.weight" [8, 8, 1, 1] is missing'),
      expect.stringContaining('"layer2.0.se.fc2.bias" [8] is missing'),
    ]);
  });

  test("a typing error has the name that is near", () => {
    const wrong = changed((tensors) => {
      tensors.set("fc.wieght", tensors.get("fc.weight")!);
      tensors.delete("fc.weight");
    });
    expect(wrong).toMatchObject({
      ok: false,
      messages: [
        '"fc.weight" [8, 32] is missing (examples/se-resnet18.se); did you mean "fc.wieght"?',
        '"fc.wieght" [8, 32] is in the file, but nothing in the network is called so',
      ],
    });
  });

  test("another layout with a tensor too few: the nearest layout is told, by both names", () => {
    const tensors = tagged(graph, (name) =>
      name
        .replace(".se.", ".se_module.")
        .replace(/^(conv1|bn1)\./, "layer0.$1.")
        .replace(/^fc\./, "last_linear."),
    );
    tensors.delete("layer1.0.se_module.fc1.bias");
    expect(read(tensors)).toMatchObject({
      ok: false,
      messages: ['"layer1.0.se.fc1.bias", in the file "layer1.0.se_module.fc1.bias" [4] is missing (std/resnet.se)'],
      causes: expect.arrayContaining([
        "these are the differences if it is read as Cadene's names (timm's legacy_*) of SE-ResNet and SE-ResNeXt",
      ]) as unknown,
    });
  });

  test("weights of another network look like what they are", () => {
    const keys = JSON.parse(readFileSync("test/fixtures/keys/timm.vgg16_bn.json", "utf8")) as Record<string, number[]>;
    const few = Object.entries(keys).filter(([, shape]) => shape.length === 1 && shape[0]! < 600);
    const vgg = new Map(
      [...few, ["pre_logits.fc1.bias", [4096]] as const].map(([name, shape]) => [
        name,
        storeFloat32(shape, new Float32Array(shape[0]!)),
      ]),
    );
    const wrong = read(vgg);
    expect(wrong.ok || wrong.causes).toEqual(["its keys look like timm's names of VGG"]);
  });

  test("of another network of a known layout, the layout is told and not its few names in common", () => {
    const keys = JSON.parse(readFileSync("test/fixtures/keys/timm.legacy_senet154.json", "utf8")) as Record<
      string,
      number[]
    >;
    const reading = readNames(networkGraph("examples/se-vgg16.se"), new Map(Object.entries(keys)));
    expect(reading.map).toBeUndefined();
    expect(reading.causes).toEqual(["its keys look like Cadene's names (timm's legacy_senet154) of SENet-154"]);
  });

  test("no tensors", () => {
    expect(read(new Map())).toMatchObject({ ok: false, messages: ["the file is valid, but has no tensors"] });
  });

  test("a file that ends in the middle", () => {
    const bytes = writeSafetensors(tagged(graph));
    expect(readCheckpoint(bytes.subarray(0, bytes.length - 5), graph)).toMatchObject({
      ok: false,
      messages: [
        expect.stringMatching(
          /^tensor ".*": its bytes end at \d+, but the file has \d+ bytes of data; is it cut short\?$/,
        ),
      ],
    });
  });
});

test("fault 50: NaN and infinities, by tensor and number", () => {
  const tensors = tagged(graph);
  tensors.set("fc.bias", storeFloat32([8], [NaN, 1, 2, Infinity, -Infinity, 3, 4, 5]));
  expect(read(tensors)).toMatchObject({
    ok: true,
    warnings: ["fc.bias holds 1 NaN and 2 infinite values among 8"],
    nonFinite: ["fc.bias"],
  });
});

describe("f16, bf16 and f64 in", () => {
  const values = [0, 1, -2, 0.5, 65504, 2 ** -24, -(2 ** -14), 1.5];
  test.each(["f32", "f16", "bf16"] as const)("%s", (to) => {
    const exact = to === "bf16" ? [0, 1, -2, 0.5, 65536, 2 ** -24, -(2 ** -14), 1.5] : values;
    const f64 = new Map([
      ["fc.bias", { dtype: "F64" as const, shape: [8], bytes: new Uint8Array(Float64Array.from(exact).buffer) }],
    ]);
    const converted = convert(f64, to);
    if (!converted.ok) throw new Error(converted.messages.join());
    const checkpoint = read(new Map([...tagged(graph), ...converted.tensors]));
    expect(checkpoint.ok && [...checkpoint.tensors.get("fc.bias")!.data]).toEqual(exact);
  });

  test("what a type cannot hold is refused with the tensor; infinities stay, integers too", () => {
    const tensors = new Map<string, StoredTensor>([
      ["a", storeFloat32([2], [1, 70000])],
      ["b", storeFloat32([2], [Infinity, NaN])],
      ["c", { dtype: "I64", shape: [1], bytes: new Uint8Array(8) }],
    ]);
    expect(convert(tensors, "f16")).toEqual({ ok: false, messages: ["a holds 70000, beyond f16"] });
    tensors.delete("a");
    const converted = convert(tensors, "f16");
    expect(converted.ok && [...toFloat64(converted.tensors.get("b")!)]).toEqual([Infinity, NaN]);
    expect(converted.ok && converted.tensors.get("c")!.dtype).toBe("I64");
  });
});
