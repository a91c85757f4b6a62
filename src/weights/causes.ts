import type { Graph } from "../ir/graph.ts";
import type { Differences } from "./check.ts";
import type { NameMap } from "./maps/map.ts";

/** What may be behind the differences between a checkpoint and a network, in whole sentences, the likeliest first. */
export function likelyCauses(
  graph: Graph,
  layouts: readonly string[],
  map: NameMap | undefined,
  { missing, unexpected, shape }: Differences,
): string[] {
  const causes: string[] = [];
  const blocks = graph.insertions.map(({ name }) => `${name}.`);
  const ofSe = (name: string) => blocks.some((block) => name.startsWith(block)) || isSe.test(name);
  const all = (names: readonly string[], is: (name: string) => boolean) => names.length > 0 && names.every(is);

  if (all(missing, (name) => ofSe(name) && name.endsWith(".bias")) && unexpected.length === 0) {
    causes.push("the SE layers of the file have no bias: `bias: false` in insert se, or --set bias=false");
  } else if (all(missing, ofSe) && unexpected.length === 0) {
    const every = graph.nodes.filter((node) => node.op === "parameter" && ofSe(node.name)).length === missing.length;
    if (every) causes.push("the file has no SE blocks: compile with --set se=none");
  }
  if (missing.length === 0 && all(unexpected, (name) => isSe.test(name))) {
    causes.push(
      "the file has SE blocks that the network has not: their placement, stages or bias is another (--set se=…)",
    );
  }
  if (all(shape, ofSe)) {
    causes.push(
      "the SE blocks have other extents: their placement, ratio or rounding is another (timm's is --set rounding=8)",
    );
  }
  const block = wholeBlock(graph, missing);
  if (block !== undefined) causes.push(`all weights of ${block} are missing`);

  if (map) causes.push(`these are the differences if it is read as ${map.title}`);
  const renamed = missing.length + unexpected.length > 0;
  if (!map && renamed && causes.length === 0 && layouts.length > 0)
    causes.push(`its keys look like ${layouts.join(", or ")}`);
  return causes;
}

const isSe = /(^|\.)(se|se_module|eca|cbam|attn)\d*\./;

/** The dotted beginning that all missing names share, if it is missing as a whole. */
function wholeBlock(graph: Graph, missing: readonly string[]): string | undefined {
  if (missing.length < 2) return undefined;
  const parts = missing.map((name) => name.split("."));
  let depth = 0;
  while (parts.every((name) => name[depth] !== undefined && name[depth] === parts[0]![depth])) depth++;
  if (depth === 0) return undefined;
  const block = parts[0]!.slice(0, depth).join(".");
  const below = graph.nodes.filter(({ op, name }) => op === "parameter" && name.startsWith(`${block}.`));
  return below.length === missing.length ? block : undefined;
}
