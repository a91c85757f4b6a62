import { Bug } from "../../src/diagnostics.ts";
import type { NodeOf } from "../../src/ir/graph.ts";
import { isPointwise } from "../../src/ops/window.ts";
import { mapExtent } from "../../src/plan/kernels/geometry.ts";
import {
  channelsAtOnce,
  groupedSlice,
  tensorDepth4,
  tensorStepBytes,
  tensorTileOf,
  type TensorTile,
} from "../../src/plan/kernels/tensorConv.ts";
import type { Launch } from "../../src/plan/plan.ts";
import { elementBytes, storedAs, type Precision } from "../../src/precision.ts";
import { render } from "../render.ts";
import { gateBlocks } from "../wgsl/chain.ts";
import { Module } from "../wgsl/emit.ts";
import { finishLines, pixelLines, plus, resultsOf, windowBlock } from "../wgsl/tile.ts";
import type { Insert } from "./print.ts";
import { sliceBindings, sliceBlocks, wholeBlocks, type SliceBlocks } from "./slices.ts";
import { tensorConv, tensorCopies, tensorProduct } from "./templates.generated.ts";

/** What stands in a kernel's text where the first copies of the product on tensor cores come, and where the rest of it. */
const placeholders = { copies: "tensor_core_copies", product: "tensor_core_product" } as const;

/** How elements are called in CUDA C; vectors are of 4 channels. */
export const spelledElements = {
  f32: { element: "float", vector: "float4" },
  f16: { element: "__half", vector: "half4" },
  bf16: { element: "__nv_bfloat16", vector: "bfloat4" },
} as const;

/**
 * The convolution on tensor cores: an implicit matrix product for each image. What is fused around it is written as for
 * WGSL, with one statement in place of the product: `tensorProductInsert` prints that in CUDA C.
 */
export function tensorConvKernel(launch: Launch, precision: Precision, name: string, banner: string): string {
  const { anchor } = launch;
  if (anchor?.op !== "conv2d") throw new Bug(`${launch.name} is no convolution`);
  const module = new Module(launch);
  const shape = shapeOf(launch, anchor, precision);
  const { tile, held, input, output, depth4, step4, terms } = shape;
  const pointwise = isPointwise(anchor.attrs);

  const functions = [
    ...(pointwise ? [] : [windowBlock(anchor.attrs, anchor.inputs.x, anchor)]),
    ...(terms === "computed"
      ? [module.fused("operand", anchor.inputs.x, { pixels: "IN_PIXELS", vectors: "IN4" })]
      : []),
    placeFunctions(anchor, shape),
  ];
  const gate = gateBlocks(launch, module, tile.threads);
  const results = resultsOf(launch, anchor, module, held);

  const { split } = launch;
  const lastPixel = output.pixels % tile.pixels === 0 ? "pixel" : "min(pixel, PIXELS - 1u)";
  const inputs = [
    pointwise ? lastPixel : `seen_from(${lastPixel}, vec2u(0u))`,
    terms === "windows" ? "0u" : `${terms === "computed" ? "x_terms" : "x_place"}(image, start, first4, k4)`,
    "w_place(k, w_c4)",
    module.offset(anchor.inputs.weight, "filters"),
    // What is fused may bind other values with them; the product needs these.
    terms === "computed" ? "0u" : module.read(anchor.inputs.x),
    "weights",
    ...["STEPS", "STAGES", "X_PARTS", "X_PART4", "X_COPIES", "W_PARTS", "W_PART4", "W_COPIES"],
    ...["WARP_COLUMNS", "A_TILES", "B_TILES", "TILE_PIXELS", "TILE4", "STEP4"],
    ...(terms === "windows" ? ["IN_PIXELS", "IN4", "IN_SIZE.x", "IN_SIZE.y"] : []),
    ...(terms === "windows" ? ["KERNEL.x", "KERNEL.y", "DILATION.x", "DILATION.y"] : []),
  ];
  const products = ["RESULT_PITCH4", ...(split ? ["DEPTH_SLICES", "slice_sums", "arrived"] : [])];
  return render(
    tensorConv,
    {
      name,
      threads: tile.threads,
      pixels: output.pixels,
      out4: output.vectors,
      inPixels: input.pixels,
      in4: input.vectors,
      depth4,
      tilePixels: tile.pixels,
      tile4: tile.channels / 4,
      step4,
      steps: Math.ceil(depth4 / step4),
      stages: tile.stages,
      resultPitch4: shape.resultPitch4,
      xParts: shape.x.parts,
      xPart4: shape.x.part4,
      xCopies: shape.x.copies,
      wParts: shape.w.parts,
      wPart4: shape.w.part4,
      wCopies: shape.w.copies,
      warpColumns: tile.warpColumns,
      aTiles: tile.products[0],
      bTiles: tile.products[1],
      rows: held.rows,
      columns: held.columns,
      memory4: shape.memory4,
      orOneSlice: split ? ", all slices or one of them" : "",
    },
    {
      banner,
      functions: module.functions(...functions, ...results.functions),
      gateMemory: gate.declarations,
      gate: gate.text,
      bindings: module.bindings(),
      slices: split ? `const DEPTH_SLICES = ${split.slices}u; // of the steps` : "",
      sliceBindings: split ? sliceBindings(launch) : "",
      // The copies of a product that is split say which image it is at.
      image: split ? "" : "let image = group.z;",
      copies: `${placeholders.copies}(${inputs.join(", ")});`,
      product: `${placeholders.product}(${products.join(", ")});`,
      results: [
        ...pixelLines(held.pixels, "first_pixel + row", "ROWS"),
        // Not inside the call: g++ hides the reads of aggregate arguments from its thread sanitizer.
        ...Array.from({ length: held.pixels }, (_, i) => {
          return `let acc_${i} = memory[(${plus("row", i * held.rows)}) * RESULT_PITCH4 + column];`;
        }),
        ...finishLines(launch, held, (i) => `acc_${i}, `),
      ].join("\n"),
      squeeze: results.squeeze,
    },
  );
}

