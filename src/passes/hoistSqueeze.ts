import { inputsOf, node, type Graph, type Node, type NodeOf, type Origin } from "../ir/graph.ts";
import type { PoolAttrs } from "../ops/pool.ts";
import { isPointwise, pointWindow, type Window } from "../ops/window.ts";
import { elementsPerImage, sameType } from "../tensor/type.ts";
import { isElementwise, isMap, matching, replaceNodes, untilStable, type Matching } from "./matching.ts";
import type { Pass } from "./pass.ts";

/**
 *     u = addBias(conv2d(v, W), b)          m = tapMeans(v)   (a 1x1 of stride 1: globalAvgPool)
 *     z = globalAvgPool(u)             ->   z = addBias(dense(m, W), b)
 *     y = scaleChannels(u, gate(z))         y = scaleChannels(u, gate(z))
 *
 * The gate no longer depends on u, so the scale can stand in the epilogue of u's launch, and u is never stored. Done where
 * one elementwise node is all that reads u beside its squeeze; a u that is stored anyway is squeezed for free where it is
 * made. The path from u down to stored maps must be linear: convolutions (any window, groups; their padding is zeros),
 * biases, affine, constant factors, other gates, additions, concatenations, slices, mean pooling that covers the map.
 *
 * Not a maximum, and nothing through an activation. Legal but not done: under a channel shuffle (the vector would have to be
 * shuffled) and under resizing. Never at the cost of a pass over a map: means are taken of maps that are stored, each with
 * one kind of squeeze.
 *
 * Conditioning: where W has a large common mode, W m and b cancel, and the gate's error grows by
 * kappa = sum |A||m| / |W1 z| (12 to 100 in ResNets). So A is folded in float64 and rounded once; means and biases are f32
 * in every mode.
 */
export const hoistSqueeze: Pass = {
  name: "hoistSqueeze",
  doc: "Computes the mean of a linear layer's output from the means of its input, so that a gate is known before its map.",
  run: (graph) => untilStable(graph, step),
};

function step(graph: Graph): Graph {
  const match = matching(graph);
  const windows = new Map<Node, Window>();
  return replaceNodes(graph, (old, now) => {
    if (old.op !== "globalAvgPool") return undefined;
    const reader = onlyOtherReader(old, match);
    if (!reader) return undefined;
    const hoisted = meanThrough(old.inputs.x, old, { squeeze: old, match, now });
    if (!hoisted || !agree(hoisted.squeezed, windows) || !pays(hoisted, old, reader, match)) return undefined;
    for (const { map, window } of hoisted.squeezed) windows.set(map, window);
    return hoisted.mean;
  });
}

/** The elementwise node that alone reads the map beside its squeeze, and will be its epilogue. */
function onlyOtherReader(squeeze: NodeOf<"globalAvgPool">, match: Matching): Node | undefined {
  const map = squeeze.inputs.x;
  const [reader, ...more] = match.users.get(map)!.filter((user) => user !== squeeze);
  if (!reader || more.length > 0 || match.isOutput(map)) return undefined;
  return isElementwise(reader) && sameType(reader.type, map.type) ? reader : undefined;
}

/** The mean of a map that is never stored. */
interface Hoisted {
  readonly mean: Node;
  /** The stored maps from which it is computed. */
  readonly squeezed: readonly Squeezed[];
  /** Elements of the matrices on the path. */
  readonly weights: number;
  /** Whether mergeDense can multiply a dense layer that reads the mean into all of those matrices. */
  readonly merges: boolean;
}

interface Squeezed {
  readonly map: Node;
  readonly window: Window;
}

/** A launch sums its map for one window, so no map may be needed for two, here or by what this step has hoisted before. */
function agree(squeezed: readonly Squeezed[], windows: ReadonlyMap<Node, Window>): boolean {
  const known = new Map(squeezed.map(({ map, window }) => [map, windows.get(map) ?? window]));
  return squeezed.every(({ map, window }) => sameWindow(known.get(map)!, window));
}

function pays({ squeezed, weights, merges }: Hoisted, squeeze: NodeOf<"globalAvgPool">, reader: Node, match: Matching) {
  // A second squeeze is a second small launch: only if otherwise the map would be stored, scaled and stored again, which
  // is so if the scale's reader is an addition. Other readers scale as they load.
  const [next, ...more] = match.users.get(reader)!;
  const isAdded = next !== undefined && more.length === 0 && inputsOf(next).filter(isMap).length > 1;
  if (new Set(squeezed.map(({ map }) => map)).size > 1 && !isAdded) return false;
  // A gate whose first layer takes in the matrix reads [h, K] for [h, C]. Else it reads [C, K] more, which must be no more
  // than the write and the read of the map that are saved.
  const [first] = match.users.get(squeeze)!;
  const merged = merges && match.isPrivate(squeeze) && first?.op === "dense";
  return merged || weights <= 2 * elementsPerImage(squeeze.inputs.x.type);
}

interface Place {
  readonly squeeze: NodeOf<"globalAvgPool">;
  readonly match: Matching;
  readonly now: (old: Node) => Node;
}

