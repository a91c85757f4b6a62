import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeImage } from "../../src/cli/decodeImage.ts";
import { declarationFaults, declareInput, type WrittenDeclaration } from "../../src/image/declaration.ts";
import type { Picture } from "../../src/image/picture.ts";
import { prepareImage } from "../../src/image/prepare.ts";
import { readSafetensors } from "../../src/weights/safetensors.ts";
import { toFloat64 } from "../../src/weights/stored.ts";

function picture(
  width: number,
  height: number,
  channels: 1 | 3,
  value: (x: number, y: number, c: number) => number,
): Picture {
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = value(x, y, c);
    }
  }
  return { width, height, channels, data };
}

function prepared(
  source: Picture,
  order: "rgb" | "bgr" | "grey",
  written: WrittenDeclaration,
  height: number,
  width: number,
) {
  const result = prepareImage(source, declareInput(order, written), height, width);
  return result.ok ? [...result.data] : result.message;
}

const colour = picture(1, 1, 3, (_x, _y, c) => [10, 20, 30][c]!);
const grey = picture(1, 1, 1, () => 40);

describe("colours and values", () => {
  test("orders", () => {
    expect(prepared(colour, "rgb", {}, 1, 1)).toEqual([10, 20, 30]);
    expect(prepared(colour, "bgr", {}, 1, 1)).toEqual([30, 20, 10]);
    expect(prepared(grey, "grey", {}, 1, 1)).toEqual([40]);
    expect(prepared(grey, "rgb", {}, 1, 1)).toEqual([40, 40, 40]);
  });

  test("grey of a colour picture is its luma, not rounded", () => {
    expect(prepared(colour, "grey", {}, 1, 1)).toEqual([0.299 * 10 + 0.587 * 20 + 0.114 * 30]);
  });

  test("mean and std follow the declared order", () => {
    expect(prepared(colour, "bgr", { scale: 0.5, mean: [15, 9, 4], std: [1, 2, 4] }, 1, 1)).toEqual([0, 0.5, 0.25]);
  });
});

describe("resizing", () => {
  // Made by pictures/record.py: torch.nn.functional.interpolate, float64, align_corners=False.
  const recorded = JSON.parse(readFileSync(new URL("pictures/resize.json", import.meta.url), "utf8")) as {
    resize: "bilinear" | "nearest";
    antialias: boolean;
    size: [number, number];
    rgb: number[];
  }[];
  const source = picture(13, 9, 3, (x, y, c) => (37 * x * x + 59 * y * x + 83 * y + 29 * c * x) % 256);

  test.each(recorded)("$resize, antialias $antialias, to $size, as PyTorch", ({ resize, antialias, size, rgb }) => {
    const ours = prepared(source, "rgb", { resize, antialias }, ...size) as number[];
    expect(ours.length).toBe(rgb.length);
    expect(Math.max(...ours.map((value, i) => Math.abs(value - rgb[i]!)))).toBeLessThan(1e-6);
  });

  test("without a resize a picture of another size is refused", () => {
    expect(prepared(source, "rgb", {}, 9, 12)).toBe(
      "the picture is 13x9, the input is 12x9, and its declaration has no resize; declare resize: bilinear, or bring a picture of that size",
    );
  });
});

describe("cropping", () => {
  const columns = (width: number, height: number) => picture(width, height, 1, (x) => x);

  test("the short side is resized, the aspect kept, the middle cut out", () => {
    const written = { resize: "nearest", crop: { resizeShortSideTo: 4, center: true } } as const;
    expect(prepared(columns(16, 8), "grey", written, 1, 2)).toEqual([7, 9]);
    expect(
      prepared(
        picture(8, 16, 1, (_x, y) => y),
        "grey",
        written,
        2,
        1,
      ),
    ).toEqual([7, 9]);
  });

  test.each([
    // The remainder is 1, 3, 5, 7 pixels: 0.5 goes to 0, 1.5 to 2, 2.5 to 2, 3.5 to 4, as torchvision's CenterCrop.
    [5, 0],
    [7, 2],
    [9, 2],
    [11, 4],
  ])("of %i columns, 4 are cut out from %i", (width, left) => {
    const written = { resize: "nearest", crop: { resizeShortSideTo: 4, center: true } } as const;
    expect(prepared(columns(width, 4), "grey", written, 4, 4)).toEqual(
      [0, 1, 2, 3].flatMap(() => [0, 1, 2, 3].map((x) => left + x)),
    );
  });

  test("a very long picture costs no more than its crop", () => {
    const written = { resize: "bilinear", crop: { resizeShortSideTo: 256, center: true } } as const;
    expect(
      prepared(
        picture(60_000, 1, 1, () => 5),
        "grey",
        written,
        224,
        224,
      ),
    ).toEqual(Array.from({ length: 224 * 224 }, () => 5));
  });
});

