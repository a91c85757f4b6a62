import { expect, test } from "vitest";
import { renderKernels } from "../../targets/wgsl/kernels.ts";
import { networkGraph, planOf } from "../networks.ts";
import { onEachAdapter } from "./onEachAdapter.ts";
import { disagreements } from "./runNetwork.ts";

const points = ["none", "standard", "pre", "post", "identity", "3x3"];
const resnets = ["se-resnet18", "se-resnet34", "se-resnet50", "se-resnet101", "se-resnet152"];
const modules = new URL("modules.job.ts", import.meta.url);

/** The texts of all kernels of a network at its full size. */
function kernels(example: string, se: string): string[] {
  const plan = planOf(networkGraph(`examples/${example}.se`, { se }));
  return renderKernels(plan, ({ file }) => file).map((kernel) => kernel.text);
}

onEachAdapter(
  (adapter, name) => {
    test.each([...resnets, "digits"])(
      `%s: the kernels of every insertion point are accepted by ${name}'s front end`,
      async (example) => {
        const texts = new Set(points.flatMap((se) => kernels(example, se)));
        const { refused } = await adapter().run({ entry: modules, inputs: { texts: [...texts].join("\0") } });
        expect(refused).toBe("");
      },
    );

    test("a kernel that is not WGSL is refused", async () => {
      const [text] = kernels("digits", "standard");
      const { refused } = await adapter().run({ entry: modules, inputs: { texts: text!.replace("vec4f", "vec5f") } });
      expect(refused).not.toBe("");
    });

    // Every example once at every point, small; three runs must give the same bits.
    test.each(resnets)(
      "%s, small: every insertion point agrees with the reference, three runs have the same bits",
      async (example) => {
        const small = { width: "0.125", blocks: "[1, 1, 1, 1]", resolution: "40", classes: "7", ratio: "4" };
        const wrong: string[] = [];
        for (const se of points) {
          const found = await disagreements([adapter()], networkGraph(`examples/${example}.se`, { ...small, se }), {
            batch: 2,
            runs: 3,
          });
          wrong.push(...found.map((each) => `${se}: ${each}`));
        }
        expect(wrong).toEqual([]);
      },
    );
  },
  ["dawn", "naga"],
);
