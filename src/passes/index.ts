import { floatScale } from "./floatScale.ts";
import { foldBatchNorm } from "./foldBatchNorm.ts";
import { foldPadding } from "./foldPadding.ts";
import { hoistSqueeze } from "./hoistSqueeze.ts";
import { mergeDense } from "./mergeDense.ts";
import type { Pass } from "./pass.ts";
import { removeDead } from "./removeDead.ts";
import { shareCommon } from "./shareCommon.ts";

/** The passes of each level, in order. */
export const O0: readonly Pass[] = [];

export const O1: readonly Pass[] = [
  removeDead, // First: a reader that nobody needs would keep a value from being private.
  shareCommon, // Before the rewrites: two equal readers count as one.
  foldPadding, // Before hoisting: the means of a convolution are taken of what it reads.
  foldBatchNorm, // Before hoisting, which goes through addBias.
  hoistSqueeze,
  floatScale, // After hoisting: what is now an epilogue is no longer a scale at the load; hoisting also leaves scaled means.
  mergeDense, // The hoisted squeeze and the first layer of its gate.
  shareCommon, // A mean that was hoisted or floated down to a map which is squeezed already.
];
