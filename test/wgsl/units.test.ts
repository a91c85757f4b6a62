import { describe } from "vitest";
import { Build, unit, type UnitKind } from "../graphs.ts";
import { right, useDevice } from "./check.ts";

/** Whole residual units with SE at each point, as the passes and the scheduler leave them. */

useDevice();

const kinds: readonly UnitKind[] = ["bottleneck", "basic", "mbconv", "preactivation", "shuffle"];
const points = ["standard", "pre", "post", "identity", "3x3"] as const;

for (const kind of kinds)
  describe(kind, () => {
    for (const placement of points)
      right(placement, () => {
        const b = new Build();
        const x = b.input("x", 8, 6, 5);
        const first = unit(b, "u1", x, { kind, placement, width: 4, out: 12, stride: 2 });
        const second = unit(b, "u2", first, { kind, placement, width: 4, out: 12, gate: "hardsigmoid" });
        return b.graph(b.dense("fc", b.squeeze("pool", second), 5));
      });
  });
