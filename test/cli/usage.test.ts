import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { version } from "../../src/version.ts";
import { folder, repository, sec, within } from "./sec.ts";

const names = [
  "compile",
  "pack",
  "check",
  "run",
  "verify",
  "report",
  "sweep",
  "gates",
  "graph",
  "fmt",
  "init",
  "explain",
  "weights",
];

describe("fault 60: unknown commands, flags and values end with 2, and a suggestion where one is near", () => {
  test.each([
    [["compil", "net.se"], "unknown command 'compil'", "(Did you mean compile?)"],
    [["help", "compil"], "unknown command 'compil'", "(Did you mean compile?)"],
    [["compile", "net.se", "--tarjet", "wgsl"], "unknown option '--tarjet'", "(Did you mean --target?)"],
    [["compile", "net.se", "--target", "wgls"], "'wgls' is invalid", "wgsl, cuda, pytorch"],
    [["compile", "net.se", "--target"], "'--target <TARGET>' argument missing", ""],
    [["compile", "net.se", "--target", "wgsl", "--target", "wgsl"], "'--target <TARGET>' is given twice", ""],
    [["report", "net.se", "--kernels", "--kernels"], "'--kernels' is given twice", ""],
    [["compile", "net.se", "other.se", "--target", "wgsl"], "too many arguments", ""],
    [["check"], "missing required argument 'FILE'", ""],
    [["run", "net.se"], "'--input <PATH...>' not specified", ""],
    [["pack", "out"], "'--weights <FILE>' not specified", ""],
    [["compile", "net.se", "--target", "wgsl", "--max-batch", "0"], "whole number from 1", ""],
    [["compile", "net.se", "--target", "wgsl", "--max-batch", "1e3"], "whole number from 1", ""],
    [["check", "net.se", "--seed", "-1"], "whole number from 0", ""],
    [["compile", "net.se", "--target", "wgsl", "--emit", "grph"], "'grph' is invalid", "graph"],
    [["explain", "SE0122"], "there is no diagnostic SE0122", "did you mean"],
  ])("%j", async (argv, message, hint) => {
    const { exit, out, err } = await sec(argv);
    expect({ exit, out }).toEqual({ exit: 2, out: "" });
    expect(err).toMatch(/^error: /);
    expect(err).toContain(message);
    expect(err).toContain(hint);
  });
});

describe("fault 61: help is on standard output and ends with 0", () => {
  test("without arguments the help is short", async () => {
    const { exit, out, err } = await sec([]);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    for (const name of names) expect(out).toContain(`\n  ${name} `);
  });

  test.each(names)("%s: examples come first, and every flag is explained", async (name) => {
    const help = await sec([name, "--help"]);
    expect(help).toMatchObject({ exit: 0, err: "" });
    expect(help.out).toMatch(/^Examples:\n {2}sec /);
    expect(await sec(["help", name])).toEqual(help);
    expect(await sec([name, "-h"])).toEqual(help);
    const io = { out: () => {}, err: () => {} };
    const command = commands(io as never, async () => {}).commands.find((each) => each.name() === name)!;
    for (const option of command.options) {
      expect(option.description, option.flags).not.toBe("");
      if (!option.hidden) expect(help.out).toContain(option.long ?? option.short);
    }
  });

  test("anywhere", async () => {
    expect((await sec(["--help"])).exit).toBe(0);
    expect((await sec(["compile", "net.se", "--target", "wgsl", "--help"])).out).toMatch(/^Examples:/);
    expect((await sec(["help"])).out).toContain("Usage: sec <command>");
  });

  test("--version", async () => {
    expect(await sec(["--version"])).toEqual({ exit: 0, out: `${version}\n`, err: "" });
  });
});

