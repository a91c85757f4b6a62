import { describe, expect, test } from "vitest";
import { fusionNotes } from "../../src/plan/fusion.ts";
import { trafficOf } from "../../src/plan/traffic.ts";
import { reportOf } from "../../src/report/report.ts";
import { withoutSe } from "../../src/report/withoutSe.ts";
import { launchesOf } from "../../src/plan/plan.ts";
import { cudaPlanOf, networkGraph, planOf } from "../networks.ts";

const points = ["standard", "pre", "post", "identity", "3x3"];
const plan = (entry: string, se: string, more: Record<string, string> = {}) =>
  planOf(networkGraph(entry, { se, ...more }));

describe("SE-ResNet-50 at 224", () => {
  const base = plan("examples/se-resnet50.se", "none");
  const traffic = trafficOf(base.launches);

  test("the network without SE is 53 convolutions, a pooling, the head, and the input's import", () => {
    expect(base.launches.length).toBe(56);
  });

  test.each(points)("%s: 72 launches, 16 for SE, and not one byte of feature maps more", (se) => {
    const withSe = plan("examples/se-resnet50.se", se);
    const added = trafficOf(withSe.launches);
    expect(withSe.launches.length).toBe(72);
    expect(added.maps - traffic.maps).toBe(0);
    // [N, C] vectors and partial sums, listed apart.
    expect(added.vectors + added.parts).toBeLessThan(0.01 * added.maps);
  });

  test.each(points)("%s: no SE block has a launch beside its gate", (se) => {
    const withSe = plan("examples/se-resnet50.se", se);
    const notes = fusionNotes(withSe, withSe.graph.insertions);
    expect(notes.length).toBe(16);
    expect(notes.flatMap((note) => note.launches).length).toBe(16);
  });
});

describe("SE-ResNet-50 at 224 by batch", () => {
  const base = cudaPlanOf(networkGraph("examples/se-resnet50.se", { se: "none" }), "f16");
  const traffic = trafficOf(base.launches);

  test.each([
    ["standard", 0],
    ["pre", 16],
    ["post", 16],
    // The skip of a stage's first block is scaled on its way into a convolution.
    ["identity", 4],
    ["3x3", 16],
  ])("%s: SE adds %i launches to an image and 16 to 32 images, and not one byte of feature maps", (se, more) => {
    const withSe = cudaPlanOf(networkGraph("examples/se-resnet50.se", { se }), "f16");
    for (const [batch, launches] of [
      [1, more],
      [32, 16],
    ] as const) {
      const run = launchesOf(withSe, batch);
      const added = trafficOf(run);
      expect(run.length - launchesOf(base, batch).length).toBe(launches);
      expect(added.maps - traffic.maps).toBe(0);
      expect(added.vectors + added.parts).toBeLessThan(0.01 * added.maps);
    }
  });

  test("what two launches do and what one does in their place has the same weights", () => {
    const { launches } = cudaPlanOf(networkGraph("examples/digits.se"), "f16");
    const joined = launches.filter(({ batches }) => batches === "small");
    expect(joined.length).toBeGreaterThan(0);
    for (const { name, weights } of joined) {
      const index = launches.findIndex((launch) => `${launch.name}.excited` === name);
      const parts = launches.slice(0, index + 1).filter(({ batches }) => batches === "large");
      const placesOf = ({ tensors, byteOffset }: NonNullable<typeof weights>) =>
        tensors.map(({ parameter, floatOffset }) => [parameter, byteOffset + 4 * floatOffset] as const);
      const places = new Map(parts.slice(-2).flatMap((launch) => placesOf(launch.weights!)));
      expect(new Map(placesOf(weights!))).toEqual(places);
    }
  });
});

test("a maximum is not hoisted: the standard scale of squeeze max is a launch of its own, and the note says why", () => {
  const withSe = plan("examples/digits.se", "standard", { squeeze: "max" });
  const note = fusionNotes(withSe, withSe.graph.insertions).at(-1)!;
  expect(note.scale).toContain("a maximum cannot be hoisted");
});

test("SE-ResNet-152 in f32 is cut into weight buffers of at most 128 MiB", () => {
  const { weights, launches } = plan("examples/se-resnet152.se", "standard");
  expect(weights.buffers.length).toBe(2);
  for (const bytes of weights.buffers) expect(bytes).toBeLessThanOrEqual(128 * 1024 * 1024);
  for (const launch of launches) if (launch.weights) expect(launch.weights.byteOffset % 256).toBe(0);
});

test("no launch binds more than 8 buffers, and none reads what it writes", () => {
  for (const se of points) {
    for (const launch of plan("examples/se-resnet50.se", se).launches) {
      const slots = [...launch.reads, ...launch.writes].map((value) => value.slot);
      expect(new Set(slots).size).toBe(slots.length);
      expect(slots.length + (launch.weights ? 1 : 0)).toBeLessThanOrEqual(8);
    }
  }
});

describe("report", () => {
  test.each(points)(
    "SE-ResNet-50, %s: SE adds 16 kernels and no byte of feature maps; the rest is below 1 %%",
    (se) => {
      const graph = networkGraph("examples/se-resnet50.se", { se });
      const { added, traffic } = reportOf(graph, planOf(graph));
      expect(added.kernels).toBe(16);
      expect(added.traffic.maps).toBe(0);
      expect(added.traffic.vectors + added.traffic.parts).toBeLessThan(0.01 * traffic.maps);
    },
  );

  test("without its SE blocks a network is the one that is written without", () => {
    const base = planOf(networkGraph("examples/digits.se", { se: "none" }));
    for (const squeeze of ["avg", "max", "none"]) {
      for (const se of points) {
        const stripped = planOf(withoutSe(networkGraph("examples/digits.se", { se, squeeze })));
        expect(stripped.launches.map((launch) => launch.name)).toEqual(base.launches.map((launch) => launch.name));
        expect(trafficOf(stripped.launches)).toEqual(trafficOf(base.launches));
      }
    }
  });

  test("a maximum after the last convolution costs what the report says: one more write and read of the map", () => {
    const graph = networkGraph("examples/digits.se", { squeeze: "max" });
    expect(reportOf(graph, planOf(graph)).added.traffic.maps).toBeGreaterThan(0);
  });
});
