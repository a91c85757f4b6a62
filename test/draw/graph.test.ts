import { describe, expect, test } from "vitest";
import { details, type Detail, type Drawing } from "../../src/draw/drawing.ts";
import { dot } from "../../src/draw/dot.ts";
import { drawingSvg } from "../../src/draw/drawingSvg.ts";
import { layout, type Rect } from "../../src/draw/layout.ts";
import { mermaid } from "../../src/draw/mermaid.ts";
import { networkDrawing } from "../../src/draw/network.ts";
import { planDrawing } from "../../src/draw/plan.ts";
import { count } from "../../src/report/count.ts";
import { networkGraph, planOf, textGraph, type Settings } from "../networks.ts";
import { elementsOf } from "./xml.ts";

const digits = (set: Settings = {}) => networkGraph("examples/digits.se", set);
const points = ["none", "standard", "pre", "post", "identity", "3x3"];

describe("goldens of the digits", () => {
  const graph = digits();
  const file = (name: string) => `../golden/digits/${name}`;
  test("as SVG, DOT and Mermaid", async () => {
    await expect(drawingSvg(networkDrawing(graph, "units"))).toMatchFileSnapshot(file("graph.svg"));
    await expect(dot(networkDrawing(graph, "units"))).toMatchFileSnapshot(file("graph.dot"));
    await expect(mermaid(networkDrawing(graph, "stages"))).toMatchFileSnapshot(file("graph.mmd"));
  });
  test("and their plan", async () => {
    await expect(dot(planDrawing(planOf(graph), "units"))).toMatchFileSnapshot(file("plan.dot"));
  });
});

