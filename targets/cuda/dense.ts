import { Bug } from "../../src/diagnostics.ts";
import { padTo4 } from "../../src/ops/weights.ts";
import { stepOf, threadsOf } from "../../src/plan/kernels/conv.ts";
import { denseOverImages, type DenseOverImages } from "../../src/plan/kernels/dense.ts";
import type { Launch } from "../../src/plan/plan.ts";
import { tapClasses } from "../../src/ops/tapMeans.ts";
import { render } from "../render.ts";
import { count, eachOf, loadsOf, productLines, weightLoads, weightPlace, weightTerms, zeroIf } from "../wgsl/conv.ts";
import { Module } from "../wgsl/emit.ts";
import { literal, lowest } from "../wgsl/literal.ts";
import { columnOf, plus } from "../wgsl/tile.ts";
import { denseOverImages as template } from "./templates.generated.ts";

/** A dense layer over the images of a large batch: a tiled product, like a convolution's, with images for pixels. */
export function denseKernel(launch: Launch, name: string, banner: string): string {
  const dense = denseOverImages(launch.body);
  if (!dense) throw new Bug(`${launch.name} is no dense layer`);
  const module = new Module(launch);
  const tile = threadsOf(launch.tile);
  const [outputs, features] = dense.layer.inputs.weight.type.shape as [number, number];
  const [out4, in4] = [padTo4(outputs) / 4, padTo4(features) / 4];
  const step = stepOf(tile, in4);
  const loads = loadsOf(tile, step);
  const columns = tile.channels / 4;
  const ragged = in4 % step !== 0;
  const image = (text: string) => `min(${text}, batch - 1u)`;

  return render(
    template,
    {
      name,
      threads: tile.rows * tile.columns,
      in4,
      out4,
      tileImages: tile.pixels,
      tile4: columns,
      step4: step,
      rows: tile.rows,
      columns: tile.columns,
    },
    {
      banner,
      functions: module.functions(...functionsOf(dense, launch, module, ragged, out4 % columns !== 0)),
      bindings: module.bindings(),
      prepare: [
        "let x_step = thread % STEP4;",
        "let x_row = thread / STEP4;",
        ...count(loads.x).map((i) => `let x_image_${i} = ${image(plus("first_image + x_row", i * loads.xRows))};`),
        ...weightPlace("group.x", out4 % columns !== 0),
      ].join("\n"),
      accumulators: eachOf(tile, (i, j) => `var acc_${i}_${j} = vec4f(0.0);`).join("\n"),
      loads: [
        ...count(loads.x).map((i) => {
          const place = plus("x_step * TILE_IMAGES + x_row", i * loads.xRows);
          return `x_tile[${place}] = x_terms(x_image_${i}, k4 + x_step);`;
        }),
        ...weightLoads(tile, loads),
      ].join("\n"),
      products: productLines(tile).join("\n"),
      results: count(tile.pixelsPerThread)
        .flatMap((i) => [
          `let image_${i} = ${plus("first_image + row", i * tile.rows)};`,
          `if (image_${i} < batch) {`,
          ...count(tile.vectorsPerThread).map((j) => {
            return `  finish(acc_${i}_${j}, image_${i}, ${columnOf(j)});`;
          }),
          "}",
        ])
        .join("\n"),
    },
  );
}

function functionsOf(
  { layer, squeeze, result }: DenseOverImages,
  launch: Launch,
  module: Module,
  raggedDepth: boolean,
  raggedResults: boolean,
): string[] {
  const functions: string[] = [];
  if (squeeze) {
    functions.push(squeezeFunction(squeeze, module));
    module.hold(squeeze, "squeezed(image, c4)");
  }
  const walk = { pixels: "1u", vectors: "IN4" };
  functions.push(module.fused("operand", layer.inputs.x, walk));
  functions.push(
    [
      "fn x_terms(image: u32, k4: u32) -> vec4f {",
      ...(raggedDepth ? zeroIf("k4 >= IN4") : []),
      "  return operand(image, 0u, k4);",
      "}",
      "",
      ...weightTerms(module.offset(layer.inputs.weight, "w_dense"), "IN4", raggedDepth),
    ].join("\n"),
  );
  const isPlain = result === layer;
  if (!isPlain) functions.push(module.fused("epilogue", result, { pixels: "1u", vectors: "OUT4" }, layer));
  const written = module.write(launch.body.outputs[0]!.name);
  functions.push(
    [
      "fn finish(acc: vec4f, image: u32, c4: u32) {",
      ...(raggedResults ? ["  if (c4 >= OUT4) {", "    return;", "  }"] : []),
      `  ${written}[image * OUT4 + c4] = ${isPlain ? "acc" : "epilogue(acc, image, 0u, c4)"};`,
      "}",
    ].join("\n"),
  );
  return functions;
}

/** What the parts of an image add up to, always in the same order. */
function squeezeFunction({ attrs, inputs }: NonNullable<DenseOverImages["squeeze"]>, module: Module): string {
  const tiles = inputs.parts.type.shape[1] as number;
  const part = `${module.read(inputs.parts)}[(image * ${tiles}u + tile) * IN4 + c4]`;
  const isMaximum = attrs.reduce === "max";
  const { positions } = tapClasses(attrs.window, attrs.height, attrs.width);
  return [
    "fn squeezed(image: u32, c4: u32) -> vec4f {",
    `  var acc = vec4f(${isMaximum ? lowest : "0.0"});`,
    `  for (var tile = 0u; tile < ${tiles}u; tile++) {`,
    isMaximum ? `    acc = max(acc, ${part});` : `    acc += ${part};`,
    "  }",
    `  return ${isMaximum ? "acc" : `acc / ${literal(positions)}`};`,
    "}",
  ].join("\n");
}
