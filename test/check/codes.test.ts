import { describe, expect, test } from "vitest";
import { codes } from "../../src/codes.ts";
import { checkFiles } from "./helpers.ts";

/** The checker's part of the table; test/syntax has the parser's. */
const examples = Object.entries(codes).flatMap(([code, entry]) =>
  code >= "SE02" && "example" in entry ? [{ code, ...entry.example }] : [],
);

describe("the example of every code gives that code alone, and its repair nothing", () => {
  test.each(examples)("$code", ({ code, wrong, right }) => {
    expect(checkFiles({ "net.se": wrong }).problems.map((problem) => problem.code)).toEqual([code]);
    expect(checkFiles({ "net.se": right }).text).toBe("");
  });
});
