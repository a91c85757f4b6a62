import type { Graph, Node } from "../ir/graph.ts";
import { launchesOf, type Launch, type Plan, type Value } from "../plan/plan.ts";
import type { Precision } from "../precision.ts";
import { errorBounds } from "../reference/bound.ts";
import { interpret } from "../reference/interpret.ts";
import { interpretPlan, foldedWeights } from "../reference/interpretPlan.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { restoredWeights } from "../weights/pack.ts";
import type { Storage } from "../weights/storage.ts";
import { gateToleranceIn } from "./gates.ts";
import { allowanceOf, arithmeticOf, tolerances } from "./tolerance.ts";
import { compareWithin, relativeDifference, type Difference } from "./compare.ts";

/** What verification needs of a target: run one launch with these inputs. */
export interface Runner {
  /** What is wrong with the launch's kernel without running it; each kernel is told about once. */
  faults(launch: Launch): readonly string[];
  run(launch: Launch, reads: ReadonlyMap<string, Tensor>, batch: number): Promise<ReadonlyMap<string, Tensor>>;
  /** The whole network as its users run it, if the target's host code is to be checked too: outputs by their names. */
  network?(inputs: ReadonlyMap<string, Tensor>, batch: number): Promise<ReadonlyMap<string, Tensor>>;
}

/** A kernel broke the rules of the device, and can run no further. */
export class KernelFault extends Error {
  override readonly name = "KernelFault";
}

export interface Finding {
  /** The launch that is wrong, or whose value is. */
  readonly launch: string;
  /** The layer: the value's name. */
  readonly value: string;
  readonly message: string;
  /** The value is a gate that differs end to end by more than its absolute tolerance. */
  readonly isGate?: true;
}

export interface VerifyResult {
  readonly findings: readonly Finding[];
  readonly launches: number;
  /** (a) The largest error of a launch against its body, as a share of what f32 arithmetic allows. */
  readonly worstShare: { readonly share: number; readonly launch: string };
  /** (b) The largest relative difference per image of a stored value from the graph as written. */
  readonly worstValue: { readonly relative: number; readonly value: string };
  /** (c) Per output: the largest relative difference of an image. */
  readonly outputs: readonly { readonly name: string; readonly relative: number; readonly allowed: number }[];
  /** The largest absolute difference of a gate, of which gate, and what that one may differ by. */
  readonly worstGate: { readonly absolute: number; readonly gate: string; readonly allowed: number };
  /** What it costs that weights are not stored as f32: no error of a kernel, and never a finding. */
  readonly storage?: StorageError;
}

/** The plan with the weights as they are stored, from the graph as written with the weights as they are; both in float64. */
export interface StorageError {
  readonly outputs: readonly { readonly name: string; readonly relative: number }[];
  /** The largest absolute difference, and of which gate. */
  readonly worstGate: { readonly absolute: number; readonly gate: string };
}

export const tolerance = tolerances.f32;

/**
 * Generated code against the reference:
 * (a) each launch, fed with the reference's inputs, against its body, within the error bound of its arithmetic;
 * (b) each stored value of a run in which launches feed one another, against the graph as written, before any pass;
 * (c) the outputs of that run.
 * And what is wrong with kernels without running them; a whole run by the host code gives the same bits as (c).
 *
 * Weights that are not stored as f32 are the kernels' weights in (a) to (c); then (b) and (c) compare with the plan under
 * those weights, and the plan under the weights as they are is compared with the graph as written.
 */
