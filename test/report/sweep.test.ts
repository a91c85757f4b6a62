import { describe, expect, test } from "vitest";
import { count } from "../../src/report/count.ts";
import { paperFiguresOf, paperTables } from "../../src/report/paper.ts";
import { pointsOf } from "../../src/report/sweep.ts";
import { literalTexts } from "../../src/syntax/parse.ts";
import { networkGraph } from "../networks.ts";

const resnet50 = (set: Record<string, string> = {}) =>
  networkGraph("examples/se-resnet50.se", { variant: "v1", ...set });

test.each([
  ["2,4,8", ["2", "4", "8"]],
  [" pre , post ", ["pre", "post"]],
  ["[2],[3, 4],[2,3]", ["[2]", "[3, 4]", "[2,3]"]],
  ["[2,3]", ["[2,3]"]],
  ["3x3", ["3x3"]],
  ["16", ["16"]],
  ['"a,b","c"', ['"a,b"', '"c"']],
  ["[[1, 2], [3]], [[4]]", ["[[1, 2], [3]]", "[[4]]"]],
  // No literals: the checker says what is wrong with them.
  ["2,,4", ["2,,4"]],
  ["", [""]],
])("%j is read as %j", (text, texts) => {
  expect(literalTexts(text)).toEqual(texts);
});

test("the last axis is the fastest", () => {
  expect(
    pointsOf([
      { name: "a", values: ["1", "2"] },
      { name: "b", values: ["x", "y"] },
    ]),
  ).toEqual([
    { a: "1", b: "x" },
    { a: "1", b: "y" },
    { a: "2", b: "x" },
    { a: "2", b: "y" },
  ]);
});

describe("the paper's figures stand beside the paper's networks", () => {
  test.each([
    [{}, "SE-ResNet-50", [22.28, 6.03]],
    [{ bias: "false" }, "SE-ResNet-50", [22.28, 6.03]],
    [{ se: "none" }, "ResNet-50", [23.3, 6.55]],
    [{ ratio: "2" }, "r = 2", [22.29, 6.0]],
    [{ stages: "3" }, "stage 3", [23.04, 6.32]],
    [{ se: "pre" }, "SE-PRE", [22.23, 6.0]],
    [{ se: "3x3" }, "SE_3x3", [22.48, 6.02]],
    [{ gate: "tanh" }, "tanh", [23.0, 6.38]],
    [{ squeeze: "none" }, "NoSqueeze", [22.93, 6.39]],
  ])("%j", (set, name, errors) => {
    const figures = paperFiguresOf(resnet50(set))!;
    expect(figures.name).toBe(name);
    expect([figures.top1, figures.top5]).toEqual(errors);
  });

  test.each([
    [{ variant: "v1_5" }],
    [{ ratio: "64" }],
    [{ stages: "5" }],
    [{ stages: "2,3" }],
    [{ se: "pre", ratio: "8" }],
    [{ squeeze: "max", gate: "tanh" }],
    [{ hidden: "silu" }],
    [{ resolution: "192" }],
    [{ width: "0.5" }],
    [{ blocks: "3,4,6,4" }],
  ])("and nowhere else: %j", (set) => {
    expect(paperFiguresOf(resnet50(set))).toBeUndefined();
  });
});

test("what the paper prints is what is counted, where it prints it", () => {
  const designs = [
    ...["2", "4", "8", "16", "32"].map((ratio) => ({ ratio })),
    ...["2", "3", "4"].map((stages) => ({ stages })),
    ...[{ se: "none" }, { se: "3x3" }, { squeeze: "none" }],
  ];
  for (const design of designs) {
    const set: Record<string, string> = { ...design };
    const { name, params, gflops } = paperFiguresOf(resnet50(set))!;
    // In millions to one digit. Some rows need the biases of the SE blocks and some that there are none.
    const counted = ["true", "false"].map((bias) => {
      const { params, buffers } = count(resnet50({ ...set, bias }));
      return ((params + buffers) / 1e6).toFixed(1);
    });
    expect(counted, name).toContain(params!.toFixed(1));
    // The paper also counts some of the additions and scalings.
    const { macs } = count(resnet50(set));
    if (gflops !== undefined) expect(Math.abs(macs / 1e9 - gflops), name).toBeLessThan(0.02);
  }
});

test("every row of a preset is a row of its table", () => {
  for (const [number, { set, sweeps }] of Object.entries(paperTables)) {
    for (const axis of sweeps.flat()) {
      const [name, text] = axis.split("=") as [string, string];
      for (const value of literalTexts(text)) {
        const fixed = Object.fromEntries(set.map((setting) => setting.split("=") as [string, string]));
        const figures = paperFiguresOf(resnet50({ ...fixed, [name]: value }));
        expect(figures?.tables, `${number}: ${name}=${value}`).toContain(Number(number));
      }
    }
  }
});
