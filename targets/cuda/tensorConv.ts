import { Bug } from "../../src/diagnostics.ts";
import { isPointwise } from "../../src/ops/window.ts";
import { keptOf } from "../../src/plan/kernels/geometry.ts";
import type { Launch } from "../../src/plan/plan.ts";
import { storedAs, type Precision } from "../../src/precision.ts";
import { render } from "../render.ts";
import { gateBlocks } from "../wgsl/chain.ts";
import { Module } from "../wgsl/emit.ts";
import { finishLines, pixelLines, plus, resultsOf, windowBlock } from "../wgsl/tile.ts";
import type { Insert } from "./print.ts";
import { sliceBindings } from "./slices.ts";
import { tensorConv } from "./templates.generated.ts";
import { copiesLines, placeFunctions } from "./tensorCopies.ts";
import { allSteps, productLines, stepsOfSlices } from "./tensorProduct.ts";
import { shapeOf } from "./tensorShape.ts";

/** What stands in a kernel's text where the first copies of the product on tensor cores come, and where the rest of it. */
const placeholders = { copies: "tensor_core_copies", product: "tensor_core_product" } as const;

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
    placeFunctions(launch, anchor, module, shape),
  ];
  const gate = gateBlocks(launch, module, tile.threads);
  const results = resultsOf(launch, anchor, module, held);

  const { split } = launch;
  const keeps = keptOf(launch) ? ", group.y == 0u" : "";
  const lastPixel = output.pixels % tile.pixels === 0 || keeps !== "" ? "pixel" : "min(pixel, PIXELS - 1u)";
  const inputs = [
    pointwise ? lastPixel : `seen_from(${lastPixel}, vec2u(0u))`,
    terms === "windows" ? "0u" : `${terms === "computed" ? "x_terms" : "x_place"}(image, start, first4, k4${keeps})`,
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
    exchanged: new Set(["slice_sums", "arrived"]),
    helpers: storedAs(precision) !== "f32" && shape.terms === "computed" ? ["narrow"] : [],
    launched: "memory",
  };
}
