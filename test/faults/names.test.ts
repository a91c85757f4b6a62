/** Faults 33 to 38 of docs/faults.md: what a user named stays a name, in every file that is generated. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { folder, sec, within } from "../cli/sec.ts";

const net = (body = "relu", name = "Net", input = "image") =>
  `se 1\nnetwork ${name}() {\n  input ${input}: f32[N, 3, 8, 8]\n  ${body}\n  output y\n}\n`;

/** Compiles a source in a folder of its own; the texts that were written, by their paths. */
async function compiled(file: string, source: string, more: Readonly<Record<string, string>> = {}) {
  // A project: the paths in what is generated begin here.
  const here = folder({ "package.json": "{}", [file]: source, ...more });
  const out = join(here, "out");
  const { exit, err } = await sec(["compile", join(here, file), "--target", "wgsl", "-o", out, "--quiet"]);
  const paths = existsSync(out) ? (readdirSync(out, { recursive: true }) as string[]) : [];
  const files = paths.filter((path) => path.includes(".")).map((path) => [path, readFileSync(join(out, path), "utf8")]);
  return { exit, err, here, out, files: Object.fromEntries(files) as Record<string, string> };
}

const wild = [
  "a(){} @compute fn evil",
  '"; system("rm")//',
  "${x}",
  "`",
  "</script>",
  "*/",
  "{{x}}",
  "$ENV{HOME}",
  "a\nb",
  "a\\",
];

describe("fault 33: what would be code is refused by the grammar wherever a name may stand", () => {
  const places: [string, (name: string) => string][] = [
    ["a network", (name) => net("relu", name)],
    ["an input", (name) => net("relu", "Net", name)],
    ["a label", (name) => net(`${name}: conv 8, 1x1`)],
    ["a group", (name) => net(`${name} { relu }`)],
    ["an output", (name) => net(`relu\n  output ${name}`)],
    ["a block", (name) => `${net()}block ${name}() {\n  relu\n}\n`],
    ["a parameter", (name) => net().replace("Net()", `Net(${name}: int = 1)`)],
    ["an enum", (name) => `${net()}enum ${name} { a }\n`],
    ["a member", (name) => `${net()}enum E { a, (${name}) }\n`],
  ];
  test.each(places)("%s", async (_, source) => {
    for (const name of wild) {
      const { exit, files } = await compiled("net.se", source(name));
      expect({ name, exit, files }).toEqual({ name, exit: 1, files: {} });
    }
  });

  test("and in --network and --set", async () => {
    const here = folder({ "net.se": net() });
    for (const flags of wild.flatMap((name) => [
      ["--network", name],
      ["--set", `${name}=1`],
      ["--set", `a=${name}`],
    ])) {
      const { exit, err } = await sec(["check", join(here, "net.se"), ...flags]);
      expect(exit).toBe(2);
      expect(err).not.toContain("internal");
    }
  });
});

describe("fault 34: names of JavaScript's prototypes are ordinary names", () => {
  const names = ["constructor", "toString", "valueOf", "hasOwnProperty", "isPrototypeOf", "prototype"];
  test("of layers, inputs, outputs, blocks, parameters, enums and networks", async () => {
    const layers = names.map((name) => `${name === "toString" ? "super" : name}: conv 3, 1x1`).join(" -> ");
    const source =
      `se 1\nenum isPrototypeOf { propertyIsEnumerable, toString }\n` +
      `network constructor(toString: int = 3, e: isPrototypeOf = propertyIsEnumerable) {\n  input toLocaleString: f32[N, 3, 8, 8]\n` +
      `  ${layers}\n  if e == propertyIsEnumerable { hasOwnProperty2(toString) }\n  output toLocaleStrings\n}\n` +
      `block hasOwnProperty2(width: int) {\n  conv: conv width, 1x1\n}\n`;
    const { exit, err, files } = await compiled("net.se", source);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    const manifest = JSON.parse(files["manifest.json"]!) as { network: string };
    expect(manifest.network).toBe("constructor");
    for (const name of names.filter((each) => each !== "toString"))
      expect(files["manifest.json"]).toContain(`"${name}.weight"`);
    expect(({} as Record<string, unknown>)["weight"]).toBeUndefined();
  });

  test("__proto__ is no name, and none of them is a parameter or a field that nobody declared", async () => {
    for (const source of [net("__proto__: relu"), net("relu", "__proto__"), net("relu", "Net", "__proto__")]) {
      expect((await compiled("net.se", source)).err).toContain(
        "error[SE0106]: a name cannot begin with `_`: `__proto__`",
      );
    }
    const here = folder({ "net.se": net() });
    for (const name of ["__proto__", ...names]) {
      const { exit, err } = await sec(["check", join(here, "net.se"), "--set", `${name}=1`]);
      expect({ exit, err }).toEqual({
        exit: 2,
        err: expect.stringContaining(`has no parameter \`${name}\``) as string,
      });
      expect((await sec(["check", join(here, "net.se"), "--network", name])).exit).toBe(2);
      expect((await compiled("net.se", net(`${name}()`))).err).toMatch(/there is no op or block|cannot begin with/);
    }
  });
});

