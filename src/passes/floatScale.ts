import { node, type Graph } from "../ir/graph.ts";
import { matching, replaceNodes, untilStable } from "./matching.ts";
import type { Pass } from "./pass.ts";

/**
 *     y = scaleChannels(x, s)           y = scaleChannels(x, s)
 *     z = globalAvgPool(y)         ->   z = mul(s, globalAvgPool(x))
 *
 * for a scale that its readers apply as they load (x is stored unscaled anyway), so that the squeeze is one of x, free where
 * x is made; often x's own squeeze, which then is shared. Any sign of s. Likewise the means that a 1x1 window visits.
 *
 * Not for a maximum (max(s x) is s max(x) only for s >= 0: scaled at the load instead), not for the means of a larger
 * window, and not where the scale is an epilogue and y itself is stored.
 */
export const floatScale: Pass = {
  name: "floatScale",
  doc: "Takes a channel gate out of a mean: mean(s * x) = s * mean(x).",
  run: (graph) => untilStable(graph, step),
};

function step(graph: Graph): Graph {
  const match = matching(graph);
  return replaceNodes(graph, (old, now) => {
    if (old.op !== "globalAvgPool" && old.op !== "tapMeans") return undefined;
    if (old.op === "tapMeans" && old.attrs.kernel.some((extent) => extent > 1)) return undefined;
    const scaled = old.inputs.x;
    if (scaled.op !== "scaleChannels" || !match.isComputedAtLoad(scaled)) return undefined;
    const origin = { name: match.name(`${old.name}.unscaled`), span: old.span };
    const x = now(scaled.inputs.x);
    const mean =
      old.op === "tapMeans" ? node("tapMeans", origin, { x }, old.attrs) : node("globalAvgPool", origin, { x }, {});
    // The gate first: then its own squeeze comes first too, and keeps its name when the two are shared.
    return node("mul", old, { a: now(scaled.inputs.gate), b: mean }, {});
  });
}
