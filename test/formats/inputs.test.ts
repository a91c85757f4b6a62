import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readInputs, type DeclaredInput } from "../../src/cli/inputs.ts";
import { declareInput } from "../../src/image/declaration.ts";
import { f32 } from "../../src/tensor/type.ts";
import { writeNpy } from "../../src/weights/npy.ts";
import { writeSafetensors } from "../../src/weights/safetensors.ts";
import { storeFloat32, type StoredTensor } from "../../src/weights/stored.ts";
import { png } from "./png.ts";

const image: DeclaredInput = { name: "image", type: f32("N", 1, 1, 2), image: declareInput("grey", { scale: 0.5 }) };
const plain: DeclaredInput = { name: "features", type: f32("N", 2), image: undefined };

let root = "";
const here = process.cwd();
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "sec-inputs-"));
  process.chdir(root);
  const safetensors = (path: string, tensors: Record<string, StoredTensor>) =>
    writeFileSync(path, writeSafetensors(new Map(Object.entries(tensors))));
  const values = storeFloat32([2, 1, 1, 2], [1, 2, 3, 4]);
  safetensors("named.safetensors", { image: values, label: storeFloat32([2], [0, 1]) });
  safetensors("other-name.safetensors", { x: values, label: storeFloat32([2], [0, 1]) });
  safetensors("two-fit.safetensors", { x: values, y: values });
  safetensors("none-fits.safetensors", { x: storeFloat32([2, 3, 1, 2], new Float32Array(12)) });
  safetensors("wrong-shape.safetensors", { image: storeFloat32([2, 1, 2, 2], new Float32Array(8)) });
  safetensors("empty.safetensors", {});
  safetensors("no-images.safetensors", { image: storeFloat32([0, 1, 1, 2], []) });
  safetensors("both.safetensors", { image: values, features: storeFloat32([2, 2], [5, 6, 7, 8]) });
  safetensors("uneven.safetensors", { image: values, features: storeFloat32([1, 2], [5, 6]) });
  safetensors("nan.safetensors", { image: storeFloat32([1, 1, 1, 2], [NaN, Infinity]) });
  safetensors("bytes.safetensors", { image: { dtype: "U8", shape: [1, 1, 1, 2], bytes: Uint8Array.of(7, 9) } });
  writeFileSync("page.safetensors", "<!doctype html><html>404</html>");
  writeFileSync("batch.npy", writeNpy([2, 1, 1, 2], [1, 2, 3, 4]));
  writeFileSync("single.npy", writeNpy([1, 1, 2], [1, 2]));
  writeFileSync("wrong.npy", writeNpy([1, 2, 1], [1, 2]));
  writeFileSync("note.txt", "hello");

  const grey = (...pixels: number[]) =>
    png({ width: pixels.length, height: 1, depth: 8, colorType: 0, rows: [0, ...pixels] });
  writeFileSync("wide.png", grey(1, 2, 3));
  writeFileSync("damaged.png", grey(1, 2).subarray(0, 40));
  mkdirSync("pictures/sub.png", { recursive: true });
  for (const [i, name] of ["10.png", "9.PNG", "B.png", "a.png"].entries())
    writeFileSync(join("pictures", name), grey(2 * i, 100));
  writeFileSync("pictures/.hidden.png", "");
  writeFileSync("pictures/readme.md", "");
  mkdirSync("nothing");
  writeFileSync("nothing/readme.md", "");
  cpSync(fileURLToPath(new URL("../../examples/digits/data/test.safetensors", import.meta.url)), "digits.safetensors");
});
afterAll(() => {
  process.chdir(here);
  rmSync(root, { recursive: true });
});

/** What was read: each input's shape and values, the notes, or the message. */
function read(paths: string[], ...declared: DeclaredInput[]) {
  const inputs = readInputs(paths, declared);
  if (!inputs.ok) return inputs.message;
  const tensors = [...inputs.tensors].map(([name, { shape, data }]) => `${name}[${shape.join()}] ${data.join()}`);
  return [...tensors, ...inputs.notes.map((note) => `note: ${note}`)];
}

