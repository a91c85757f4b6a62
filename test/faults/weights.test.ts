/** Faults 49 to 54 of docs/faults.md, as a user meets them: every command that takes weights says the same, and writes nothing. */
import { ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeSafetensors } from "../../src/weights/safetensors.ts";
import { storeFloat32, type StoredTensor } from "../../src/weights/stored.ts";
import { folder, sec } from "../cli/sec.ts";

const net = "se 1\nnetwork Net() {\n  input image: f32[N, 3, 8, 8]\n  gap\n  fc: dense 4\n  output y\n}\n";
const fitting = new Map([
  ["fc.weight", storeFloat32([4, 3], new Float32Array(12).fill(1))],
  ["fc.bias", storeFloat32([4], [1, 2, 3, 4])],
]);
const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const zip = (entry: string) => latin1(`PK\x03\x04${"\0".repeat(22)}${String.fromCharCode(entry.length)}\0\0\0${entry}`);

/** What each command that takes weights does with this file; all must agree, and write nothing. */
async function everyCommand(content: Uint8Array): Promise<{ exit: number; message: string }> {
  const here = folder({ "net.se": net, "w.safetensors": content });
  const [source, weights, out] = ["net.se", "w.safetensors", "out"].map((name) => join(here, name)) as [
    string,
    string,
    string,
  ];
  await sec(["compile", source, "--target", "wgsl", "-o", out, "--quiet"]);
  const before = readdirSync(out);
  const commands = [
    ["compile", source, "--target", "wgsl", "-o", join(here, "other"), "--weights", weights],
    ["pack", out, "--weights", weights],
    ["run", source, "--input", weights, "--weights", weights, "--backend", "reference"],
    ["verify", source, "--target", "wgsl", "--weights", weights],
    ["weights", "check", source, "--weights", weights],
    ["weights", "convert", weights, source, "-o", join(here, "converted.safetensors")],
  ];
  const said = new Set<string>();
  for (const argv of commands) {
    // The input of run would be refused first.
    if (argv[0] === "run") writeFileSync(join(here, "image.npy"), npy());
    const { exit, out, err } = await sec(
      argv.map((arg, i) => (argv[i - 1] === "--input" ? join(here, "image.npy") : arg)),
    );
    expect(out, argv[0]).toBe("");
    // pack has no source to point at.
    said.add(JSON.stringify({ exit, message: err.replaceAll(weights, "W").replaceAll(/ \(net\.se:\d+:\d+\)/g, "") }));
  }
  expect([...said]).toHaveLength(1);
  expect(readdirSync(out)).toEqual(before);
  expect(readdirSync(here).sort()).toEqual(["image.npy", "net.se", "out", "w.safetensors"]);
  return JSON.parse([...said][0]!) as { exit: number; message: string };
}

function npy(): Uint8Array {
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 8, 8), }".padEnd(117) + "\n";
  const bytes = new Uint8Array(10 + header.length + 4 * 192);
  bytes.set(latin1(`\x93NUMPY\x01\0${String.fromCharCode(header.length)}\0${header}`));
  return bytes;
}

describe("fault 49: what is missing, left over and of another shape, with the likely cause, in every command", () => {
  const changed = (change: (tensors: Map<string, StoredTensor>) => void) => {
    const tensors = new Map(fitting);
    change(tensors);
    return everyCommand(writeSafetensors(tensors));
  };
  test("all at once", async () => {
    const found = await changed((tensors) => {
      tensors.delete("fc.bias");
      tensors.set("fc.weight", storeFloat32([3, 4], new Float32Array(12)));
      tensors.set("head", storeFloat32([1], [1]));
    });
    expect(found).toEqual({
      exit: 1,
      message:
        'error: W does not fit Net:\n  "fc.weight" should be [4, 3], but is [3, 4]: it looks transposed\n' +
        '  "fc.bias" [4] is missing\n  "head" [1] is in the file, but nothing in the network is called so\n',
    });
  });
});

