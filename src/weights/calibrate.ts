import { inputsOf, opDef, tryNode, type Graph, type Node } from "../ir/graph.ts";
import { zeros, type Tensor } from "../tensor/tensor.ts";
import { concreteShape, type TensorType } from "../tensor/type.ts";
import { fillRandom } from "./random.ts";

/**
 * Runs one seeded batch through the network and sets, as it goes, what keeps the activations near unit scale:
 * - BatchNorm's mean and variance become those of what it sees (a BatchNorm that is used twice: the first time);
 * - the last layer of each SE block is scaled until what its gate sees varies as it should, so that sigmoid gates spread
 *   over 0.1 to 0.9.
 *
 * The batch is as small as is sound. Statistics depend on the resolution only at borders, so that it is halved while every
 * BatchNorm keeps a map of 4x4, or its own size if that is smaller, and every window 85 % of what it sees of its map:
 * a 5x5 that sees more padding makes less of its input, and so, at the full size, would each one after it more. There are as many images as give each channel 16
 * values, and at least 2: the squeeze of one normalised image would be the BatchNorm's bias and nothing else. For
 * ResNet-50 that is half of what one image costs.
 * Networks whose shapes depend on the resolution (a dense layer on a flattened map) keep it.
 */
export function calibrate(graph: Graph, tensors: Map<string, Tensor>, seed: number): void {
  const gains = gateGains(graph);
  if (gains.size === 0 && !graph.nodes.some((node) => node.op === "batchNorm")) return;
  const { small, images } = smallBatch(graph);

  const lastUse = new Map<Node, Node>();
  for (const node of small.nodes) for (const input of inputsOf(node)) lastUse.set(input, node);
  const end = small.nodes.findLastIndex((node) => node.op === "batchNorm" || gains.has(node.name));
  const values = new Map<Node, Tensor>();
  const done = new Set<string>();
  for (const node of small.nodes.slice(0, end + 1)) {
    const value = node.op === "parameter" ? tensors.get(node.name)! : zeros(concreteShape(node.type, images));
    values.set(node, value);
    if (node.op === "parameter") continue;
    if (node.op === "input") {
      fillRandom(value.data, seed, `batch of ${node.name}`, { deviation: 1 });
      continue;
    }
    const inputs: Record<string, Tensor> = {};
    for (const [name, input] of Object.entries<Node>(node.inputs)) inputs[name] = values.get(input)!;
    if (node.op === "batchNorm" && !done.has(node.inputs.mean.name)) {
      done.add(node.inputs.mean.name);
      setStatistics(inputs["x"]!, inputs["mean"]!, inputs["variance"]!);
    }
    opDef(node.op).evaluate(inputs, node.attrs, value);

    const gain = gains.get(node.name);
    if (gain && !done.has(gain[0]!)) {
      gain.forEach((name) => done.add(name));
      const factor = gateDeviation / deviation(value.data);
      // The layer is linear in its parameters, so its value scales with them.
      for (const data of [value.data, ...gain.map((name) => tensors.get(name)!.data)]) {
        for (let i = 0; i < data.length; i++) data[i] = Math.fround(data[i]! * factor);
      }
    }
    for (const input of inputsOf(node)) if (lastUse.get(input) === node) values.delete(input);
  }
}

/** A little less than 1, because two images vary less than many. */
const gateDeviation = 0.85;

/** For the node that each gate sees (by name): the parameters of the layer that makes it, to be scaled together. */
function gateGains(graph: Graph): Map<string, string[]> {
  const byName = new Map(graph.nodes.map((node) => [node.name, node]));
  const gains = new Map<string, string[]>();
  for (const { name } of graph.insertions) {
    const seen = (byName.get(`${name}.gate`)?.inputs as { x?: Node } | undefined)?.x;
    if (!seen) continue;
    const layer = seen.op === "addBias" ? seen.inputs.x : seen;
    if (layer.op !== "dense" && layer.op !== "conv2d" && layer.op !== "channelConv") continue;
    const parameters = seen.op === "addBias" ? [seen.inputs.bias, layer.inputs.weight] : [layer.inputs.weight];
    gains.set(
      seen.name,
      parameters.map((parameter) => parameter.name),
    );
  }
  return gains;
}