describe("what is drawn", () => {
  test.each(points)("every layer of the digits, SE at %s, and every launch", (se) => {
    const graph = digits({ se });
    const all = networkDrawing(graph, "layers");
    expect(all.boxes).toHaveLength(count(graph).layers.length + 2);
    expect(all.groups.filter(({ kind }) => kind === "se")).toHaveLength(graph.insertions.length);
    const plan = planOf(graph);
    const launches = planDrawing(plan, "layers");
    expect(launches.boxes.filter(({ kind }) => kind === "launch").map(({ id }) => id)).toEqual(
      plan.launches.map(({ name }) => name),
    );
    for (const { body, name } of plan.launches) {
      const steps = body.nodes.filter(({ op }) => op !== "input" && op !== "parameter");
      expect(launches.boxes.find(({ id }) => id === name)!.rows).toHaveLength(1 + steps.length);
    }
    const marked = launches.boxes.filter(({ rows }) => rows.some(({ isSe }) => isSe));
    expect(marked.length > 0).toBe(se !== "none");
  });

  test("a layer with what follows it is one box", () => {
    const { boxes } = networkDrawing(digits(), "units");
    expect(boxes.find(({ id }) => id === "conv1")).toEqual({
      id: "conv1",
      kind: "layer",
      rows: ["conv1: conv 16, 3x3", "bn1: bn", "relu"].map((text) => ({ text, isSe: false })),
      note: "16 x 16 x 16",
      isSe: false,
      isAside: false,
    });
  });

  test("like units stand once", () => {
    const { groups, boxes } = networkDrawing(networkGraph("examples/se-resnet50.se"), "units");
    expect(groups.filter(({ kind }) => kind === "unit").map(({ title }) => title)).toEqual([
      ...["layer1.0", "layer1.1 to layer1.2: 2 alike", "layer2.0", "layer2.1 to layer2.3: 3 alike"],
      ...["layer3.0", "layer3.1 to layer3.5: 5 alike", "layer4.0", "layer4.1 to layer4.2: 2 alike"],
    ]);
    expect(groups.filter(({ kind }) => kind === "repeat").map(({ title }) => title)).toEqual([
      ...["stage 2 layer1: 3 of bottleneck", "stage 3 layer2: 4 of bottleneck"],
      ...["stage 4 layer3: 6 of bottleneck", "stage 5 layer4: 3 of bottleneck"],
    ]);
    expect(boxes.length).toBeLessThan(70);
  });

  test("units that differ, in a shape or in who reads them, do not", () => {
    const unit = "block unit(n: int) { conv: conv n, 3x3 -> relu }\n";
    const net = (body: string) => `se 1\n${unit}network Net() {\n  input image: f32[N, 8, 8, 8]\n${body}\n}\n`;
    const drawn = (body: string) => {
      const { boxes, groups } = networkDrawing(textGraph(net(body)), "units");
      const units = groups.filter(({ kind }) => kind === "unit");
      return [boxes.length, units.map(({ title }) => title)];
    };
    expect(drawn("  a: 3 of unit(8)\n  output y")).toEqual([3, ["a.0 to a.2: 3 alike"]]);
    expect(drawn("  a: 3 of unit(8 then 4)\n  output y")).toEqual([5, []]);
    expect(drawn("  a: 3 of unit(4)\n  output y")).toEqual([4, ["a.1 to a.2: 2 alike"]]);
    expect(drawn("  a: 2 of unit(8)\n  b: 2 of unit(8)\n  output y")).toEqual([
      4,
      ["a.0 to a.1: 2 alike", "b.0 to b.1: 2 alike"],
    ]);
    // The first unit's value is read once more, by what is not its neighbour.
    expect(drawn("  let first = unit(8)\n  first + (first -> a: 2 of unit(8))\n  output y")[1]).toEqual([
      "a.0 to a.1: 2 alike",
    ]);
  });

  test("units in units", () => {
    const graph = textGraph(
      "se 1\nblock twice() { inner: 2 of conv 8, 3x3 }\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n  a: 3 of twice()\n  output y\n}\n",
    );
    const { boxes, edges, groups } = networkDrawing(graph, "units");
    expect(boxes.map(({ id }) => id)).toEqual(["image", "a.0.inner.0", "output y"]);
    expect(edges).toEqual([
      { from: "image", to: "a.0.inner.0" },
      { from: "a.0.inner.0", to: "output y" },
    ]);
    expect(groups.map(({ title }) => title)).toEqual([
      ...["a: 3 of twice", "a.0 to a.2: 3 alike", "a.0.inner: 2 of conv", "a.0.inner.0 to a.0.inner.1: 2 alike"],
    ]);
    expect(networkDrawing(graph, "stages").boxes.map(({ rows }) => rows[0]!.text)[1]).toBe("a: 3 of twice");
  });

  test("a block of the source that stands where an SE block would is marked like one, by its name", () => {
    const { groups, boxes } = networkDrawing(networkGraph("examples/cbam-resnet50.se"), "layers");
    const blocks = groups.filter(({ kind }) => kind === "se");
    expect([...new Set(blocks.map(({ title }) => title))]).toEqual(["cbam at standard"]);
    expect(blocks).toHaveLength(16);
    expect(boxes.find(({ id }) => id === "layer1.0.se.channel_max")).toMatchObject({ isSe: true, isAside: true });
  });

  test("a box for every repeat", () => {
    const drawing = networkDrawing(networkGraph("examples/se-resnet50.se"), "stages");
    expect(drawing.boxes.map(({ rows }) => rows[0]!.text)).toEqual([
      ...["input image", "conv1: conv 64, 7x7 / 2", "maxpool: maxpool 3x3 / 2", "stage 2 layer1: 3 of bottleneck"],
      ...["stage 3 layer2: 4 of bottleneck", "stage 4 layer3: 6 of bottleneck", "stage 5 layer4: 3 of bottleneck"],
      ...["gap: mean over the map", "fc: dense 1000", "output logits"],
    ]);
    expect(drawing.edges).toHaveLength(9);
    expect(drawing.groups).toEqual([]);
  });
});