describe("fault 62: what cannot be read ends with 2 and is shown as it was typed", () => {
  test.each([
    ["nope.se", "no such file or folder"],
    ["*.se", "no such file or folder"],
    [".", "a folder, expected a file"],
    ["net.se/inner.se", "a part of the path is a file, not a folder"],
  ])("%s", async (path, reason) => {
    const here = folder({ "net.se": "se 1\n" });
    for (const argv of [
      ["compile", path, "--target", "wgsl"],
      ["check", path],
      ["report", path],
      ["fmt", path],
    ]) {
      const { exit, out, err } = await within(here, () => sec(argv));
      expect({ exit, out, err }).toEqual({ exit: 2, out: "", err: `error: ${path}: ${reason}\n` });
    }
  });

  test("a source that is not UTF-8 is wrong, not missing", async () => {
    const here = folder({ "net.se": Uint8Array.of(0x73, 0x65, 0xff) });
    const { exit, err } = await within(here, () => sec(["check", "net.se"]));
    expect(exit).toBe(1);
    await expect(err).toMatchFileSnapshot(join(repository, "test/errors/syntax/SE0121.txt"));
    const { out } = await within(here, () => sec(["check", "net.se", "--json"]));
    expect(JSON.parse(out)).toMatchObject({ error: { code: "SE0121", message: "net.se: not UTF-8 at byte 2" } });
  });
});

describe("fault 63: standard input", () => {
  const net = "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  relu\n  output y\n}\n";
  const given = (text: string) => ({ stdin: () => Promise.resolve(new TextEncoder().encode(text)) });

  test("a terminal is not waited for", async () => {
    const { exit, err } = await sec(["check", "-"], { stdinIsTerminal: true });
    expect(exit).toBe(2);
    expect(err).toContain("standard input is a terminal");
  });

  test("an empty one is a source without a network", async () => {
    const { exit, err } = await sec(["check", "-"]);
    expect(exit).toBe(1);
    expect(err).toContain("error[SE01");
  });

  test("is called as --stdin-filename says", async () => {
    const { err } = await sec(
      ["check", "-", "--stdin-filename", join(folder({}), "mine.se")],
      given("se 1\nnetwork {"),
    );
    expect(err).toContain("--> mine.se:2:");
    expect(await sec(["check", "-"], given(net))).toMatchObject({ exit: 0, out: "", err: "" });
    expect((await sec(["check", "net.se", "--stdin-filename", "x.se"])).exit).toBe(2);
  });

  test("too long, or not UTF-8", async () => {
    expect((await sec(["check", "-"], { stdin: () => Promise.resolve(undefined) })).exit).toBe(2);
    const bytes = { stdin: () => Promise.resolve(Uint8Array.of(0xff)) };
    expect(await sec(["check", "-"], bytes)).toMatchObject({
      exit: 1,
      err: "error[SE0121]: standard input: not UTF-8 at byte 0\n",
    });
  });
});

describe("fault 64: one thing at a time on standard output", () => {
  test.each([
    [["-o", "-"], "choose one with --emit"],
    [["--emit", "js", "-o", "out"], "--emit prints on standard output"],
    [["--emit", "js", "--print-after", "removeDead"], "choose one"],
    [["--emit", "weights"], "--emit weights needs --weights"],
  ])("%j", async (flags, message) => {
    const { exit, out, err } = await sec(["compile", "examples/digits.se", "--target", "wgsl", ...flags]);
    expect({ exit, out }).toEqual({ exit: 2, out: "" });
    expect(err).toContain(message);
  });
});

test("fault 72: with --json a usage error is a document, too", async () => {
  const { exit, out } = await sec(["compile", "nope.se", "--target", "wgsl", "--json"]);
  expect(exit).toBe(2);
  expect(JSON.parse(out)).toEqual({
    schemaVersion: 1,
    sec: version,
    command: "compile",
    ok: false,
    error: { message: "nope.se: no such file or folder" },
  });
  expect(JSON.parse((await sec(["compile", "--tarjet", "--json"])).out)).toMatchObject({ ok: false });
});

describe("a wrong --set is a usage error", () => {
  test.each([
    ["ratio", "expected name=value"],
    ["=3", "expected name=value"],
    ["raito=3", "did you mean `ratio`?"],
    ["ratio=", "no value for `ratio`"],
    ["ratio=many", "ratio"],
    ["se=bogus", "it is one of none, standard"],
    ["ratio=$(id)", "error"],
  ])("%s", async (setting, message) => {
    const { exit, err } = await sec(["check", "examples/digits.se", "--set", setting]);
    expect(err).toContain(message);
    expect(exit).toBe(2);
  });

  test("twice for one name", async () => {
    const { exit, err } = await sec(["check", "examples/digits.se", "--set", "ratio=2", "--set", "ratio=4"]);
    expect({ exit, err }).toEqual({ exit: 2, err: "error: --set gives ratio twice\n" });
  });
});
