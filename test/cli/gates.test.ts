import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tensorsOf } from "../networks.ts";
import { elementsOf } from "../draw/xml.ts";
import { folder, repository, sec, within } from "./sec.ts";

const at = (path: string) => join(repository, path);
const pictures = readdirSync(at("examples/digits/images")).sort().slice(0, 8);
const digitOf = (picture: string) => /-(\d)\.png$/.exec(picture)![1]!;
const flags = [
  ...["gates", at("examples/digits.se"), "--weights", at("examples/digits/weights/standard.safetensors")],
  ...["--backend", "reference"],
];

interface Gates {
  readonly images: number;
  readonly blocks: readonly {
    readonly name: string;
    readonly channels: number;
    readonly all: { readonly mean: readonly number[] };
    readonly classes: readonly {
      readonly label: string;
      readonly images: number;
      readonly mean: readonly number[];
      readonly deviation: readonly number[];
    }[];
  }[];
}

/** The first pictures in a folder for every digit. */
function folders(): string {
  const here = folder({});
  for (const picture of pictures) {
    mkdirSync(join(here, "images", digitOf(picture)), { recursive: true });
    cpSync(at(`examples/digits/images/${picture}`), join(here, "images", digitOf(picture), picture));
  }
  return here;
}

describe("the digits", () => {
  test("gates by class are those that PyTorch computed", async () => {
    const here = folders();
    await within(here, async () => {
      const { exit, out, err } = await sec([...flags, "--input", "images", "-o", "out"]);
      expect({ exit, err }).toEqual({ exit: 0, err: "note: ran 8 images on reference, float64\n" });
      expect(out).toMatch(/^SE block +channels +mean gate +deviation +between classes\nlayer1\.0\.se +32 +0\./);
      expect(readdirSync("out").sort()).toEqual(["gates.csv", "gates.json", "mean.svg", "spread.svg"]);

      const gates = JSON.parse(readFileSync("out/gates.json", "utf8")) as Gates;
      const expected = tensorsOf(at("examples/digits/data/standard.expected.safetensors"));
      const labels = [...new Set(pictures.map(digitOf))].sort();
      expect(gates.images).toBe(8);
      expect(gates.blocks).toHaveLength(6);
      for (const { name, channels, classes } of gates.blocks) {
        expect(classes.map(({ label }) => label)).toEqual(labels);
        const { data } = expected.get(`gates.${name}`)!;
        for (const { label, images, mean, deviation } of classes) {
          const members = pictures.flatMap((picture, index) => (digitOf(picture) === label ? [index] : []));
          expect(images).toBe(members.length);
          for (let channel = 0; channel < channels; channel++) {
            const values = members.map((image) => data[image * channels + channel]!);
            const average = values.reduce((sum, value) => sum + value, 0) / images;
            const variance = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / images;
            expect(Math.abs(mean[channel]! - average)).toBeLessThan(1e-5);
            expect(Math.abs(deviation[channel]! - Math.sqrt(variance))).toBeLessThan(1e-5);
          }
        }
      }

      const means = elementsOf(readFileSync("out/mean.svg", "utf8"));
      expect([means.get("g.panel"), means.get("polyline")]).toEqual([6, 6 * (labels.length + 1)]);
      expect(elementsOf(readFileSync("out/spread.svg", "utf8")).get("g.panel")).toBe(6 * labels.length);

      // Written over without --force: they are ours.
      writeFileSync("labels.txt", `${pictures.map((_, index) => (index < 4 ? "few" : "more")).join("\n")}\n`);
      const again = await sec([...flags, "--input", "images", "--labels", "labels.txt", "-o", "out"]);
      expect(again.exit).toBe(0);
      expect(readFileSync("out/gates.csv", "utf8")).toContain("\nlayer3.1.se,more,4,127,");
    });
  });
});

