import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { outline } from "../../src/check/check.ts";
import { resolveImport } from "../../src/check/load.ts";
import { standardLibrary } from "../../src/check/standardLibrary.ts";
import { Problems } from "../../src/diagnostics.ts";
import { format } from "../../src/syntax/format.ts";
import { formatDiagnostics } from "../../src/syntax/frame.ts";
import { checkFiles } from "./helpers.ts";

const net = (path: string, name = "unit") => `se 1
import { ${name} } from "${path}"
network Net() {
  input image: f32[N, 8, 8, 8]
  ${name}()
  output y
}
`;
const unit = "se 1\nblock unit() {\n  relu\n}\n";

test("the module with the library is the library (else run scripts/embed-std.mjs)", () => {
  const files = readdirSync("std").filter((name) => name.endsWith(".se"));
  expect([...standardLibrary.keys()].sort()).toEqual(files.map((name) => `std/${name}`).sort());
  for (const [path, text] of standardLibrary) expect(readFileSync(path, "utf8")).toBe(text);
});

test("the library and the examples are written as fmt writes them", () => {
  const files = ["std", "examples"].flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`));
  for (const path of files.filter((name) => name.endsWith(".se"))) {
    const text = readFileSync(path, "utf8");
    expect(format(text, path, new Problems())).toBe(text);
  }
});

test("paths are relative to the importing file", () => {
  const files = {
    "nets/a.se": net("../lib/b.se"),
    "lib/b.se": net("./c.se").replace(/network[^]*/, unit.slice(5)),
    "lib/c.se": unit,
  };
  expect(checkFiles({ ...files, "lib/b.se": unit }).text).toBe("");
});

test.each([
  ["a.se", "./b.se", "b.se"],
  ["nets/a.se", "./b.se", "nets/b.se"],
  ["nets/a.se", "../b.se", "b.se"],
  ["nets/deep/a.se", "../../x/./b.se", "x/b.se"],
  ["nets/a.se", "std/resnet.se", "std/resnet.se"],
  ["std/a.se", "./b.se", "std/b.se"],
])("from %s, %s is %s", (importer, written, path) => {
  expect(resolveImport(importer, written)).toBe(path);
});

test.each([
  ["/etc/passwd.se", "is an absolute path"],
  ["C:/x.se", "is an absolute path"],
  ["..\\\\b.se", "has a backslash"],
  ["../b.se", "leads out of the project"],
  ["./x/../../b.se", "leads out of the project"],
  ["b.se", "starts with neither ./ nor ../ nor std/"],
  ["./b", "does not end with .se"],
  [".//b.se", "has an empty part"],
  ["std/../b.se", "leads out of the library"],
])("%s %s", (written, fault) => {
  expect(resolveImport("a.se", written)).toMatchObject({ fault: `\`${written}\` ${fault}` });
});

test("a circle of imports is printed as a chain", () => {
  const beside = (path: string, name: string) =>
    `se 1\nimport { ${name} } from "${path}"\nblock ${name}2() {\n  ${name}()\n}\n`;
  const { text } = checkFiles({
    "a.se": `${net("./b.se", "c2")}block b2() {\n  relu\n}\n`,
    "b.se": beside("./c.se", "c").replace("c2", "c2"),
    "c.se": `se 1\nimport { b2 } from "./a.se"\nblock c() {\n  b2()\n}\n`,
  });
  expect(text).toBe("SE0206 imports run in a circle: a.se -> b.se -> c.se -> a.se");
});

test("a file that is missing is reported once, where it is imported", () => {
  const { text, problems } = checkFiles({ "a.se": net("./b.se") });
  expect(text).toBe("SE0204 b.se does not exist");
  expect(problems[0]!.span).toMatchObject({ file: "a.se" });
});

test("a file with errors does not make its names unknown", () => {
  expect(
    checkFiles({ "a.se": net("./b.se"), "b.se": "se 1\nblock unit( {\n}\n" }).problems.map(({ code }) =>
      code.slice(0, 4),
    ),
  ).toEqual(["SE01"]);
});

test("imports are at most 32 deep, and a program at most 256 files", async () => {
  const link = (i: number) =>
    `se 1\nimport { unit${i + 1} } from "./${i + 1}.se"\nblock unit${i}() {\n  unit${i + 1}()\n}\n`;
  const chain = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}.se`, link(i)]));
  const { problems } = checkFiles({ "a.se": net("./0.se", "unit0"), ...chain });
  const text = formatDiagnostics(problems, { source: (file) => chain[file], color: false, width: 100 });
  await expect(text).toMatchFileSnapshot("../errors/check/SE0208.txt");

  const leaf = (i: number) => `se 1\nblock unit${i}() {\n  relu\n}\n`;
  const leaves = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${i}.se`, leaf(i)]));
  const imports = Object.keys(leaves).map((file, i) => `import { unit${i} } from "./${file}"`);
  const uses = Object.keys(leaves).map((_, i) => `  u${i}: unit${i}()`);
  const wide = `se 1\n${imports.join("\n")}\nnetwork Net() {\n  input image: f32[N, 8, 8, 8]\n${uses.join("\n")}\n  output y\n}\n`;
  expect(checkFiles({ "a.se": wide, ...leaves }).text.split("\n")[0]).toBe(
    "SE0208 the program has more than 256 files",
  );
});

test("what a file imports is not passed on", () => {
  const { text } = checkFiles({
    "a.se": net("./b.se"),
    "b.se": `se 1\nimport { unit } from "./c.se"\nblock other() {\n  unit()\n}\n`,
    "c.se": unit,
  });
  expect(text).toBe("SE0207 b.se declares no `unit`");
});

test("an entry that does not exist", () => {
  expect(checkFiles({ "a.se": unit }, { entry: "b.se" }).text).toBe("SE0204 b.se does not exist");
});

test("an outline lists networks, parameters with their words, and files", () => {
  const problems = new Problems();
  const { networks, files } = outline({
    entry: "examples/digits.se",
    load: (path) => readFileSync(path, "utf8"),
    problems,
  });
  expect(problems.list).toEqual([]);
  expect(networks.map(({ name }) => name)).toEqual(["Digits"]);
  expect(networks[0]!.params[0]).toEqual({
    name: "se",
    doc: ["The insertion point."],
    type: "Placement",
    default: "standard",
  });
  expect(networks[0]!.params[7]).toMatchObject({ name: "stages", type: "list<int>", default: "[2, 3, 4]" });
  expect([...files.keys()]).toEqual(["examples/digits.se", "std/resnet.se"]);
});
