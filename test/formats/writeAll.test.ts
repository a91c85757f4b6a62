import { spawn } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { writeAll, writeOne, type OutputFile, type WriteOptions } from "../../src/cli/writeAll.ts";
import { GENERATED, GENERATOR } from "../../src/marker.ts";
import { encodeUtf8 } from "../../src/syntax/utf8.ts";
import { storeFloat32 } from "../../src/weights/stored.ts";
import { writeSafetensors } from "../../src/weights/safetensors.ts";

/** What a call of `node:fs` should throw, by name: the errors of disks that this machine does not have. */
const broken = vi.hoisted(() => new Map<string, (path: unknown) => Error | undefined>());
vi.mock("node:fs", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:fs")>();
  const guard =
    (name: "renameSync" | "writeSync" | "openSync") =>
    (first: never, ...rest: never[]) => {
      const error = broken.get(name)?.(first);
      if (error) throw error;
      return (real[name] as (...all: never[]) => unknown)(first, ...rest);
    };
  const renamed = { renameSync: guard("renameSync"), writeSync: guard("writeSync"), openSync: guard("openSync") };
  return { ...real, ...renamed, default: { ...real, ...renamed } };
});

const fail = (code: string) => Object.assign(new Error(`${code}: made by a test`), { code });

let root = "";
beforeEach(() => (root = fs.mkdtempSync(join(tmpdir(), "sec-write-"))));
afterEach(() => {
  broken.clear();
  fs.rmSync(root, { recursive: true });
});

const careful: WriteOptions = { force: false, inputs: [] };
const text = (path: string, content: string): OutputFile => ({ path, bytes: encodeUtf8(content) });
const generated = (path: string, content: string) => text(path, `// ${GENERATED}\n${content}\n`);
const manifest = (...paths: string[]) =>
  text("manifest.json", JSON.stringify({ generator: GENERATOR, files: paths.map((path) => ({ path })) }));

/** Every file below the test's folder with its content, so that no temporary file goes unseen. */
function contents(folder = root): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files[path.slice(folder.length + 1)] = fs.readFileSync(path, "utf8");
  }
  return files;
}

const put = (path: string, content: string) => fs.writeFileSync(join(root, path), content);
const message = async (files: OutputFile[], options = careful, folder = root) => {
  const result = await writeAll(folder, files, options);
  return result.ok ? "written" : result.message.replaceAll(root, "ROOT");
};

