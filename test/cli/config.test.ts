/** Fault 70: a config with a typo, a wrong type, a syntax error, or that throws. */
import { expect, test } from "vitest";
import { folder, sec, within } from "./sec.ts";

/** What `sec compile` says in a folder with this config. */
async function complaint(name: string, text: string): Promise<string> {
  const { exit, out, err } = await within(folder({ [name]: text, "package.json": '{ "type": "module" }' }), () =>
    sec(["compile"]),
  );
  expect(exit).toBe(2);
  expect(out).toBe("");
  return err;
}

test("a field that does not exist is named with its place and the ones that do", async () => {
  expect(await complaint("sec.config.json", '{\n  "entry": "net.se",\n  "tagret": "wgsl"\n}\n')).toBe(
    'error: sec.config.json:3:3: there is no field "tagret"\n' +
      "  did you mean `target`? allowed are entry, outDir, target, network, set, maxBatch, precision, tuning\n",
  );
  expect(await complaint("sec.config.js", 'export default { out: "x" };\n')).toBe(
    'error: sec.config.js: out: there is no field "out"\n' +
      "  did you mean `outDir`? allowed are entry, outDir, target, network, set, maxBatch, precision, tuning\n",
  );
});

test("a field of the wrong type is named with what it should be", async () => {
  expect(await complaint("sec.config.json", '{ "maxBatch": "8" }')).toBe(
    'error: sec.config.json:1:3: maxBatch should be a whole number from 1, got "8"\n',
  );
  expect(await complaint("sec.config.js", "export default { set: [1] };\n")).toBe(
    "error: sec.config.js: set: set should be an object of values, { ratio: 16 }, got [1]\n",
  );
  expect(await complaint("sec.config.json", "[]")).toBe("error: sec.config.json:1:1: the config should be an object\n");
});

test("a syntax error has a place", async () => {
  expect(await complaint("sec.config.json", '{\n  "entry": "net.se",\n}\n')).toBe(
    "error: sec.config.json:3:1: expected a name in double quotes, found }\n",
  );
  expect(await complaint("sec.config.json", '{ "entry": "a.se", "entry": "b.se" }')).toBe(
    'error: sec.config.json:1:20: "entry" stands twice\n',
  );
});

test("a config that throws is a usage error", async () => {
  expect(await complaint("sec.config.js", '\nthrow new Error("no entry yet");\n')).toBe(
    "error: sec.config.js:2:7: no entry yet\n",
  );
});

test("a module without a default export, two configs, TypeScript where Node does not read it", async () => {
  expect(await complaint("sec.config.js", "export const entry = 1;\n")).toContain("no default export");
  const both = folder({ "sec.config.json": "{}", "sec.config.js": "export default {}" });
  expect((await within(both, () => sec(["compile"]))).err).toContain("sec.config.json and sec.config.js are both here");
  if (!("typescript" in process.features)) {
    expect(await complaint("sec.config.ts", "export default {}")).toContain("this Node.js cannot read TypeScript");
  }
});
