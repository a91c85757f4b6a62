import { Bug } from "../diagnostics.ts";
import { verify as verifyGraph } from "../ir/verify.ts";
import { sameType, typeText } from "../tensor/type.ts";
import { chainWorkgroupBytes } from "./kernels/chain.ts";
import { tensorSteps } from "./kernels/tensorConv.ts";
import { limits, type Launch, type Plan, type Value } from "./plan.ts";

/**
 * The invariants of a plan; a broken one is a bug in sec:
 * 1. names of launches and of values are unique, and every body is a valid graph;
 * 2. a body's inputs are the values it reads and its outputs those it writes, with the same types;
 * 3. a value is written once, before it is read, and nothing else is written to its slot while it lives;
 * 4. a launch binds at most 8 buffers, all distinct, none of them both read and written;
 * 5. what runs at the same time shares no slot that one of them writes, and branches follow one another;
 * 6. bindings are at most 128 MiB for maxBatch images, weights are cut and aligned as WebGPU asks;
 * 7. slices of a sum have at least a step each, and where they are apart z of the grid counts all of an image's.
 */
export function verifyPlan(plan: Plan): void {
  const fail = (message: string): never => {
    throw new Bug(`in the plan of ${plan.name}: ${message}`);
  };
  const names = new Set<string>();
  const inSlot = new Map<number, Value>();
  for (const { value } of plan.inputs) inSlot.set(value.slot, value);
  for (const launch of plan.launches) {
    if (names.has(launch.name)) fail(`two launches are called ${launch.name}`);
    names.add(launch.name);
    if (launch.kernel !== "import" && launch.kernel !== "export") verifyGraph(launch.body, `planning ${launch.name}`);
    checkBody(launch, fail);

    for (const value of launch.reads) {
      if (inSlot.get(value.slot) !== value)
        fail(
          `${launch.name} reads ${value.name}, but slot ${value.slot} holds ${inSlot.get(value.slot)?.name ?? "nothing"}`,
        );
    }
    for (const value of launch.writes) inSlot.set(value.slot, value);

    const slots = [...launch.reads, ...launch.writes].map((value) => value.slot);
    if (new Set(slots).size !== slots.length) fail(`${launch.name} binds a slot twice`);
    const bound = slots.length + (launch.weights ? 1 : 0);
    if (bound > limits.storageBuffers) fail(`${launch.name} binds ${bound} buffers`);
    if (launch.writes.length === 0) fail(`${launch.name} writes nothing`);
    if (launch.kernel === "chain" && chainWorkgroupBytes(launch.body) > limits.workgroupBytes) {
      fail(`${launch.name} needs ${chainWorkgroupBytes(launch.body)} bytes of workgroup memory`);
    }

    const { split } = launch;
    if (split) {
      if (launch.anchor?.op !== "conv2d" || plan.precision === "f32") fail(`${launch.name} has no sums to split`);
      else if (split.slices < 2 || split.slices > tensorSteps(launch.anchor, plan.precision))
        fail(`${launch.name} has ${split.slices} slices of ${tensorSteps(launch.anchor, plan.precision)} steps`);
      if (split.apartUpTo * split.slices > limits.workgroupsPerDimension)
        fail(`${launch.name} has slices apart up to a batch of ${split.apartUpTo}`);
    }

    const section = launch.weights;
    if (!section) continue;
    if (section.byteOffset % limits.offsetAlignment !== 0) fail(`the weights of ${launch.name} are not aligned`);
    if (section.byteOffset + section.byteLength > (plan.weights.buffers[section.buffer] ?? 0))
      fail(`the weights of ${launch.name} leave their buffer`);
  }
  checkBranches(plan, fail);
  for (const { name, value } of plan.outputs)
    if (inSlot.get(value.slot) !== value) fail(`output ${name} is overwritten`);
  for (const bytes of plan.weights.buffers) if (bytes > limits.bindingBytes) fail(`a weight buffer has ${bytes} bytes`);
  for (const value of plan.values) {
    const slot = plan.slots[value.slot];
    if (!slot || slot.floatsPerImage < value.floatsPerImage) fail(`${value.name} does not fit slot ${value.slot}`);
  }
}

function checkBranches({ launches, branches }: Plan, fail: (message: string) => never): void {
  let free = 0;
  for (const { launch: index, fork, join } of branches) {
    const launch = launches[index]!;
    if (fork < free || fork > index || join <= index || join > launches.length || launch.batches !== "all")
      fail(`${launch.name} is on a branch from ${fork} to ${join}`);
    free = join;
    for (const other of launches.slice(fork, join)) {
      if (other === launch) continue;
      const shares = (of: Launch, withThose: readonly Value[]) =>
        of.writes.some(({ slot }) => withThose.some((value) => value.slot === slot));
      if (shares(launch, [...other.reads, ...other.writes]) || shares(other, launch.reads))
        fail(`${launch.name} and ${other.name} may run at the same time, but one writes a slot of the other`);
    }
  }
}

function checkBody(launch: Launch, fail: (message: string) => never): void {
  const leaves = launch.body.nodes.filter((node) => node.op === "input");
  for (const leaf of leaves) {
    const value = launch.reads.find((read) => read.name === leaf.name);
    if (!value) fail(`the body of ${launch.name} reads ${leaf.name}, which it does not bind`);
    else if (!sameType(value.type, leaf.type))
      fail(`${launch.name} reads ${leaf.name} as ${typeText(leaf.type)}, but it is ${typeText(value.type)}`);
  }
  if (leaves.length !== launch.reads.length) fail(`${launch.name} binds a value that its body does not read`);
  for (const value of launch.writes) {
    const output = launch.body.outputs.find((candidate) => candidate.name === value.name);
    if (!output) fail(`the body of ${launch.name} does not compute ${value.name}`);
    else if (!sameType(value.type, output.node.type))
      fail(`${launch.name} writes ${value.name} as ${typeText(output.node.type)}, but it is ${typeText(value.type)}`);
  }
  const weights = new Set(launch.weights?.tensors.map((tensor) => tensor.parameter) ?? []);
  for (const node of launch.body.nodes) {
    if (node.op === "parameter" && !weights.has(node.name))
      fail(`the body of ${launch.name} reads ${node.name}, which is not in its weights`);
  }
}