/** Prints the product into a kernel's body. */
export function tensorProductInsert(launch: Launch, precision: Precision): Insert {
  const { anchor } = launch;
  if (anchor?.op !== "conv2d") throw new Bug(`${launch.name} is no convolution`);
  const shape = shapeOf(launch, anchor, precision);
  const steps = launch.split ? stepsOfSlices(shape.tile) : allSteps;
  return {
    calls: new Map([
      [placeholders.copies, (inputs: readonly string[]) => copiesLines(inputs, shape, precision, steps)],
      [placeholders.product, () => productLines(anchor, shape.terms, precision, steps)],
    ]),
    locals: new Map([
      ["pixel", "u32"],
      ["start", isPointwise(anchor.attrs) ? "u32" : "vec2i"],
      ["first4", "u32"],
      ["k4", "u32"],
      ["k", "u32"],
      ["w_c4", "u32"],
      ...(launch.split ? [["image", "u32"] as const] : []),
    ]),
    helpers: storedAs(precision) !== "f32" && shape.terms === "computed" ? ["narrow"] : [],
    launched: "memory",
  };
}

/**
 * How terms come to shared memory: as they are, of the map's pixels or of what a window sees of it, or computed in
 * registers on their way.
 */
type Terms = "pixels" | "windows" | "computed";

/** A window has a bit of 32 for each of its rows and columns, and a step may go beyond its last row. */
const largestWindow = 8;

/** The steps that a block goes through, what holds its sums in the end, and what else that takes. */
interface Steps {
  readonly firstStep: string;
  readonly endStep: string;
  /** The step of which the copies are the `step`th. */
  readonly early: string;
  readonly sums: string;
  readonly blocks: SliceBlocks;
}

const allSteps: Steps = { firstStep: "0", endStep: "STEPS", early: "step", sums: "acc", blocks: wholeBlocks };
const stepsOfSlices = (tile: TensorTile): Steps => ({
  firstStep: "first_step",
  endStep: "end_step",
  early: "first_step + step",
  sums: "total",
  blocks: sliceBlocks(tile),
});