function smallBatch(graph: Graph): { small: Graph; images: number } {
  const positions = (of: Graph) =>
    of.nodes.flatMap((node) => {
      if (node.op !== "batchNorm") return [];
      const [, , height = 1, width = 1] = node.type.shape as [unknown, unknown, number?, number?];
      return [[height, width] as const];
    });
  const whole = positions(graph);
  const seen = coverage(graph);
  let small = graph;
  for (let factor = 2; factor <= 64; factor *= 2) {
    const candidate = shrink(graph, factor);
    if (!candidate) break;
    const keepsMaps = positions(candidate).every(([height, width], index) => {
      return height >= Math.min(4, whole[index]![0]) && width >= Math.min(4, whole[index]![1]);
    });
    const keepsTaps = coverage(candidate).every((share, index) => share >= 0.85 * seen[index]!);
    if (!keepsMaps || !keepsTaps) break;
    small = candidate;
  }
  const fewest = Math.min(...positions(small).map(([height, width]) => height * width), 16);
  return { small, images: Math.max(2, Math.ceil(16 / fewest)) };
}

/** For each convolution, height and width: which part of the window lies on the map, on average over its places. */
function coverage(graph: Graph): number[] {
  return graph.nodes.flatMap((node) => {
    if (node.op !== "conv2d") return [];
    const { kernel, stride, padding, dilation } = node.attrs;
    return ([0, 1] as const).map((axis) => {
      const [size, places] = [node.inputs.x, node].map(({ type }) => type.shape[2 + axis] as number) as [
        number,
        number,
      ];
      let inside = 0;
      for (let place = 0; place < places; place++) {
        for (let tap = 0; tap < kernel[axis]; tap++) {
          const at = place * stride[axis] - padding[axis] + tap * dilation[axis];
          if (at >= 0 && at < size) inside++;
        }
      }
      return inside / (places * kernel[axis]);
    });
  });
}

/** The network with feature maps of 1 / factor the height and width; undefined if its shapes do not allow it. */
function shrink(graph: Graph, factor: number): Graph | undefined {
  const smaller = new Map<Node, Node>();
  for (const old of graph.nodes) {
    const inputs: Record<string, Node> = {};
    for (const [name, input] of Object.entries<Node>(old.inputs)) inputs[name] = smaller.get(input)!;
    const attrs = old.op === "input" ? { ...old.attrs, type: shrunk(old.type, factor) } : old.attrs;
    const made = tryNode(old.op, old, inputs as never, attrs as never);
    if ("complaint" in made) return undefined;
    smaller.set(old, made as Node);
  }
  const outputs = graph.outputs.map(({ name, node }) => ({ name, node: smaller.get(node)! }));
  return { ...graph, nodes: [...smaller.values()], outputs };
}

function shrunk(type: TensorType, factor: number): TensorType {
  const shape = type.shape.map((extent, axis) => (axis < 2 ? extent : Math.ceil((extent as number) / factor)));
  return { dtype: type.dtype, shape };
}

/** Of each channel of x, over images and pixels. A channel that hardly varies gets a part of the others' variance. */
function setStatistics(x: Tensor, mean: Tensor, variance: Tensor): void {
  const [images, channels] = x.shape as [number, number];
  const pixels = x.data.length / (images * channels);
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    let squares = 0;
    for (let n = 0; n < images; n++) {
      for (let p = 0; p < pixels; p++) {
        const value = x.data[(n * channels + c) * pixels + p]!;
        sum += value;
        squares += value * value;
      }
    }
    mean.data[c] = Math.fround(sum / (images * pixels));
    variance.data[c] = squares / (images * pixels) - (sum / (images * pixels)) ** 2;
  }
  const average = variance.data.reduce((a, b) => a + b, 0) / channels || 1;
  for (let c = 0; c < channels; c++) variance.data[c] = Math.fround(Math.max(variance.data[c]!, average / 20));
}

function deviation(values: Float64Array): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  // A single channel does not vary: it keeps its gain.
  return Math.sqrt(variance) || 1;
}
