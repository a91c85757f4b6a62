import { Bug } from "../../src/diagnostics.ts";
import type { NodeOf } from "../../src/ir/graph.ts";
import { isPointwise } from "../../src/ops/window.ts";
import { stepOf, threadsOf, type ConvTile } from "../../src/plan/kernels/conv.ts";
import { keptOf, mapExtent } from "../../src/plan/kernels/geometry.ts";
import type { Launch } from "../../src/plan/plan.ts";
import { render } from "../render.ts";
import { gateBlocks } from "./chain.ts";
import { Module } from "./emit.ts";
import { conv } from "./templates.generated.ts";
import { finishLines, pixelLines, plus, resultsOf, windowBlock } from "./tile.ts";

/** The tiled convolution: an implicit matrix product for each image. */
export function convKernel(launch: Launch, name: string, banner: string): string {
  const { anchor } = launch;
  if (anchor?.op !== "conv2d") throw new Bug(`${launch.name} is no convolution`);
  const module = new Module(launch);
  const tile = threadsOf(launch.tile);
  const held = { rows: tile.rows, columns: tile.columns, pixels: tile.pixelsPerThread, vectors: tile.vectorsPerThread };
  const input = mapExtent(anchor.inputs.x.type);
  const output = mapExtent(anchor.type);
  const depth4 = anchor.attrs.kernel[0] * anchor.attrs.kernel[1] * input.vectors;
  const step = stepOf(tile, depth4);
  const loads = loadsOf(tile, step);

  const functions = [
    ...(isPointwise(anchor.attrs) ? [] : [windowBlock(anchor.attrs, anchor.inputs.x, anchor)]),
    module.fused("operand", anchor.inputs.x, { pixels: "IN_PIXELS", vectors: "IN4" }),
    termFunctions(launch, anchor, module, depth4 % step !== 0),
  ];
  const gate = gateBlocks(launch, module, tile.rows * tile.columns);
  const results = resultsOf(launch, anchor, module, held);

  return render(
    conv,
    {
      name,
      threads: tile.rows * tile.columns,
      pixels: output.pixels,
      out4: output.vectors,
      inPixels: input.pixels,
      in4: input.vectors,
      depth4,
      tilePixels: tile.pixels,
      tile4: tile.channels / 4,
      step4: step,
      rows: tile.rows,
      columns: tile.columns,
    },
    {
      banner,
      functions: module.functions(...functions, ...results.functions),
      gateMemory: gate.declarations,
      gate: gate.text,
      bindings: module.bindings(),
      prepare: prepareLines(launch, anchor, tile, loads).join("\n"),
      accumulators: eachOf(tile, (i, j) => `var acc_${i}_${j} = vec4f(0.0);`).join("\n"),
      loads: loadLines(launch, anchor, tile, loads).join("\n"),
      products: productLines(tile).join("\n"),
      results: [
        ...pixelLines(tile.pixelsPerThread, "first_pixel + row", "ROWS"),
        ...finishLines(launch, held, (i, j) => `acc_${i}_${j}, `),
      ].join("\n"),
      squeeze: results.squeeze,
    },
  );
}

/** One vector of 4 terms of the operand, and one row of the filters. A last step may go beyond the depth. */
function termFunctions(launch: Launch, anchor: NodeOf<"conv2d">, module: Module, ragged: boolean): string {
  const filters = module.offset(anchor.inputs.weight, "filters");
  const [height, width] = anchor.attrs.kernel;
  const kept = keptLines(launch, module, "pixel", "k4");
  const beyond = [...(ragged ? ["k4 >= DEPTH4"] : []), ...pastMap(launch, anchor)];
  const x = isPointwise(anchor.attrs)
    ? [
        `fn x_terms(image: u32, pixel: u32, k4: u32${kept ? ", keeps: bool" : ""}) -> vec4f {`,
        ...(beyond.length > 0 ? zeroIf(beyond.join(" || ")) : []),
        ...(kept ?? ["  return operand(image, pixel, k4);"]),
        "}",
      ]
    : [
        "// What the window with this corner multiplies at step k4 of the depth: zeros in the padding.",
        "fn x_terms(image: u32, corner: vec2i, k4: u32) -> vec4f {",
        ...(height * width === 1
          ? ["  let at = corner;"]
          : ["  let tap = k4 / IN4;", "  let at = corner + vec2i(vec2u(tap / KERNEL.y, tap % KERNEL.y) * DILATION);"]),
        ...zeroIf(ragged ? "k4 >= DEPTH4 || !inside(at)" : "!inside(at)"),
        `  return operand(image, u32(at.x) * IN_SIZE.y + u32(at.y), ${height * width === 1 ? "k4" : "k4 % IN4"});`,
        "}",
      ];
  return [...x, "", ...weightTerms(filters, "DEPTH4", ragged)].join("\n");
}

/**
 * Where a launch stores what its convolution reads, each vector of terms once: by the workgroups of the first output
 * channels, which say so. Undefined where it does not.
 */