describe("the layout", () => {
  const networks = [
    ...points.map((se): [string, Settings] => ["digits", { se }]),
    ["digits", { squeeze: "none" }],
    ["se-resnet50", {}],
    ["se-shufflenet", {}],
    ["se-resnet-fpn", {}],
    ["cbam-resnet50", { se: "identity" }],
  ] as const;

  test.each(networks)("of %s with %j: nothing covers anything else, and edges go down", (name, set) => {
    const graph = networkGraph(`examples/${name}.se`, set);
    for (const detail of details) expectGood(networkDrawing(graph, detail), detail);
    const plan = planOf(graph);
    for (const detail of details) expectGood(planDrawing(plan, detail), detail);
  });

  function expectGood(drawing: Drawing, detail: Detail): void {
    const { width, height, boxes, edges, groups } = layout(drawing);
    for (const { rect } of [...boxes, ...groups]) {
      expect(rect.x).toBeGreaterThanOrEqual(0);
      expect(rect.y).toBeGreaterThanOrEqual(0);
      expect(rect.x + rect.width).toBeLessThanOrEqual(width);
      expect(rect.y + rect.height).toBeLessThanOrEqual(height);
    }
    const rects = new Map(boxes.map(({ box, rect }) => [box.id, rect]));
    boxes.forEach(({ box, rect }, index) => {
      for (const other of boxes.slice(index + 1)) {
        if (overlap(rect, other.rect)) throw new Error(`${detail}: ${box.id} covers ${other.box.id}`);
      }
    });
    for (const { edge, route } of edges) {
      const { from, to, down } = route;
      expect(from[1], `${edge.from} to ${edge.to}`).toBeLessThan(to[1]);
      if (!down) continue;
      for (const { box, rect } of boxes) {
        const passes = { x: down.x, y: down.top, width: 0, height: down.bottom - down.top };
        if (overlap(passes, rect)) throw new Error(`${detail}: ${edge.from} to ${edge.to} runs through ${box.id}`);
      }
    }
    for (const { group, rect } of groups) {
      const members = new Set(group.boxes);
      for (const [id, box] of rects) {
        if (overlap(rect, box) !== members.has(id))
          throw new Error(`${detail}: the outline of ${group.title} and ${id}`);
      }
    }
  }

  test("SE-ResNet-50 fits a page in width, all its SE blocks have outlines, and it is quick", () => {
    const drawing = networkDrawing(networkGraph("examples/se-resnet50.se"), "layers");
    const { width, groups } = layout(drawing);
    expect(width).toBeLessThan(1000);
    expect(groups.filter(({ group }) => group.kind === "se")).toHaveLength(16);
  });
});

describe("the files", () => {
  const drawing = networkDrawing(digits(), "units");

  test("SVG has every box, edge and outline", () => {
    const counts = elementsOf(drawingSvg(drawing));
    expect(counts.get("g.box")).toBe(drawing.boxes.length);
    expect(counts.get("path.edge")).toBe(drawing.edges.length);
    expect(counts.get("rect.se")).toBe(6);
    expect(counts.get("rect.group")).toBe(drawing.groups.length);
  });

  test("DOT and Mermaid define what they connect, and close what they open", () => {
    const texts = [dot(drawing), mermaid(drawing)];
    for (const text of texts) {
      const edges = [...text.matchAll(/^ {2}(n\d+) -+> (n\d+);?$/gm)];
      expect(edges).toHaveLength(drawing.edges.length);
      for (const [, from, to] of edges)
        for (const id of [from!, to!]) expect(text).toMatch(new RegExp(`^ *${id}[ ([]`, "m"));
    }
    expect(texts[0]!.match(/\{$/gm)).toHaveLength(texts[0]!.match(/^ *\}$/gm)!.length);
    expect(texts[1]!.match(/^ *subgraph /gm)).toHaveLength(texts[1]!.match(/^ *end$/gm)!.length);
  });

  test("no text gets out of its quotes", () => {
    const evil = `a"b\\c<d>&e#f\`g\n</text><script>`;
    const row = { text: evil, isSe: true };
    const box = { id: evil, kind: "layer", rows: [row], note: evil, isSe: false, isAside: false } as const;
    const wild: Drawing = {
      title: evil,
      boxes: [box],
      edges: [],
      groups: [{ id: evil, kind: "se", title: evil, boxes: [evil] }],
    };
    const counts = elementsOf(drawingSvg(wild));
    expect(counts.get("script")).toBeUndefined();
    const withoutStrings = dot(wild).replace(/"(?:[^"\\]|\\.)*"/g, '""');
    expect(withoutStrings).not.toMatch(/["\\]{3}|script|<|#f/);
    expect(mermaid(wild).replace(/"[^"]*"/g, '""')).not.toMatch(/script|`/);
    expect(mermaid(wild)).not.toContain("<script");
  });

  test("the same network gives the same bytes", () => {
    for (const write of [drawingSvg, dot, mermaid]) {
      expect(write(networkDrawing(digits(), "layers"))).toBe(write(networkDrawing(digits(), "layers")));
    }
  });

  test("a network of a thousand layers is drawn", () => {
    const long = textGraph(
      "se 1\nnetwork Net() {\n  input image: f32[N, 4, 4, 4]\n  for i in 0..500 { residual { branch { conv: conv 4, 1x1 } after relu } }\n  output y\n}\n",
    );
    expect(elementsOf(drawingSvg(networkDrawing(long, "layers"))).get("g.box")).toBe(1502);
  });
});

function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
