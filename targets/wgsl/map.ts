import { Bug } from "../../src/diagnostics.ts";
import { inputsOf, type Node, type NodeOf } from "../../src/ir/graph.ts";
import { padTo4 } from "../../src/ops/weights.ts";
import { pointWindow } from "../../src/ops/window.ts";
import { mapExtent, rootOf } from "../../src/plan/kernels/geometry.ts";
import { mapThreads } from "../../src/plan/kernels/map.ts";
import type { Launch } from "../../src/plan/plan.ts";
import { isDepthwise } from "../../src/plan/weights.ts";
import { render } from "../render.ts";
import { Module, type Walk } from "./emit.ts";
import { literal, lowest } from "./literal.ts";
import {
  acrossChannels,
  avgPool,
  bilinear,
  depthwiseConv,
  gather,
  groupedConv,
  map,
  maxPool,
  nearest,
  pad,
  plainConv,
} from "./templates.generated.ts";
import { convolutionRuns } from "./runs.ts";
import { finishFunction, finishLines, pixelLines, plus, squeezeBlocks, windowBlock } from "./tile.ts";

/** Maps in which every thread computes its own outputs: element by element, pooling, moving channels, small convolutions. */
export function mapKernel(launch: Launch, name: string, banner: string): string {
  const { anchor } = launch;
  const module = new Module(launch);
  const threads = mapThreads(launch.tile);
  const held = { rows: threads.rows, columns: threads.columns, pixels: threads.pixelsPerThread, vectors: 1 };
  const root = rootOf(launch);
  const output = mapExtent(root.type);
  const walk: Walk = { pixels: "PIXELS", vectors: "OUT4" };

  const runs = anchor?.op === "conv2d" ? convolutionRuns(anchor, held.pixels, module) : undefined;
  const functions: string[] = [];
  if (anchor?.op === "conv2d" && runs) functions.push(...windowed(anchor, module), ...runs.functions);
  else if (anchor) functions.push(...computeFunctions(anchor, module));
  if (root !== anchor) functions.push(module.fused(anchor ? "epilogue" : "compute", root, walk, anchor));
  const computed = runs ? "acc" : "compute(image, pixel, c4)";
  const value = anchor && root !== anchor ? `epilogue(${computed}, image, pixel, c4)` : computed;
  const squeezed = squeezeBlocks(launch, held, module);
  const parameter = runs ? "acc: vec4f, " : "";
  functions.push(...squeezed.functions, finishFunction(launch, module, { parameter, value }));

  return render(
    map,
    {
      name,
      threads: threads.rows * threads.columns,
      pixels: output.pixels,
      out4: output.vectors,
      tilePixels: launch.tile.pixels,
      tile4: threads.columns,
      rows: threads.rows,
    },
    {
      banner,
      functions: module.functions(...functions),
      bindings: module.bindings(),
      results: [
        ...(runs
          ? pixelLines(held.pixels, `first_pixel + row * ${held.pixels}u`, "1u")
          : pixelLines(held.pixels, "first_pixel + row", "ROWS")),
        ...(runs?.lines ?? []),
        ...finishLines(launch, held, (i) => (runs ? `acc_${i}, ` : "")),
      ].join("\n"),
      squeeze: squeezed.block,
    },
  );
}

/** `compute`: the anchor's value at one pixel and vector of channels, from `operand`. */
function computeFunctions(anchor: Node, module: Module): string[] {
  switch (anchor.op) {
    case "maxPool":
      return [...windowed(anchor, module), render(maxPool, { lowest }, {}).trimEnd()];
    case "avgPool": {
      const { height, width } = mapExtent(anchor.inputs.x.type);
      const [, , bottom, right] = anchor.attrs.padding;
      const counts = anchor.attrs.countPadding ? `all(at < vec2i(${height + bottom}, ${width + right}))` : "inside(at)";
      return [...windowed(anchor, module), render(avgPool, { counts }, {}).trimEnd()];
    }
    case "conv2d":
      return [...windowed(anchor, module), convolution(anchor, module)];
    case "pad":
      return [
        windowBlock({ ...pointWindow, ...anchor.attrs }, anchor.inputs.x, anchor),
        operandOf(anchor.inputs.x, module),
        render(pad, {}, {}).trimEnd(),
      ];
    case "channelMean":
    case "channelMax":
      return overChannels(anchor, module);
    case "concat":
      return concatenation(anchor, module);
    case "sliceChannels":
      return sliced(anchor, module);
    case "shuffleChannels": {
      const { channels } = mapExtent(anchor.type);
      const { groups } = anchor.attrs;
      const source = [
        `let source = c % ${groups}u * ${channels / groups}u + c / ${groups}u;`,
        "return operand(image, pixel, source / 4u)[source % 4u];",
      ];
      return [
        operandOf(anchor.inputs.x, module),
        render(gather, { channels }, { source: source.join("\n") }).trimEnd(),
      ];
    }
    case "upsample": {
      const input = mapExtent(anchor.inputs.x.type);
      const { height, width, mode } = anchor.attrs;
      const extents = { height, width, inHeight: input.height, inWidth: input.width };
      const compute =
        mode === "nearest"
          ? render(nearest, extents, {})
          : render(bilinear, { ...extents, weights: literal(4 * height * width) }, {});
      return [operandOf(anchor.inputs.x, module), compute.trimEnd()];
    }
    default:
      throw new Bug(`${anchor.name} = ${anchor.op} has no map kernel`);
  }
}

