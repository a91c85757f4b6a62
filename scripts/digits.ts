/**
 * The README's first command: handwritten digits through generated WebGPU kernels, once for each SE insertion point.
 *
 * Compiles examples/digits.se for the six trained variants, runs the 360 test pictures through the generated net.js, and
 * compares with what PyTorch computed (examples/digits/README.md). Then the same with a wrong gate, a wrong squeeze and the
 * weights of another variant, which the comparison must catch. Exits with 1 if anything is not as it should be.
 */
import { readFileSync } from "node:fs";
import { runWebGpu } from "../src/cli/backends.ts";
import { readInputs } from "../src/cli/inputs.ts";
import { table } from "../src/cli/table.ts";
import { check } from "../src/check/check.ts";
import { levels, lower } from "../src/compile.ts";
import { DeviceAbsent } from "../src/device/absent.ts";
import { Problems } from "../src/diagnostics.ts";
import { expose } from "../src/ir/expose.ts";
import type { Tensor } from "../src/tensor/tensor.ts";
import { relativeDifference } from "../src/verify/compare.ts";
import { tolerance } from "../src/verify/verify.ts";
import { readCheckpoint } from "../src/weights/checkpoint.ts";
import { readSafetensors } from "../src/weights/safetensors.ts";
import { toFloat64 } from "../src/weights/stored.ts";

const folder = "examples/digits";
const source = "examples/digits.se";
/** What a wrong network must be off by to be called caught. */
const caughtFrom = 1e-2;

interface Variant {
  readonly label: string;
  readonly set: Readonly<Record<string, string>>;
  /** Whose weights, and whose answers of PyTorch. */
  readonly weights: string;
  readonly expected: string;
}

const points = ["none", "standard", "pre", "post", "identity", "3x3"];
const right: readonly Variant[] = points.map((se) => {
  const name = se === "3x3" ? "conv3x3" : se;
  return { label: se, set: { se }, weights: name, expected: name };
});
const wrong: readonly Variant[] = [
  {
    label: "gate=hardsigmoid",
    set: { se: "standard", gate: "hardsigmoid" },
    weights: "standard",
    expected: "standard",
  },
  { label: "squeeze=max", set: { se: "standard", squeeze: "max" }, weights: "standard", expected: "standard" },
  { label: "weights of identity", set: { se: "standard" }, weights: "identity", expected: "standard" },
];

interface Measured {
  readonly launches: number;
  /** The worst image's relative L2 difference of the logits from PyTorch's. */
  readonly logits: number;
  /** The largest difference of a gate from PyTorch's, on the first 8 images. */
  readonly gates: number;
  readonly correct: number;
  readonly correctInPyTorch: number;
  readonly on: string;
}

async function measure({ set, weights, expected }: Variant): Promise<Measured> {
  const problems = new Problems();
  const load = (path: string) => readFileSync(path, "utf8");
  const graph = check({ entry: source, load, set: new Map(Object.entries(set)), problems });
  if (!graph) throw new Error(problems.list.map(({ message }) => message).join("; "));
  const checkpoint = readCheckpoint(new Uint8Array(readFileSync(`${folder}/weights/${weights}.safetensors`)), graph);
  if (!checkpoint.ok) throw new Error(checkpoint.messages.join("; "));
  const declared = graph.nodes.flatMap((node) =>
    node.op === "input" ? [{ name: node.name, type: node.type, image: node.attrs.image }] : [],
  );
  const pictures = readInputs([`${folder}/images`], declared);
  if (!pictures.ok) throw new Error(pictures.message);

  const gateNames = graph.insertions.map(({ name }) => `${name}.gate`);
  const withGates = expose(
    graph,
    graph.nodes.filter((node) => gateNames.includes(node.name)),
  );
  const { outputs, on } = await runWebGpu({
    graph: withGates,
    inputs: pictures.tensors,
    parameters: checkpoint.tensors,
    batch: pictures.batch,
    maxBatch: undefined,
    place: ({ file }) => file,
    progress: () => {},
  });

  const answers = tensorsOf(`${folder}/data/${expected}.expected.safetensors`);
  const labels = pictures.sources.map((path) => Number(/-(\d)\.png$/.exec(path)![1]));
  const logits = outputs.get("logits")!;
  const wanted = answers.get("logits")!;
  const gates = graph.insertions.map(({ name }) => {
    const reference = answers.get(`gates.${name}`)!;
    return relativeDifference(firstImages(outputs.get(`${name}.gate`)!, reference.shape[0]!), reference).absolute;
  });
  return {
    launches: lower(graph, { level: levels.O1 }, problems)!.launches.length,
    logits: relativeDifference(logits, wanted).relative,
    gates: Math.max(0, ...gates),
    correct: correct(logits, labels),
    correctInPyTorch: correct(wanted, labels),
    on,
  };
}

function tensorsOf(path: string): Map<string, Tensor> {
  const file = readSafetensors(new Uint8Array(readFileSync(path)));
  if (!file.ok) throw new Error(`${path}: ${file.message}`);
  return new Map([...file.tensors].map(([name, stored]) => [name, { shape: stored.shape, data: toFloat64(stored) }]));
}

function firstImages({ shape, data }: Tensor, images: number): Tensor {
  return { shape: [images, ...shape.slice(1)], data: data.subarray(0, (data.length / shape[0]!) * images) };
}

/** How many images have their largest logit at their label. */
function correct({ shape, data }: Tensor, labels: readonly number[]): number {
  const classes = shape[1]!;
  return labels.filter((label, image) => {
    const row = data.subarray(image * classes, (image + 1) * classes);
    return row.indexOf(Math.max(...row)) === label;
  }).length;
}

async function main(): Promise<boolean> {
  const number = (value: number) => value.toExponential(1);
  let ok = true;
  const rows = [["SE at", "kernels a run", "logits", "gates", "correct", "in PyTorch", ""]];
  let adapter = "";
  for (const variant of right) {
    const { launches, logits, gates, correct, correctInPyTorch, on } = await measure(variant);
    const good = logits < tolerance.relative && gates < tolerance.gate && correct === correctInPyTorch;
    ok &&= good;
    adapter = on;
    rows.push([
      variant.label,
      `${launches}`,
      number(logits),
      variant.label === "none" ? "-" : number(gates),
      `${correct} of 360`,
      `${correctInPyTorch}`,
      good ? "agrees" : "DISAGREES",
    ]);
    console.error(`${variant.label}: ${good ? "agrees" : "disagrees"}`);
  }
  for (const variant of wrong) {
    const { launches, logits, gates, correct, correctInPyTorch } = await measure(variant);
    const caught = logits > caughtFrom;
    ok &&= caught;
    rows.push([
      variant.label,
      `${launches}`,
      number(logits),
      number(gates),
      `${correct} of 360`,
      `${correctInPyTorch}`,
      caught ? "wrong, and caught" : "NOT CAUGHT",
    ]);
    console.error(`${variant.label}: ${caught ? "caught" : "not caught"}`);
  }
  console.log(`360 pictures of handwritten digits through generated WGSL on ${adapter}.`);
  console.log(
    `logits: worst image's relative difference from PyTorch (allowed ${number(tolerance.relative)}); gates: largest difference (allowed ${number(tolerance.gate)}).`,
  );
  console.log("The last three are wrong on purpose: they must be off by more than 1e-2.\n");
  console.log(table(rows));
  return ok;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  if (!(error instanceof DeviceAbsent)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 4;
}
