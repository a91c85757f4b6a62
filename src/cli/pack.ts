import { join } from "node:path";
import { filesStoredAs } from "../../targets/wgsl/files.ts";
import type { Manifest } from "../../targets/wgsl/describe.ts";
import type { OutputFile } from "../compile.ts";
import { layoutOfManifest } from "../manifest.ts";
import { decodeUtf8 } from "../syntax/utf8.ts";
import type { WeightLayout } from "../weights/pack.ts";
import type { PackFlags } from "./commands.ts";
import { exit, Refusal, usage } from "./exit.ts";
import { isFolder, readBytes } from "./files.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { bytesText } from "./table.ts";
import { packedWeights } from "./weights.ts";
import { writeAll } from "./writeAll.ts";

const maxManifestBytes = 1 << 28;

/** Adds weights.bin to a compiled folder, by its manifest alone: the same bytes as `compile --weights` writes. */
export async function packCommand(folder: string, flags: PackFlags, io: Io): Promise<Outcome> {
  if (!isFolder(folder)) throw usage(`${folder}: no such folder`);
  const path = join(folder, "manifest.json");
  const read = readBytes(path, maxManifestBytes);
  if (!read.ok) throw usage(read.message, `${folder} should be a folder that sec compile wrote`);
  const text = decodeUtf8(read.bytes);
  if (!text.ok) throw new Refusal(exit.wrong, `${path}: not UTF-8 at byte ${text.at}`);
  const manifest = layoutOfManifest(text.text);
  if (!manifest.ok) throw new Refusal(exit.wrong, `${path}: ${manifest.message}`);

  const storage = flags.weightsAs ?? manifest.layout.storage;
  if (storage !== "f32" && (JSON.parse(text.text) as Manifest).target !== "wgsl") {
    throw usage(`${folder} is given weights in f32; --weights-as is for --target wgsl`);
  }
  const layout = { ...manifest.layout, storage };
  const { bytes, json } = packedWeights(flags, layout, io, { written: manifest.written });
  const others = storage === manifest.layout.storage ? [] : storedOtherwise(folder, text.text, layout);
  const files = [{ path: "weights.bin", bytes }, ...others];
  const result = await writeAll(folder, files, { force: flags.force === true, inputs: [flags.weights] });
  if (!result.ok) throw new Refusal(exit.unwritten, result.message);
  if (!flags.quiet) io.err(`${join(folder, "weights.bin")}: ${bytesText(bytes.length)}\n`);
  const { network } = manifest.layout;
  return {
    exit: exit.done,
    document: { ok: true, network, folder, file: "weights.bin", bytes: bytes.length, storage, weights: json },
  };
}

/** net.js and manifest.json know how weights are stored. */
function storedOtherwise(folder: string, manifest: string, layout: WeightLayout): readonly OutputFile[] {
  const path = join(folder, "net.js");
  const read = readBytes(path, maxManifestBytes);
  if (!read.ok) throw usage(read.message, `${folder} should be a folder that sec compile wrote`);
  const module = new TextDecoder().decode(read.bytes);
  const files = filesStoredAs(JSON.parse(manifest) as Manifest, module, layout);
  if (files) return files;
  throw new Refusal(
    exit.wrong,
    `${path} was not made with its manifest`,
    `compile with --weights-as ${layout.storage}`,
  );
}
