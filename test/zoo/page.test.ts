import { format } from "prettier";
import { expect, test } from "vitest";
import { count } from "../../src/report/count.ts";
import { networkGraph, planOf, type Settings } from "../networks.ts";
import { rows, unclaimed, type CountRow } from "./counts.ts";
import { catalogue } from "./index.ts";
import { pointsOf } from "./points.ts";
import type { ZooNetwork } from "./zoo.ts";

test("docs/networks.md shows today's counts (`npm run golden` writes it)", async () => {
  const page = await format(text(), { parser: "markdown", printWidth: 120 });
  await expect(page).toMatchFileSnapshot("../../docs/networks.md");
});

function text(): string {
  return `# Networks

The networks of [examples](../examples), counted for one image; \`sec report FILE --set …\` gives the same numbers. Tests compare
what PyTorch counts with every row that it counted ([counts.json](../test/zoo/counts.json)), and what it computes with small versions,
with its weights, on the reference and on devices. \`npm run golden\` writes this page anew.

- **Parameters** are what is trained; **with statistics** adds BatchNorm's means and variances, as Hu et al. count.
- **MACs** are multiply-adds of convolutions and dense layers, **SE** the share of SE blocks in the column before.
- **Kernels** is what one run launches on WebGPU.
- **Printed** is what a paper says, and where. T is a table of Hu et al. 2018, whose multiply-adds are up to 0.035 G more: they
  include other terms.
${notes.map((note) => `- ${note}`).join("\n")}

${catalogue.map(section).join("\n\n")}

## Not in examples

Rows of counts.json that no network has:

${Object.entries(unclaimed)
  .map(([label, reason]) => `- ${label}: ${reason}`)
  .join("\n")}
`;
}

/** Where a printed number is another reading's, or does not follow from the architecture. */
const notes = [
  "Rows of one table that differ in `bias` or in where SE stands are readings of the same printed row.\n  SE-MobileNet's 4.7 M are those of SE after the 1x1; Table 10's r = 8 needs the biases.",
  "ShuffleNet's printed parameters leave BatchNorm out.",
  "The 11.75 G of Inception-ResNet-v2 belong to no form of it that was published.",
];

function section(zoo: ZooNetwork): string {
  const { title, entry, network, counts, others } = zoo;
  const points = pointsOf(zoo).filter((point) => point !== "none");
  const shown = others ?? (counts.length > 0 ? [] : [{}]);
  const claimed = counts.map(({ label, set }) =>
    line(
      set,
      rows.find((row) => row.label === label),
    ),
  );
  const name = entry.replace("examples/", "");
  return `## ${title}

[${name}](../${entry})${network ? `, \`--network ${network}\`` : ""}${points.length > 0 ? `, SE at ${points.join(", ")}` : ""}

| settings | parameters | SE | with statistics | MACs | SE | kernels | printed |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
${[...claimed, ...shown.map((set) => line(set, undefined))].join("\n")}`;

  function line(set: Settings, row: CountRow | undefined): string {
    const graph = networkGraph(entry, set, network);
    const { params, buffers, macs, se } = count(graph);
    const cells = [
      settings(set),
      params.toLocaleString("en"),
      share(se.params, params),
      `${((params + buffers) / 1e6).toFixed(3)} M`,
      `${(macs / 1e9).toFixed(4)} G`,
      share(se.macs, macs),
      `${planOf(graph).launches.length}`,
      row ? printed(row) : "",
    ];
    return `| ${cells.join(" | ")} |`;
  }
}

function settings(set: Settings): string {
  return Object.entries(set)
    .map(([name, value]) => `\`${name}=${value}\``)
    .join(" ");
}

function printed({ paper_M, paper_G, table }: CountRow): string {
  const numbers = [paper_M && `${paper_M} M`, paper_G && `${paper_G} G`].filter(Boolean);
  return numbers.length > 0 ? `${numbers.join(", ")} (${table!.replaceAll(",", ", ").replace("..", "-")})` : "";
}

function share(part: number, whole: number): string {
  return part === 0 ? "" : `${((part / whole) * 100).toFixed(2)} %`;
}
