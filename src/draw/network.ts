import { inputsOf, parameterOnly, usersOf, type Graph, type Node } from "../ir/graph.ts";
import { collapseRepeats, foldUnits } from "./collapse.ts";
import { distinct, type Box, type Detail, type Drawing } from "./drawing.ts";
import { groupsOf, seTest, shortNames } from "./groups.ts";
import { opText, shapeText } from "./opText.ts";

/** @param graph as written, before passes */
export function networkDrawing(graph: Graph, detail: Detail): Drawing {
  const drawing = drawingOf(graph, detail);
  if (detail === "stages") return collapseRepeats(drawing);
  return shortNames(detail === "units" ? foldUnits(drawing) : drawing);
}

function drawingOf(graph: Graph, detail: Detail): Drawing {
  const parameters = parameterOnly(graph);
  const users = usersOf(graph);
  const isSe = seTest(graph);
  const scales = new Set(graph.insertions.map(({ name }) => `${name}.scale`));
  const outputs = new Set(graph.outputs.map(({ node }) => node));
  const boxOf = new Map<Node, Node[]>();
  const boxes: Node[][] = [];
  for (const node of graph.nodes) {
    if (parameters.has(node)) continue;
    const operands = inputsOf(node).filter((input) => !parameters.has(input));
    const [x] = operands;
    // Otherwise it stands in the box of what it is computed from.
    const isAlone =
      operands.length !== 1 ||
      x!.op === "input" ||
      users.get(x!)!.length > 1 ||
      outputs.has(x!) ||
      isSe(x!.name) !== isSe(node.name) ||
      !(isBias(node) || (detail !== "layers" && (joining.has(node.op) || isSe(node.name))));
    const box = isAlone ? [] : boxOf.get(x!)!;
    if (isAlone) boxes.push(box);
    box.push(node);
    boxOf.set(node, box);
  }

  const idOf = (node: Node) => nameOf(boxOf.get(node)![0]!);
  const drawn = boxes.map((nodes): Box => {
    const [first] = nodes;
    const last = nodes.at(-1)!;
    const rows = nodes.flatMap((node) => {
      if (node.op === "addBias" && `${node.name}.product` === node.inputs.x.name) return [];
      return [{ text: rowText(node), isSe: isSe(node.name) }];
    });
    return {
      id: idOf(first!),
      kind: first!.op === "input" ? "input" : "layer",
      rows,
      note: shapeText(last.type),
      isSe: isSe(first!.name),
      isAside: isSe(first!.name) && !scales.has(last.name),
    };
  });
  const ends = graph.outputs.map(({ name }): Box => {
    return {
      id: `output ${name}`,
      kind: "output",
      rows: [{ text: `output ${name}`, isSe: false }],
      note: undefined,
      isSe: false,
      isAside: false,
    };
  });
  const edges = boxes.flatMap((nodes) =>
    nodes.flatMap((node) =>
      inputsOf(node).flatMap((input) => (parameters.has(input) ? [] : [{ from: idOf(input), to: idOf(node) }])),
    ),
  );
  const results = graph.outputs.map(({ name, node }) => ({ from: idOf(node), to: `output ${name}` }));
  return {
    title: graph.name,
    boxes: [...drawn, ...ends],
    edges: distinct([...edges, ...results]),
    groups: groupsOf(graph, drawn),
  };
}

/** `conv1: conv 64, 7x7 / 2`; a layer without a label is called like its op, which is said once. */
function rowText(node: Node): string {
  const name = nameOf(node);
  if (node.op === "input") return `input ${name}`;
  const [, path, label] = /^(.*\.)?([^.]*?)(?:_\d+)?$/.exec(name)!;
  const what = opText(node);
  return label === what ? `${path ?? ""}${what}` : `${name}: ${what}`;
}

/** A layer with a bias is two nodes; both are the layer. */
function nameOf(node: Node): string {
  return node.name.replace(/\.product$/, "");
}

function isBias(node: Node): boolean {
  return node.op === "addBias" && `${node.name}.product` === node.inputs.x.name;
}

const joining: ReadonlySet<string> = new Set([
  ...["batchNorm", "addBias", "relu", "relu6", "leakyRelu", "sigmoid", "tanh", "hardSigmoid", "hardSwish", "silu"],
  ...["scaleBy", "softmax"],
]);