describe("safetensors", () => {
  test.each<[string, DeclaredInput[], string | string[]]>([
    ["named", [image], ["image[2,1,1,2] 1,2,3,4", 'note: named.safetensors: tensor "label" ignored']],
    [
      "other-name",
      [image],
      [
        "image[2,1,1,2] 1,2,3,4",
        'note: other-name.safetensors: tensor "x" is read as image',
        'note: other-name.safetensors: tensor "label" ignored',
      ],
    ],
    ["both", [image, plain], ["image[2,1,1,2] 1,2,3,4", "features[2,2] 5,6,7,8"]],
    [
      "bytes",
      [image],
      [
        "image[1,1,1,2] 7,9",
        'note: bytes.safetensors: tensor "image" is U8 and taken as it is; scale, mean and std are for pictures',
      ],
    ],
    [
      "nan",
      [image],
      ["image[1,1,1,2] NaN,Infinity", 'note: nan.safetensors: tensor "image" holds 1 NaN and 1 infinite values'],
    ],
    [
      "two-fit",
      [image],
      'two-fit.safetensors: "x" and "y" both fit image: f32[N, 1, 1, 2]; rename the one that is meant',
    ],
    ["none-fits", [image], 'none-fits.safetensors: expected image: f32[N, 1, 1, 2]; found "x": F32[2, 3, 1, 2]'],
    ["wrong-shape", [image], 'wrong-shape.safetensors: tensor "image" is F32[2, 1, 2, 2], image is f32[N, 1, 1, 2]'],
    ["empty", [image], "empty.safetensors: expected image: f32[N, 1, 1, 2]; found no tensors"],
    ["no-images", [image], 'no-images.safetensors: tensor "image" is F32[0, 1, 1, 2]: an empty batch'],
    [
      "named",
      [image, plain],
      'named.safetensors: expected features: f32[N, 2]; found "image": F32[2, 1, 1, 2], "label": F32[2]',
    ],
    ["uneven", [image, plain], "uneven.safetensors: the inputs have different batches: image 2, features 1"],
    [
      "page",
      [image],
      "page.safetensors: this is a web page: the download probably returned an error page; download the file itself again",
    ],
    ["absent", [image], "absent.safetensors: no such file or folder"],
  ])("%s", (name, declared, expected) => {
    expect(read([`${name}.safetensors`], ...declared)).toEqual(expected);
  });

  test("the digits", () => {
    const inputs = readInputs(["digits.safetensors"], [{ ...image, type: f32("N", 1, 16, 16) }]);
    expect(inputs).toMatchObject({
      ok: true,
      batch: 360,
      notes: ['digits.safetensors: tensor "label" ignored', 'digits.safetensors: tensor "pixels" ignored'],
    });
    expect(inputs.ok && inputs.sources[12]).toBe("digits.safetensors[12]");
  });
});

describe("npy", () => {
  test.each([
    ["batch.npy", ["image[2,1,1,2] 1,2,3,4"]],
    ["single.npy", ["image[1,1,1,2] 1,2", "note: single.npy: the array is F32[1, 1, 2], read as a batch of one"]],
    ["wrong.npy", "wrong.npy: the array is F32[1, 2, 1], image is f32[N, 1, 1, 2]"],
  ])("%s", (path, expected) => {
    expect(read([path], image)).toEqual(expected);
  });

  test("with two inputs there is no telling which", () => {
    expect(read(["batch.npy"], image, plain)).toBe(
      "batch.npy: the network has 2 inputs (image, features), and this file can hold one; use .safetensors",
    );
  });
});

describe("pictures", () => {
  test("a folder is one batch, sorted by name; what is no input is passed over with a note", () => {
    expect(read(["pictures/"], image)).toEqual([
      "image[4,1,1,2] 0,50,1,50,2,50,3,50",
      "note: pictures/readme.md: ignored, not an input",
      "note: pictures/sub.png: ignored, not an input",
    ]);
    const inputs = readInputs(["pictures"], [image]);
    expect(inputs.ok && inputs.sources).toEqual([
      "pictures/10.png",
      "pictures/9.PNG",
      "pictures/B.png",
      "pictures/a.png",
    ]);
  });

  test("several files are sorted by their paths, also of several kinds", () => {
    expect(read(["pictures/a.png", "batch.npy", "pictures/10.png"], image)).toEqual([
      "image[4,1,1,2] 1,2,3,4,0,50,3,50",
    ]);
  });

  test.each([
    [
      "wide.png",
      "wide.png: the picture is 3x1, the input is 2x1, and its declaration has no resize; declare resize: bilinear, or bring a picture of that size",
    ],
    ["damaged.png", "damaged.png: damaged PNG: it is cut short"],
    ["note.txt", "note.txt: expected .safetensors, .npy, .png, .jpg or a folder of them"],
    ["absent", "absent: no such file or folder"],
    ["nothing", "nothing: no .safetensors, .npy, .png or .jpg in this folder"],
  ])("%s is refused", (path, message) => {
    expect(read([path], image)).toBe(message);
  });

  test("an input that is no picture", () => {
    expect(read(["wide.png"], plain)).toBe(
      "wide.png: features: f32[N, 2] is not declared as a picture; use .safetensors or .npy, or declare its colour order",
    );
  });

  test("a fixed batch", () => {
    expect(read(["pictures"], { ...image, type: f32(1, 1, 1, 2) })).toBe(
      "image: f32[1, 1, 1, 2] has a batch of 1, the files hold 4",
    );
  });

  test("no input at all", () => {
    expect(read([], image)).toBe("no input was given");
  });
});