/** The mean of `map`, called `origin`, from what `map` is computed of; undefined if the path is not linear or not free. */
function meanThrough(map: Node, origin: Origin, place: Place): Hoisted | undefined {
  const { match, now } = place;
  /** The operand inside the same launch: private, so that it is never stored either. */
  const inner = (operand: Node) =>
    match.isPrivate(operand) ? meanThrough(operand, part("product", place), place) : undefined;

  switch (map.op) {
    case "conv2d":
      return meanOfConvolution(map, origin, place);
    case "addBias": {
      const x = inner(map.inputs.x);
      return x && { ...x, mean: node("addBias", origin, { x: x.mean, bias: now(map.inputs.bias) }, {}) };
    }
    case "scaleBy": {
      const x = inner(map.inputs.x);
      return x && { ...x, mean: node("scaleBy", origin, { x: x.mean }, map.attrs) };
    }
    case "affine": {
      const x = inner(map.inputs.x);
      const vectors = { scale: now(map.inputs.scale), shift: now(map.inputs.shift) };
      return x && { ...x, merges: false, mean: node("affine", origin, { x: x.mean, ...vectors }, {}) };
    }
    case "scaleChannels": {
      const x = inner(map.inputs.x);
      return x && { ...x, merges: false, mean: node("mul", origin, { a: x.mean, b: now(map.inputs.gate) }, {}) };
    }
    case "add": {
      const { a, b } = map.inputs;
      if (a === b) return undefined;
      const [left, right] = [inner(a), inner(b)];
      // One of the two is the launch around which the addition is fused; the other one is stored and read.
      if (!left && !right) return undefined;
      const [meanA, meanB] = [left ?? meanOfStored(a, place), right ?? meanOfStored(b, place)];
      return meanA && meanB && joined([meanA, meanB], node("add", origin, { a: meanA.mean, b: meanB.mean }, {}));
    }
    case "concat": {
      const means = inputsOf(map).map((operand) => meanOfStored(operand, place));
      if (!means.every((mean) => mean !== undefined)) return undefined;
      const operands = Object.fromEntries(means.map(({ mean }, index) => [`${index}`, mean]));
      return joined(means, node("concat", origin, operands, {}));
    }
    case "sliceChannels": {
      const x = meanOfStored(map.inputs.x, place);
      return x && { ...x, mean: node("sliceChannels", origin, { x: x.mean }, map.attrs) };
    }
    case "avgPool":
      return coversEvenly(map.attrs, map.inputs.x) ? meanOfStored(map.inputs.x, place, origin) : undefined;
    default:
      return undefined;
  }
}

/** mean over h,w of conv2d(v, W) = W as [O, I*kh*kw] times tapMeans(v). */
function meanOfConvolution(conv: NodeOf<"conv2d">, origin: Origin, place: Place): Hoisted | undefined {
  const { kernel, stride, padding, dilation, groups } = conv.attrs;
  const window = { kernel, stride, padding, dilation };
  const { match, now } = place;
  const source = storedMap(conv.inputs.x, window, match);
  if (!source) return undefined;
  const x = now(conv.inputs.x);
  const mean = isPointwise(window)
    ? node("globalAvgPool", part("mean", place), { x }, {})
    : node("tapMeans", part("taps", place), { x }, window);

  let weight = now(conv.inputs.weight);
  const named = (suffix: string): Origin => ({ name: match.name(`${weight.name}.${suffix}`), span: conv.span });
  if (groups > 1) weight = node("expandGroups", named("expanded"), { weight }, { groups });
  const [outputs, columns] = [conv.type.shape[1] as number, mean.type.shape[1] as number];
  if (kernel.some((extent) => extent > 1))
    weight = node("reshape", named("matrix"), { x: weight }, { shape: [outputs, columns] });
  const product = node("dense", origin, { x: mean, weight }, {});
  return { mean: product, squeezed: [{ map: source, window }], weights: outputs * columns, merges: true };
}

function meanOfStored(map: Node, place: Place, origin?: Origin): Hoisted | undefined {
  const source = storedMap(map, pointWindow, place.match);
  if (!source) return undefined;
  const mean = node("globalAvgPool", origin ?? part("mean", place), { x: place.now(map) }, {});
  return { mean, squeezed: [{ map: source, window: pointWindow }], weights: 0, merges: true };
}

function joined(parts: readonly Hoisted[], mean: Node): Hoisted {
  const weights = parts.reduce((sum, part) => sum + part.weights, 0);
  return {
    mean,
    squeezed: parts.flatMap((part) => part.squeezed),
    weights,
    merges: weights === 0 || (mean.op === "add" && parts.every((part) => part.merges)),
  };
}

/**
 * The map whose launch can sum what a mean of `map` needs on the way: `map` if it is stored and has no squeeze of another
 * kind. A gate on a stored map is taken out of the mean by floatScale, for a single tap. Undefined if there is none.
 */
function storedMap(map: Node, window: Window, match: Matching): Node | undefined {
  if (match.isComputedAtLoad(map)) {
    const oneTap = window.kernel.every((extent) => extent === 1);
    return oneTap && map.op === "scaleChannels" ? storedMap(map.inputs.x, window, match) : undefined;
  }
  const fits = match.users.get(map)!.every((user) => {
    if (user.op === "globalMaxPool") return false;
    if (user.op === "globalAvgPool") return isPointwise(window);
    return user.op !== "tapMeans" || sameWindow(user.attrs, window);
  });
  return fits ? map : undefined;
}

function sameWindow(a: Window, b: Window): boolean {
  return (["kernel", "stride", "padding", "dilation"] as const).every((key) => a[key].join() === b[key].join());
}

/** Every pixel of the map falls into exactly one window of the same size. */
function coversEvenly(window: PoolAttrs, map: Node): boolean {
  return ([0, 1] as const).every(
    (axis) =>
      window.kernel[axis] === window.stride[axis] &&
      window.dilation[axis] === 1 &&
      window.padding[axis] === 0 &&
      window.padding[axis + 2] === 0 &&
      (map.type.shape[2 + axis] as number) % window.kernel[axis] === 0,
  );
}

function part(suffix: string, { squeeze, match }: Place): Origin {
  return { name: match.name(`${squeeze.name}.${suffix}`), span: squeeze.span };
}
