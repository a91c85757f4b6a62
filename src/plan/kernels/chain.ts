import { Bug } from "../../diagnostics.ts";
import { inputsOf, usersOf, type Graph, type Node, type NodeOf } from "../../ir/graph.ts";
import { tapClasses } from "../../ops/tapMeans.ts";
import { padTo4 } from "../../ops/weights.ts";
import { elementsPerImage } from "../../tensor/type.ts";
import { limits, type Launch } from "../plan.ts";

/**
 * Vectors: one workgroup goes through the phases of a chain for one image. A phase computes one product, squeeze or
 * rearrangement over all channels (its head) and whatever follows element by element; between two phases all threads
 * meet at a barrier.
 *
 *     Squeeze:        squeezed = sums of the parts / pixels
 *     Excite, reduce: reduced = relu(W1 squeezed + b1)
 *     Excite, expand: gate = sigmoid(W2 reduced + b2)
 */
export interface Phase {
  /** Undefined in a first phase that only works on elements of what was read. */
  readonly head: Head | undefined;
  /** What later phases or other launches read, in graph order. */
  readonly results: readonly PhaseResult[];
}

export type Head = Extract<Node, { readonly op: (typeof heads)[number] }>;

const heads = ["squeezeFinish", "dense", "channelConv", "concat", "sliceChannels"] as const;

export interface PhaseResult {
  readonly node: Node;
  /** Later phases read it, from workgroup memory. */
  readonly kept: boolean;
  /** The launch's output of this name. */
  readonly written: string | undefined;
}

/** A node belongs to the last of the phases of its inputs; a head opens a new one. */
export function chainPhases(body: Graph): Phase[] {
  const phaseOf = new Map<Node, number>();
  const found: (Head | undefined)[] = [undefined];
  for (const node of body.nodes) {
    if (isHead(node)) phaseOf.set(node, found.push(node) - 1);
    else phaseOf.set(node, Math.max(0, ...inputsOf(node).map((input) => phaseOf.get(input)!)));
  }
  const users = usersOf(body);
  const phases = found.flatMap((head, index): Phase[] => {
    const results: PhaseResult[] = [];
    for (const node of body.nodes) {
      if (phaseOf.get(node) !== index || node.op === "input" || node.op === "parameter") continue;
      const kept = users.get(node)!.some((user) => phaseOf.get(user) !== index);
      const written = body.outputs.find((output) => output.node === node)?.name;
      if (kept || written !== undefined) results.push({ node, kept, written });
    }
    // Without a head nothing ties the results to one length.
    const lengths = new Set(results.map(({ node }) => node.type.shape[1]));
    return [...lengths].map((length) => ({
      head,
      results: results.filter(({ node }) => node.type.shape[1] === length),
    }));
  });
  return phases;
}

function isHead(node: Node): node is Head {
  return (heads as readonly string[]).includes(node.op);
}

/** How the threads of a workgroup share one phase: `columns` vectors of 4 results at a time, each summed by `lanes` threads. */
export interface PhaseThreads {
  readonly columns: number;
  readonly lanes: number;
}

export interface ChainThreads {
  readonly threads: number;
  /** Workgroups for one image; each computes a slice of the last phase's results, and all of the phases before it. */
  readonly workgroups: number;
  /** Vectors of 4 results of the last phase in one workgroup. */
  readonly slice: number;
}

export function chainThreads(phases: readonly Phase[]): ChainThreads {
  const work = phases.map(workOf);
  const threads = Math.max(...work) > 4096 ? 256 : 64;
  const last = phases.at(-1)!;
  const before = phases.slice(0, -1);
  const vectors = vectorsOf(last);
  const canSpread =
    before.every((phase) => phase.results.every((result) => result.written === undefined)) &&
    last.results.every((result) => !result.kept);
  const share = canSpread
    ? spread(
        work.at(-1)!,
        before.map(workOf).reduce((a, b) => a + b, 0),
      )
    : 1;
  // A power of two, so that all threads have work; all vectors if there is one share.
  const slice = share === 1 ? vectors : Math.min(vectors, 2 ** Math.ceil(Math.log2(vectors / share)));
  return { threads, workgroups: Math.ceil(vectors / slice), slice };
}

/**
 * Over how many workgroups the last phase is spread, if it is large. Each repeats the phases before it, so that what is
 * repeated in all should not be much more than eight times the last phase itself.
 */
function spread(last: number, before: number): number {
  if (last < 128 * 1024) return 1;
  return Math.max(1, Math.min(32, Math.floor((8 * last) / Math.max(1, before))));
}

export function phaseThreads(phase: Phase, threads: number, vectors: number): PhaseThreads {
  const columns = Math.min(vectors, threads);
  const terms = termsOf(phase.head);
  return { columns, lanes: Math.max(1, Math.min(Math.floor(threads / columns), terms)) };
}

/** Vectors of 4 that a phase computes. */
export function vectorsOf(phase: Phase): number {
  return padTo4(phase.results[0]!.node.type.shape[1] as number) / 4;
}

/** How many terms the threads of one column can share: vectors of a dense layer's operand, tiles of a squeeze. */
export function termsOf(head: Head | undefined): number {
  if (head?.op === "dense") return padTo4(head.inputs.x.type.shape[1] as number) / 4;
  if (head?.op === "squeezeFinish" && !hasTaps(head)) return head.inputs.parts.type.shape[1] as number;
  return 1;
}

/** Whether a squeeze yields more than one mean for each channel, or of some pixels only. */
export function hasTaps(squeeze: NodeOf<"squeezeFinish">): boolean {
  const { window, height, width } = squeeze.attrs;
  const classes = tapClasses(window, height, width);
  return classes.rowClasses * classes.columnClasses > 1 || window.kernel[0] * window.kernel[1] > 1;
}

function workOf({ head, results }: Phase): number {
  const length = padTo4(results[0]!.node.type.shape[1] as number);
  if (head?.op === "dense") return length * padTo4(head.inputs.x.type.shape[1] as number);
  if (head?.op === "squeezeFinish") return elementsPerImage(head.inputs.parts.type);
  return length;
}

/** Workgroup memory that a chain needs, in bytes: the results that it keeps, and one vector per thread to add up. */
export function chainWorkgroupBytes(body: Graph): number {
  return bytesOf(chainPhases(body));
}

function bytesOf(phases: readonly Phase[]): number {
  const kept = phases.flatMap((phase) => phase.results.filter((result) => result.kept));
  const vectors = kept.reduce((sum, { node }) => sum + padTo4(node.type.shape[1] as number) / 4, 0);
  return 16 * (vectors + chainThreads(phases).threads);
}

/**
 * The squeezes with taps whose sums over all tiles are kept for each kind of pixel, where there is room, so that the
 * taps need not add up the tiles again.
 */
export function keepingKindSums(phases: readonly Phase[]): ReadonlySet<Head> {
  let free = limits.workgroupBytes - bytesOf(phases);
  const keeping = new Set<Head>();
  for (const { head } of phases) {
    if (head?.op !== "squeezeFinish" || !hasTaps(head)) continue;
    const [, tiles, kinds, channels] = head.inputs.parts.type.shape as [unknown, number, number, number];
    const bytes = 4 * kinds * padTo4(channels);
    if (tiles <= 4 || bytes > free) continue;
    keeping.add(head);
    free -= bytes;
  }
  return keeping;
}

export function phasesOf(launch: Launch): Phase[] {
  const phases = chainPhases(launch.body);
  if (phases.length === 0) throw new Bug(`the chain ${launch.name} computes nothing`);
  return phases;
}