test("fault 35: `_` and what begins with it are no names", async () => {
  for (const name of ["_", "__x", "_x"]) {
    expect((await compiled("net.se", net(`${name}: relu`))).err).toContain(
      "error[SE0106]: a name cannot begin with `_`",
    );
  }
});

test.each([
  ["../../x", "SE0112"],
  ["a/b", "SE0106"],
  ["aux.h", "SE0106"],
  ["net.", "SE0106"],
  ["a".repeat(300), "a name of 300 characters is too long"],
  ["CON", "`CON` cannot name a network: Windows reserves it as a file name"],
  ["aux", "`aux` cannot name a network"],
  ["lpt9", "`lpt9` cannot name a network"],
])("fault 36: a network called %s is refused with the rule", async (name, rule) => {
  const { exit, err, files } = await compiled("net.se", net("relu", name));
  expect({ exit, files }).toEqual({ exit: 1, files: {} });
  expect(err).toContain(rule);
});

describe("fault 37: file names", () => {
  const names = [
    "a b.se",
    "'q' \"d\".se",
    "100%25 #1.se",
    "é漢😀.se",
    "-net.se",
    "x\n*/ fn evil() {}.se",
    "`${x}</script>.se",
    "\u202e.se",
    "\\.se",
  ];
  test.each(names)(
    "%j compiles to JavaScript that loads, and is written nowhere but in JSON and comments",
    async (name) => {
      const { exit, out, files } = await compiled(name, net("conv 4, 3x3 -> relu"));
      expect(exit).toBe(0);
      const module = (await import(pathToFileURL(join(out, "net.js")).href)) as object;
      expect(module).toHaveProperty("create");
      expect(JSON.stringify(JSON.parse(files["manifest.json"]!))).toContain(JSON.stringify(`${name}:4:3`));
      for (const [path, text] of Object.entries(files)) {
        if (path === "manifest.json") continue;
        if (!path.endsWith(".wgsl")) expect(text).not.toMatch(/<\/script/);
        for (const line of path.endsWith(".wgsl") ? text.split("\n") : []) {
          expect(line).toMatch(/^[\x20-\x7e]*$/);
          if (/evil|script/.test(line)) expect(line).toMatch(/^\/\/ /);
        }
      }
    },
  );

  test("of imports, of outputs and of folders", async () => {
    const unit = "se 1\nblock unit() {\n  relu\n}\n";
    const source = net("unit()").replace("se 1\n", `se 1\nimport { unit } from "./lib x/b é's #%.se"\n`);
    const { exit, err } = await compiled("net.se", source, { "lib x/b é's #%.se": unit });
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    const here = folder({ "-net.se": net() });
    await within(here, async () => {
      const argv = ["compile", "--target", "wgsl", "--quiet", "-o", "out 'x' % #é", "--", "-net.se"];
      expect(await sec(argv)).toEqual({ exit: 0, out: "", err: "" });
      expect((await sec(["check", "-net.se"])).exit).toBe(2);
      expect(readdirSync("out 'x' % #é")).toContain("net.js");
    });
  });
});

test("fault 38: names of weights are keys, never code or paths", async () => {
  const { files } = await compiled("net.se", net("layer1 { 0 { conv1: conv 4, 3x3, bias: true -> bn1: bn } }"));
  expect(files["manifest.json"]).toContain('"layer1.0.conv1.weight"');
  for (const [path, text] of Object.entries(files)) {
    expect(path).toMatch(/^[\w./-]+$/);
    if (!path.endsWith(".wgsl")) continue;
    for (const line of text.split("\n"))
      if (line.includes("layer1.0")) expect(line.trim()).toMatch(/^\/\/|\/\/ .*layer1\.0/);
  }
});
