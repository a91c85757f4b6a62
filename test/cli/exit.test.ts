import { expect, test } from "vitest";
import { exit } from "../../src/cli/exit.ts";

test("the exit codes are a contract", () => {
  expect(exit).toEqual({
    done: 0,
    wrong: 1,
    usage: 2,
    unwritten: 3,
    absent: 4,
    bug: 70,
    interrupted: 130,
    terminated: 143,
  });
});
