import type { InputDeclaration } from "../image/declaration.ts";
import { prepareImage } from "../image/prepare.ts";
import { tensor, type Tensor } from "../tensor/tensor.ts";
import { typeText, type TensorType } from "../tensor/type.ts";
import { quote } from "../weights/header.ts";
import { readNpy } from "../weights/npy.ts";
import { readSafetensors } from "../weights/safetensors.ts";
import { countNonFinite, toFloat64, type StoredTensor } from "../weights/stored.ts";
import { decodeImage } from "./decodeImage.ts";
import { isFolder, maxWeightBytes, readBytes, readFolder } from "./files.ts";

/** An input of the network, as far as reading files needs it. */
export interface DeclaredInput {
  readonly name: string;
  readonly type: TensorType;
  /** Undefined for an input that is not a picture. */
  readonly image: InputDeclaration | undefined;
}

export type Inputs =
  | {
      readonly ok: true;
      readonly batch: number;
      readonly tensors: ReadonlyMap<string, Tensor>;
      /** For each item of the batch, where it came from: `images/000-7.png`, `test.safetensors[12]`. */
      readonly sources: readonly string[];
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

/**
 * Reads what `--input` names into one batch for every input: safetensors, .npy, PNG, JPEG, folders of them, or several;
 * `-` is one of the first four, from standard input.
 * Files are sorted by their paths, a folder's by their names, and joined along N in that order. Numbers in
 * .safetensors and .npy are the input's values as they are; only pictures go through the input's declaration.
 */
export function readInputs(paths: readonly string[], declared: readonly DeclaredInput[]): Inputs {
  const notes: string[] = [];
  const found = filesOf(paths, notes);
  if (typeof found === "string") return { ok: false, message: found };

  const parts = new Map<string, Tensor[]>(declared.map(({ name }) => [name, []]));
  const sources: string[] = [];
  for (const path of found) {
    const part = readFile(path, declared, notes);
    if (typeof part === "string") return { ok: false, message: `${path}: ${part}` };
    for (const [name, value] of part.values) parts.get(name)!.push(value);
    const batch = part.values.values().next().value!.shape[0]!;
    for (let n = 0; n < batch; n++) sources.push(part.kind === "picture" ? path : `${path}[${n}]`);
  }
  for (const { name, type } of declared) {
    const [batch] = type.shape;
    if (batch !== "N" && batch !== sources.length) {
      return {
        ok: false,
        message: `${name}: ${typeText(type)} has a batch of ${batch}, the files hold ${sources.length}`,
      };
    }
  }
  const tensors = new Map([...parts].map(([name, values]) => [name, joined(values)]));
  return { ok: true, batch: sources.length, tensors, sources, notes };
}

/** The files to read, in order; or what is wrong. In a folder, what is no input is passed over with a note. */
function filesOf(paths: readonly string[], notes: string[]): readonly string[] | string {
  const files: string[] = [];
  for (const path of [...paths].sort(byName)) {
    if (!isFolder(path)) {
      files.push(path);
      continue;
    }
    const folder = readFolder(path);
    if (!folder.ok) return folder.message;
    const visible = folder.names.filter((name) => !name.startsWith("."));
    const inside = visible.map((name) => `${path.replace(/\/+$/, "")}/${name}`);
    const inputs = inside.filter((file) => kindOf(file) !== undefined && !isFolder(file));
    if (inputs.length === 0) return `${path}: no .safetensors, .npy, .png or .jpg in this folder`;
    for (const file of inside) if (!inputs.includes(file)) notes.push(`${file}: ignored, not an input`);
    files.push(...inputs);
  }
  return files.length > 0 ? files : "no input was given";
}

interface Part {
  readonly kind: Kind;
  /** The batch of every input. */
  readonly values: ReadonlyMap<string, Tensor>;
}

/** What is in one file, or what is wrong with it. */
function readFile(path: string, declared: readonly DeclaredInput[], notes: string[]): Part | string {
  const read = readBytes(path, maxWeightBytes);
  if (!read.ok) return read.message.replace(`${path}: `, "");
  const note = (text: string) => notes.push(`${path}: ${text}`);
  const kind = path === "-" ? kindOfBytes(read.bytes) : kindOf(path);
  if (kind === undefined) return "expected .safetensors, .npy, .png, .jpg or a folder of them";
  const values = valuesOf(kind, read.bytes, declared, note);
  return typeof values === "string" ? values : { kind, values };
}

function valuesOf(
  kind: Kind,
  bytes: Uint8Array,
  declared: readonly DeclaredInput[],
  note: Note,
): ReadonlyMap<string, Tensor> | string {
  if (kind === "safetensors") return fromSafetensors(bytes, declared, note);
  const [input] = declared;
  if (!input || declared.length > 1) {
    const names = declared.map(({ name }) => name).join(", ");
    return `the network has ${declared.length} inputs (${names}), and this file can hold one; use .safetensors`;
  }
  const value = kind === "npy" ? fromNpy(bytes, input, note) : fromPicture(bytes, input, note);
  return typeof value === "string" ? value : new Map([[input.name, value]]);
}

type Note = (text: string) => void;

function fromSafetensors(
  bytes: Uint8Array,
  declared: readonly DeclaredInput[],
  note: Note,
): Map<string, Tensor> | string {
  const file = readSafetensors(bytes);
  if (!file.ok) return file.message;
  const names = pairNames(file.tensors, declared, note);
  if (typeof names === "string") return names;

  const values = new Map<string, Tensor>();
  for (const input of declared) {
    const name = names.get(input.name)!;
    const value = valueOf(file.tensors.get(name)!, input, `tensor ${quote(name)}`, note);
    if (typeof value === "string") return value;
    values.set(input.name, value);
  }
  const batches = [...values].map(([name, { shape }]) => `${name} ${shape[0]}`);
  if (new Set([...values.values()].map(({ shape }) => shape[0])).size > 1) {
    return `the inputs have different batches: ${batches.join(", ")}`;
  }
  const used = new Set(names.values());
  for (const name of file.tensors.keys()) if (!used.has(name)) note(`tensor ${quote(name)} ignored`);
  return values;
}

/** From input to tensor: of the same name; or, with one input and one tensor that fits it, whatever that is called. */
function pairNames(
  tensors: ReadonlyMap<string, StoredTensor>,
  declared: readonly DeclaredInput[],
  note: Note,
): Map<string, string> | string {
  const missing = declared.filter(({ name }) => !tensors.has(name));
  if (missing.length === 0) return new Map(declared.map(({ name }) => [name, name]));

  const expected = missing.map(({ name, type }) => `${name}: ${typeText(type)}`).join(", ");
  const all = [...tensors].map(([name, value]) => `${quote(name)}: ${storedText(value)}`);
  const list = `${all.slice(0, 12).join(", ")}${all.length > 12 ? ` and ${all.length - 12} more` : ""}`;
  const nothing = `expected ${expected}; found ${list || "no tensors"}`;
  if (declared.length > 1) return nothing;

  const [input] = missing;
  const fitting = [...tensors].filter(([, { shape }]) => fit(shape, input!.type) === "batch").map(([name]) => name);
  if (fitting.length === 0) return nothing;
  if (fitting.length > 1)
    return `${fitting.map(quote).join(" and ")} both fit ${expected}; rename the one that is meant`;
  note(`tensor ${quote(fitting[0]!)} is read as ${input!.name}`);
  return new Map([[input!.name, fitting[0]!]]);
}

function fromNpy(bytes: Uint8Array, input: DeclaredInput, note: Note): Tensor | string {
  const file = readNpy(bytes);
  return file.ok ? valueOf(file.tensor, input, "the array", note) : file.message;
}

function fromPicture(bytes: Uint8Array, input: DeclaredInput, note: Note): Tensor | string {
  const [, channels, height, width] = input.type.shape;
  if (!input.image || typeof channels !== "number" || typeof height !== "number" || typeof width !== "number") {
    return `${input.name}: ${typeText(input.type)} is not declared as a picture; use .safetensors or .npy, or declare its colour order`;
  }
  const decoded = decodeImage(bytes);
  if (!decoded.ok) return decoded.message;
  decoded.notes.forEach(note);
  const prepared = prepareImage(decoded.picture, input.image, height, width);
  return prepared.ok ? tensor([1, channels, height, width], prepared.data) : prepared.message;
}

/** A stored tensor as a batch of an input, or why it is none. */
function valueOf(stored: StoredTensor, input: DeclaredInput, what: string, note: Note): Tensor | string {
  const kind = fit(stored.shape, input.type);
  if (kind === undefined) return `${what} is ${storedText(stored)}, ${input.name} is ${typeText(input.type)}`;
  const shape = kind === "one" ? [1, ...stored.shape] : stored.shape;
  if (shape[0] === 0) return `${what} is ${storedText(stored)}: an empty batch`;
  if (kind === "one") note(`${what} is ${storedText(stored)}, read as a batch of one`);
  if (input.image && stored.dtype === "U8")
    note(`${what} is U8 and taken as it is; scale, mean and std are for pictures`);
  const { nan, infinite } = countNonFinite(stored);
  if (nan + infinite > 0) note(`${what} holds ${nan} NaN and ${infinite} infinite values`);
  return tensor(shape, toFloat64(stored));
}

/** How a shape fits a type: with its batch, or as `one` item without it. */
function fit(shape: readonly number[], { shape: dims }: TensorType): "batch" | "one" | undefined {
  const matches = (wanted: TensorType["shape"]) =>
    shape.length === wanted.length && wanted.every((dim, axis) => dim === "N" || dim === shape[axis]);
  if (matches(dims)) return "batch";
  return dims[0] === "N" && matches(dims.slice(1)) ? "one" : undefined;
}

function joined(parts: readonly Tensor[]): Tensor {
  if (parts.length === 1) return parts[0]!;
  const data = new Float64Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  const batch = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
  return tensor([batch, ...parts[0]!.shape.slice(1)], data);
}

type Kind = "safetensors" | "npy" | "picture";

function kindOf(path: string): Kind | undefined {
  if (/\.safetensors$/i.test(path)) return "safetensors";
  if (/\.npy$/i.test(path)) return "npy";
  return /\.(png|jpe?g)$/i.test(path) ? "picture" : undefined;
}

/** Standard input has no name that ends: the first bytes tell. A safetensors file begins with a length. */
function kindOfBytes([first, second]: Uint8Array): Kind {
  if (first === 0x93 && second === 0x4e) return "npy";
  const isPng = first === 0x89 && second === 0x50;
  const isJpeg = first === 0xff && second === 0xd8;
  return isPng || isJpeg ? "picture" : "safetensors";
}

/** `F32[2, 3, 32, 32]` */
function storedText({ dtype, shape }: StoredTensor): string {
  return `${dtype}[${shape.join(", ")}]`;
}

function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
