import type { Graph } from "../../src/ir/graph.ts";
import { textGraph } from "../networks.ts";

/** Small networks that say what is hard to say in PyTorch: names, windows, shared weights, flows that no module holds. */
const sources: Readonly<Record<string, string>> = {
  "reserved names": `
    half: conv 8, 3x3 -> train: bn -> relu
    if: conv 8, 3x3, bias: true -> forward: bn
    training { 0: conv 8, 1x1 -> type: bn -> relu -> 7: conv 8, 1x1 }
    class { self: conv 4, 1x1 }
    gap -> lambda: dense 3
    output y`,
  "every elementwise op": `
    a: conv 8, 3x3 -> relu6 -> b: bn eps: 1e-3 -> leaky_relu slope: 0.2 -> c: conv 8, 3x3 -> hardswish -> d: conv 8, 3x3
    silu -> tanh -> scale 0.5
    let left = slice 0, 4
    let right = slice 4, 4
    concat(right, left, sigmoid(left)) * concat(left, hardsigmoid(right), left) -> shuffle 3
    gmp -> fc: dense 5, bias: false -> softmax
    output y`,
  "across the channels": `
    let gate = gap -> eca: channel_conv 3 -> sigmoid
    image * gate -> pad([1, 0, -1, 2])
    let map = same: relu
    let at = concat(channel_mean(map), channel_max(map)) -> spatial: conv 1, 3x3 -> bn -> sigmoid
    pad([0, 1, 0, 0]) -> pad_3: pad([0, -1, 0, 0]) -> c: conv 8, 3x3
    c * at
    output y`,
  "uneven padding": `
    conv 8, 3x3 / 2, pad: [0, 0, 1, 1] -> conv_2: conv 8, 2x3, pad: [0, 1, 1, 1]
    maxpool 3x3 / 2, pad: [0, 1, 2, 1], ceil: true
    flatten -> dense 3
    output y`,
  "pools with ceil": `
    maxpool 3x3 / 2, ceil: true -> conv 8, 1x1 -> avgpool 3x3 / 2, pad: 1, ceil: true, count_pad: false
    conv_2: conv 8, 3x3 -> avgpool_2: avgpool 2x2 / 2, ceil: true
    output y`,
  "pools padded by more than half": `
    avgpool 3x3 / 2, pad: 2, count_pad: false -> conv 8, 1x1 -> avgpool 3x2 / 2, pad: [0, 0, 2, 1] -> bn
    maxpool 2x2, pad: 1, dilation: 2 -> c: conv 4, 1x1
    avgpool 3x3 / 2, pad: [1, 0, 2, 1], ceil: true, count_pad: false
    output y`,
  resizing: `
    let small = c: conv 8, 3x3 / 2
    let other = d: conv 8, 3x3 / 3
    upsample(other, like: small) + small -> upsample 2 -> e: conv 4, 3x3 -> upsample 2, mode: bilinear
    output y
    output z: upsample(other, like: small, mode: bilinear)`,
  "shared weights": `
    let mlp = chain {
      1: dense 4 -> relu
      3: dense 8
    }
    let unit = chain {
      conv1: conv 8, 3x3 -> bn1: bn -> relu
      inner { conv2: conv 8, 3x3, bias: true }
    }
    let body = unit -> unit
    body * sigmoid(mlp(gap(body)) + mlp(gmp(body)))
    output y`,
  "weights shared by windows that differ": `
    let c = chain { conv 8, (if x.height > 8 { 3x3 / 2 } else { 3x3 }), bias: true -> bn eps: (if x.height > 8 { 1e-5 } else { 1e-2 }) }
    c -> c -> c
    output y`,
  "flows that no module holds": `
    left { a: conv 8, 3x3 -> bn: bn }
    let before = left_out: relu
    right { b: conv 8, 3x3 }
    left { c: conv 8, 3x3 -> bn2: bn }
    let after = tail: relu
    after + before -> out: conv 4, 1x1
    output y`,
  "several outputs, one twice": `
    c1: conv 8, 3x3 -> relu
    output a
    c2: conv 8, 3x3 / 2 -> bn: bn
    output b
    gap
    output c
    output d: c2`,
  "modules that are empty or give several values": `
    part {
      one { conv 8, 3x3 -> relu }
      two { maxpool 2x2 / 2 }
      three { conv 8, 3x3 }
    }
    residual { branch { conv 8, 3x3 -> bn } skip { relu } after relu }
    output y`,
};

export const written: ReadonlyMap<string, () => Graph> = new Map(
  Object.entries(sources).map(([name, body]) => {
    const text = `se 1\nnetwork Net() {\n  input image: f32[N, 8, 13, 11]\n${body.replaceAll(/^ {2}/gm, "")}\n}\n`;
    return [name, () => textGraph(text)];
  }),
);
