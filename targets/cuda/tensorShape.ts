import type { NodeOf } from "../../src/ir/graph.ts";
import { isPointwise } from "../../src/ops/window.ts";
import { mapExtent } from "../../src/plan/kernels/geometry.ts";
import { channelsAtOnce, tensorDepth4, tensorStepBytes, tensorTileOf } from "../../src/plan/kernels/tensorConv.ts";
import type { Launch } from "../../src/plan/plan.ts";
import { elementBytes, storedAs, type Precision } from "../../src/precision.ts";

export type Shape = ReturnType<typeof shapeOf>;

/** What a kernel on tensor cores, its copies and its product have in common. */
export function shapeOf(launch: Launch, anchor: NodeOf<"conv2d">, precision: Precision) {
  const tile = tensorTileOf(launch.tile);
  const bytes = elementBytes[storedAs(precision)];
  const input = mapExtent(anchor.inputs.x.type);
  const output = mapExtent(anchor.type);
  const depth4 = tensorDepth4(anchor);
  const step4 = tensorStepBytes / bytes / 4;
  const columns = tile.channels / 4;
  const rows = tile.threads / columns;
  // What is only copied is copied 16 bytes at a time where vectors come in pairs; what is computed, by vectors.
  const pointwise = isPointwise(anchor.attrs);
  const isSmall = Math.max(...anchor.attrs.kernel) <= largestWindow;
  const terms: Terms = anchor.inputs.x.op !== "input" ? "computed" : !pointwise && isSmall ? "windows" : "pixels";
  const pairs = (vectors: number) => (bytes === 2 && vectors % 2 === 0 ? 2 : 1);
  const copies = (count: number, along4: number, part4: number) => {
    const parts = along4 / part4;
    return { parts, part4, copies: (count * parts) / tile.threads };
  };
  const resultPitch4 = columns + 2;
  const grouped = anchor.attrs.groups > 1;
  // What a step or a tile reads beyond the last term or channel, and beyond the edge of a map, is zero.
  const pastDepth = depth4 % step4 !== 0;
  const pastChannels = grouped && input.vectors % columns !== 0;
  const x = { pastDepth, pastChannels, mayBeOutside: pastDepth || pastChannels || !pointwise };
  const pastOutputs = output.vectors % columns !== 0;
  const w = { pastDepth, pastOutputs, mayBeOutside: pastDepth || pastOutputs };
  const filterBytes = tile.channels * bytes + (bytes === 4 ? 32 : 0);
  const stage = tile.pixels * tensorStepBytes + 4 * step4 * filterBytes;
  return {
    tile,
    held: { rows, columns, pixels: tile.pixels / rows, vectors: 1 },
    input,
    output,
    depth4,
    step4,
    terms,
    pointwise,
    grouped,
    atOnce: channelsAtOnce(anchor, precision),
    x: { ...copies(tile.pixels, step4, terms === "computed" ? 1 : pairs(input.vectors)), ...x },
    w: { ...copies(4 * step4, columns, pairs(output.vectors)), ...w },
    resultPitch4,
    memory4: Math.max((tile.stages * stage) / 16, tile.pixels * resultPitch4),
  };
}

/**
 * How terms come to shared memory: as they are, of the map's pixels or of what a window sees of it, or computed in
 * registers on their way.
 */
export type Terms = "pixels" | "windows" | "computed";

/** A window has a bit of 32 for each of its rows and columns, and a step may go beyond its last row. */
const largestWindow = 8;
