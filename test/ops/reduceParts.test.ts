import { expect, test } from "vitest";
import { pointWindow } from "../../src/ops/window.ts";
import { tensor } from "../../src/tensor/tensor.ts";
import { randomNumbers } from "../graphs.ts";
import { evaluate, expectTensor } from "./evaluate.ts";

test("each slice of the channels adds its share: the last one is shorter", () => {
  const parts = tensor([1, 2, 1, 3], [1, 2, 3, 10, 20, 30]);
  const weight = tensor([2, 3], [1, 1, 1, 0, 1, 2]);
  // Tiles one after the other, in each the channels 0 and 1, then channel 2.
  expectTensor(evaluate("reduceParts", { parts, weight }, { slice: 2 }), [1, 4, 1, 2], [3, 2, 3, 6, 30, 20, 30, 60]);
});

test("the sum of the shares is the layer's result on the mean", () => {
  const { normal } = randomNumbers("shares");
  const some = (...shape: number[]) => tensor(shape, Array.from({ length: shape.reduce((a, b) => a * b) }, normal));
  const [parts, weight] = [some(2, 3, 1, 10), some(7, 10, 1, 1)];
  const attrs = { window: pointWindow, reduce: "sum", tile: 4, height: 3, width: 4 } as const;
  const plain = evaluate("dense", { x: evaluate("squeezeFinish", { parts }, attrs), weight }, {});
  for (const slice of [1, 4, 10, 64]) {
    const shares = evaluate("squeezeFinish", { parts: evaluate("reduceParts", { parts, weight }, { slice }) }, attrs);
    expect(shares.shape).toEqual([2, 7]);
    shares.data.forEach((value, index) => expect(value).toBeCloseTo(plain.data[index]!, 12));
  }
});
