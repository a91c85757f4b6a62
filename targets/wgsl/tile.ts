import { Bug } from "../../src/diagnostics.ts";
import type { Node, NodeOf } from "../../src/ir/graph.ts";
import { tapClasses } from "../../src/ops/tapMeans.ts";
import type { Window } from "../../src/ops/window.ts";
import { padTo4 } from "../../src/ops/weights.ts";
import { mapExtent, rootOf } from "../../src/plan/kernels/geometry.ts";
import type { Launch } from "../../src/plan/plan.ts";
import { render } from "../render.ts";
import type { Module } from "./emit.ts";
import { lowest } from "./literal.ts";
import {
  sharesFunctions,
  squeeze,
  squeezeFunctions,
  squeezeKinds,
  squeezeShares,
  window,
} from "./templates.generated.ts";

/**
 * What the kernels that compute tiles of a map have in common: a thread holds results for some pixels (`pixel_0`...) by
 * some vectors of channels (`c4`, and `columns` further each), finishes and stores them, and adds them up for a squeeze.
 */
export interface ThreadTile {
  /** Threads over the pixels, and over the vectors of channels. */
  readonly rows: number;
  readonly columns: number;
  readonly pixels: number;
  readonly vectors: number;
}

export function partsOf(launch: Launch): NodeOf<"squeezeParts"> | undefined {
  for (const { node } of launch.body.outputs) {
    const parts = node.op === "reduceParts" ? node.inputs.parts : node;
    if (parts.op === "squeezeParts") return parts;
  }
  return undefined;
}

/** The layer that the partial sums go through, if they do. */
function layerOfParts(launch: Launch): NodeOf<"reduceParts"> | undefined {
  for (const { node } of launch.body.outputs) if (node.op === "reduceParts") return node;
  return undefined;
}

/** Whether and where the root is written. */
export function storedOf(launch: Launch): string | undefined {
  const root = rootOf(launch);
  return launch.body.outputs.find((output) => output.node === root)?.name;
}

/**
 * `finish` takes a result to where it belongs: epilogue, store, and the value that a squeeze counts. Nothing beyond the
 * map's end is stored or counted.
 *
 * @param from parameters and the expression of the value: `acc: vec4f`, `epilogue(acc, image, pixel, c4)`
 */
export function finishFunction(launch: Launch, module: Module, from: { parameter: string; value: string }): string {
  const { pixels, vectors } = mapExtent(rootOf(launch).type);
  const beyond: string[] = [];
  if (pixels % launch.tile.pixels !== 0) beyond.push("pixel >= PIXELS");
  if ((4 * vectors) % launch.tile.channels !== 0) beyond.push("c4 >= OUT4");
  const stored = storedOf(launch);
  const counted = partsOf(launch) !== undefined;
  const result = counted ? " -> vec4f" : "";
  const lines = [
    ...(beyond.length > 0 ? [`if (${beyond.join(" || ")}) {`, `  return${counted ? " NOTHING" : ""};`, `}`] : []),
    `let value = ${from.value};`,
    ...(stored === undefined ? [] : [`${module.write(stored)}[(image * PIXELS + pixel) * OUT4 + c4] = value;`]),
    ...(counted ? ["return value;"] : []),
  ];
  const signature = `fn finish(${from.parameter}image: u32, pixel: u32, c4: u32)${result} {`;
  return [signature, ...lines.map((line) => `  ${line}`), "}"].join("\n");
}

/**
 * What becomes of the sums of a convolution: the functions that finish and squeeze them, and the block that squeezes. The
 * epilogue is what is fused behind the anchor.
 */
export function resultsOf(
  launch: Launch,
  anchor: Node,
  module: Module,
  held: ThreadTile,
): { functions: string[]; squeeze: string } {
  const root = rootOf(launch);
  const extents = { pixels: "PIXELS", vectors: "OUT4" };
  const epilogue = root === anchor ? [] : [module.fused("epilogue", root, extents, anchor)];
  const value = root === anchor ? "acc" : "epilogue(acc, image, pixel, c4)";
  const { functions, block } = squeezeBlocks(launch, held, module);
  const finish = finishFunction(launch, module, { parameter: "acc: vec4f, ", value });
  return { functions: [...epilogue, ...functions, finish], squeeze: block };
}

/** The pixels of a thread, the same distance apart. */
export function pixelLines(count: number, first: string, distance: string): string[] {
  return Array.from({ length: count }, (_, i) =>
    i === 0 ? `let pixel_0 = ${first};` : `let pixel_${i} = pixel_${i - 1} + ${distance};`,
  );
}