export function keptLines(launch: Launch, module: Module, pixel: string, c4: string): string[] | undefined {
  const kept = keptOf(launch);
  if (!kept) return undefined;
  return [
    `  let terms = operand(image, ${pixel}, ${c4});`,
    "  if (keeps) {",
    `    ${module.write(kept.name)}[(image * IN_PIXELS + ${pixel}) * IN4 + ${c4}] = terms;`,
    "  }",
    "  return terms;",
  ];
}

/** Where each pixel is stored once, those past the map are nobody's; elsewhere they are the last one again. */
export function pastMap(launch: Launch, anchor: NodeOf<"conv2d">): string[] {
  return keptOf(launch) && isRagged(launch, anchor) ? ["pixel >= PIXELS"] : [];
}

function isRagged({ tile }: Launch, anchor: NodeOf<"conv2d">): boolean {
  return mapExtent(anchor.type).pixels % tile.pixels !== 0;
}

/** A row of the weights: zeros beyond their depth, if a step may go there. */
export function weightTerms(offset: string, depth4: string, ragged: boolean): string[] {
  return [
    "fn w_terms(k: u32, c4: u32) -> vec4f {",
    ...(ragged ? zeroIf(`k >= 4u * ${depth4}`) : []),
    `  return weights[${offset} + k * OUT4 + c4];`,
    "}",
  ];
}

export function zeroIf(condition: string): string[] {
  return [`  if (${condition}) {`, "    return vec4f(0.0);", "  }"];
}

/** What each thread loads in every step: its pixels and filter rows stay the same. */
function prepareLines(launch: Launch, anchor: NodeOf<"conv2d">, tile: ConvTile, loads: Loads): string[] {
  const output = mapExtent(anchor.type);
  const columns = tile.channels / 4;
  const lastPixel = (text: string) =>
    isRagged(launch, anchor) && !keptOf(launch) ? `min(${text}, PIXELS - 1u)` : text;
  return [
    "let x_step = thread % STEP4;",
    "let x_row = thread / STEP4;",
    ...count(loads.x).map((i) => {
      const pixel = lastPixel(plus("first_pixel + x_row", i * loads.xRows));
      return isPointwise(anchor.attrs)
        ? `let x_pixel_${i} = ${pixel};`
        : `let corner_${i} = seen_from(${pixel}, vec2u(0u));`;
    }),
    ...weightPlace("group.y", output.vectors % columns !== 0),
  ];
}

/** Where in the weights a thread loads: a row of its own, and its tile's columns, of which there may be more than results. */
export function weightPlace(group: string, ragged: boolean): string[] {
  const w = `${group} * TILE4 + thread % TILE4`;
  return ["let w_row = thread / TILE4;", `let w_c4 = ${ragged ? `min(${w}, OUT4 - 1u)` : w};`];
}

export function weightLoads(tile: ConvTile, loads: Loads): string[] {
  return count(loads.w).map((i) => {
    const place = plus("thread", i * tile.rows * tile.columns);
    return `w_tile[${place}] = w_terms(${plus("4u * k4 + w_row", i * loads.wRows)}, w_c4);`;
  });
}

function loadLines(launch: Launch, anchor: NodeOf<"conv2d">, tile: ConvTile, loads: Loads): string[] {
  const place = isPointwise(anchor.attrs) ? "x_pixel" : "corner";
  const keeps = keptOf(launch) ? ", group.y == 0u" : "";
  return [
    ...count(loads.x).map(
      (i) =>
        `x_tile[${plus("x_step * TILE_PIXELS + x_row", i * loads.xRows)}] = x_terms(image, ${place}_${i}, k4 + x_step${keeps});`,
    ),
    ...weightLoads(tile, loads),
  ];
}

/** Vectors that a thread loads in a step, and how far apart they lie in the tile. */
interface Loads {
  readonly x: number;
  readonly xRows: number;
  readonly w: number;
  readonly wRows: number;
}

export function loadsOf(tile: ConvTile, step: number): Loads {
  const threads = tile.rows * tile.columns;
  const columns = tile.channels / 4;
  return {
    x: (step * tile.pixels) / threads,
    xRows: threads / step,
    w: (4 * step * columns) / threads,
    wRows: threads / columns,
  };
}

/** The outer products of one vector of terms, unrolled: every accumulator has a name, so that it is a register. */
export function productLines(tile: ConvTile): string[] {
  const lines = count(tile.pixelsPerThread).map((i) => `let x_${i} = x_tile[${plus("x_from", i * tile.rows)}];`);
  for (const [term, component] of ["x", "y", "z", "w"].entries()) {
    for (let j = 0; j < tile.vectorsPerThread; j++)
      lines.push(
        `let w_${component}_${j} = w_tile[${plus(term === 0 ? "w_from" : `w_from + ${term}u * TILE4`, j * tile.columns)}];`,
      );
    lines.push(...eachOf(tile, (i, j) => `acc_${i}_${j} += x_${i}.${component} * w_${component}_${j};`));
  }
  return lines;
}

export function eachOf(tile: ConvTile, line: (pixel: number, vector: number) => string): string[] {
  return count(tile.pixelsPerThread).flatMap((i) => count(tile.vectorsPerThread).map((j) => line(i, j)));
}

export function count(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
