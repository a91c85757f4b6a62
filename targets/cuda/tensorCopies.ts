import type { NodeOf } from "../../src/ir/graph.ts";
import type { Launch } from "../../src/plan/plan.ts";
import { storedAs, type Precision } from "../../src/precision.ts";
import { render } from "../render.ts";
import { keptLines, pastMap } from "../wgsl/conv.ts";
import type { Module } from "../wgsl/emit.ts";
import { tensorCopies } from "./templates.generated.ts";
import type { Steps } from "./tensorProduct.ts";
import type { Shape } from "./tensorShape.ts";

/** How elements are called in CUDA C; vectors are of 4 channels. */
export const spelledElements = {
  f32: { element: "float", vector: "float4" },
  f16: { element: "__half", vector: "half4" },
  bf16: { element: "__nv_bfloat16", vector: "bfloat4" },
} as const;

/**
 * How operands come to shared memory, up to the copies of the first steps.
 *
 * @param inputs expressions of the kernel: where pixels are, terms and filters, and the buffers that hold them
 */
export function copiesLines(
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

/**
 * Where a vector of terms lies, or its value where it is computed; where a vector of channels of the filters lies. With
 * groups a tile reads its own channels, from `first4` on.
 */
export function placeFunctions(launch: Launch, anchor: NodeOf<"conv2d">, module: Module, shape: Shape): string {
  const { terms, w } = shape;
  const functions = terms === "windows" ? [] : [termsFunction(launch, anchor, module, shape)];
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

function termsFunction(launch: Launch, anchor: NodeOf<"conv2d">, module: Module, shape: Shape): string {
  const { attrs } = anchor;
  const { terms, pointwise, grouped, atOnce, x } = shape;
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
    ...pastMap(launch, anchor),
  ];
  const pixel = pointwise ? "pixel" : "u32(at.x) * IN_SIZE.y + u32(at.y)";
  const kept = keptLines(launch, module, pixel, channel);
  return [
    ...(pointwise
      ? []
      : [
          `// What the window with this corner multiplies at step k4 of the depth: ${computed ? "zeros in the padding" : "-1 where that is zero"}.`,
        ]),
    `fn ${computed ? "x_terms" : "x_place"}(image: u32, ${pointwise ? "pixel: u32" : "corner: vec2i"}, first4: u32, k4: u32${kept ? ", keeps: bool" : ""}) -> ${computed ? "vec4f" : "i32"} {`,
    ...(pointwise
      ? []
      : hasOneTap
        ? ["  let at = corner;"]
        : [`  let tap = ${tap};`, "  let at = corner + vec2i(vec2u(tap / KERNEL.y, tap % KERNEL.y) * DILATION);"]),
    ...(beyond.length > 0
      ? [`  if (${beyond.join(" || ")}) {`, `    return ${computed ? "vec4f(0.0)" : "-1"};`, "  }"]
      : []),
    ...(computed
      ? (kept ?? [`  return operand(image, ${pixel}, ${channel});`])
      : [`  return i32((image * IN_PIXELS + ${pixel}) * IN4 + ${channel});`]),
    "}",
  ].join("\n");
}
