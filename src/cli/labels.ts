import { decodeUtf8 } from "../syntax/utf8.ts";
import { readNpy } from "../weights/npy.ts";
import { readSafetensors } from "../weights/safetensors.ts";
import { toFloat64, type StoredTensor } from "../weights/stored.ts";
import { usage } from "./exit.ts";
import { maxWeightBytes, readBytes } from "./files.ts";

/** The class of every image, in their order. */
export function readLabels(path: string, sources: readonly string[]): readonly string[] {
  const read = readBytes(path, maxWeightBytes);
  if (!read.ok) throw usage(read.message);
  const labels = labelsOf(path, read.bytes, sources);
  if (typeof labels === "string") throw usage(`--labels ${path}: ${labels}`);
  if (labels.length !== sources.length) {
    throw usage(`--labels ${path}: ${labels.length} labels for ${sources.length} images`);
  }
  return labels;
}

/** With a folder for every class, its name; undefined if all images lie in one folder, or in one file. */
export function labelsOfFolders(sources: readonly string[]): readonly string[] | undefined {
  const folders = sources.map((source) => source.split("/").slice(0, -1));
  if (new Set(folders.map((parts) => parts.join("/"))).size < 2) return undefined;
  return folders.map((parts) => parts.at(-1) ?? ".");
}

function labelsOf(path: string, bytes: Uint8Array, sources: readonly string[]): readonly string[] | string {
  if (path.endsWith(".safetensors")) {
    const file = readSafetensors(bytes);
    if (!file.ok) return file.message;
    const tensor = file.tensors.get("label") ?? file.tensors.get("labels");
    return tensor ? fromTensor(tensor) : "there is no tensor called label";
  }
  if (path.endsWith(".npy")) {
    const file = readNpy(bytes);
    return file.ok ? fromTensor(file.tensor) : file.message;
  }
  const text = decodeUtf8(bytes);
  if (!text.ok) return `not UTF-8 at byte ${text.at}`;
  return fromLines(text.text, sources);
}

function fromTensor(tensor: StoredTensor): readonly string[] | string {
  if (tensor.shape.length !== 1) return `the labels have ${tensor.shape.length} dimensions, expected one`;
  return Array.from(toFloat64(tensor), String);
}

/** A class a line in the images' order, or `file,class` (or with a tab) in any order. */
function fromLines(text: string, sources: readonly string[]): readonly string[] | string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const pairs = lines.map((line) => /^\s*([^,\t]+?)\s*[,\t]\s*(.+?)\s*$/.exec(line));
  if (pairs.every((pair) => pair === null)) return lines.map((line) => line.trim());
  const wrong = pairs.findIndex((pair) => pair === null);
  if (wrong >= 0) return `${JSON.stringify(lines[wrong])} should be file,class like the other lines`;
  const classes = new Map(pairs.map((pair) => [pair![1]!, pair![2]!]));
  const labels: string[] = [];
  for (const source of sources) {
    const label = classes.get(source) ?? classes.get(source.split("/").at(-1)!);
    if (label === undefined) return `there is no line for ${source}`;
    labels.push(label);
  }
  return labels;
}