test("fault 50: NaN and infinities are a warning with the tensor and their number; --deny-nan makes them an error", async () => {
  const odd = new Map(fitting).set("fc.bias", storeFloat32([4], [NaN, 1, 2, -Infinity]));
  const here = folder({ "net.se": net, "w.safetensors": writeSafetensors(odd), "image.npy": npy() });
  const [source, weights, image] = ["net.se", "w.safetensors", "image.npy"].map((name) => join(here, name)) as [
    string,
    string,
    string,
  ];
  const message = `${weights}: fc.bias holds 1 NaN and 1 infinite values among 4\n`;
  const commands = [
    ["compile", source, "--target", "wgsl", "-o", join(here, "out"), "--weights", weights, "--quiet"],
    ["run", source, "--input", image, "--weights", weights, "--backend", "reference", "--quiet"],
    ["weights", "check", source, "--weights", weights, "--quiet"],
  ];
  for (const argv of commands) {
    expect(await sec([...argv, "--deny-nan"])).toMatchObject({ exit: 1, err: `error: ${message}` });
    const { exit, err } = await sec(argv.filter((arg) => arg !== "--quiet"));
    expect(exit).toBe(0);
    expect(err).toContain(`warning: ${message}`);
  }
});

describe("fault 51: what is no file, or too large, ends at once", () => {
  test.each<[string, (path: string) => void, string]>([
    ["a folder", (path) => mkdirSync(path), "a folder, expected a file"],
    ["a pipe", (path) => void spawnSync("mkfifo", [path]), "a pipe, expected a file"],
    ["links in a circle", (path) => symlinkSync(path, path), "symbolic links that lead to each other"],
    ["nothing", () => {}, "no such file or folder"],
    [
      "a file beyond 4 GiB",
      (path) => ftruncateSync(openSync(path, "w"), 2 ** 32 + 8),
      `the file has ${2 ** 32 + 8} bytes, the limit is ${2 ** 32 - 1}`,
    ],
  ])("%s", async (_, make, message) => {
    const here = folder({ "net.se": net });
    const weights = join(here, "w.safetensors");
    make(weights);
    for (const argv of [
      ["compile", join(here, "net.se"), "--target", "wgsl", "-o", join(here, "out"), "--weights", weights],
      ["weights", "list", weights],
    ]) {
      expect(await sec(argv)).toMatchObject({ exit: 2, err: `error: ${weights}: ${message}\n` });
    }
    expect(readdirSync(here)).not.toContain("out");
  });
});

describe("faults 52 and 53: something else in place of weights is named, and never parsed", () => {
  test.each([
    [
      "an HTML page",
      latin1("<!DOCTYPE html><html>404"),
      "this is a web page: the download probably returned an error page",
    ],
    ["a Git LFS pointer", latin1("version https://git-lfs.github.com/spec/v1\n"), "this is a Git LFS pointer"],
    [
      "a .pth (zip)",
      zip("net/data.pkl"),
      "this is a PyTorch checkpoint (a pickle in a zip), which sec never opens because it can run code",
    ],
    [
      "an old .pt",
      latin1("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."),
      "this is a PyTorch pickle, which sec never opens because it can run code",
    ],
    ["an .npz", zip("conv1.npy"), "this is a NumPy .npz archive"],
    ["gzip", latin1("\x1f\x8b\x08\0\0\0\0\0\0\x03"), "this is gzip data"],
    ["GGUF", latin1("GGUF\x03\0\0\0\0\0\0\0"), "this is a GGUF file"],
    ["nothing", new Uint8Array(0), "the file is empty"],
  ])("%s", async (_, content, message) => {
    const found = await everyCommand(content);
    expect(found.exit).toBe(1);
    expect(found.message.startsWith(`error: W: ${message}`)).toBe(true);
  });

  test("how a pickle becomes safetensors is two lines of Python", async () => {
    const { message } = await everyCommand(zip("net/data.pkl"));
    expect(message.split("\n").slice(1, 3)).toEqual([
      "    import torch, safetensors.torch",
      `    safetensors.torch.save_file({k: v.contiguous() for k, v in torch.load("net.pth", map_location="cpu", weights_only=True).items()}, "net.safetensors")`,
    ]);
  });
});

test("fault 54: the index of a sharded checkpoint is refused, and what it names is not read", async () => {
  const index = {
    metadata: {},
    weight_map: { "fc.weight": "../secret.safetensors", "fc.bias": "shard-2.safetensors" },
  };
  const here = folder({
    "secret.safetensors": writeSafetensors(fitting),
    "inner/net.se": net,
    "inner/w.json": JSON.stringify(index, undefined, 2),
  });
  const { exit, err } = await sec([
    "weights",
    "check",
    join(here, "inner/net.se"),
    "--weights",
    join(here, "inner/w.json"),
  ]);
  expect({ exit, err }).toEqual({
    exit: 1,
    err: `error: ${join(here, "inner/w.json")}: this is JSON text, not tensors; if it is the index of a sharded checkpoint, join its shards into one file\n`,
  });
  expect(readFileSync(join(here, "secret.safetensors"))).toEqual(Buffer.from(writeSafetensors(fitting)));
});
