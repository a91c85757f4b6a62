import { expect, test } from "vitest";
import { checkBarriers } from "../../src/verify/barriers.ts";

const kernel = (body: string) => `
var<workgroup> tile: array<f32, 64>;
fn load(i: u32) -> f32 { return tile[i]; }
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) thread: u32) {
${body}
}`;

test("a barrier between write and read is enough", () => {
  expect(checkBarriers(kernel("tile[thread] = 1.0;\nworkgroupBarrier();\nlet x = tile[63u - thread];"))).toEqual([]);
});

test("a read after a write without a barrier is a race, at its line", () => {
  const [race] = checkBarriers(kernel("tile[thread] = 1.0;\nlet x = tile[63u - thread];"));
  expect(race).toMatchObject({ variable: "tile", line: 7 });
});

test("a write after a read without a barrier is a race", () => {
  const races = checkBarriers(kernel("tile[thread] = 1.0;\nworkgroupBarrier();\nlet x = tile[0];\ntile[thread] = x;"));
  expect(races[0]?.message).toContain("overwritten");
});

test("a race over the back edge of a loop is seen", () => {
  const body = (last: string) =>
    `for (var k = 0u; k < 4u; k++) {\n tile[thread] = f32(k);\n workgroupBarrier();\n let x = tile[63u - thread];\n ${last}\n}`;
  expect(checkBarriers(kernel(body("workgroupBarrier();")))).toEqual([]);
  expect(checkBarriers(kernel(body(""))).length).toBeGreaterThan(0);
});

test("a helper function's accesses count where it is called", () => {
  expect(checkBarriers(kernel("tile[thread] = 1.0;\nlet x = load(0u);")).length).toBe(1);
  expect(checkBarriers(kernel("tile[thread] = 1.0;\nworkgroupBarrier();\nlet x = load(0u);"))).toEqual([]);
});

test("a kernel without workgroup memory has nothing to check, and comments do not count", () => {
  expect(checkBarriers("@compute @workgroup_size(1) fn main() { }")).toEqual([]);
  expect(checkBarriers(kernel("tile[thread] = 1.0;\n// workgroupBarrier();\nlet x = tile[0];")).length).toBe(1);
});