describe("the digits", () => {
  test("a PNG becomes the tensor that PyTorch prepared, to 1e-6", () => {
    const folder = new URL("../../examples/digits/", import.meta.url);
    const file = readSafetensors(readFileSync(new URL("data/test.safetensors", folder)));
    if (!file.ok) throw new Error(file.message);
    const expected = toFloat64(file.tensors.get("image")!);
    const raw = file.tensors.get("pixels")!.bytes;
    const labels = toFloat64(file.tensors.get("label")!);
    const declaration = declareInput("grey", { scale: 1 / 240, mean: 0.305, std: 0.376, resize: "bilinear" });
    expect(declarationFaults(declaration, 1, 16, 16)).toEqual([]);

    const names = readdirSync(new URL("images/", folder)).sort();
    expect(names.length).toBe(360);
    let largest = 0;
    names.forEach((name, n) => {
      expect(name).toBe(`${String(n).padStart(3, "0")}-${labels[n]}.png`);
      const decoded = decodeImage(readFileSync(new URL(`images/${name}`, folder)));
      if (!decoded.ok) throw new Error(decoded.message);
      expect([...decoded.picture.data]).toEqual([...raw.subarray(64 * n, 64 * n + 64)].map((v) => 15 * v));
      const ours = prepareImage(decoded.picture, declaration, 16, 16);
      if (!ours.ok) throw new Error(ours.message);
      ours.data.forEach((value, i) => (largest = Math.max(largest, Math.abs(value - expected[256 * n + i]!))));
    });
    expect(largest).toBeLessThan(1e-6);
  });
});

describe("faults of a declaration", () => {
  const imagenet = { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  const faults = (order: "rgb" | "grey", written: WrittenDeclaration, channels = 3) =>
    declarationFaults(declareInput(order, written), channels, 224, 224).map(
      ({ field, message }) => `${field}: ${message}`,
    );

  test.each([
    ["nothing", "rgb", imagenet, []],
    ["fault 31: a std of 0", "rgb", { ...imagenet, std: [0.2, 0, 0.2] }, ["std: a std of 0 would divide by 0"]],
    ["too few numbers", "rgb", { ...imagenet, mean: [0.5] }, ["mean: mean has 1 numbers, the input has 3 channels"]],
    ["a scale of 0", "rgb", { scale: 0 }, ["scale: the scale should be a number other than 0, got 0"]],
    ["NaN", "rgb", { mean: NaN }, ["mean: mean should hold finite numbers, got [NaN, NaN, NaN]"]],
    [
      "antialias without bilinear",
      "rgb",
      { antialias: true },
      ["antialias: antialias belongs to resize: bilinear, the resize is none"],
    ],
    [
      "a crop without a resize",
      "rgb",
      { crop: { resizeShortSideTo: 256, center: true } },
      ["crop: a crop after resizing needs a resize: bilinear or nearest"],
    ],
    [
      "a crop that is too small",
      "rgb",
      { resize: "bilinear", crop: { resizeShortSideTo: 200, center: true } },
      ["crop: a short side of 200 is too small to cut 224x224 out of"],
    ],
  ] as const)("%s", (_, order, written, expected) => {
    expect(faults(order, written)).toEqual(expected);
  });

  test("an order with other channels", () => {
    expect(faults("grey", {}, 3)).toEqual([
      "order: grey is 1 channel, the input has 3",
      "mean: mean has 1 numbers, the input has 3 channels",
      "std: std has 1 numbers, the input has 3 channels",
    ]);
  });
});
