/** Faults 15 and 60 to 72 of docs/faults.md, where the tests of the commands have no case yet. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { folder, repository, sec, spawnSec, within } from "../cli/sec.ts";

const net = "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  relu\n  output y\n}\n";
const importing = (path: string) =>
  net.replace("se 1\n", `se 1\nimport { unit } from "${path}"\n`).replace("  relu", "  unit()");
const unit = "se 1\nblock unit() {\n  relu\n}\n";

describe("fault 15: an import that cannot be read is an error at the import", () => {
  test.each<[string, string, (here: string) => void, string]>([
    ["a missing file", "./no.se", () => {}, "no.se does not exist"],
    ["a folder", "./dir.se", (here) => mkdirSync(join(here, "dir.se")), "dir.se: a folder, expected a file"],
    ["outside of the project", "../x.se", () => {}, "`../x.se` leads out of the project"],
    ["an absolute path", "/etc/passwd.se", () => {}, "`/etc/passwd.se` is an absolute path"],
    [
      "a link out of the project",
      "./link.se",
      (here) => symlinkSync(join(folder({ "unit.se": unit }), "unit.se"), join(here, "link.se")),
      "link.se is a link that leads out of the project",
    ],
    [
      "links in a circle",
      "./a.se",
      (here) => symlinkSync("a.se", join(here, "a.se")),
      "a.se: symbolic links that lead to each other",
    ],
    ["bytes", "./b.se", (here) => writeFileSync(join(here, "b.se"), Uint8Array.of(0xff)), "b.se: not UTF-8 at byte 0"],
    [
      "a large file",
      "./b.se",
      (here) => writeFileSync(join(here, "b.se"), "a".repeat(1 << 21)),
      "b.se: the file has 2097152 bytes, the limit is 1048576",
    ],
    ["a pipe", "./p.se", (here) => void spawnSync("mkfifo", [join(here, "p.se")]), "p.se: a pipe, expected a file"],
    ["itself", "./net.se", () => {}, "imports run in a circle: net.se -> net.se"],
  ])("%s", async (_, path, prepare, message) => {
    const here = folder({ "net.se": importing(path) });
    prepare(here);
    const { exit, err } = await sec(["check", join(here, "net.se")]);
    expect(exit).toBe(1);
    expect(err).toMatch(/^error\[SE020[456]\]: /);
    expect(err).toContain(`: ${message}\n  --> net.se:2:22`);
    expect(err.match(/error/g)).toHaveLength(1);
  });
});

test("fault 60: a target that a command cannot take says which it can", async () => {
  const here = folder({ "net.se": net });
  const { exit, err } = await sec(["verify", join(here, "net.se"), "--target", "pytorch"]);
  expect(exit).toBe(2);
  await expect(err).toMatchFileSnapshot(join(repository, "test/errors/compile/SE0901.txt"));
});

test("fault 62: escapes in a path do not reach the terminal", async () => {
  const { exit, err } = await sec(["check", "a\x1b[31mb.se"]);
  expect({ exit, err }).toEqual({ exit: 2, err: "error: a<U+001B>[31mb.se: no such file or folder\n" });
});

test("fault 65: closed and full streams end without a stack", () => {
  const here = folder({ "net.se": net });
  const shell = (command: string) =>
    spawnSync("sh", ["-c", command.replace("sec", `"${process.execPath}" "${join(repository, "bin/sec.cjs")}"`)], {
      cwd: here,
      encoding: "utf8",
    });
  expect(shell("sec compile net.se --target wgsl --emit js > /dev/full")).toMatchObject({
    status: 3,
    stderr: "error: standard output: no space left on the device\n",
  });
  expect(shell("sec check no.se 2> /dev/full")).toMatchObject({ status: 3, stdout: "" });
  expect(shell("sec check no.se 2>&1 >&- | true")).toMatchObject({ status: 0, stderr: "" });
});

test("fault 66: a folder that nobody can make ends at once", { timeout: 20_000 }, async () => {
  const here = folder({ "net.se": net, file: "" });
  for (const [out, reason] of [
    ["/proc/x", "no such file or folder"],
    ["/proc/x/y", "no such file or folder"],
    [join(here, "file"), "something else is there already"],
    [join(here, "file/x"), "a part of the path is a file, not a folder"],
    ["/dev/null", "something else is there already"],
    ["", "no such file or folder"],
  ] as const) {
    const { exit, err } = await sec(["compile", join(here, "net.se"), "--target", "wgsl", "-o", out, "--quiet"]);
    expect({ exit, err }).toEqual({ exit: 3, err: `error: ${out}: ${reason}\n` });
  }
  expect(readdirSync(here).sort()).toEqual(["file", "net.se"]);
  const deep = join(here, "a/b/c");
  expect((await sec(["compile", join(here, "net.se"), "--target", "wgsl", "-o", deep, "--quiet"])).exit).toBe(0);
  expect(existsSync(join(deep, "manifest.json"))).toBe(true);
});

test("fault 67: what is refused changes nothing", async () => {
  const here = folder({ "net.se": net, "out/net.js": "mine", "inp/net.js": net });
  const argv = (...flags: string[]) => ["compile", ...flags, "--target", "wgsl", "--quiet"];
  expect(await sec(argv(join(here, "net.se"), "-o", join(here, "out")))).toMatchObject({ exit: 3 });
  expect(readdirSync(join(here, "out"))).toEqual(["net.js"]);
  expect(await sec(argv(join(here, "inp/net.js"), "-o", join(here, "inp"), "--force"))).toMatchObject({ exit: 3 });
  expect(readFileSync(join(here, "inp/net.js"), "utf8")).toBe(net);
});

describe("fault 70: the config", () => {
  test.each([
    [
      '{\n  "entry": "net.se",\n  "outDirr": "x"\n}',
      '3:3: there is no field "outDirr"',
      "allowed are entry, outDir, target, network, set, maxBatch",
    ],
    ['{ "entry": 3 }', "1:3: entry should be the path of a .se file, got 3", ""],
    ['{ "entry": "net.se", }', "1:22: expected a name in double quotes, found }", ""],
    ["", "1:1: the file ends too early", ""],
    ["[]", "1:1: the config should be an object", ""],
    ['{ "__proto__": { "target": "wgsl" } }', '1:3: there is no field "__proto__"', "allowed are"],
    ['{ "target": "wgpu" }', '1:3: target should be one of wgsl, cuda, pytorch, got "wgpu"', ""],
    ['{ "entry": "a", "entry": "b" }', '1:17: "entry" stands twice', ""],
  ])("%s", async (text, message, hint) => {
    const { exit, out, err } = await within(folder({ "net.se": net, "sec.config.json": text }), () => sec(["compile"]));
    expect({ exit, out }).toEqual({ exit: 2, out: "" });
    expect(err).toContain(`error: sec.config.json:${message}`);
    expect(err).toContain(hint);
  });

  test.each([
    ['throw new Error("boom")', "error: sec.config.js:1:7: boom"],
    ["export default 3", "error: sec.config.js: the config should be an object"],
    ['export default { tarjet: "wgsl" }', 'error: sec.config.js: tarjet: there is no field "tarjet"'],
    ["await new Promise(() => {})", "does a sec.config.js wait for ever?"],
  ])("that is a module: %s", (text, message) => {
    const cwd = folder({ "net.se": net, "sec.config.js": text, "package.json": '{ "type": "module" }' });
    const { exit, err } = spawnSec(["compile"], { cwd });
    expect(exit).toBe(2);
    expect(err).toContain(message);
    expect(err).not.toContain("    at ");
  });
});

test("fault 71: on a narrow terminal the frame still shows the place, and no line of source is longer", async () => {
  const here = folder({ "net.se": net.replace("  relu", `  ${"relu -> ".repeat(30)}foo`) });
  for (const width of [20, 40, 1]) {
    const { err } = await sec(["check", join(here, "net.se")], { width });
    expect(err).toContain("foo");
    expect(err).toContain("^^^");
    expect(err).not.toContain("\x1b");
    const frame = err.split("\n").filter((line) => /^ *\d* \|/.test(line));
    for (const line of frame) expect(line.length).toBeLessThanOrEqual(Math.max(width, 40));
  }
});
