import { Bug, type Span } from "../../src/diagnostics.ts";
import type { InputDeclaration } from "../../src/image/declaration.ts";
import type { Graph, Node } from "../../src/ir/graph.ts";
import { GENERATED } from "../../src/marker.ts";
import { version } from "../../src/version.ts";
import { Namer } from "../names.ts";
import { Entangled, type Network } from "./body.ts";
import { callsOf, type Call, type Layer } from "./calls.ts";
import { classesOf, type ModuleClass } from "./classes.ts";
import { containersOf, prefixesOf, type Container } from "./containers.ts";
import { Forms } from "./forms.ts";
import { Printer } from "./print.ts";
import { callsHelper, helpers, spelling, type Spelled } from "./spelling.ts";
import { pythonWords } from "./words.ts";

/** net.py: the network as written, as one module of PyTorch whose state_dict has the network's names. */
export function moduleText(graph: Graph, place: (span: Span) => string): string {
  const calls = callsOf(graph);
  const namer = new Namer(pythonWords);
  const root = namer.name(graph.name);
  const classes = structured(graph, calls, root);
  const printer = new Printer();
  /** By prefix, in order: the node that comes first below it. */
  const begins = new Map<string, Node>();
  for (const { node } of calls)
    for (const prefix of prefixesOf(node.name)) if (!begins.has(prefix)) begins.set(prefix, node);
  const written = classes.map((made) =>
    made === classes.at(-1)
      ? printer.classText(made, rootWords(graph, place), initialisation(calls))
      : printer.classText(made, classWords(made, begins, place)),
  );
  const text = written.join("\n\n");
  const used = calls.filter(({ op, alive }) => alive && callsHelper(op));
  const functions = new Set<string>(
    used.map(({ op }) => helpers[(spelling[op.op as keyof typeof spelling] as unknown as Spelled<"relu">).helper!]),
  );
  if (text.includes("Group(")) functions.add(group);
  return [
    `# ${GENERATED} ${version} for ${graph.name}. What is generated belongs to you: use it as you like.`,
    "from __future__ import annotations",
    "",
    ...(text.includes("math.") ? ["import math", ""] : []),
    "import torch",
    "import torch.nn.functional as F",
    "from torch import Tensor, nn",
    "",
    '# Shapes of one image, and how a picture becomes an input: its shorter side resized to "crop" and the middle cut out, or',
    "# stretched without it; then (pixel * scale - mean) / std, pixels being 0 to 255.",
    ...constants(graph),
    "",
    "",
    ...[...functions].map((helper) => `${helper.trimEnd()}\n\n`),
    text,
    "",
    "def create() -> nn.Module:",
    "    return " + `${root}()`,
    "",
  ].join("\n");
}

/** Prefixes whose modules turn out to need each other's results are refused, one round after the other. */
function structured(graph: Graph, calls: readonly Call[], root: string): readonly ModuleClass[] {
  const layers = new Map<string, Layer>();
  for (const { layer } of calls) if (layer && !layers.has(layer.path)) layers.set(layer.path, layer);
  const forms = new Forms(graph);
  const gates = new Map(graph.insertions.map(({ name, block }) => [name, block ?? "squeeze_excite"]));
  const baseName = ({ path }: Container) =>
    path === "" ? root : camelCase(gates.get(path) ?? graph.blocks?.get(path) ?? lastWord(path));
  const refused = new Set<string>();
  for (;;) {
    const network: Network = { graph, containers: containersOf(graph, calls, refused), forms, layers, gates };
    try {
      // The network's own name is its class's, whatever its blocks are called.
      const namer = new Namer(pythonWords, [root]);
      return classesOf(network, baseName, (base) => (base === root ? root : namer.name(base)));
    } catch (error) {
      if (!(error instanceof Entangled)) throw error;
      const before = refused.size;
      error.paths.forEach((path) => refused.add(path));
      if (refused.size === before) throw new Bug(`the modules of ${graph.name} cannot be told apart: ${error.message}`);
    }
  }
}

/** The last label that is a word: `layer1` of `layer1.0`. */
function lastWord(path: string): string {
  return path.split(".").findLast((label) => /^[A-Za-z]/.test(label)) ?? "Part";
}

function camelCase(label: string): string {
  return label
    .split("_")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}

// --- words -------------------------------------------------------------------------------------------------------

function rootWords(graph: Graph, place: (span: Span) => string): string {
  const input = graph.nodes.find(({ op }) => op === "input");
  const at = input ? ` From ${plain(place(input.span))}.` : "";
  const several = graph.outputs.length > 1 ? " Gives its outputs by name." : "";
  return `The network ${graph.name}.${several}${at}`;
}

/** `layer1.0, layer1.1 and 14 more: std/resnet.se:18:7` */
function classWords(
  { instances }: ModuleClass,
  begins: ReadonlyMap<string, Node>,
  place: (span: Span) => string,
): string {
  const own = new Set(instances.map(({ path }) => path));
  const paths = [...begins.keys()].filter((path) => own.has(path));
  const shown = paths.length <= 3 ? paths.join(", ") : `${paths.slice(0, 2).join(", ")} and ${paths.length - 2} more`;
  return `${shown}: ${plain(place(begins.get(paths[0]!)!.span))}.`;
}

/** A path may have any characters; these are harmless in a comment. */
function plain(text: string): string {
  return text.replace(/[^\w./:@ -]/g, "_");
}

function constants({ nodes }: Graph): string[] {
  const inputs = nodes.flatMap((node) => (node.op === "input" ? [node] : []));
  const shapes = inputs.map(
    ({ name, type }) =>
      `${JSON.stringify(name)}: (${type.shape.slice(1).join(", ")}${type.shape.length === 2 ? "," : ""})`,
  );
  const pictures = inputs.flatMap(({ name, attrs }) =>
    attrs.image ? [`    ${JSON.stringify(name)}: ${pictureWords(attrs.image)},`] : [],
  );
  return [
    `INPUTS = {${shapes.join(", ")}}`,
    ...(pictures.length > 0 ? ["PICTURES = {", ...pictures, "}"] : ["PICTURES = {}"]),
  ];
}

function pictureWords({ order, scale, mean, std, crop }: InputDeclaration): string {
  const middle = crop === "none" ? "None" : crop.resizeShortSideTo;
  return `{"order": "${order}", "scale": ${scale}, "mean": [${mean.join(", ")}], "std": [${std.join(", ")}], "crop": ${middle}}`;
}

const group = `class Group(nn.Module):
    """Modules by name, which the forward around calls one by one."""

    def __init__(self, members: dict[str, nn.Module]):
        super().__init__()
        self._modules.update(members)

    def __getitem__(self, name: str) -> nn.Module:
        return self._modules[name]
`;

/** He et al. 2015 for convolutions; everything else as PyTorch has it. */
function initialisation(calls: readonly Call[]): string[] {
  if (!calls.some(({ op }) => isConv(op))) return [];
  return [
    "",
    "for module in self.modules():",
    "    if isinstance(module, nn.Conv2d):",
    '        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")',
    "        with torch.no_grad():  # The fan of a grouped convolution is that of one group.",
    "            module.weight *= module.groups**0.5",
    "        if module.bias is not None:",
    "            nn.init.zeros_(module.bias)",
  ];
}

function isConv(op: Node): boolean {
  return op.op === "conv2d" || (op.op === "dense" && op.inputs.weight.type.shape.length === 4);
}
