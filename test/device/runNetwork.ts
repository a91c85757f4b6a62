import { wgsl } from "../../targets/index.ts";
import { expose } from "../../src/ir/expose.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { foldedWeights, interpretPlan } from "../../src/reference/interpretPlan.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { zeros } from "../../src/tensor/tensor.ts";
import { concreteShape } from "../../src/tensor/type.ts";
import { relativeDifference } from "../../src/verify/compare.ts";
import { gateToleranceIn } from "../../src/verify/gates.ts";
import { tolerance } from "../../src/verify/verify.ts";
import { packWeights, weightLayout } from "../../src/weights/pack.ts";
import { fillRandom } from "../../src/weights/random.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { planOf } from "../networks.ts";
import type { Adapter, Job, Values } from "./adapters.ts";

const entry = new URL("network.job.ts", import.meta.url);

type Tensors = ReadonlyMap<string, Tensor>;

/** Runs the package of a plan. */
export function jobOf(plan: Plan, weights: Tensors, inputs: Tensors, runs = 1): Job {
  const packed = packWeights(weightLayout(plan), weights);
  if (!packed.ok) throw new Error(packed.messages.join("; "));
  const files = [
    ...wgsl.files(plan, ({ file }) => file).filter(({ path }) => path === "net.js"),
    { path: "weights.bin", bytes: packed.bytes },
  ];
  const given = Object.fromEntries([...inputs].map(([name, value]) => [name, Float32Array.from(value.data)]));
  return { entry, files, inputs: { ...given, runs } };
}

export interface RunOptions {
  readonly batch: number;
  readonly fuse?: boolean;
  /** How often; more than once also checks that the bits are the same. */
  readonly runs?: number;
  /** Seeded unless given. */
  readonly parameters?: Tensors;
}

/**
 * Compiles a network, runs the generated package on adapters with seeded weights and inputs, and compares outputs and
 * gates with the reference on the graph as written. Returns what is out of tolerance, in words; nothing if all agrees.
 */
export async function disagreements(
  adapters: readonly Adapter[],
  written: Graph,
  { batch, fuse = true, runs = 1, parameters }: RunOptions,
): Promise<string[]> {
  const gates = written.insertions.filter(({ squeeze }) => squeeze !== "none").map(({ name }) => `${name}.gate`);
  const graph = expose(
    written,
    written.nodes.filter((node) => gates.includes(node.name)),
  );
  const weights = parameters ?? seedWeights(graph, 1);
  const inputs = new Map<string, Tensor>();
  for (const node of graph.nodes) {
    if (node.op !== "input") continue;
    const value = zeros(concreteShape(node.type, batch));
    fillRandom(value.data, 1, `input ${node.name}`, { deviation: 1 });
    inputs.set(node.name, value);
  }
  const plan = planOf(graph, { fuse });
  const job = jobOf(plan, weights, inputs, runs);
  // The reference computes while the adapters do.
  const running = adapters.map((adapter) => adapter.run(job));
  const reference = interpret(graph, new Map([...weights, ...inputs]), batch);
  const wrong: string[] = [];
  for (const [index, { name }] of adapters.entries()) {
    const results = await running[index]!;
    wrong.push(...compare(results).map((each) => `${name}: ${each}`));
  }
  return wrong;

  /** Computed only where the plain tolerance is not met. */
  function hoistedTolerance(gate: string): number {
    let allowed: number = tolerance.gate;
    const folded = foldedWeights(plan, weights);
    interpretPlan(plan, inputs, weights, batch, (launch, leaves) => {
      if (launch.writes.some((value) => value.name === gate))
        allowed = gateToleranceIn(plan, launch, gate, () => new Map([...folded, ...leaves]), batch);
    });
    return allowed;
  }

  function compare(results: Values): string[] {
    const wrong: string[] = [];
    for (const { name, node } of graph.outputs) {
      const expected = reference.get(node)!;
      const actual = { shape: expected.shape, data: Float64Array.from(results[name] as Float32Array) };
      const { relative, ofMaximum, absolute } = relativeDifference(actual, expected);
      const bounded = written.insertions.every(
        (insertion) => name !== `${insertion.name}.gate` || insertion.gate !== "relu",
      );
      if (gates.includes(name) && bounded) {
        if (!(absolute <= tolerance.gate) && !(absolute <= hoistedTolerance(name)))
          wrong.push(`${name} is off by ${absolute.toExponential(1)}`);
      } else if (!(relative <= tolerance.relative && ofMaximum <= tolerance.ofMaximum)) {
        wrong.push(`${name} is off by ${relative.toExponential(1)} of its norm`);
      }
    }
    return wrong;
  }
}