/** `finish` for everything that a thread holds. */
export function finishLines(
  launch: Launch,
  tile: ThreadTile,
  acc: (pixel: number, vector: number) => string,
): string[] {
  const counted = partsOf(launch) !== undefined;
  const lines: string[] = [];
  for (let i = 0; i < tile.pixels; i++) {
    for (let j = 0; j < tile.vectors; j++) {
      const call = `finish(${acc(i, j)}image, pixel_${i}, ${columnOf(j)});`;
      lines.push(counted ? `let y_${i}_${j} = ${call}` : call);
    }
  }
  return lines;
}

/** The `vector`th of a thread's vectors of channels. */
export function columnOf(vector: number): string {
  return vector === 0 ? "c4" : vector === 1 ? "c4 + COLUMNS" : `c4 + ${vector}u * COLUMNS`;
}

/** The functions and the block that add up a tile's results; empty without a squeeze. */
export function squeezeBlocks(
  launch: Launch,
  tile: ThreadTile,
  module: Module,
): { functions: string[]; block: string } {
  const parts = partsOf(launch);
  if (!parts) return { functions: [], block: "" };
  const { attrs } = parts;
  if (attrs.tile !== launch.tile.pixels) throw new Bug(`${launch.name} squeezes other tiles than it computes`);
  const [, tiles, kinds] = parts.type.shape as [unknown, number, number];
  const maximum = attrs.reduce === "max";
  const functions = [
    render(
      squeezeFunctions,
      {
        tiles,
        nothing: maximum ? lowest : "0.0",
        sums: tile.rows * tile.columns * tile.vectors,
        combine: maximum ? "max(a, b)" : "a + b",
      },
      {},
    ).trimEnd(),
  ];
  const what = maximum ? "maxima" : "sums";
  const pixels = Array.from({ length: tile.pixels }, (_, i) => i);
  const vectors = Array.from({ length: tile.vectors }, (_, j) => j);
  const place = (j: number) => `sums[${plus("row * TILE4 + column", j * tile.columns)}]`;
  const classes = tapClasses(attrs.window, attrs.height, attrs.width);
  const everyPixel = kinds === 1 && ![...classes.rowClass, ...classes.columnClass].includes(-1);
  if (everyPixel) {
    const mine = vectors.flatMap((j) => {
      if (pixels.length === 1) return [`${place(j)} = y_0_${j};`];
      return [
        `var sum_${j} = y_0_${j};`,
        ...pixels.slice(1).map((i) => `sum_${j} = combine(sum_${j}, y_${i}_${j});`),
        `${place(j)} = sum_${j};`,
      ];
    });
    const layer = layerOfParts(launch);
    if (layer) {
      const shares = sharesBlock(launch, layer, tile, module, mine);
      return { functions: [...functions, shares.functions], block: shares.block };
    }
    return { functions, block: render(squeeze, { what }, { mine: mine.join("\n") }).trimEnd() };
  }
  functions.push(kindFunctions(parts));
  const mine = vectors.flatMap((j) => [
    `var sum_${j} = NOTHING;`,
    ...pixels.map((i) => `sum_${j} = combine(sum_${j}, select(NOTHING, y_${i}_${j}, kind_${i} == kind));`),
    `${place(j)} = sum_${j};`,
  ]);
  const kindLines = pixels.map((i) => `let kind_${i} = kind_of(pixel_${i});`);
  return {
    functions,
    block: render(squeezeKinds, { what }, { kinds: kindLines.join("\n"), mine: mine.join("\n") }).trimEnd(),
  };
}

/** All threads multiply the sums of a tile by its rows of the layer's weight: some share each sum. */
function sharesBlock(
  launch: Launch,
  layer: NodeOf<"reduceParts">,
  tile: ThreadTile,
  module: Module,
  mine: readonly string[],
): { functions: string; block: string } {
  const { vectors } = mapExtent(rootOf(launch).type);
  const tile4 = launch.tile.channels / 4;
  const threads = tile.rows * tile.columns;
  const outputs = layer.type.shape[3] as number;
  const share4 = padTo4(outputs) / 4;
  const lanes = Math.min(Math.floor(threads / share4), tile4);
  if (lanes === 0) throw new Bug(`${launch.name} has ${threads} threads for ${outputs} results`);
  const slices = Math.ceil(vectors / tile4);
  const view = {
    outputs,
    when: lanes * share4 === threads ? "" : "if (thread < SHARE_LANES * SHARE4) ",
    terms: vectors % tile4 === 0 ? "TILE4" : "min(TILE4, OUT4 - group.y * TILE4)",
    weight: module.offset(layer.inputs.weight, "w_reduce"),
  };
  const part = "parts[((image * TILES + group.x) * SLICES + group.y) * SHARE4 + thread]";
  const together = [
    "  workgroupBarrier();",
    "  if (thread < SHARE4) {",
    "    var share = sums[thread];",
    "    for (var lane = 1u; lane < SHARE_LANES; lane++) {",
    "      share += sums[lane * SHARE4 + thread];",
    "    }",
    `    ${part} = share;`,
    "  }",
  ];
  const blocks = {
    mine: mine.join("\n"),
    add: denseLines("sum", "SHARE4").join("\n"),
    share: lanes === 1 ? `${part} = sum;` : "sums[thread] = sum;",
    together: lanes === 1 ? "" : together.join("\n"),
  };
  return {
    functions: render(sharesFunctions, { share4, lanes, slices }, {}).trimEnd(),
    block: render(squeezeShares, view, blocks).trimEnd(),
  };
}

