import { expect, test } from "vitest";
import { parseJson, type JsonValue } from "../../src/cli/json.ts";

test("reads what JSON.parse reads", () => {
  for (const text of ['{"a": [1, -2.5e3, "x\\n\\u00e9", true, null, {}], "b": {"c": []}}', " 1 ", '""', "[[[]]]"]) {
    const json = parseJson(text);
    expect(json.ok && plain(json.value)).toEqual(JSON.parse(text));
  }
});

test("refuses what JSON.parse refuses, with a place", () => {
  const faults: [string, number, string][] = [
    ["", 0, "the file ends too early"],
    ["{", 1, "expected a name in double quotes, found the end"],
    ["[1, ]", 4, "expected a value, found ]"],
    ["[1 2]", 3, "expected , or ], found 2"],
    ["{a: 1}", 1, "expected a name in double quotes, found a"],
    ['{"a" 1}', 5, "expected :, found 1"],
    ["[01]", 1, "expected a value, found 01"],
    ["'a'", 0, 'unexpected "\'"'],
    ['"a\n"', 0, 'unexpected "\\""'],
    ["1 2", 2, "2 stands after the end"],
    ["nul", 0, "expected a value, found nul"],
    ["[".repeat(1000), 101, "nested deeper than 100"],
  ];
  for (const [text, at, message] of faults) {
    expect(() => JSON.parse(text)).toThrow();
    expect(parseJson(text)).toEqual({ ok: false, at, message });
  }
});

function plain(value: JsonValue): unknown {
  if (value.kind === "array") return value.items.map(plain);
  if (value.kind === "object") return Object.fromEntries(value.members.map(({ name, value }) => [name, plain(value)]));
  return value.kind === "null" ? null : value.value;
}