export async function verifyPlanOn(
  runner: Runner,
  source: Graph,
  plan: Plan,
  inputs: ReadonlyMap<string, Tensor>,
  parameters: ReadonlyMap<string, Tensor>,
  batch: number,
  progress: (done: number, total: number) => void = () => {},
  storage: Storage = "f32",
): Promise<VerifyResult> {
  const findings: Finding[] = [];
  let worstShare = { share: 0, launch: "" };
  let worstValue = { relative: 0, value: "" };
  let worstGate = { absolute: 0, gate: "", allowed: 0 };

  const rounded = roundAll(inputs);
  const folded = foldedWeights(plan, parameters);
  const weights = restoredWeights(plan, storage, folded);
  const observed: { launch: Launch; leaves: ReadonlyMap<string, Tensor> }[] = [];
  const planned = new Map<string, Tensor>(plan.inputs.map(({ name, value }) => [value.name, rounded.get(name)!]));
  const observe = (launch: Launch, leaves: ReadonlyMap<string, Tensor>, written: ReadonlyMap<string, Tensor>) => {
    observed.push({ launch, leaves: new Map(launch.reads.map((value) => [value.name, leaves.get(value.name)!])) });
    for (const [name, value] of written) planned.set(name, value);
  };
  interpretPlan(plan, rounded, parameters, batch, observe, weights);
  const allowance = allowanceOf(plan, rounded, weights, planned, batch);

  const byName = new Map(source.nodes.map((node) => [node.name, node]));
  const stored = plan.values.flatMap((value) => byName.get(value.name) ?? []).filter((node) => node.op !== "parameter");
  const asWritten = interpret(source, new Map([...rounded, ...parameters]), batch, [
    ...stored,
    ...source.outputs.map((output) => output.node),
  ]);
  const valueAsWritten = (name: string) => {
    const node = byName.get(name);
    return node && asWritten.get(node);
  };
  const isExact = storage === "f32";
  const meant = isExact ? "the graph as written" : "the reference with the weights as they are stored";
  if (!isExact) findings.push(...planFaults(plan, rounded, parameters, batch, valueAsWritten));

  const faultIn = async <T>(launch: string, run: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof KernelFault)) throw error;
      findings.push({ launch, value: launch, message: error.message });
      return undefined;
    }
  };
  const unfinished = () => ({
    findings,
    launches: plan.launches.length,
    worstShare,
    worstValue,
    outputs: [],
    worstGate,
  });

  const leavesOf = (launch: Launch) => {
    const { leaves } = observed.find((each) => each.launch === launch)!;
    return new Map([...weights, ...roundAll(leaves)]);
  };
  const isRun = new Set(launchesOf(plan, batch));
  const chained = new Map<string, Tensor>(plan.inputs.map(({ name, value }) => [value.name, rounded.get(name)!]));
  for (const [index, { launch, leaves }] of observed.entries()) {
    progress(index, observed.length);
    for (const message of runner.faults(launch)) findings.push({ launch: launch.name, value: launch.name, message });

    const fed = roundAll(leaves);
    const results = await faultIn(launch.name, () => runner.run(launch, fed, batch));
    if (!results) return unfinished();
    const bodyLeaves = new Map([...weights, ...fed]);
    const nodes = launch.body.outputs.map((output) => output.node);
    const { values, bounds } = errorBounds(launch.body, bodyLeaves, batch, nodes, arithmeticOf(plan, launch));
    for (const output of launch.body.outputs) {
      const difference = compareWithin(results.get(output.name)!, values.get(output.node)!, bounds.get(output.node)!);
      if (difference.share > worstShare.share) worstShare = { share: difference.share, launch: launch.name };
      if (difference.share > 1)
        findings.push({ launch: launch.name, value: output.name, message: describe(difference, plan.precision) });
    }

    const continued = await faultIn(launch.name, () => runner.run(launch, chained, batch));
    if (!continued) return unfinished();
    for (const [name, tensor] of continued) {
      // What two launches write, each for other batches, is for the rest of the run as in this batch.
      if (isRun.has(launch) || !chained.has(name)) chained.set(name, tensor);
      const node = byName.get(name);
      const written = node && asWritten.get(node);
      if (!node || !written) continue;
      const reference = isExact ? written : planned.get(name)!;
      const { relative, ofMaximum, absolute } = relativeDifference(tensor, reference);
      const allowed = allowance(name);
      if (!(relative <= worstValue.relative)) worstValue = { relative, value: name };
      if (!(relative <= allowed.relative && ofMaximum <= allowed.ofMaximum)) {
        findings.push({
          launch: launch.name,
          value: name,
          message: `differs from ${meant} by ${relative.toExponential(1)} of its norm`,
        });
      }
      if (isGate(node, source)) {
        const isWorst = absolute > worstGate.absolute || Number.isNaN(absolute);
        if (!isWorst && absolute <= allowed.gate) continue;
        const gateAllowed =
          absolute <= allowed.gate
            ? allowed.gate
            : Math.max(allowed.gate, gateToleranceIn(plan, launch, name, leavesOf, batch));
        if (isWorst) worstGate = { absolute, gate: name, allowed: gateAllowed };
        if (!(absolute <= gateAllowed))
          findings.push({
            launch: launch.name,
            value: name,
            message: `the gate differs from ${meant} by ${absolute.toExponential(1)}`,
            isGate: true,
          });
      }
    }
  }
  progress(observed.length, observed.length);

  const outputAsWritten = (name: string) => {
    return asWritten.get(source.outputs.find((output) => output.name === name)!.node)!;
  };
  const last = (value: Value) => plan.launches.findLast((launch) => launch.writes.includes(value))!.name;
  const whole = runner.network && (await faultIn(plan.name, () => runner.network!(rounded, batch)));
  const outputs = plan.outputs.map(({ name, value }) => {
    const reference = isExact ? outputAsWritten(name) : planned.get(value.name)!;
    const { relative, ofMaximum } = relativeDifference(chained.get(value.name)!, reference);
    const allowed = allowance(value.name);
    if (!(relative <= allowed.relative && ofMaximum <= allowed.ofMaximum)) {
      findings.push({
        launch: last(value),
        value: name,
        message: `output ${name} differs from the reference by ${relative.toExponential(1)} of its norm`,
      });
    }
    if (whole && !whole.get(name)!.data.every((element, at) => element === chained.get(value.name)!.data[at]))
      findings.push({
        launch: last(value),
        value: name,
        message: `output ${name} of the whole run is not that of its launches one by one`,
      });
    return { name, relative, allowed: allowed.relative };
  });
  const result = { findings, launches: plan.launches.length, worstShare, worstValue, outputs, worstGate };
  if (isExact) return result;

  let worst = { absolute: 0, gate: "" };
  for (const [name, value] of planned) {
    const node = byName.get(name);
    if (!node || !asWritten.has(node) || !isGate(node, source)) continue;
    const { absolute } = relativeDifference(value, asWritten.get(node)!);
    if (!(absolute <= worst.absolute)) worst = { absolute, gate: name };
  }
  const ofOutputs = plan.outputs.map(({ name, value }) => {
    return { name, relative: relativeDifference(planned.get(value.name)!, outputAsWritten(name)).relative };
  });
  return { ...result, storage: { outputs: ofOutputs, worstGate: worst } };
}