describe("classes", () => {
  /** Small enough for many runs. */
  const net = `se 1
block unit() uses se { conv: conv 4, 1x1 -> @post }
network Net() {
  input image: f32[N, 1, 2, 2] { grey, scale: 1, resize: nearest }
  insert se(at: post, ratio: 2)
  unit: unit()
  output y
}
`;
  const here = folders();
  writeFileSync(join(here, "net.se"), net);
  const first = pictures.slice(0, 2);
  for (const picture of first) cpSync(at(`examples/digits/images/${picture}`), join(here, "flat", picture));
  const run = (...more: string[]) =>
    within(here, () => sec(["gates", "net.se", "--backend", "reference", "--input", "flat", "-o", "-", ...more]));
  const classesOf = (csv: string) => [
    ...new Set(
      csv
        .split("\n")
        .slice(1, -1)
        .map((line) => line.split(",")[1]),
    ),
  ];

  test("none, with a note", async () => {
    const { exit, out, err } = await run();
    expect(exit).toBe(0);
    expect(err).toContain("note: no classes: give a folder for every class, or --labels\n");
    expect(classesOf(out)).toEqual([""]);
  });

  test.each([
    ["labels.txt", "a\nb\n", ["", "a", "b"]],
    ["labels.csv", `# mine\n${first[1]},b b\r\n${first[0]},a\n`, ["", "a", "b b"]],
    ["labels.tsv", `flat/${first[1]}\tb\n${first[0]}\ta\nother.png\tc\n`, ["", "a", "b"]],
  ])("from %s", async (name, text, classes) => {
    writeFileSync(join(here, name), text);
    expect(classesOf((await run("--labels", name)).out)).toEqual(classes);
  });

  test.each([
    ["few.txt", "a\n", "1 labels for 2 images"],
    ["mixed.csv", `${first[0]},a\nb\n`, '"b" should be file,class like the other lines'],
    ["other.csv", "other.png,a\n", `there is no line for flat/${first[0]}`],
    ["labels.safetensors", "nonsense", "labels.safetensors: "],
    ["absent.txt", undefined, "absent.txt: no such file or folder"],
  ])("%s is refused", async (name, text, message) => {
    if (text !== undefined) writeFileSync(join(here, name), text);
    const { exit, out, err } = await run("--labels", name);
    expect({ exit, out }).toEqual({ exit: 2, out: "" });
    expect(err).toContain(message);
  });

  test("labels in a safetensors file", async () => {
    const path = at("examples/digits/data/test.safetensors");
    const { exit, err } = await run("--labels", path);
    expect(exit).toBe(2);
    expect(err).toContain("360 labels for 2 images");
  });

  test("what stands where SE blocks would has gates, too", async () => {
    const eca = `se 1
import { eca } from "std/attention.se"
block unit() uses se { conv: conv 4, 1x1 -> @post }
network Net() {
  input image: f32[N, 1, 2, 2] { grey, scale: 1, resize: nearest }
  insert eca(at: post)
  unit: unit()
  output y
}
`;
    writeFileSync(join(here, "eca.se"), eca);
    const { exit, out } = await within(here, () =>
      sec(["gates", "eca.se", "--backend", "reference", "--input", "flat", "--quiet", "-o", "-"]),
    );
    expect(exit).toBe(0);
    expect(
      out
        .split("\n")
        .slice(1, -1)
        .map((line) => line.split(",")[0]),
    ).toEqual(["unit.se", "unit.se", "unit.se", "unit.se"]);
  });

  test("a network without SE blocks", async () => {
    const { exit, err } = await sec([
      "gates",
      at("examples/digits.se"),
      "--set",
      "se=none",
      "--input",
      "x.npy",
      "-o",
      "-",
    ]);
    expect(exit).toBe(2);
    expect(err).toContain("Digits has no SE blocks");
  });

  test("--json has the numbers", async () => {
    const { out } = await run("--json", "--quiet");
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      images: 2,
      blocks: [{ name: "unit.se", channels: 4, classes: [] }],
    });
  });
});