/** Adds the products of 4 terms and their rows of a matrix, from `w_at` on. */
export function denseLines(to: string, length: string): string[] {
  return [
    `${to} += terms.x * weights[w_at];`,
    `${to} += terms.y * weights[w_at + ${length}];`,
    `${to} += terms.z * weights[w_at + 2u * ${length}];`,
    `${to} += terms.w * weights[w_at + 3u * ${length}];`,
  ];
}

/** `a + 8u`, without adding zero. */
export function plus(text: string, offset: number): string {
  return offset === 0 ? text : `${text} + ${offset}u`;
}

export function windowBlock(attrs: Window, input: Node, output: Node): string {
  const from = mapExtent(input.type);
  const to = mapExtent(output.type);
  return render(
    window,
    {
      width: to.width,
      inHeight: from.height,
      inWidth: from.width,
      kernelHeight: attrs.kernel[0],
      kernelWidth: attrs.kernel[1],
      strideHeight: attrs.stride[0],
      strideWidth: attrs.stride[1],
      dilationHeight: attrs.dilation[0],
      dilationWidth: attrs.dilation[1],
      top: attrs.padding[0],
      left: attrs.padding[1],
    },
    {},
  ).trimEnd();
}

function kindFunctions({ attrs }: NodeOf<"squeezeParts">): string {
  const classes = tapClasses(attrs.window, attrs.height, attrs.width);
  return [
    `const KINDS = ${classes.rowClasses * classes.columnClasses}u; // of pixels: each kind is seen by the same taps of the window`,
    `const NO_KIND = KINDS; // what no tap sees`,
    "",
    axisFunction("row_kind", "row", classes.rowClass, attrs.window.stride[0]),
    "",
    axisFunction("column_kind", "column", classes.columnClass, attrs.window.stride[1]),
    "",
    `fn kind_of(pixel: u32) -> u32 {`,
    `  let row = row_kind(pixel / ${attrs.width}u);`,
    `  let column = column_kind(pixel % ${attrs.width}u);`,
    `  return select(row * ${classes.columnClasses}u + column, NO_KIND, row == NO_KIND || column == NO_KIND);`,
    `}`,
  ].join("\n");
}

/** The classes along one axis: some first and last positions apart, they repeat with the window's stride. */
function axisFunction(name: string, axis: string, classOf: readonly number[], stride: number): string {
  const size = classOf.length;
  const say = (kind: number) => (kind < 0 ? "NO_KIND" : `${kind}u`);
  const repeats = (first: number, last: number) => {
    for (let position = first; position + stride < last; position++)
      if (classOf[position] !== classOf[position + stride]) return false;
    return true;
  };
  let first = 0;
  let last = size;
  while (!repeats(first, last)) {
    if (repeats(first, last - 1) || first > size - last) last--;
    else first++;
  }
  const lines: string[] = [];
  for (let position = 0; position < first; position++)
    lines.push(`if (${axis} == ${position}u) {`, `  return ${say(classOf[position]!)};`, `}`);
  for (let position = last; position < size; position++)
    lines.push(`if (${axis} == ${position}u) {`, `  return ${say(classOf[position]!)};`, `}`);
  const phases = Math.min(stride, last - first);
  for (let phase = 0; phase < phases - 1; phase++)
    lines.push(
      `if (${axis} % ${stride}u == ${(first + phase) % stride}u) {`,
      `  return ${say(classOf[first + phase]!)};`,
      `}`,
    );
  lines.push(`return ${say(classOf[first + phases - 1] ?? -1)};`);
  return [`fn ${name}(${axis}: u32) -> u32 {`, ...lines.map((line) => `  ${line}`), `}`].join("\n");
}
