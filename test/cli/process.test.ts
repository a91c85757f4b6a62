/** The program as users run it: what only a process shows. `dist/` must be built. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { version } from "../../src/version.ts";
import { folder, repository, spawnSec } from "./sec.ts";

const program = join(repository, "bin/sec.cjs");
const digits = join(repository, "examples/digits.se");
const packageJson = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
  version: string;
  engines: { node: string };
};

test("--version is the package's", () => {
  expect(spawnSec(["--version"])).toEqual({ exit: 0, out: `${version}\n`, err: "" });
  expect(version).toBe(packageJson.version);
});

test("compile, from standard input, in a folder of its own", () => {
  const cwd = folder({});
  const input = readFileSync(digits);
  const argv = ["compile", "-", "--stdin-filename", "net.se", "--target", "wgsl", "--emit", "wgsl", "-o", "-"];
  const { exit, out, err } = spawnSec(argv, { cwd, input });
  expect({ exit, err }).toEqual({ exit: 0, err: "" });
  expect(out).toContain("@compute");
  expect(out).toContain("net.se:");
});

test("fault 63: standard input that ends at once", () => {
  expect(spawnSec(["check", "-"], { input: "" })).toMatchObject({ exit: 1, out: "" });
});

test("a picture from standard input", () => {
  const input = readFileSync(join(repository, "examples/digits/images/000-7.png"));
  const argv = ["run", digits, "--backend", "reference", "--quiet", "--top", "1", "--input", "-"];
  expect(spawnSec(argv, { input })).toMatchObject({
    exit: 0,
    out: expect.stringMatching(/^-\n +\d {2}0\.\d+\n$/),
    err: "",
  });
  expect(spawnSec([...argv, "--weights", "-"], { input })).toMatchObject({
    exit: 2,
    err: "error: standard input can be read once: `-` stands here twice\n",
  });
});

test("fault 65: a reader that goes away is no error", () => {
  const { stdout, stderr } = spawnSync(
    "sh",
    ["-c", `"${process.execPath}" "${program}" compile "${digits}" --target wgsl --emit js | head -c 10`],
    { encoding: "utf8" },
  );
  expect({ length: stdout.length, stderr }).toEqual({ length: 10, stderr: "" });
});

test.skipIf(!existsSync("/dev/full"))("standard output that is full is exit 3, and said", () => {
  const full = openSync("/dev/full", "w");
  const { status, stderr } = spawnSync(process.execPath, [program, "report", digits], {
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  closeSync(full);
  expect({ status, stderr }).toEqual({
    status: 3,
    stderr: "error: standard output: no space left on the device\n",
  });
});

describe("signals", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends with %d", async (signal, code) => {
    const child = spawn(process.execPath, [program, "check", "-"], { stdio: ["pipe", "pipe", "pipe"] });
    // More than a pipe holds: once all is written, sec has read some, so it listens to signals, too.
    await new Promise((resolve) => child.stdin.write("// se\n".repeat(50_000), resolve));
    child.kill(signal);
    const ended = await new Promise((resolve) => child.on("exit", (exit, by) => resolve({ exit, by })));
    expect(ended).toEqual({ exit: code, by: null });
  });
});

describe("fault 74: a bug in sec", () => {
  const crash = (...flags: string[]) => {
    return spawnSec(["check", digits, ...flags], { env: { SEC_TEST_CRASH: "an invariant is broken" } });
  };
  const fileOf = (err: string) => /^ {2}(\/.*crash\.json)$/m.exec(err)![1]!;

  test("ends with 70, one line, a file and what to do with it; no stack", () => {
    const { exit, out, err } = crash();
    expect({ exit, out }).toEqual({ exit: 70, out: "" });
    expect(err).toMatch(/^error\[SE9999\]: internal error: an invariant is broken\n/);
    expect(err).toContain("This is a bug in sec, not in your program. Please report it");
    expect(err).not.toContain("    at ");
    expect(crash("--debug").err).toContain("    at ");
  });

  test("the file holds the input and the versions, nothing else", () => {
    const content = JSON.parse(readFileSync(fileOf(crash().err), "utf8")) as object;
    expect(content).toEqual({
      sec: version,
      node: process.versions.node,
      platform: process.platform,
      arch: process.arch,
      sources: { "examples/digits.se": readFileSync(digits, "utf8") },
    });
  });

  test("with --json it is a document", () => {
    const { exit, out } = crash("--json");
    expect(exit).toBe(70);
    expect(JSON.parse(out)).toMatchObject({ ok: false, error: { code: "SE9999", message: "an invariant is broken" } });
  });
});

test("fault 70: a syntax error in sec.config.js has its line", () => {
  const cwd = folder({ "sec.config.js": "export default {\n  entry: ;\n};\n", "package.json": '{ "type": "module" }' });
  const { exit, err } = spawnSec(["compile"], { cwd });
  expect({ exit, err }).toEqual({ exit: 2, err: "error: sec.config.js:2: Unexpected token ';'\n" });
});

test("fault 71: what is piped has no escapes, whatever the environment says", () => {
  for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }, { CI: "1" }, { TERM: "xterm-256color" }]) {
    const { err } = spawnSec(["check", "-"], { input: "se 1\nnetwork {", env });
    expect(err).toContain("error[SE");
    expect(err).not.toContain("\x1b");
  }
});

describe("fault 73: an old Node", () => {
  /** What bin/sec.cjs does under another version of Node. */
  function start(node: string): { err: string; exit: number | undefined; started: boolean } {
    const source = readFileSync(program, "utf8").replace(/^#!.*/, "");
    const result = { err: "", started: false };
    const process = {
      versions: { node },
      stderr: { write: (text: string) => void (result.err += text) },
      exitCode: undefined,
    };
    runInNewContext(source, { process, require: () => void (result.started = true) });
    return { ...result, exit: process.exitCode };
  }

  test("is told which one is needed, in one line", () => {
    expect(start("18.20.8")).toEqual({
      err: `sec needs Node.js ${packageJson.engines.node}; this is 18.20.8\n`,
      exit: 2,
      started: false,
    });
  });

  test("engines.node says the same", () => {
    const starts = (node: string) => start(node).started;
    expect(["20.19.0", "20.20.2", "22.12.0", "24.0.0", "26.1.0"].map(starts)).not.toContain(false);
    expect(["0.12.0", "16.0.0", "20.18.3", "21.7.0", "22.11.0"].map(starts)).not.toContain(true);
  });

  test("can read the file: no syntax of later than 2009", () => {
    const source = readFileSync(program, "utf8")
      .replace(/^#!.*/, "")
      .replace(/"(?:[^"\\]|\\.)*"|\/\/.*/g, "");
    expect(source).not.toMatch(/=>|`|\b(let|const|class|import|async|await)\b|\?\.|\?\?|\.\.\./);
  });
});
