import type { Graph } from "../ir/graph.ts";
import { quote } from "./header.ts";

/** One difference between a checkpoint and what a network needs. */
export interface WeightFault {
  readonly kind: "missing" | "unexpected" | "shape";
  /** The tensor's name. */
  readonly name: string;
  readonly message: string;
}

/**
 * Compares a checkpoint with a graph's (or a weight program's) parameters and lists every difference. BatchNorm's
 * `num_batches_tracked` is ignored. A shape with 1s behind it is the same as without: [64, 16] and [64, 16, 1, 1], because
 * SE layers are stored as both.
 */
export function checkWeights(graph: Graph, given: ReadonlyMap<string, readonly number[]>): WeightFault[] {
  const needed = new Map<string, readonly number[]>();
  for (const node of graph.nodes) if (node.op === "parameter") needed.set(node.name, node.type.shape as number[]);
  const prefix = commonPrefix(needed, given);

  const faults: WeightFault[] = [];
  for (const [name, shape] of needed) {
    const found = given.get(name);
    if (!found) {
      const there = prefix === undefined ? "" : `: the file has ${quote(prefix + name)}`;
      faults.push({ kind: "missing", name, message: `${quote(name)} ${shapeText(shape)} is missing${there}` });
    } else if (!sameShape(shape, found)) {
      const message = `${quote(name)} should be ${shapeText(shape)}, but is ${shapeText(found)}${likelyCause(shape, found)}`;
      faults.push({ kind: "shape", name, message });
    }
  }
  for (const [name, shape] of given) {
    if (needed.has(name) || name.endsWith("num_batches_tracked")) continue;
    const message = `${quote(name)} ${shapeText(shape)} is in the file, but nothing in the network is called so`;
    faults.push({ kind: "unexpected", name, message });
  }
  return faults;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  const [x, y] = [trimmed(a), trimmed(b)];
  return x.length === y.length && x.every((extent, axis) => extent === y[axis]);
}

function trimmed(shape: readonly number[]): readonly number[] {
  return shape.slice(0, 1 + shape.findLastIndex((extent) => extent !== 1));
}

function likelyCause(needed: readonly number[], found: readonly number[]): string {
  if (needed.length === 4 && found.length === 4) {
    const [outputs, inputs, height, width] = found as [number, number, number, number];
    // What was found, read as [kh, kw, in, out] and as [out, kh, kw, in].
    if (sameShape(needed, [width, height, outputs, inputs])) return ": it looks like TensorFlow's [kh, kw, in, out]";
    if (sameShape(needed, [outputs, width, inputs, height])) return ": it looks like [out, kh, kw, in], channels last";
  }
  if (sameShape(needed, trimmed(found).toReversed())) return ": it looks transposed";
  return "";
}

/** What stands before all missing names in the file, as DataParallel's `module.`; undefined if nothing does. */
function commonPrefix(needed: ReadonlyMap<string, unknown>, given: ReadonlyMap<string, unknown>): string | undefined {
  const missing = [...needed.keys()].filter((name) => !given.has(name));
  const [first] = missing;
  const longer = first && [...given.keys()].find((name) => name.endsWith(`.${first}`));
  const prefix = longer && longer.slice(0, longer.length - first.length);
  return prefix && missing.every((name) => given.has(prefix + name)) ? prefix : undefined;
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