describe("a set of files", () => {
  const first = [
    generated("net.js", "1"),
    generated("kernels/a.wgsl", "1"),
    manifest("net.js", "weights.bin"),
    text("weights.bin", "1"),
  ];
  const second = [
    generated("net.js", "2"),
    generated("kernels/a.wgsl", "2"),
    manifest("net.js", "weights.bin", "x"),
    text("weights.bin", "2"),
  ];
  const as = (files: OutputFile[]) =>
    Object.fromEntries(files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]));

  test("is written into a folder that is made, the manifest last", async () => {
    const out = join(root, "deep/out");
    const order: unknown[] = [];
    broken.set("renameSync", (from) => void order.push(String(from).replace(/.*\/\.(.*)\.tmp-.*/, "$1")));
    expect(await writeAll(out, first, careful)).toEqual({
      ok: true,
      written: ["net.js", "kernels/a.wgsl", "weights.bin", "manifest.json"],
      unchanged: [],
    });
    expect(order).toEqual(["net.js", "a.wgsl", "weights.bin", "manifest.json"]);
    expect(contents(out)).toEqual(as(first));
  });

  test("is written over an earlier one of ours", async () => {
    await writeAll(root, first, careful);
    expect(await writeAll(root, second, careful)).toMatchObject({ ok: true });
    expect(contents()).toEqual(as(second));
  });

  test("takes away what only the earlier one had, but nothing that sec did not write", async () => {
    const more = [generated("kernels/b.wgsl", "1"), generated("kernels/c.wgsl", "1")];
    const listed = manifest("net.js", "kernels/b.wgsl", "kernels/c.wgsl", "weights.bin", "../outside");
    await writeAll(
      join(root, "out"),
      [...first.filter(({ path }) => path !== "manifest.json"), ...more, listed],
      careful,
    );
    put("out/kernels/c.wgsl", "mine now");
    put("out/kernels/mine.wgsl", "mine");
    put("outside", `// ${GENERATED}`);
    const next = [generated("net.js", "2"), generated("kernels/a.wgsl", "2"), manifest("net.js", "kernels/a.wgsl")];
    expect(await message(next, careful, join(root, "out"))).toBe("written");
    const kept = { "kernels/c.wgsl": "mine now", "kernels/mine.wgsl": "mine", "weights.bin": "1" };
    expect(contents(join(root, "out"))).toEqual({ ...as(next), ...kept });
    expect(fs.existsSync(join(root, "outside"))).toBe(true);

    await message([generated("kernels/a.wgsl", "1"), manifest("kernels/a.wgsl")], careful, join(root, "emptied"));
    await message([manifest("net.cu")], careful, join(root, "emptied"));
    expect(fs.readdirSync(join(root, "emptied"))).toEqual(["manifest.json"]);
  });

  test("keeps the time of what did not change", async () => {
    await writeAll(root, first, careful);
    const past = new Date("2020-01-01");
    for (const { path } of first) fs.utimesSync(join(root, path), past, past);
    const changed = [generated("net.js", "2"), ...first.slice(1)];
    expect(await writeAll(root, changed, careful)).toMatchObject({
      written: ["net.js"],
      unchanged: ["kernels/a.wgsl", "manifest.json", "weights.bin"],
    });
    expect(fs.statSync(join(root, "weights.bin")).mtime).toEqual(past);
    expect(fs.statSync(join(root, "net.js")).mtime).not.toEqual(past);
  });

  test("that did not change is not written at all, not even into a folder that cannot be written", async () => {
    await writeAll(root, first, careful);
    broken.set("openSync", () => fail("EROFS"));
    expect(await message(first)).toBe("written");
  });

  describe("fault 66: when writing fails, the old files are intact and no temporary file is left", () => {
    beforeEach(async () => void (await writeAll(root, first, careful)));
    afterEach(() => expect(contents()).toEqual(as(first)));
    const at = (count: number, code: string) => () => (count-- === 0 ? fail(code) : undefined);

    test("no space", async () => {
      // The first write is the lock's.
      broken.set("writeSync", at(3, "ENOSPC"));
      expect(await message(second)).toBe("ROOT/weights.bin: no space left on the device");
    });

    test("no space for the lock", async () => {
      broken.set("writeSync", at(0, "ENOSPC"));
      expect(await message(second)).toBe("ROOT: no space left on the device");
    });

    test.each([0, 1, 2, 3])("a rename that fails after %i have worked", async (count) => {
      broken.set("renameSync", at(count, "EXDEV"));
      const path = ["net.js", "kernels/a.wgsl", "weights.bin", "manifest.json"][count];
      expect(await message(second)).toBe(`ROOT/${path}: a move to another file system`);
    });

    test("a rename that fails after a new file was put in place", async () => {
      broken.set("renameSync", at(1, "EIO"));
      expect(await message([generated("added.js", "1"), ...second])).toBe("ROOT/net.js: the device failed");
    });

    test("a read-only folder", async () => {
      broken.set("openSync", () => fail("EACCES"));
      expect(await message(second)).toBe("ROOT: permission denied");
    });
  });

  test("fault 66: the output folder is a file", async () => {
    put("out", "hello");
    expect(await message(first, careful, join(root, "out"))).toBe("ROOT/out: something else is there already");
    expect(await message(first, careful, join(root, "out/deeper"))).toBe(
      "ROOT/out/deeper: a part of the path is a file, not a folder",
    );
    expect(contents()).toEqual({ out: "hello" });
  });

  test("the path is shown as it was typed", async () => {
    put("net.js", "mine");
    const here = process.cwd();
    try {
      process.chdir(root);
      expect(await message(first, careful, ".")).toBe("./net.js: was not written by sec; --force writes over it");
      expect(await message(first, careful, "./")).toBe("./net.js: was not written by sec; --force writes over it");
    } finally {
      process.chdir(here);
    }
  });
});

