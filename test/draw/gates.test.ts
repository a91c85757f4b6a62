import { describe, expect, test } from "vitest";
import { gateMeans, gateSpread } from "../../src/draw/gates.ts";
import type { Insertion } from "../../src/ir/graph.ts";
import { gateReport, sampledChannels } from "../../src/report/gates.ts";
import { tensor } from "../../src/tensor/tensor.ts";
import { elementsOf } from "./xml.ts";

const insertion = (name: string, gate: Insertion["gate"] = "sigmoid"): Insertion => {
  return { name, point: "standard", squeeze: "avg", gate };
};

/** Four images, two channels. */
const gates = new Map([
  ["a.se.gate", tensor([4, 2], Float64Array.of(0.1, 0.8, 0.3, 0.8, 0.5, 0.2, 0.7, 0.4))],
  // Without a squeeze: two pixels for each.
  ["b.se.gate", tensor([4, 1, 1, 2], Float64Array.of(0, 0.2, 0.2, 0.4, 1, 1, 0.5, 0.5))],
]);
const blocks = [insertion("a.se"), insertion("b.se")];

describe("the numbers", () => {
  test("mean and standard deviation by class, worked by hand", () => {
    const { images, blocks: found } = gateReport("Net", blocks, gates, ["10", "9", "9", "10"]);
    expect(images).toBe(4);
    expect(found[0]).toEqual({
      name: "a.se",
      gate: "sigmoid",
      channels: 2,
      all: { images: 4, mean: [0.4, 0.55], deviation: [0.2236068, 0.2598076] },
      classes: [
        { label: "9", images: 2, mean: [0.4, 0.5], deviation: [0.1, 0.3] },
        { label: "10", images: 2, mean: [0.4, 0.6], deviation: [0.3, 0.2] },
      ],
    });
    expect(found[1]!.all).toEqual({ images: 4, mean: [0.475], deviation: [0.3344772] });
  });

  test("without classes", () => {
    expect(gateReport("Net", blocks, gates, undefined).blocks.map(({ classes }) => classes)).toEqual([[], []]);
  });

  test("channels are sampled as the reference does: linspace(0, C - 1, 50), rounded", () => {
    expect(sampledChannels(1)).toEqual([0]);
    expect(sampledChannels(4)).toEqual([0, 1, 2, 3]);
    const many = sampledChannels(2048);
    expect(many).toHaveLength(50);
    expect([many[0], many[1], many[25], many[49]]).toEqual([0, 42, 1044, 2047]);
  });
});

describe("the pictures", () => {
  const report = gateReport("Net", blocks, gates, ["cat", "dog", "dog", "cat"]);

  test("one panel a block, one line a class and one for all", () => {
    const counts = elementsOf(gateMeans(report));
    expect(counts.get("g.panel")).toBe(2);
    expect(counts.get("polyline")).toBe(2 * 3);
    expect(counts.get("polyline.all")).toBe(2);
    expect(counts.get("g.entry")).toBe(3);
  });

  test("one panel a block and class, with its band", () => {
    const counts = elementsOf(gateSpread(report));
    expect(counts.get("g.panel")).toBe(4);
    expect(counts.get("polyline")).toBe(4);
    expect(counts.get("polygon.band")).toBe(4);
  });

  test("a point is where its number is: 0.1 of the height from below", () => {
    const one = gateReport(
      "Net",
      [insertion("a.se")],
      new Map([["a.se.gate", tensor([1, 2], Float64Array.of(0.1, 1))]]),
      undefined,
    );
    const [, plot] = /class="axis" d="M[\d.]+ ([\d.]+)v[\d.]+h[\d.]+"/.exec(gateMeans(one))!;
    const [, lowest, highest] = /<polyline class="line all" points="[\d.]+,([\d.]+) [\d.]+,([\d.]+)">/.exec(
      gateMeans(one),
    )!;
    expect(Number(highest)).toBe(Number(plot));
    expect(Number(lowest)).toBe(Number(plot) + 0.9 * 150);
  });

  test("what users wrote is text, and stays it", () => {
    const evil = ["</title><script>alert(1)</script>", "a & b \"c\" 'd' \u0000\ud800", "cat", "cat"];
    for (const svg of [
      gateMeans(gateReport("<Net>", blocks, gates, evil)),
      gateSpread(gateReport("&", blocks, gates, evil)),
    ]) {
      expect(elementsOf(svg).get("script")).toBeUndefined();
      expect(svg).not.toMatch(/[\u0000\ud800]/);
    }
  });

  test("the same input gives the same bytes", () => {
    expect(gateMeans(report)).toBe(gateMeans(gateReport("Net", blocks, gates, ["cat", "dog", "dog", "cat"])));
  });

  test("no more classes are drawn than can be told apart", () => {
    const many = new Map([["a.se.gate", tensor([30, 1], new Float64Array(30))]]);
    const labels = Array.from({ length: 30 }, (_, index) => `c${index}`);
    const counts = elementsOf(gateMeans(gateReport("Net", [insertion("a.se")], many, labels)));
    expect(counts.get("polyline")).toBe(21);
  });

  test.each([
    ["sigmoid", ["0", "0.5", "1"]],
    ["hardsigmoid", ["0", "0.5", "1"]],
    ["tanh", ["-1", "0", "1"]],
    ["relu", ["0", "0.275", "0.55"]],
  ] as const)("the axis of %s has its range", (gate, levels) => {
    const svg = gateMeans(gateReport("Net", [insertion("a.se", gate)], gates, undefined));
    const labels = [...svg.matchAll(/text-anchor="end">([^<]+)</g)].map(([, label]) => label);
    expect(labels).toEqual(levels);
  });
});