function copiesLines(
  [fromPixel, xAt, wPlace, offset, xName]: readonly string[],
  { terms, pointwise, grouped, atOnce, tile: { threads }, x, w }: Shape,
  precision: Precision,
  { early, endStep, blocks: { share, total } }: Steps,
): string[] {
  const { element, vector } = spelledElements[storedAs(precision)];
  const halves = element !== "float";
  const to = `swizzled(xs + i * (${threads} / X_PARTS), x_row, x_part * X_PART4 * 4)`;
  const seen = xAt!.replace(/\bstart\b/g, "from[i]");
  const stage = "Terms *const xs = x_tile + step % STAGES * TILE_PIXELS;";
  // What neighbouring windows see of the same channels is copied within a few steps: through L1, which has it then.
  const copyTerms = terms === "windows" && (grouped || atOnce !== undefined) ? "copy_async_kept" : "copy_async";
  const first4 = grouped ? "const unsigned first4 = blockIdx.y * TILE4; // of the channels that this tile reads" : "";
  const copy = (at: string, there: string) =>
    [`${copyTerms}<X_PART4 * sizeof(${vector})>(`, `    ${to}, ${xName} + ${at}, ${there});`].join("\n");
  const k4 = "const unsigned k4 = step * STEP4 + x_part * X_PART4;";
  const fromPixels = `${pointwise ? "unsigned" : "int2"} from[X_COPIES];`;
  const moves = {
    pixels: {
      from: fromPixels,
      setFrom: `from[i] = ${fromPixel};`,
      held: first4,
      stage,
      place: k4,
      copyTerms: x.mayBeOutside ? `const int at = ${seen};\n${copy("max(at, 0)", "at >= 0")}` : copy(seen, "true"),
    },
    windows: {
      from: [
        "int from[X_COPIES]; // where the windows of this thread's pixels begin, which may be outside of the map",
        "unsigned taps[X_COPIES] = {}; // a bit for each row of a window that is in the map, and from bit 16 on for columns",
      ].join("\n"),
      setFrom: [
        `const int2 corner = ${fromPixel};`,
        `from[i] = (int(image * IN_PIXELS) + corner.x * int(IN_W) + corner.y) * int(IN4)${grouped ? " + int(first4)" : ""};`,
        "for (unsigned row = 0; row < KERNEL_H; row++)",
        "  taps[i] |= unsigned(unsigned(corner.x + int(row * DILATION_H)) < IN_H) << row;",
        "for (unsigned column = 0; column < KERNEL_W; column++)",
        "  taps[i] |= unsigned(unsigned(corner.y + int(column * DILATION_W)) < IN_W) << (16 + column);",
      ].join("\n"),
      held: first4,
      stage,
      place: [
        ...(atOnce === undefined
          ? [
              k4,
              `const unsigned tap = k4 / ${grouped ? "TILE4" : "IN4"}, c4 = k4 % ${grouped ? "TILE4" : "IN4"};`,
              "const unsigned row = tap / KERNEL_W, column = tap % KERNEL_W;",
            ]
          : [
              "const unsigned tap = step % (KERNEL_H * KERNEL_W), row = tap / KERNEL_W, column = tap % KERNEL_W;",
              "const unsigned c4 = step / (KERNEL_H * KERNEL_W) * STEP4 + x_part * X_PART4;",
            ]),
        "const int offset = int((row * DILATION_H * IN_W + column * DILATION_W) * IN4 + c4);",
      ].join("\n"),
      copyTerms: [
        `const bool there = taps[i] >> row & taps[i] >> (16 + column) & ${x.pastChannels ? "unsigned(first4 + c4 < IN4)" : "1"};`,
        copy("(there ? from[i] + offset : 0)", "there"),
      ].join("\n"),
    },
    computed: {
      from: fromPixels,
      setFrom: `from[i] = ${fromPixel};`,
      held: [
        ...(grouped ? [first4] : []),
        "float4 held[X_COPIES]; // on its way from global to shared memory, while the step before is multiplied",
      ].join("\n"),
      stage: "",
      place: k4,
      copyTerms: `held[i] = ${seen};`,
    },
  }[terms];
  const store =
    terms === "computed"
      ? [
          "const auto store_step = [&](unsigned step) {",
          `  ${stage}`,
          "#pragma unroll",
          "  for (unsigned i = 0; i < X_COPIES; i++)",
          `    *reinterpret_cast<${vector} *>(${to}) = ${halves ? "narrow(held[i])" : "held[i]"};`,
          "};",
        ].join("\n")
      : "";
  const first =
    terms === "computed"
      ? `if (${early} < ${endStep}) {\n  copy_terms(${early});\n  store_step(${early});\n}`
      : `if (${early} < ${endStep}) copy_terms(${early});`;
  // The order within rows repeats every eight: from there on the address is the first one and a constant.
  const filterRow = (threads / w.parts) % 8 === 0 ? "ws + first, w_row" : "ws, first + w_row";
  const filterPlace = halves
    ? `swizzled(${filterRow}, w_part * W_PART4 * 4)`
    : "&ws[first + w_row][w_part * W_PART4 * 4]";
  const copyFilters = w.mayBeOutside
    ? [
        `const int at = ${wPlace};`,
        `copy_async<W_PART4 * sizeof(${vector})>(${filterPlace}, filters + max(at, 0), at >= 0);`,
      ]
    : [`copy_async<W_PART4 * sizeof(${vector})>(${filterPlace}, filters + ${wPlace}, true);`];
  const view = {
    vector,
    threads,
    filters: halves ? `reinterpret_cast<const ${vector} *>(weights + ${offset})` : `weights + ${offset}`,
    early,
    endStep,
  };
  const rows = halves
    ? `typedef ${element} Terms[4 * STEP4], Filters[4 * TILE4];`
    : [
        "// Filters are read by single words, those of four rows and eight channels at once: 32 bytes more a row",
        "// are enough to have them in all banks.",
        "typedef float Terms[4 * STEP4], Filters[4 * TILE4 + 8];",
      ].join("\n");
  return render(tensorCopies, view, { ...moves, copyFilters: copyFilters.join("\n"), first, store, share, total, rows })
    .trimEnd()
    .split("\n");
}