describe("fault 67: what is not written over", () => {
  const forced = { force: true, inputs: [] };

  test("a hand-written file, without --force", async () => {
    put("net.js", `console.log("mine");\n// not ${GENERATED}\n`);
    put("other.js", "");
    expect(await message([generated("other.js", "1"), generated("net.js", "1")])).toMatch(
      /^ROOT\/other\.js: was not written by sec; --force/,
    );
    expect(contents()["net.js"]).toContain("mine");
    expect(await message([generated("net.js", "1")], forced)).toBe("written");
    expect(contents()["net.js"]).not.toContain("mine");
  });

  test("somebody else's manifest.json, and what it lists", async () => {
    put("manifest.json", JSON.stringify({ name: "my web app", files: [{ path: "weights.bin" }] }));
    put("weights.bin", "precious");
    expect(await message([manifest()])).toBe("ROOT/manifest.json: was not written by sec; --force writes over it");
    expect(await message([text("weights.bin", "1")])).toBe(
      "ROOT/weights.bin: was not written by sec; --force writes over it",
    );
  });

  test.each([
    "{",
    "[]",
    "null",
    '"sec"',
    `{"generator":"${GENERATOR}"}`,
    `{"generator":"${GENERATOR}","files":[null,1,{"path":2}]}`,
  ])("a file beside the broken manifest %s", async (broken) => {
    put("manifest.json", broken);
    put("weights.bin", "precious");
    expect(await message([text("weights.bin", "1")])).toBe(
      "ROOT/weights.bin: was not written by sec; --force writes over it",
    );
  });

  test("a weights.bin that our manifest does not list", async () => {
    await writeAll(root, [manifest("net.js")], careful);
    put("weights.bin", "precious");
    expect(await message([text("weights.bin", "1")])).toBe(
      "ROOT/weights.bin: was not written by sec; --force writes over it",
    );
  });

  test("a safetensors file is ours by its metadata, whatever the length before it", async () => {
    for (let rank = 0; rank < 40; rank++) {
      const tensors = new Map([["x".repeat(1 + 64 * rank), storeFloat32([1], [rank])]]);
      const bytes = writeSafetensors(tensors, new Map([["generator", GENERATED]]));
      expect(await writeOne(join(root, "y.safetensors"), bytes, careful)).toMatchObject({ ok: true });
    }
    put("y.safetensors", "other");
    expect(await writeOne(join(root, "y.safetensors"), encodeUtf8("1"), careful)).toMatchObject({ ok: false });
  });

  test("an input, even with --force and under another name", async () => {
    put("net.se", "network");
    fs.linkSync(join(root, "net.se"), join(root, "same.se"));
    fs.mkdirSync(join(root, "sub"));
    const options = { force: true, inputs: [join(root, "sub/../net.se")] };
    const refused = "is an input, too; choose another output";
    expect(await message([text("net.se", "1")], options)).toBe(`ROOT/net.se: ${refused}`);
    expect(await message([text("same.se", "1")], options)).toBe(`ROOT/same.se: ${refused}`);
    expect(contents()["net.se"]).toBe("network");
  });

  test("through a symbolic link; --force replaces the link and not its target", async () => {
    put("target.js", `// ${GENERATED}\n`);
    fs.symlinkSync(join(root, "target.js"), join(root, "net.js"));
    expect(await message([generated("net.js", "1")])).toBe(
      "ROOT/net.js: is a symbolic link; --force replaces the link",
    );
    expect(await message([generated("net.js", "1")], forced)).toBe("written");
    expect(contents()).toEqual({ "target.js": `// ${GENERATED}\n`, "net.js": `// ${GENERATED}\n1\n` });
  });

  test("through a link that leads nowhere", async () => {
    fs.symlinkSync(join(root, "nowhere"), join(root, "net.js"));
    expect(await message([generated("net.js", "1")])).toBe(
      "ROOT/net.js: is a symbolic link; --force replaces the link",
    );
  });

  test("below a folder that is a link out of the output folder, even with --force", async () => {
    fs.mkdirSync(join(root, "elsewhere"));
    fs.mkdirSync(join(root, "out"));
    fs.symlinkSync(join(root, "elsewhere"), join(root, "out/kernels"));
    expect(await message([generated("kernels/a.wgsl", "1")], forced, join(root, "out"))).toBe(
      "ROOT/out/kernels/a.wgsl: kernels is not a folder",
    );
    expect(contents()).toEqual({});
  });

  test("a folder, a device", async () => {
    fs.mkdirSync(join(root, "net.js"));
    expect(await message([generated("net.js", "1")], forced)).toBe("ROOT/net.js: is not a regular file");
    expect(await writeOne("/dev/null", encodeUtf8("1"), forced)).toEqual({
      ok: false,
      message: "/dev/null: is not a regular file",
    });
  });
});

