import { describe, expect, test } from "vitest";
import { count } from "../../src/report/count.ts";
import { networkGraph } from "../networks.ts";
import { rows, unclaimed } from "./counts.ts";
import { catalogue } from "./index.ts";

const claims = catalogue.flatMap(({ entry, network, counts }) => counts.map((claim) => ({ ...claim, entry, network })));

describe("parameters and multiply-adds are those that PyTorch counts", () => {
  test.each(claims)("$label", ({ label, entry, network, set }) => {
    const { params, buffers, macs, se } = count(networkGraph(entry, set, network));
    const row = rows.find((it) => it.label === label)!;
    expect({ params, buffers, macs, se }).toEqual({
      params: row.params,
      buffers: row.bnbuf,
      macs: row.macs,
      se: { params: row.se_params, macs: row.se },
    });
  });
});

test("every row is claimed once, or said not to be", () => {
  const labels = [...claims.map(({ label }) => label), ...Object.keys(unclaimed)];
  expect(labels.sort()).toEqual(rows.map(({ label }) => label).sort());
});
