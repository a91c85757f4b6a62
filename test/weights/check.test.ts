import { expect, test } from "vitest";
import { graphOf, type Graph } from "../../src/ir/graph.ts";
import { readNames } from "../../src/weights/check.ts";
import { Build } from "../graphs.ts";

const needed = parameters({
  "conv1.weight": [64, 3, 7, 7],
  "se.fc1.weight": [16, 64],
  "se.fc2.weight": [64, 16, 1, 1],
  "fc.weight": [10, 64],
  "bn1.weight": [64],
});
const fitting: Record<string, number[]> = {
  "conv1.weight": [64, 3, 7, 7],
  "se.fc1.weight": [16, 64, 1, 1],
  "se.fc2.weight": [64, 16],
  "fc.weight": [10, 64],
  "bn1.weight": [64],
  "bn1.num_batches_tracked": [],
};

test("fits: rank 2 for rank 4 and the other way, num_batches_tracked ignored", () => {
  expect(messages({})).toEqual([]);
});

test("fault 49: all differences at once", () => {
  expect(messages({ "fc.weight": undefined, "bn1.weight": [32], "head.bias": [10] })).toEqual([
    '"fc.weight" [10, 64] is missing',
    '"bn1.weight" should be [64], but is [32]',
    '"head.bias" [10] is in the file, but nothing in the network is called so',
  ]);
});

test.each([
  ["fc.weight", [64, 10], '"fc.weight" should be [10, 64], but is [64, 10]: it looks transposed'],
  [
    "conv1.weight",
    [7, 7, 3, 64],
    `"conv1.weight" should be [64, 3, 7, 7], but is [7, 7, 3, 64]: it looks like TensorFlow's [kh, kw, in, out]`,
  ],
  [
    "conv1.weight",
    [64, 7, 7, 3],
    '"conv1.weight" should be [64, 3, 7, 7], but is [64, 7, 7, 3]: it looks like [out, kh, kw, in], channels last',
  ],
  ["conv1.weight", [64, 3, 5, 5], '"conv1.weight" should be [64, 3, 7, 7], but is [64, 3, 5, 5]'],
  ["se.fc1.weight", [64, 16, 1, 1], '"se.fc1.weight" should be [16, 64], but is [64, 16, 1, 1]: it looks transposed'],
])("%s %o", (name, shape, message) => {
  expect(messages({ [name]: shape })).toEqual([message]);
});

test("what training scripts put before every name is left out, and told", () => {
  const before = (prefix: string) => {
    return readNames(needed, new Map(Object.entries(fitting).map(([name, shape]) => [prefix + name, shape])));
  };
  for (const prefix of ["module.", "model.", "state_dict.", "module.backbone.", "_orig_mod.module."]) {
    const reading = before(prefix);
    expect(reading).toMatchObject({ prefix, map: undefined, faults: [] });
    expect(reading.names.get("fc.weight")).toBe(`${prefix}fc.weight`);
  }
  expect(before("other.").faults).toHaveLength(10);
});

test("a prefix that the network has, too, is part of its names", () => {
  const network = parameters({ "backbone.conv1.weight": [8, 3, 3, 3] });
  expect(readNames(network, new Map([["backbone.conv1.weight", [8, 3, 3, 3]]]))).toMatchObject({
    prefix: "",
    faults: [],
  });
});

test("names such as __proto__ are ordinary", () => {
  expect(messages({ constructor: [1], ["__proto__"]: [1] } as never)).toEqual([
    '"constructor" [1] is in the file, but nothing in the network is called so',
    '"__proto__" [1] is in the file, but nothing in the network is called so',
  ]);
});

function messages(changes: Record<string, number[] | undefined>): string[] {
  const given = new Map<string, number[]>();
  for (const [name, shape] of [...Object.entries(fitting), ...Object.entries(changes)]) {
    if (shape) given.set(name, shape);
    else given.delete(name);
  }
  return readNames(needed, given).faults.map(({ message }) => message);
}

function parameters(shapes: Record<string, number[]>): Graph {
  const build = new Build();
  const outputs = Object.entries(shapes).map(([name, shape]) => ({
    name,
    node: build.parameter(name, "weight", ...shape),
  }));
  return graphOf("Test", outputs, []);
}
