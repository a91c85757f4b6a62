import type { Graph, Insertion } from "../ir/graph.ts";
import { fusionNotes, type FusionNote } from "../plan/fusion.ts";
import type { Plan } from "../plan/plan.ts";
import { activationBytes, trafficOf, type Traffic } from "../plan/traffic.ts";
import { O0, O1 } from "../passes/index.ts";
import { runPasses } from "../passes/pass.ts";
import { schedule } from "../plan/schedule.ts";
import { count, type Count } from "./count.ts";
import { stagesOf, type StageReport } from "./stages.ts";
import { withoutSe } from "./withoutSe.ts";

/** What `sec report` tells: the network as written, and what becomes of it on a target. All sizes are for one image. */
export interface Report extends Count {
  readonly network: string;
  readonly insertions: readonly Insertion[];
  /** The stages of the text, with what is outside of them; empty for a network without stages. */
  readonly stages: readonly StageReport[];
  /** Launches of one run. */
  readonly kernels: number;
  /** The buffers of activations, together. */
  readonly peakActivationBytes: number;
  /** The buffers of weights. */
  readonly weightBytes: number;
  readonly traffic: Traffic;
  /** What SE adds to `kernels` and `traffic`: the plan less that of the same network without its SE blocks. */
  readonly added: { readonly kernels: number; readonly traffic: Traffic };
  readonly launches: readonly LaunchReport[];
  /** For every SE block what was fused, and why not if it was not. */
  readonly fusion: readonly FusionNote[];
  /** Sizes in bytes of the buffers of activations, and which values take turns in each. */
  readonly buffersOfActivations: readonly { readonly bytes: number; readonly values: readonly string[] }[];
}

export interface LaunchReport {
  readonly name: string;
  readonly kernel: string;
  /** The ops that it computes. */
  readonly ops: readonly string[];
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly traffic: Traffic;
  readonly weightBytes: number;
}

/** @param graph as written, before passes */
export function reportOf(graph: Graph, plan: Plan): Report {
  const traffic = trafficOf(plan.launches);
  const base = graph.insertions.length === 0 ? plan : planWithoutSe(graph, plan.fused);
  const baseTraffic = trafficOf(base.launches);
  const counted = count(graph);
  return {
    network: graph.name,
    ...counted,
    insertions: graph.insertions,
    stages: stagesOf(graph, counted, plan),
    kernels: plan.launches.length,
    peakActivationBytes: activationBytes(plan),
    weightBytes: plan.weights.buffers.reduce((sum, bytes) => sum + bytes, 0),
    traffic,
    added: {
      kernels: plan.launches.length - base.launches.length,
      traffic: {
        maps: traffic.maps - baseTraffic.maps,
        vectors: traffic.vectors - baseTraffic.vectors,
        parts: traffic.parts - baseTraffic.parts,
      },
    },
    launches: plan.launches.map((launch) => ({
      name: launch.name,
      kernel: launch.kernel,
      ops: launch.body.nodes.map((node) => node.op).filter((op) => op !== "input" && op !== "parameter"),
      reads: launch.reads.map((value) => value.name),
      writes: launch.writes.map((value) => value.name),
      traffic: trafficOf([launch]),
      weightBytes: launch.weights?.byteLength ?? 0,
    })),
    fusion: fusionNotes(plan, graph.insertions),
    buffersOfActivations: plan.slots.map(({ floatsPerImage }, slot) => ({
      bytes: 4 * floatsPerImage,
      values: plan.values.filter((value) => value.slot === slot).map((value) => value.name),
    })),
  };
}

function planWithoutSe(graph: Graph, fuse: boolean): Plan {
  return schedule(runPasses(withoutSe(graph), fuse ? O1 : O0), { fuse });
}
