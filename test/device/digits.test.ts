import { expect, test } from "vitest";
import { networkGraph, tensorsOf } from "../networks.ts";
import { adapterNames } from "./adapters.ts";
import { onEachAdapter } from "./onEachAdapter.ts";
import { disagreements } from "./runNetwork.ts";

const variants = [
  ["none", "none"],
  ["standard", "standard"],
  ["pre", "pre"],
  ["post", "post"],
  ["identity", "identity"],
  ["3x3", "conv3x3"],
] as const;

// `npm run digits` runs all pictures on Dawn beside PyTorch's numbers. naga, slow to compile, takes part in test:full.
const adapters = process.env["SEC_FULL"] ? adapterNames : (["dawn", "chromium"] as const);

onEachAdapter((adapter) => {
  test.each(variants)(
    "digits, SE at %s: logits and gates agree with the reference, three runs have the same bits",
    async (se, name) => {
      const parameters = tensorsOf(`examples/digits/weights/${name}.safetensors`);
      expect(
        await disagreements([adapter()], networkGraph("examples/digits.se", { se }), { batch: 3, runs: 3, parameters }),
      ).toEqual([]);
    },
  );
}, adapters);