function productLines(
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

type Shape = ReturnType<typeof shapeOf>;

/** The extents that the kernel and its product share. */
function shapeOf(launch: Launch, anchor: NodeOf<"conv2d">, precision: Precision) {
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
 * Where a vector of terms lies, or its value where it is computed; where a vector of channels of the filters lies. With
 * groups a tile reads its own channels, from `first4` on.
 */
function placeFunctions(anchor: NodeOf<"conv2d">, shape: Shape): string {
  const { terms, w } = shape;
  const functions = terms === "windows" ? [] : [termsFunction(anchor, shape)];
  const beyond = [...(w.pastDepth ? ["k >= 4u * DEPTH4"] : []), ...(w.pastOutputs ? ["c4 >= OUT4"] : [])];
  return [
    ...functions,
    [
      "fn w_place(k: u32, c4: u32) -> i32 {",
      ...(beyond.length > 0 ? [`  if (${beyond.join(" || ")}) {`, "    return -1;", "  }"] : []),
      "  return i32(k * OUT4 + c4);",
      "}",
    ].join("\n"),
  ].join("\n\n");
}

function termsFunction({ attrs }: NodeOf<"conv2d">, { terms, pointwise, grouped, atOnce, x }: Shape): string {
  const computed = terms === "computed";
  const hasOneTap = attrs.kernel[0] * attrs.kernel[1] === 1;
  const along4 = grouped ? "TILE4" : "IN4";
  const taps = "(KERNEL.x * KERNEL.y)";
  const tap = atOnce === undefined ? `k4 / ${along4}` : `k4 / STEP4 % ${taps}`;
  const ofTap = atOnce === undefined ? `k4 % ${along4}` : `k4 / (STEP4 * ${taps}) * STEP4 + k4 % STEP4`;
  const channel = `${grouped ? "first4 + " : ""}${hasOneTap ? "k4" : ofTap}`;
  const beyond = [
    ...(x.pastDepth ? ["k4 >= DEPTH4"] : []),
    ...(x.pastChannels ? [`${channel} >= IN4`] : []),
    ...(pointwise ? [] : ["!inside(at)"]),
  ];
  const pixel = pointwise ? "pixel" : "u32(at.x) * IN_SIZE.y + u32(at.y)";
  return [
    ...(pointwise
      ? []
      : [
          `// What the window with this corner multiplies at step k4 of the depth: ${computed ? "zeros in the padding" : "-1 where that is zero"}.`,
        ]),
    `fn ${computed ? "x_terms" : "x_place"}(image: u32, ${pointwise ? "pixel: u32" : "corner: vec2i"}, first4: u32, k4: u32) -> ${computed ? "vec4f" : "i32"} {`,
    ...(pointwise
      ? []
      : hasOneTap
        ? ["  let at = corner;"]
        : [`  let tap = ${tap};`, "  let at = corner + vec2i(vec2u(tap / KERNEL.y, tap % KERNEL.y) * DILATION);"]),
    ...(beyond.length > 0
      ? [`  if (${beyond.join(" || ")}) {`, `    return ${computed ? "vec4f(0.0)" : "-1"};`, "  }"]
      : []),
    computed
      ? `  return operand(image, ${pixel}, ${channel});`
      : `  return i32((image * IN_PIXELS + ${pixel}) * IN4 + ${channel});`,
    "}",
  ].join("\n");
}
