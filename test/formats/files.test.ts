import { execFileSync } from "node:child_process";
import { ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { maxSourceBytes, readBytes, readFolder, readSource } from "../../src/cli/files.ts";

let root = "";
const here = process.cwd();
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "sec-read-"));
  process.chdir(root);
  writeFileSync("net.se", "network");
  writeFileSync("bom.se", "\ufeffnetwork");
  writeFileSync("latin.se", Buffer.from("// caf\xe9", "latin1"));
  writeFileSync("wide.se", Buffer.from("\ufeffnetwork", "utf16le"));
  ftruncateSync(openSync("large.se", "w"), maxSourceBytes + 1);
  mkdirSync("folder");
  for (const name of ["b", "B", "a10", "a9", "é"]) writeFileSync(join("folder", name), "");
  symlinkSync("loop", "loop");
  execFileSync("mkfifo", ["pipe"]);
});
afterAll(() => {
  process.chdir(here);
  rmSync(root, { recursive: true });
});

test.each([
  ["net.se", { ok: true, text: "network" }],
  ["bom.se", { ok: true, text: "network" }],
  ["latin.se", { ok: false, message: "latin.se: not UTF-8 at byte 6", code: "SE0121" }],
  [
    "wide.se",
    { ok: false, message: "wide.se: not UTF-8 at byte 0; the file is UTF-16, save it as UTF-8", code: "SE0121" },
  ],
  ["large.se", { ok: false, message: "large.se: the file has 1048577 bytes, the limit is 1048576", code: "SE0108" }],
  ["./absent.se", { ok: false, message: "./absent.se: no such file or folder" }],
  ["net.se/deeper", { ok: false, message: "net.se/deeper: a part of the path is a file, not a folder" }],
  ["folder", { ok: false, message: "folder: a folder, expected a file" }],
  ["loop", { ok: false, message: "loop: symbolic links that lead to each other" }],
  ["pipe", { ok: false, message: "pipe: a pipe, expected a file" }],
  ["/dev/zero", { ok: false, message: "/dev/zero: a device, expected a file" }],
  ["a\0b", { ok: false, message: expect.stringMatching(/^a\0b: .*null bytes/) as string }],
  ["x".repeat(300), { ok: false, message: `${"x".repeat(300)}: the name is too long` }],
])("faults 3, 9, 51, 62: reading %j as a source", (path, expected) => {
  expect(readSource(path)).toEqual(expected);
});

test("a folder's names are in the order of their characters, wherever sec runs", () => {
  expect(readFolder("folder")).toEqual({ ok: true, names: ["B", "a10", "a9", "b", "é"] });
  expect(readFolder("net.se")).toEqual({ ok: false, message: "net.se: a part of the path is a file, not a folder" });
});

test("an empty file is read", () => {
  expect(readBytes("folder/b", 10)).toEqual({ ok: true, bytes: new Uint8Array(0) });
});
