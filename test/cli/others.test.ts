/** fmt, init and explain. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { codes } from "../../src/codes.ts";
import { folder, repository, sec, within } from "./sec.ts";

describe("fmt", () => {
  const wild = "se 1\nblock   unit( ) {\n conv  8,3x3->relu // kept\n}\n";
  const tidy = "se 1\n\nblock unit() {\n  conv 8, 3x3 -> relu // kept\n}\n";

  test("formats in place, and leaves what is formatted alone", async () => {
    const here = folder({ "a.se": wild, "b.se": tidy });
    expect(await within(here, () => sec(["fmt", "a.se", "b.se"]))).toEqual({ exit: 0, out: "", err: "" });
    expect(readFileSync(join(here, "a.se"), "utf8")).toBe(tidy);
    const { out } = await within(here, () => sec(["fmt", "a.se", "b.se", "--json"]));
    expect(JSON.parse(out)).toMatchObject({ ok: true, changed: [] });
  });

  test("--check names what is not formatted and writes nothing", async () => {
    const here = folder({ "a.se": wild, "b.se": tidy });
    const { exit, out, err } = await within(here, () => sec(["fmt", "--check", "a.se", "b.se"]));
    expect({ exit, out, err }).toEqual({ exit: 1, out: "", err: "a.se: not formatted\n" });
    expect(readFileSync(join(here, "a.se"), "utf8")).toBe(wild);
    expect((await within(here, () => sec(["fmt", "--check", "b.se"]))).exit).toBe(0);
  });

  test("- is from standard input to standard output", async () => {
    const stdin = () => Promise.resolve(new TextEncoder().encode(wild));
    expect(await sec(["fmt", "-"], { stdin })).toEqual({ exit: 0, out: tidy, err: "" });
    expect((await sec(["fmt", "-", "a.se"])).exit).toBe(2);
  });

  test("a wrong file is left as it is", async () => {
    const here = folder({ "a.se": "se 1\nblock {\n" });
    const { exit, err } = await within(here, () => sec(["fmt", "a.se"]));
    expect(exit).toBe(1);
    expect(err).toContain("--> a.se:2:");
    expect(readFileSync(join(here, "a.se"), "utf8")).toBe("se 1\nblock {\n");
  });

  test("the repository's own sources are formatted", async () => {
    const files = ["examples", "std"].flatMap((place) =>
      readdirSync(join(repository, place))
        .filter((name) => name.endsWith(".se"))
        .map((name) => `${place}/${name}`),
    );
    expect(await within(repository, () => sec(["fmt", "--check", ...files]))).toEqual({ exit: 0, out: "", err: "" });
  });
});

describe("check", () => {
  const net = (name: string, line: string) =>
    `network ${name}() {\n  input image: f32[N, 3, 8, 8]\n  ${line}\n  output y\n}\n`;

  test("looks at every network of a file, or at the one that is named", async () => {
    const here = folder({
      "net.se": `se 1\n${net("A", "conv 4, 3")}${net("B", "conv 8, 3x3")}${net("C", "dense 10")}`,
    });
    const { exit, out, err } = await within(here, () => sec(["check", "net.se", "--json"]));
    expect(exit).toBe(1);
    expect(err).toMatch(/error\[SE0301\][^]*net\.se:4:11[^]*error\[SE0401\][^]*net\.se:14:3/);
    expect(JSON.parse(out)).toMatchObject({ ok: false, networks: ["B"] });
    expect((await within(here, () => sec(["check", "net.se", "--network", "B"]))).exit).toBe(0);
  });

  test("a file of blocks is not wrong; a wrong name in it is", async () => {
    const here = folder({ "good.se": "se 1\nblock b() {\n  relu\n}\n", "bad.se": "se 1\nblock b() {\n  rleu\n}\n" });
    const good = await within(here, () => sec(["check", "good.se"]));
    expect(good).toMatchObject({ exit: 0, err: expect.stringContaining("note[SE0209]: good.se declares no network") });
    const bad = await within(here, () => sec(["check", "bad.se"]));
    expect(bad).toMatchObject({ exit: 1, err: expect.stringContaining("did you mean `relu`?") });
  });
});

describe("init", () => {
  test("writes a project that compiles, is formatted, and says what to do", async () => {
    const here = folder({});
    const { exit, out, err } = await within(here, () => sec(["init", "digits"]));
    expect({ exit, out }).toEqual({ exit: 0, out: "" });
    expect(err).toContain("next: cd digits && sec compile");
    const project = join(here, "digits");
    expect(readdirSync(project).sort()).toEqual(["README.md", "net.se", "sec.config.json"]);
    expect(await within(project, () => sec(["compile", "--quiet"]))).toEqual({ exit: 0, out: "", err: "" });
    expect(readdirSync(join(project, "out"))).toContain("net.js");
    expect(await within(project, () => sec(["fmt", "--check", "net.se"]))).toMatchObject({ exit: 0 });
  });

  test("never writes over a file", async () => {
    const here = folder({ "net.se": "mine" });
    const { exit, err } = await within(here, () => sec(["init"]));
    expect({ exit, err }).toMatchObject({ exit: 3, err: expect.stringContaining("already there: ") });
    expect(readdirSync(here)).toEqual(["net.se"]);
    expect(readFileSync(join(here, "net.se"), "utf8")).toBe("mine");
  });
});

describe("explain", () => {
  test("every code", async () => {
    for (const code of Object.keys(codes)) {
      const { exit, out } = await sec(["explain", code]);
      expect(exit).toBe(0);
      expect(out).toMatch(new RegExp(`^${code}: .+\\n\\n`));
      for (const line of out.split("\n")) if (!line.startsWith("    ")) expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  test("also in small letters, and as a document", async () => {
    expect((await sec(["explain", "se0112"])).out).toMatch(/^SE0112: Syntax error\n/);
    expect(JSON.parse((await sec(["explain", "SE0112", "--json"])).out)).toMatchObject({
      command: "explain",
      code: "SE0112",
      title: "Syntax error",
    });
  });
});
