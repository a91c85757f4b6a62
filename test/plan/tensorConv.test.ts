import { expect, test } from "vitest";
import { tensorTilings } from "../../src/plan/kernels/tensorConv.ts";

/** What the model asks for, in words of the product: pixels x channels of one image, and the steps of its depth. */
test.each([
  // Enough blocks, or few steps: nothing to split.
  { pixels: 3136, channels: 256, steps: 2, chosen: "128x128" },
  { pixels: 3136, channels: 64, steps: 18, chosen: "128x64" },
  { pixels: 196, channels: 1024, steps: 8, chosen: "128x64" },
  { pixels: 49, channels: 2048, steps: 16, chosen: "64x128" },
  { pixels: 64, channels: 16, steps: 3, chosen: "64x32" },
  // Large maps, of which one image is blocks enough for large tiles.
  { pixels: 112 * 112, channels: 256, steps: 18, chosen: "128x128" },
  { pixels: 448 * 448, channels: 64, steps: 18, chosen: "256x64" },
  // The last stages of a ResNet-50, in halves: the deeper and smaller, the more slices, and up to the larger batch.
  { pixels: 784, channels: 128, steps: 36, chosen: "64x128 in 4 up to 5" },
  { pixels: 196, channels: 256, steps: 72, chosen: "128x64 in 6 up to 8" },
  { pixels: 49, channels: 512, steps: 144, chosen: "64x64 in 12 up to 10" },
])("$pixels x $channels of $steps steps: $chosen", ({ chosen, ...product }) => {
  const { tile, split } = tensorTilings(product)[0]!;
  const sliced = split ? ` in ${split.slices} up to ${split.apartUpTo}` : "";
  expect(`${tile.pixels}x${tile.channels}${sliced}`).toBe(chosen);
});

test("a slice has four steps or more, and what is split is apart for one image at least", () => {
  for (const pixels of [1, 49, 196, 784])
    for (const channels of [8, 64, 512])
      for (const steps of [1, 3, 4, 7, 8, 31, 288]) {
        const { split } = tensorTilings({ pixels, channels, steps })[0]!;
        if (!split) continue;
        expect(split.slices * 4).toBeLessThanOrEqual(steps);
        expect(split.apartUpTo).toBeGreaterThan(0);
      }
});
