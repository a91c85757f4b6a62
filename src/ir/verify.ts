import { Bug } from "../diagnostics.ts";
import { isComplaint } from "../ops/op.ts";
import { sameType, typeText, type TensorType } from "../tensor/type.ts";
import { inputsOf, opDef, parameterOnly, type Graph, type Node } from "./graph.ts";

/**
 * The invariants of a graph, checked after every pass; a broken one is a bug of the pass that is named:
 * 1. every node follows its inputs, and stands once;
 * 2. names are unique;
 * 3. the recorded type is the one that the op infers;
 * 4. the batch "N" is the first extent of an activation, and no extent of a parameter;
 * 5. ops of the weight program read parameters only;
 * 6. outputs have distinct names, are in the graph, and are not parameters' doing alone.
 */
export function verify(graph: Graph, after: string): void {
  const fault = faultOf(graph);
  if (fault !== undefined) throw new Bug(`after ${after}: ${fault}`);
}

/** The first invariant that does not hold, in words; undefined if all do. */
export function faultOf(graph: Graph): string | undefined {
  const seen = new Set<Node>();
  const names = new Set<string>();
  const parameters = parameterOnly(graph);
  for (const node of graph.nodes) {
    if (seen.has(node)) return `${node.name} stands twice`;
    for (const input of inputsOf(node)) {
      if (!seen.has(input)) return `${node.name} reads ${input.name}, which does not come before it`;
    }
    seen.add(node);

    if (names.has(node.name)) return `two nodes are called ${node.name}`;
    names.add(node.name);

    const types: Record<string, TensorType> = {};
    for (const [name, input] of Object.entries<Node>(node.inputs)) types[name] = input.type;
    const type = opDef(node.op).infer(types, node.attrs);
    if (isComplaint(type)) return `${node.name} = ${node.op}: ${type.complaint}`;
    if (!sameType(type, node.type))
      return `${node.name} is recorded as ${typeText(node.type)}, but is ${typeText(type)}`;

    const batched = node.type.shape.map((dim) => dim === "N");
    if (batched.some((isBatch, axis) => isBatch && axis > 0)) return `${node.name} has N beside the first extent`;
    if (batched[0] === parameters.has(node))
      return `${node.name} is ${typeText(node.type)}, but ${parameters.has(node) ? "is" : "is not"} of parameters alone`;
    if (weightOps.has(node.op) && !parameters.has(node)) return `${node.name} = ${node.op} reads an activation`;
  }
  const outputs = new Set<string>();
  for (const output of graph.outputs) {
    if (outputs.has(output.name)) return `two outputs are called ${output.name}`;
    outputs.add(output.name);
    if (!seen.has(output.node)) return `output ${output.name} is not in the graph`;
    if (parameters.has(output.node)) return `output ${output.name} does not depend on any input`;
  }
  return undefined;
}

const weightOps: ReadonlySet<string> = new Set([
  "rsqrt",
  "scaleRows",
  "matmul",
  "matvec",
  "reshape",
  "expandGroups",
  "sliceRows",
  "packConv",
  "packChunks",
  "packDepthwise",
  "packGrouped",
  "packVector",
]);
