import { expect, test } from "vitest";
import { assignSlots, largestBatch } from "../../src/plan/memory.ts";
import { f32 } from "../../src/tensor/type.ts";

const map = (name: string, floatsPerImage: number) => ({
  name,
  type: f32("N", 4, 1, floatsPerImage / 4),
  layout: "map" as const,
  element: "f32" as const,
  floatsPerImage,
});
const vector = (name: string) => ({
  name,
  type: f32("N", 4),
  layout: "map" as const,
  element: "f32" as const,
  floatsPerImage: 4,
});

test("a chain of maps needs two slots", () => {
  const [a, b, c, d] = [map("a", 64), map("b", 64), map("c", 64), map("d", 64)];
  const { slots, slotOf } = assignSlots(
    [
      { reads: [a!], writes: [b!] },
      { reads: [b!], writes: [c!] },
      { reads: [c!], writes: [d!] },
    ],
    [a!],
    [d!],
    [],
  );
  expect(slots.length).toBe(2);
  expect(slotOf.get(c!)).toBe(slotOf.get(a!));
});

test("a value that is read later keeps its slot", () => {
  const [a, b, c] = [map("a", 64), map("b", 64), map("c", 64)];
  const { slotOf } = assignSlots(
    [
      { reads: [a!], writes: [b!] },
      { reads: [b!, a!], writes: [c!] },
    ],
    [a!],
    [c!],
    [],
  );
  expect(new Set([slotOf.get(a!), slotOf.get(b!), slotOf.get(c!)]).size).toBe(3);
});

test("the smallest slot that is large enough is taken; a smaller one grows before a new one is made", () => {
  const [big, small, next, huge, end] = [
    map("big", 256),
    map("small", 16),
    map("next", 16),
    map("huge", 512),
    map("end", 4),
  ];
  const launches = [
    { reads: [big!, small!], writes: [map("out", 64)] },
    { reads: [], writes: [next!] },
    { reads: [], writes: [huge!] },
    { reads: [next!, huge!], writes: [end!] },
  ];
  const { slots, slotOf } = assignSlots(launches, [big!, small!], [end!], []);
  expect(slotOf.get(next!)).toBe(slotOf.get(small!));
  expect(slots[slotOf.get(huge!)!]!.floatsPerImage).toBe(512);
  expect(slots.length).toBe(3);
});

test("a gate never takes a map's slot", () => {
  const [a, gate, b] = [map("a", 64), vector("gate"), map("b", 64)];
  const { slotOf } = assignSlots(
    [
      { reads: [a!], writes: [gate!] },
      { reads: [gate!], writes: [b!] },
    ],
    [a!],
    [b!],
    [],
  );
  expect(slotOf.get(b!)).toBe(slotOf.get(a!));
});

test("an output lives to the end, an input from the start", () => {
  const [a, out, b] = [map("a", 64), map("out", 64), map("b", 64)];
  const { slotOf } = assignSlots(
    [
      { reads: [a!], writes: [out!] },
      { reads: [a!], writes: [b!] },
    ],
    [a!],
    [out!, b!],
    [],
  );
  expect(slotOf.get(b!)).not.toBe(slotOf.get(out!));
});

test("the batch is limited by one binding of 128 MiB and by a dispatch dimension", () => {
  expect(largestBatch([{ floatsPerImage: 1024 * 1024 }])).toBe(32);
  expect(largestBatch([{ floatsPerImage: 4 }])).toBe(65535);
});