/** The plan under the weights as they are, against the graph as written: what (b) says where weights are stored as f32. */
function planFaults(
  plan: Plan,
  inputs: ReadonlyMap<string, Tensor>,
  parameters: ReadonlyMap<string, Tensor>,
  batch: number,
  asWritten: (name: string) => Tensor | undefined,
): Finding[] {
  const findings: Finding[] = [];
  interpretPlan(plan, inputs, parameters, batch, (launch, _leaves, written) => {
    for (const [name, value] of written) {
      const reference = asWritten(name);
      if (!reference) continue;
      const { relative, ofMaximum } = relativeDifference(value, reference);
      if (relative <= tolerance.relative && ofMaximum <= tolerance.ofMaximum) continue;
      const message = `its plan differs from the graph as written by ${relative.toExponential(1)} of its norm`;
      findings.push({ launch: launch.name, value: name, message });
    }
  });
  return findings;
}

function describe({ index, actual, expected, allowed }: Difference, precision: Precision): string {
  // No rounding explains what a kernel cannot store.
  if (precision === "f16" && Math.abs(expected) >= 65520)
    return `element [${index.join(", ")}] is ${actual}, but the reference says ${expected}, which f16 cannot store: it ends at 65504, and bf16 does not`;
  return `element [${index.join(", ")}] is ${actual}, but the reference says ${expected}; rounding explains ${allowed.toExponential(1)} at most`;
}

/** Gates lie in a bounded range, so an absolute tolerance makes sense; a ReLU gate does not. */
function isGate(node: Node, source: Graph): boolean {
  return bounded.has(node.op) && source.insertions.some((insertion) => node.name === `${insertion.name}.gate`);
}

const bounded: ReadonlySet<string> = new Set(["sigmoid", "tanh", "hardSigmoid"]);

function roundAll(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: data.map(Math.fround) }]));
}