function overChannels(anchor: NodeOf<"channelMean"> | NodeOf<"channelMax">, module: Module): string[] {
  const { channels } = mapExtent(anchor.inputs.x.type);
  const maximum = anchor.op === "channelMax";
  const nothing = maximum ? lowest : "0.0";
  const used =
    channels % 4 === 0
      ? "terms"
      : `select(vec4f(${nothing}), terms, vec4u(0u, 1u, 2u, 3u) + 4u * k4 < vec4u(${channels}u))`;
  const view = {
    what: maximum ? "largest value" : "mean",
    nothing,
    all: maximum ? `max(all, ${used})` : `all + ${used}`,
    result: maximum
      ? "max(max(all.x, all.y), max(all.z, all.w))"
      : `(all.x + all.y + all.z + all.w) / ${literal(channels)}`,
  };
  return [operandOf(anchor.inputs.x, module), render(acrossChannels, view, {}).trimEnd()];
}

/** What is before the anchor, at one pixel of its own map. */
function operandOf(operand: Node, module: Module): string {
  const { pixels, vectors } = mapExtent(operand.type);
  const constants = `const IN_PIXELS = ${pixels}u;\nconst IN4 = ${vectors}u; // vectors of 4 channels`;
  return `${constants}\n\n${module.fused("operand", operand, { pixels: "IN_PIXELS", vectors: "IN4" })}`;
}

function windowed(anchor: NodeOf<"maxPool"> | NodeOf<"avgPool"> | NodeOf<"conv2d">, module: Module): string[] {
  return [windowBlock(anchor.attrs, anchor.inputs.x, anchor), operandOf(anchor.inputs.x, module)];
}

function convolution(anchor: NodeOf<"conv2d">, module: Module): string {
  const filters = module.offset(anchor.inputs.weight, "filters");
  if (isDepthwise(anchor)) return render(depthwiseConv, { filters }, {}).trimEnd();
  const outputs = mapExtent(anchor.type).channels;
  const inputs = mapExtent(anchor.inputs.x.type).channels;
  const { groups } = anchor.attrs;
  const [outPerGroup, inPerGroup] = [outputs / groups, inputs / groups];
  if (groups === 1) return render(plainConv, { filters, first4: "0u", depth4: padTo4(inputs) / 4 }, {}).trimEnd();
  if (outPerGroup % 4 === 0 && inPerGroup % 4 === 0) {
    const first4 = `c4 / ${outPerGroup / 4}u * ${inPerGroup / 4}u`;
    return render(plainConv, { filters, first4, depth4: inPerGroup / 4 }, {}).trimEnd();
  }
  return render(groupedConv, { filters, outputs, outPerGroup, inPerGroup, inPadded: padTo4(inPerGroup) }, {}).trimEnd();
}

function concatenation(anchor: NodeOf<"concat">, module: Module): string[] {
  const operands = inputsOf(anchor);
  const names = operands.map((_, index) => module.declare(`operand_${index}`));
  const functions = operands.map((operand, index) =>
    module.fused(names[index]!, operand, { pixels: "PIXELS", vectors: `${mapExtent(operand.type).vectors}u` }),
  );
  let start = 0;
  const starts = operands.map((operand) => {
    start += mapExtent(operand.type).channels;
    return start - mapExtent(operand.type).channels;
  });
  const { channels } = mapExtent(anchor.type);
  const choose = (unit: number, variable: string, value: (name: string, place: string) => string) =>
    operands.flatMap((operand, index) => {
      const end = (starts[index]! + mapExtent(operand.type).channels) / unit;
      const place = starts[index] === 0 ? variable : `${variable} - ${starts[index]! / unit}u`;
      const result = `return ${value(names[index]!, place)};`;
      return index === operands.length - 1 ? [result] : [`if (${variable} < ${end}u) {`, `  ${result}`, "}"];
    });
  if (starts.every((first) => first % 4 === 0)) {
    const lines = choose(4, "c4", (name, place) => `${name}(image, pixel, ${place})`);
    const compute = [
      "fn compute(image: u32, pixel: u32, c4: u32) -> vec4f {",
      ...lines.map((line) => `  ${line}`),
      "}",
    ];
    return [...functions, compute.join("\n")];
  }
  const source = choose(1, "c", (name, place) =>
    place === "c" ? `${name}(image, pixel, c / 4u)[c % 4u]` : `${name}(image, pixel, (${place}) / 4u)[(${place}) % 4u]`,
  );
  return [...functions, render(gather, { channels }, { source: source.join("\n") }).trimEnd()];
}

function sliced(anchor: NodeOf<"sliceChannels">, module: Module): string[] {
  const { start, size } = anchor.attrs;
  const operand = operandOf(anchor.inputs.x, module);
  if (start % 4 === 0) {
    const compute = [
      "fn compute(image: u32, pixel: u32, c4: u32) -> vec4f {",
      `  return operand(image, pixel, ${plus("c4", start / 4)});`,
      "}",
    ];
    return [operand, compute.join("\n")];
  }
  const source = [`let source = c + ${start}u;`, "return operand(image, pixel, source / 4u)[source % 4u];"];
  return [operand, render(gather, { channels: size }, { source: source.join("\n") }).trimEnd()];
}
