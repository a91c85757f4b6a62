import { Bug } from "../../src/diagnostics.ts";
import type { Element } from "../../src/precision.ts";

/**
 * What CUDA C lacks and kernels call: arithmetic on float4, element by element. A net.cu has those that its kernels use,
 * in this order.
 */
const operators = ["+", "-", "*", "/"].flatMap((operator): [string, string][] => [
  [
    `float4 ${operator} float4`,
    `__device__ inline float4 operator${operator}(float4 a, float4 b) {
  return make_float4(a.x ${operator} b.x, a.y ${operator} b.y, a.z ${operator} b.z, a.w ${operator} b.w);
}`,
  ],
  [
    `float4 ${operator} float`,
    `__device__ inline float4 operator${operator}(float4 a, float b) {
  return make_float4(a.x ${operator} b, a.y ${operator} b, a.z ${operator} b, a.w ${operator} b);
}`,
  ],
  [
    `float ${operator} float4`,
    `__device__ inline float4 operator${operator}(float a, float4 b) {
  return make_float4(a ${operator} b.x, a ${operator} b.y, a ${operator} b.z, a ${operator} b.w);
}`,
  ],
]);

const helpers: ReadonlyMap<string, string> = new Map([
  [
    "splat",
    `__device__ inline float4 splat(float value) {
  return make_float4(value, value, value, value);
}`,
  ],
  ...operators,
  [
    "float4 +=",
    `__device__ inline void operator+=(float4 &sum, float4 term) {
  sum.x += term.x;
  sum.y += term.y;
  sum.z += term.z;
  sum.w += term.w;
}`,
  ],
  [
    "-float4",
    `__device__ inline float4 operator-(float4 v) {
  return make_float4(-v.x, -v.y, -v.z, -v.w);
}`,
  ],
  ["larger", extreme("larger", "max", ">")],
  ["smaller", extreme("smaller", "min", "<")],
  [
    "clamp1",
    `__device__ inline float clamp1(float v, float low, float high) {
  return smaller(larger(v, low), high);
}`,
  ],
  [
    "sign",
    `__device__ inline float sign(float v) {
  return v > 0.0f ? 1.0f : v < 0.0f ? -1.0f : 0.0f;
}`,
  ],
  ...each("max4", "larger", ["float4 a", "float4 b"], (c) => `a.${c}, b.${c}`),
  ...each("min4", "smaller", ["float4 a", "float4 b"], (c) => `a.${c}, b.${c}`),
  ...each("clamp4", "clamp1", ["float4 v", "float low", "float high"], (c) => `v.${c}, low, high`),
  ...each("exp4", "expf", ["float4 v"], (c) => `v.${c}`),
  ...each("sqrt4", "sqrtf", ["float4 v"], (c) => `v.${c}`),
  ...each("abs4", "fabsf", ["float4 v"], (c) => `v.${c}`),
  ...each("tanh4", "tanhf", ["float4 v"], (c) => `v.${c}`),
  ...each("sign4", "sign", ["float4 v"], (c) => `v.${c}`),
  [
    "component",
    `// One of four, also where the index is known only at run time: no float4 goes to local memory for it.
__device__ inline float component(float4 v, unsigned index) {
  return index == 0 ? v.x : index == 1 ? v.y : index == 2 ? v.z : v.w;
}`,
  ],
  [
    "dot4",
    `__device__ inline float dot4(float4 a, float4 b) {
  return a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
}`,
  ],
  [
    "select4",
    `// Element by element: yes where the condition holds.
__device__ inline float4 select4(uchar4 condition, float4 yes, float4 no) {
  return make_float4(
      condition.x ? yes.x : no.x, condition.y ? yes.y : no.y, condition.z ? yes.z : no.z, condition.w ? yes.w : no.w);
}`,
  ],
  ...comparison("less4", "<"),
  ...comparison("greater4", ">"),
]);

/** What a helper calls. */
const needs: Readonly<Record<string, readonly string[]>> = {
  max4: ["larger"],
  min4: ["smaller"],
  clamp4: ["clamp1", "larger", "smaller"],
  sign4: ["sign"],
};

/** Four channels in half precision: 8 bytes. Arithmetic is done in f32. */
function halfTexts(name: string, pair: string, fromFloats: string, toFloats: string): ReadonlyMap<string, string> {
  return new Map([
    [
      "vector",
      `struct alignas(8) ${name} {
  ${pair} low, high;
};`,
    ],
    [
      "widen",
      `__device__ inline float4 widen(${name} v) {
  const float2 low = ${toFloats}(v.low), high = ${toFloats}(v.high);
  return make_float4(low.x, low.y, high.x, high.y);
}`,
    ],
    [
      "narrow",
      `__device__ inline ${name} narrow(float4 v) {
  ${name} result;
  result.low = ${fromFloats}(v.x, v.y);
  result.high = ${fromFloats}(v.z, v.w);
  return result;
}`,
    ],
  ]);
}

const halfHelpers = {
  f16: halfTexts("half4", "__half2", "__floats2half2_rn", "__half22float2"),
  bf16: halfTexts("bfloat4", "__nv_bfloat162", "__floats2bfloat162_rn", "__bfloat1622float2"),
} as const;

/** The type of halves with the conversions that kernels use; nothing where maps are f32. */
function halfHelperTexts(element: Element, used: ReadonlySet<string>): string[] {
  if (element === "f32") return [];
  return [...halfHelpers[element]].flatMap(([name, text]) => (name === "vector" || used.has(name) ? [text] : []));
}

export function helperTexts(all: ReadonlySet<string>, element: Element): string {
  const called = [...all].filter((name) => name !== "widen" && name !== "narrow");
  const used = new Set(called.flatMap((name) => [name, ...(needs[name] ?? [])]));
  const halves = halfHelperTexts(element, all);
  for (const name of used) if (!helpers.has(name)) throw new Bug(`CUDA C has no helper ${name}`);
  const texts = [...helpers].flatMap(([name, text]) => (used.has(name) ? [text] : []));
  return [...halves, ...texts].join("\n\n");
}

/** Of two numbers; CUDA's fmaxf and fminf would take the one that is no NaN. */
function extreme(name: string, instruction: string, operator: string): string {
  return `// NaN if one of the two is: an activation does not hide what overflowed in half precision.
__device__ inline float ${name}(float a, float b) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  float result;
  asm("${instruction}.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
  return result;
#else
  return b ${operator} a || b != b ? b : a;
#endif
}`;
}

function each(
  name: string,
  scalar: string,
  parameters: readonly string[],
  inputs: (component: string) => string,
): [string, string][] {
  const components = ["x", "y", "z", "w"].map((component) => `${scalar}(${inputs(component)})`);
  return [
    [
      name,
      `__device__ inline float4 ${name}(${parameters.join(", ")}) {\n  return make_float4(${components.join(", ")});\n}`,
    ],
  ];
}

function comparison(name: string, operator: string): [string, string][] {
  const components = ["x", "y", "z", "w"].map((component) => `a.${component} ${operator} b.${component}`);
  const text = (type: string) =>
    `__device__ inline uchar4 ${name}(${type} a, ${type} b) {\n  return make_uchar4(${components.join(", ")});\n}`;
  return [
    [`${name} of float4`, text("float4")],
    [`${name} of uint4`, text("uint4")],
  ];
}
