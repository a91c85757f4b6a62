import { channelConv, channelMax, channelMean } from "./acrossChannels.ts";
import { addBias, affine, batchNorm, scaleChannels, scalePixels } from "./channels.ts";
import { conv2d } from "./conv2d.ts";
import { dense } from "./dense.ts";
import {
  add,
  dropout,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  mul,
  relu,
  relu6,
  rsqrt,
  scaleBy,
  sigmoid,
  silu,
  sub,
  tanh,
} from "./elementwise.ts";
import { input, parameter } from "./leaves.ts";
import type { OpDef } from "./op.ts";
import { avgPool, globalAvgPool, globalMaxPool, maxPool } from "./pool.ts";
import { concat, flatten, pad, shuffleChannels, sliceChannels, softmax, upsample } from "./shape.ts";
import { reduceParts } from "./reduceParts.ts";
import { squeezeFinish, squeezeParts, tapMeans } from "./tapMeans.ts";
import {
  expandGroups,
  matmul,
  matvec,
  packChunks,
  packConv,
  packDepthwise,
  packGrouped,
  packVector,
  reshape,
  scaleRows,
  sliceRows,
} from "./weights.ts";

/** Every op of the IR. Adding one starts here. */
export const ops = {
  // What the user gives.
  input,
  parameter,
  // One element at a time.
  relu,
  relu6,
  leakyRelu,
  sigmoid,
  tanh,
  hardSigmoid,
  hardSwish,
  silu,
  scaleBy,
  dropout,
  add,
  sub,
  mul,
  addBias,
  affine,
  batchNorm,
  scaleChannels,
  scalePixels,
  // Layers.
  conv2d,
  dense,
  maxPool,
  avgPool,
  globalAvgPool,
  globalMaxPool,
  softmax,
  concat,
  sliceChannels,
  shuffleChannels,
  upsample,
  flatten,
  pad,
  channelMean,
  channelMax,
  channelConv,
  // Made by passes and by the plan.
  tapMeans,
  squeezeParts,
  reduceParts,
  squeezeFinish,
  // On parameters alone.
  rsqrt,
  scaleRows,
  matmul,
  matvec,
  reshape,
  expandGroups,
  sliceRows,
  packChunks,
  packConv,
  packDepthwise,
  packGrouped,
  packVector,
};

export type OpName = keyof typeof ops;
export type InputsOf<K extends OpName> = (typeof ops)[K] extends OpDef<infer In, infer _> ? In : never;
export type AttrsOf<K extends OpName> = (typeof ops)[K] extends OpDef<infer _, infer A> ? A : never;
