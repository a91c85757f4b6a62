import { expect, test } from "vitest";
import { renderKernels } from "../../targets/wgsl/kernels.ts";
import { onEachAdapter } from "../device/onEachAdapter.ts";
import { checkShader } from "../device/shaders.ts";
import { Build, square, unit } from "../graphs.ts";
import { planOf } from "./check.ts";

/** One kernel of each kind, through WGSL front ends that the other tests do not run them on. */

function kernels() {
  const b = new Build();
  const x = b.input("x", 10, 8, 12);
  const deep = unit(b, "deep", x, { kind: "mbconv", placement: "3x3", width: 16, out: 64 });
  const runs = b.conv("runs", b.conv("runs2", deep, 64, { kernel: 3, groups: 64 }), 64, { kernel: 3, groups: 16 });
  const odd = b.conv("odd", x, 5, { kernel: 3, groups: 5 });
  const pooled = b.maxPool("max", runs, 3, 2, 1);
  const mean = b.op("avgPool", "mean", { x: odd }, { ...square(3, 2, 1, 1), rounding: "floor", countPadding: false });
  const joined = b.op(
    "concat",
    "joined",
    { 0: mean, 1: b.op("sliceChannels", "part", { x: pooled }, { start: 3, size: 6 }) } as never,
    {},
  );
  const mixed = b.op("shuffleChannels", "mixed", { x: b.unary("tanh", "t", joined) }, { groups: 11 });
  const large = b.op("upsample", "large", { x: mixed }, { height: 7, width: 9, mode: "bilinear" });
  const near = b.op("upsample", "near", { x: large }, { height: 3, width: 4, mode: "nearest" });
  const basic = unit(b, "basic", near, {
    kind: "basic",
    width: 8,
    out: 8,
    stride: 2,
    squeeze: "max",
    placement: "post",
  });
  const shuffle = unit(b, "shuffle", basic, { kind: "shuffle", width: 8, out: 8, gate: "tanh" });
  const head = b.dense("fc", b.op("flatten", "flat", { x: shuffle }, {}), 7);
  const taps = b.op("tapMeans", "taps", { x: deep }, square(3, 2, 1, 1));
  const pools = { 0: b.op("channelMax", "high", { x: odd }, {}), 1: b.op("channelMean", "even", { x: odd }, {}) };
  const gate = b.conv("gate", b.op("concat", "both", pools, {}), 1, { kernel: 7 });
  const filter = b.parameter("filter", "weight", 1, 1, 5);
  const eca = b.op("channelConv", "eca", { x: b.squeeze("odd.mean", odd), weight: filter }, {});
  const gated = b.op("scalePixels", "gated", { x: b.scale("eca.scale", odd, eca), gate }, {});
  const moved = b.op("pad", "moved", { x: gated }, { padding: [1, 1, -1, -1] });
  const graph = b.graph(b.op("softmax", "y", { x: head }, {}), b.dense("fc2", taps, 3), deep, moved);
  const all = [
    ...renderKernels(planOf(graph), () => "net.se:1:1"),
    ...renderKernels(planOf(graph, true), () => "net.se:1:1"),
  ];
  return new Map(all.map(({ text, name }) => [text.replace(/^\/\/.*\n/gm, "").replaceAll(name, "main"), text]));
}

onEachAdapter(
  (adapter) => {
    test("accept every kernel", async () => {
      for (const text of kernels().values()) expect(await checkShader(adapter(), text), text).toEqual([]);
    });
  },
  ["naga"],
);
