import { describe } from "vitest";
import { tensorTiles } from "../../src/plan/kernels/tensorConv.ts";
import type { Tile } from "../../src/plan/plan.ts";
import { Build } from "../graphs.ts";
import { casesInOneProgram, type Case } from "./emulated.ts";

/** Every tile of the product on tensor cores where it is easily wrong: maps and channels that end inside of it. */

const isFull = process.env["SEC_FULL"] !== undefined;

/** Of 15 x 19 pixels; whole, or cut into slices. */
function caseOf({ pixels, channels }: Tile, slices: number): Case {
  const b = new Build();
  const x = b.unary("relu", "r", b.conv("conv1", b.input("x", 12, 15, 19), 20, { kernel: 3, bias: true }));
  // Sums for a squeeze, then a gate on the spot and a residual in the epilogue.
  const inner = b.unary("relu", "i", b.conv("inner", x, channels + 4, { kernel: 3, bias: true }));
  const excited = b.se("block.se", b.conv("outer", inner, 20, { bias: true }), { hidden: 5 });
  // An operand that is computed as it is read.
  const gated = b.se("pre.se", b.unary("relu", "y", b.add("sum", excited, x)), { hidden: 4 });
  const graph = b.graph(gated, b.conv("conv2", b.unary("relu", "g", gated), channels - 4, { kernel: 3 }));
  const name = slices > 1 ? `in ${slices} slices` : "whole";
  return { name, graph, batch: 1, tile: { pixels, channels }, slices };
}

const large = tensorTiles.find(({ pixels, channels }) => pixels * channels === 128 * 128)!;

describe.runIf(!isFull)("f16", () => casesInOneProgram([caseOf(large, 3)], undefined, "f16"));
for (const precision of ["f16", "tf32"] as const)
  for (const tile of tensorTiles)
    describe.runIf(isFull)(`${precision}, ${tile.pixels} x ${tile.channels}`, () => {
      casesInOneProgram([caseOf(tile, 1), caseOf(tile, 3)], "addresses", precision);
    });