describe("fault 36: paths that leave the folder or that some system cannot have", () => {
  test.each([
    "../x",
    "a/../../x",
    "/etc/x",
    "a//b",
    "",
    "a/",
    ".",
    "..",
    "C:x",
    "a\\b",
    "a\0b",
    "con",
    "AUX.h",
    "kernels/nul.wgsl",
    "a.",
    "a ",
    ".hidden",
    "a".repeat(300),
    "ü.js",
  ])("%j", async (path) => {
    expect(await message([text(path, "1")], { force: true, inputs: [] })).toMatch(
      /^ROOT: ".*" is not a legal output path/,
    );
    expect(contents()).toEqual({});
  });

  test("two paths that differ in case only", async () => {
    expect(await message([text("Net.js", "1"), text("net.js", "2")])).toBe(
      'ROOT: "Net.js" and "net.js" would be one file',
    );
  });
});

describe("other processes", () => {
  let script = "";
  beforeAll(async () => {
    script = join(fs.mkdtempSync(join(tmpdir(), "sec-writer-")), "writer.mjs");
    const outcome = await build({
      stdin: {
        // Writes a set of which every file holds the process id, over and over; says so after each.
        contents: `
          import { writeAll } from "./src/cli/writeAll.ts";
          const [folder, rounds, size] = process.argv.slice(2);
          for (let round = 0; round < rounds; round++) {
            const bytes = new TextEncoder().encode("// ${GENERATED} " + process.pid + " " + round + "\\n" + "x".repeat(size));
            const files = ["a.js", "b.js", "c/d.js"].map((path) => ({ path, bytes }));
            const result = await writeAll(folder, files, { force: false, inputs: [] });
            if (!result.ok) { console.error(result.message); process.exit(3); }
            console.log("round");
          }`,
        resolveDir: fileURLToPath(new URL("../..", import.meta.url)),
        loader: "ts",
      },
      bundle: true,
      platform: "node",
      format: "esm",
      write: false,
    });
    fs.writeFileSync(script, outcome.outputFiles[0]!.text);
  });

  /** Runs the writer and kills it, if told so, at the first sight of a file like this. */
  function run(rounds: number, size: number, kill?: { signal: NodeJS.Signals; when: RegExp }) {
    const child = spawn(process.execPath, [script, root, String(rounds), String(size)]);
    let errors = "";
    child.stderr.on("data", (data) => (errors += String(data)));
    const watch =
      kill &&
      setInterval(() => {
        if (fs.readdirSync(root).some((name) => kill.when.test(name))) {
          child.kill(kill.signal);
          clearInterval(watch);
        }
      }, 1);
    return new Promise<{ code: number | null; signal: string | null; errors: string }>((resolve) => {
      child.on("exit", (code, signal) => {
        clearInterval(watch);
        resolve({ code, signal, errors });
      });
    });
  }

  /** The first lines of a complete set are all the same. */
  const sets = () => new Set(Object.values(contents()).map((content) => content.split("\n")[0]));

  test("fault 69: two compilers on one folder both finish, and what stays is one set", async () => {
    const outcomes = await Promise.all([run(40, 1000), run(40, 1000), run(40, 1000)]);
    for (const outcome of outcomes) expect(outcome).toEqual({ code: 0, signal: null, errors: "" });
    expect(Object.keys(contents()).sort()).toEqual(["a.js", "b.js", "c/d.js"]);
    expect(sets().size).toBe(1);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "fault 68: %s while writing leaves one whole set and no temporary file, and exits %i",
    async (signal, code) => {
      expect(await run(1000, 20_000_000, { signal, when: /\.tmp-/ })).toEqual({ code, signal: null, errors: "" });
      expect(Object.keys(contents()).sort()).toEqual(["a.js", "b.js", "c/d.js"]);
      expect(sets().size).toBe(1);
    },
  );

  test("fault 68: after SIGKILL the next run goes on; the lock of the dead is taken over", async () => {
    expect(await run(1000, 20_000_000, { signal: "SIGKILL", when: /\.sec\.lock/ })).toMatchObject({
      signal: "SIGKILL",
    });
    expect(await run(1, 10)).toEqual({ code: 0, signal: null, errors: "" });
    expect(contents()["a.js"]!.length).toBeLessThan(100);
    expect(fs.existsSync(join(root, ".sec.lock"))).toBe(false);
  });
});
