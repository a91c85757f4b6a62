import type { NodeOf } from "../../src/ir/graph.ts";
import { mapExtent } from "../../src/plan/kernels/geometry.ts";
import { padTo4 } from "../../src/ops/weights.ts";
import { runLength } from "../../src/plan/kernels/map.ts";
import { isDepthwise } from "../../src/plan/weights.ts";
import type { Module } from "./emit.ts";

/**
 * Depthwise and grouped convolutions in which a thread computes runs of consecutive pixels of one row: what the windows
 * share is loaded once, and so are the filters. Unrolled along the row, so that all of it has names.
 */
export interface Runs {
  readonly functions: readonly string[];
  readonly lines: readonly string[];
}

/** Undefined where a run would be a single pixel, or where a group is not whole vectors of 4 channels. */
export function convolutionRuns(anchor: NodeOf<"conv2d">, pixelsPerThread: number, module: Module): Runs | undefined {
  const { groups, kernel, stride, dilation } = anchor.attrs;
  const { channels: outputs, width } = mapExtent(anchor.type);
  const run = runLength(pixelsPerThread, width);
  const inPerGroup = mapExtent(anchor.inputs.x.type).channels / groups;
  const outPerGroup = outputs / groups;
  const depthwise = isDepthwise(anchor);
  const whole = inPerGroup % 4 === 0 && outPerGroup % 4 === 0;
  if (run === 1 || groups === 1 || !(depthwise || whole)) return undefined;

  const filters = module.offset(anchor.inputs.weight, "filters");
  const depth4 = depthwise ? 1 : padTo4(inPerGroup) / 4;
  const taps = range(kernel[1]);
  const column = (pixel: number, tap: number) => pixel * stride[1] + tap * dilation[1];
  const columns = [...new Set(range(run).flatMap((pixel) => taps.map((tap) => column(pixel, tap))))].sort(
    (a, b) => a - b,
  );

  const loads = (c4: string) =>
    columns.map((x) => `let x_${x} = x_at(image, ${x === 0 ? "at" : `at + vec2i(0, ${x})`}, ${c4});`);
  const perTap = depthwise
    ? (tap: number, first: number) => [
        `let w_${tap} = weights[${filters} + (r * KERNEL.y + ${tap}u) * OUT4 + c4];`,
        ...range(run).map((pixel) => `acc_${first + pixel} += x_${column(pixel, tap)} * w_${tap};`),
      ]
    : (tap: number, first: number) => [
        `let w_${tap}_at = ${filters} + ((r * KERNEL.y + ${tap}u) * ${depth4}u + i4) * 4u * OUT4 + c4;`,
        ...["x", "y", "z", "w"].flatMap((component, term) => [
          `let w_${tap}_${component} = weights[w_${tap}_at + ${term}u * OUT4];`,
          ...range(run).map(
            (pixel) => `acc_${first + pixel} += x_${column(pixel, tap)}.${component} * w_${tap}_${component};`,
          ),
        ]),
      ];

  const lines: string[] = [];
  for (const first of range(pixelsPerThread / run).map((index) => index * run)) {
    lines.push(`let corner_${first} = seen_from(pixel_${first}, vec2u(0u));`);
    lines.push(...range(run).map((pixel) => `var acc_${first + pixel} = vec4f(0.0);`));
    const inner = [...loads(depthwise ? "c4" : "first4 + i4"), ...taps.flatMap((tap) => perTap(tap, first))];
    lines.push(
      `for (var r = 0u; r < KERNEL.x; r++) {`,
      `  let at = corner_${first} + vec2i(i32(r * DILATION.x), 0);`,
      ...(depthwise
        ? inner.map((line) => `  ${line}`)
        : [`  for (var i4 = 0u; i4 < ${depth4}u; i4++) {`, ...inner.map((line) => `    ${line}`), "  }"]),
      "}",
    );
  }
  if (!depthwise) lines.unshift(`let first4 = c4 / ${outPerGroup / 4}u * ${inPerGroup / 4}u; // of this group's input`);
  return { functions: [padded], lines };
}

const padded = `// Zeros in the padding.
fn x_at(image: u32, at: vec2i, c4: u32) -> vec4f {
  if (!inside(at)) {
    return vec4f(0.0);
  }
  return operand(image, u32(at.x) * IN_SIZE.y + u32(at.y), c4);
}`;

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
