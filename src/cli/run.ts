import { didYouMean } from "../suggest.ts";
import { exposable, expose } from "../ir/expose.ts";
import type { Graph, Node } from "../ir/graph.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { runReference, runWebGpu, type Ran } from "./backends.ts";
import type { RunFlags } from "./commands.ts";
import { exit, Refusal, usage } from "./exit.ts";
import { readInputs } from "./inputs.ts";
import type { Io } from "./io.ts";
import { openNetwork } from "./openNetwork.ts";
import type { Outcome } from "./outcome.ts";
import { progressOn } from "./progress.ts";
import { table } from "./table.ts";
import { rankingOf, topClasses, topText } from "./top.ts";
import { parametersOf, tensorsFile } from "./weights.ts";
import { whyNotOver, writeOne, type WriteOptions } from "./writeAll.ts";

/** Runs generated code on a device, or the reference if it was asked for: never one in place of the other. */
export async function runCommand(file: string, flags: RunFlags, io: Io): Promise<Outcome> {
  checkFlags(flags);
  const opened = await openNetwork(file, flags, io);
  if ("exit" in opened) return opened;
  const { graph: written, place, diagnostics } = opened;

  const graph = withDumps(written, flags.dump ?? []);
  const inputs = readInputs(flags.input, inputsOf(graph));
  if (!inputs.ok) throw usage(inputs.message);
  const note = (text: string) => void (flags.quiet || io.err(`note: ${text}\n`));
  inputs.notes.forEach(note);
  const ranking = rankingOf(written, flags);
  const output = outputOf(flags, opened.inputs());
  const { tensors: parameters, json: weights } = parametersOf(graph, flags, io, { place });

  const backend = flags.backend ?? "webgpu";
  const progress = progressOn(io, flags);
  const run = backend === "reference" ? runReference : runWebGpu;
  const ran = await run({
    graph,
    inputs: inputs.tensors,
    parameters,
    batch: inputs.batch,
    maxBatch: flags.maxBatch,
    place,
    progress: progress.show,
  }).finally(progress.end);
  note(`ran ${inputs.batch} image${inputs.batch === 1 ? "" : "s"} on ${ran.on}`);

  const bytes = output && tensorsFile(ran.outputs);
  if (bytes && output.path !== "-") {
    const result = await writeOne(output.path, bytes, output.options);
    if (!result.ok) throw new Refusal(exit.unwritten, result.message);
  }
  const top = ranking && topClasses(ranking, ran.outputs, inputs.sources);
  const summary = [...ran.outputs].map(([name, value]) => ({ name, ...summaryOf(value) }));
  return {
    exit: exit.done,
    document: {
      ok: true,
      network: graph.name,
      backend,
      on: ran.on,
      images: inputs.sources,
      // A file has the numbers; without one they stand here.
      outputs:
        flags.output === undefined ? summary.map((each) => ({ ...each, data: dataOf(ran, each.name) })) : summary,
      ...(top && { top }),
      ...(flags.output !== undefined && { output: flags.output }),
      ...(weights && { weights }),
      diagnostics,
    },
    text: output?.path === "-" ? bytes! : top ? topText(top) : summaryText(summary),
  };
}

/** `--dump`: nodes of the graph as written become outputs before any pass. */
function withDumps(graph: Graph, names: readonly string[]): Graph {
  const nodes = exposable(graph);
  const dumped = names.map((name) => nodes.find((node) => node.name === name) ?? noNode(graph, name));
  for (const { name, node } of graph.outputs) {
    if (dumped.some((other) => other.name === name && other !== node)) {
      throw usage(`--dump ${name}: the network has an output of that name, which is ${node.name}`);
    }
  }
  return expose(graph, dumped);
}

function noNode(graph: Graph, name: string): never {
  const names = exposable(graph).map((node) => node.name);
  const gates = graph.insertions.map((insertion) => `${insertion.name}.gate`);
  const isWeight = graph.nodes.some((node) => node.op === "parameter" && node.name === name);
  const some =
    gates.length > 0 ? `gates are ${gates.slice(0, 3).join(", ")}…` : `nodes are ${names.slice(0, 5).join(", ")}…`;
  throw new Refusal(
    exit.usage,
    isWeight ? `--dump ${name} is a weight, not a value of the network` : `--dump ${name}: there is no such node`,
    `${didYouMean(name, names) ?? `${some};`} --json lists them all`,
    { nodes: names },
  );
}

/** The inputs of a network, as far as reading files needs them. */
export function inputsOf(graph: Graph) {
  return graph.nodes.flatMap((node: Node) =>
    node.op === "input" ? [{ name: node.name, type: node.type, image: node.attrs.image }] : [],
  );
}

interface Output {
  /** `-` is standard output. */
  readonly path: string;
  readonly options: WriteOptions;
}

/** Where `--output` goes; refused before the network runs, not after. */
function outputOf(flags: RunFlags, sources: readonly string[]): Output | undefined {
  const { output: path, input, weights, force = false } = flags;
  if (path === undefined) return undefined;
  const options = { force, inputs: [...sources, ...input, ...(weights === undefined ? [] : [weights])] };
  const reason = path === "-" ? undefined : whyNotOver(path, options);
  if (reason !== undefined) throw new Refusal(exit.unwritten, reason);
  return { path, options };
}

/** What commander cannot know: which flags go together. */
function checkFlags({ output, json, top }: RunFlags): void {
  if (output === undefined) return;
  if (output === "-" && (json || top !== undefined)) {
    throw usage(`--output - and ${json ? "--json" : "--top"} both print on standard output; choose one`);
  }
  if (output !== "-" && !output.endsWith(".safetensors")) {
    throw usage(
      `--output ${output}: outputs are written as .safetensors`,
      `--output ${output.replace(/\.\w+$/, "")}.safetensors`,
    );
  }
}

interface Summary {
  readonly shape: readonly number[];
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

function summaryOf({ shape, data }: Tensor): Summary {
  let [min, max, sum] = [Infinity, -Infinity, 0];
  for (const value of data) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  return { shape, min, mean: sum / data.length, max };
}

function summaryText(rows: readonly ({ readonly name: string } & Summary)[]): string {
  const number = (value: number) => value.toPrecision(6);
  return table([
    ["output", "shape", "min", "mean", "max"],
    ...rows.map(({ name, shape, min, mean, max }) => [name, shape.join(" x "), number(min), number(mean), number(max)]),
  ]);
}

function dataOf({ outputs }: Ran, name: string): readonly number[] {
  return [...Float32Array.from(outputs.get(name)!.data)];
}
