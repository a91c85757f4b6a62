import { node, rewrite } from "../ir/graph.ts";
import type { Pass } from "./pass.ts";

/**
 *     p = pad(x)
 *     y = conv2d(p, W)   ->   y = conv2d(x, W), which pads or crops as much more
 *
 * Both pad with zeros, so their sides add up. Not where one crops what the other pads again: the cropped values would
 * come back. Not into pools, whose padding takes no part in a maximum or a mean.
 */
export const foldPadding: Pass = {
  name: "foldPadding",
  doc: "Lets a convolution pad or crop its map itself.",
  run: (graph) =>
    rewrite(graph, (old) => {
      if (old.op !== "conv2d" || old.inputs.x.op !== "pad") return undefined;
      const { x: map } = old.inputs;
      const own = old.attrs.padding;
      if (map.attrs.padding.some((side, at) => side < 0 && own[at]! > 0)) return undefined;
      const [top, left, bottom, right] = map.attrs.padding;
      const padding = [own[0] + top, own[1] + left, own[2] + bottom, own[3] + right] as const;
      return node("conv2d", old, { x: map.inputs.x, weight: old.inputs.weight }, { ...old.attrs, padding });
    }),
};
