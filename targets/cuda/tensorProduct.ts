import type { NodeOf } from "../../src/ir/graph.ts";
import { groupedSlice, type TensorTile } from "../../src/plan/kernels/tensorConv.ts";
import { storedAs, type Precision } from "../../src/precision.ts";
import { render } from "../render.ts";
import { sliceBlocks, wholeBlocks, type SliceBlocks } from "./slices.ts";
import { tensorProduct } from "./templates.generated.ts";
import type { Terms } from "./tensorShape.ts";

/** The loop over the steps of the depth, and the way of its sums to threads that go on with them. */
export function productLines(
  anchor: NodeOf<"conv2d">,
  terms: Terms,
  precision: Precision,
  { firstStep, endStep, sums, blocks }: Steps,
): string[] {
  const { endOfSlice, leave, gather } = blocks;
  const halves = storedAs(precision) !== "f32";
  const productDepth = halves ? 16 : 8;
  const span =
    anchor.attrs.groups > 1
      ? Math.max(productDepth, (anchor.type.shape[1] as number) / anchor.attrs.groups)
      : groupedSlice;
  const ifWithin = span < groupedSlice ? [`  if ((warp_channel + 8 * j) / ${span} == span)`] : [];
  const loadB = halves
    ? [
        "for (unsigned j = 0; j < B_TILES; j += 2)",
        ...ifWithin,
        "  load_matrices_transposed(b[j], b[j + 1], swizzled(ws + k, lane % 16, warp_channel + 8 * j + lane / 16 * 8));",
      ]
    : [
        "for (unsigned j = 0; j < B_TILES; j++) {",
        "  const unsigned channel = warp_channel + 8 * j + lane / 4;",
        "  b[j][0] = round_to_tf32(__float_as_uint(ws[k + lane % 4][channel]));",
        "  b[j][1] = round_to_tf32(__float_as_uint(ws[k + 4 + lane % 4][channel]));",
        "}",
      ];
  const loadA = [
    `load_matrices(a[i], swizzled(xs + 16 * i, lane % 16, k + lane / 16 * ${halves ? 8 : 4}));`,
    ...(precision === "tf32" ? ["for (unsigned &term : a[i]) term = round_to_tf32(term);"] : []),
  ];
  return render(
    tensorProduct,
    { productDepth, firstStep, endStep, sums },
    {
      span:
        ifWithin.length > 0
          ? [
              "// Filters join channels of one group: in these terms, those of the same span have others than zeros.",
              `const unsigned span = (step * (4 * STEP4) + k) % (4 * TILE4) / ${span};`,
            ].join("\n")
          : "",
      multiply: [
        "for (unsigned j = 0; j < B_TILES; j++)",
        ...ifWithin,
        `  multiply_${precision}(acc[i][j], a[i], b[j]);`,
      ].join("\n"),
      loadA: loadA.join("\n"),
      loadB: loadB.join("\n"),
      last: terms !== "computed" ? "" : `if (step + STAGES - 1 < ${endStep}) store_step(step + STAGES - 1);`,
      endOfSlice,
      leave,
      gather,
    },
  )
    .trimEnd()
    .split("\n");
}

/** The steps that a block goes through, what holds its sums in the end, and what else that takes. */
export interface Steps {
  readonly firstStep: string;
  readonly endStep: string;
  /** The step of which the copies are the `step`th. */
  readonly early: string;
  readonly sums: string;
  readonly blocks: SliceBlocks;
}

export const allSteps: Steps = { firstStep: "0", endStep: "STEPS", early: "step", sums: "acc", blocks: wholeBlocks };
export const stepsOfSlices = (tile: TensorTile): Steps => ({
  firstStep: "first_step",
  endStep: "end_step",
  early: "first_step + step",
  sums: "total",
  blocks: sliceBlocks(tile),
});
