import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDevice, type OpenDevice } from "../../src/device/node.ts";
import { KernelRunner, type Kernel } from "../../src/device/kernelRunner.ts";
import { planRunner } from "../../src/device/planRunner.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Launch } from "../../src/plan/plan.ts";
import { verifyPlanOn, type Finding } from "../../src/verify/verify.ts";
import { checkBarriers } from "../../src/verify/barriers.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import type { Storage } from "../../src/weights/storage.ts";
import { renderKernels } from "../../targets/wgsl/kernels.ts";
import { networkGraph, planOf, tensorsOf } from "../networks.ts";

/** Faults are planted in the kernels of the trained digits network, one at a time; verification must name the launch. */
const graph = networkGraph("examples/digits.se", { se: "standard" });
const plan = planOf(graph);
const weights = tensorsOf("examples/digits/weights/standard.safetensors");
const image = tensorsOf("examples/digits/data/test.safetensors").get("image")!;
const inputs = new Map<string, Tensor>([["image", { shape: [1, 1, 16, 16], data: image.data.slice(0, 256) }]]);
const kernels = new Map<Launch, Kernel>(
  renderKernels(plan, ({ file }) => file).flatMap(({ name, text, grid, launches }) =>
    launches.map((index) => [plan.launches[index]!, { text, entryPoint: name, grid }] as const),
  ),
);

let open: OpenDevice;
let runner: KernelRunner;
beforeAll(async () => {
  open = await openDevice();
  runner = new KernelRunner(open.device);
});
afterAll(() => open?.close());

interface Planted {
  /** Instead of the text of a launch's kernel. */
  readonly text?: { readonly launch: string; readonly change: (text: string) => string };
  /** Instead of the weights that the kernels get; the reference keeps the right ones. */
  readonly weights?: ReadonlyMap<string, Tensor>;
}

async function findings({ text, weights: given = weights }: Planted): Promise<readonly Finding[]> {
  const kernelOf = (launch: Launch) => {
    const kernel = kernels.get(launch)!;
    if (launch.name !== text?.launch) return kernel;
    const changed = text.change(kernel.text);
    expect(changed, "the fault is not planted").not.toBe(kernel.text);
    return { ...kernel, text: changed };
  };
  return (await verifyPlanOn(planRunner(runner, plan, kernelOf, given), graph, plan, inputs, weights, 1)).findings;
}

describe("weights that are not stored as f32", () => {
  const kernelOf = (launch: Launch) => kernels.get(launch)!;
  const verify = (source: Graph, run: Storage, told: Storage) => {
    const planned = planRunner(runner, plan, kernelOf, weights, run);
    return verifyPlanOn(planned, source, plan, inputs, weights, 1, () => {}, told);
  };

  test.each([
    ["f16", 1e-5, 1e-2],
    ["int8", 1e-3, 0.1],
  ] as const)("%s: kernels agree as strictly as ever, and what storage costs is told", async (storage, least, most) => {
    const { findings, outputs, worstGate, storage: cost } = await verify(graph, storage, storage);
    expect(findings).toEqual([]);
    expect(outputs[0]!.relative).toBeLessThan(1e-5);
    expect(worstGate.absolute).toBeLessThan(1e-5);
    for (const error of [cost!.outputs[0]!.relative, cost!.worstGate.absolute]) {
      expect(error).toBeGreaterThan(least);
      expect(error).toBeLessThan(most);
    }
  });

  test("kernels that were given other weights than are stored are found", async () => {
    expect((await verify(graph, "f16", "int8")).findings.length).toBeGreaterThan(0);
    expect((await verify(graph, "f32", "f16")).findings.length).toBeGreaterThan(0);
  });

  test("a plan that is not the network's is found with the weights as they are", async () => {
    const other = networkGraph("examples/digits.se", { se: "standard", gate: "hardsigmoid" });
    const { findings } = await verify(other, "f16", "f16");
    expect(findings[0]!.message).toMatch(/^its plan differs from the graph as written by /);
  });
});

describe("verify on Dawn", () => {
  test("finds nothing wrong where nothing is", async () => {
    expect(await findings({})).toEqual([]);
  });

  test("FC1 rolled by one channel", async () => {
    const key = "layer2.1.se.fc1.weight";
    const right = weights.get(key)!;
    const rolled = {
      ...right,
      data: Float64Array.from(right.data, (_, i) => right.data[i % 64 === 0 ? i + 63 : i - 1]!),
    };
    const found = await findings({ weights: new Map([...weights, [key, rolled]]) });
    expect(found[0]?.launch).toBe("layer2.1.se");
  });

  test("a zeroed squeeze", async () => {
    const launch = "layer1.0.conv2";
    const found = await findings({
      text: { launch, change: (text) => text.replace(/(parts\[[^;]*\] = )[^;]*;/, "$1vec4f(0.0);") },
    });
    expect(found[0]?.launch).toBe(launch);
  });

  test("a shifted border tap", async () => {
    const launch = "layer1.0.conv2";
    const found = await findings({
      text: { launch, change: (text) => text.replace(/const PADDING = vec2i\(1, 1\)/, "const PADDING = vec2i(1, 0)") },
    });
    expect(found[0]?.launch).toBe(launch);
  });

  test("a wrong constant", async () => {
    const launch = "layer3.1.conv3";
    const found = await findings({
      text: {
        launch,
        change: (text) => text.replace(/const BIAS = (\d+)u/, (_, at) => `const BIAS = ${Number(at) + 1}u`),
      },
    });
    expect(found[0]?.launch).toBe(launch);
  });

  test("a pixel that is not written", async () => {
    const launch = "layer1.1.conv1";
    const change = (text: string) => text.replace(/(y\[[^;]*\] = value;)/, "if (pixel != 3u) { $1 }");
    const found = await findings({ text: { launch, change } });
    expect(found[0]?.launch).toBe(launch);
  });
});

describe("a deleted workgroupBarrier", () => {
  const withBarriers = new Map([...kernels].filter(([, kernel]) => kernel.text.includes("workgroupBarrier();")));

  test("there are kernels with barriers, and none of them has a race", () => {
    expect(withBarriers.size).toBeGreaterThan(10);
    for (const kernel of withBarriers.values()) expect(checkBarriers(kernel.text)).toEqual([]);
  });

  test.each([...withBarriers].map(([launch, kernel]) => [launch.name, kernel.text] as const))(
    "%s: each one is missed",
    (_, text) => {
      const pieces = text.split("workgroupBarrier();");
      for (let deleted = 1; deleted < pieces.length; deleted++) {
        const without = `${pieces.slice(0, deleted).join("workgroupBarrier();")}${pieces.slice(deleted).join("workgroupBarrier();")}`;
        expect(checkBarriers(without).length, `barrier ${deleted}`).toBeGreaterThan(0);
      }
    },
  );
});
