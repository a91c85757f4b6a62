import type { Graph } from "./ir/graph.ts";
import { graphFromJson } from "./ir/json.ts";
import { GENERATOR } from "./marker.ts";
import type { WeightPlace } from "./plan/plan.ts";
import { fingerprint, type WeightLayout } from "./weights/pack.ts";
import { isStorage } from "./weights/storage.ts";

export type ReadLayout =
  | {
      readonly ok: true;
      readonly layout: WeightLayout;
      /** The network as it was written. */
      readonly written: Graph | undefined;
    }
  | { readonly ok: false; readonly message: string };

/** The major version of manifests that this sec reads. */
const formatMajor = "1";

/** What weights.bin must hold, from a package's manifest.json, which anybody may have edited. */
export function layoutOfManifest(text: string): ReadLayout {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return refuse("it is not JSON");
  }
  if (!isRecord(manifest) || manifest["generator"] !== GENERATOR) return refuse("it was not written by sec");
  const { formatVersion, network, weights } = manifest;
  if (typeof formatVersion !== "string" || formatVersion.split(".")[0] !== formatMajor) {
    return refuse(`its format is ${String(formatVersion)}, this sec reads ${formatMajor}.x; compile the network again`);
  }
  if (typeof network !== "string" || !isRecord(weights)) return refuse("it names no network, or has no weights");
  const { buffers, tensors, program, storage = "f32" } = weights;
  if (!isStorage(storage)) return refuse(`its weights are stored as ${String(storage)}, which this sec does not know`);
  if (!isListOf(buffers, isSize) || !isListOf(tensors, isPlace)) return refuse("the places of its tensors are damaged");

  const read = graphFromJson(network, program);
  if (!read.ok) return refuse(`its weight program is damaged: ${read.message}`);
  if (read.graph.nodes.some(({ op }) => op === "input")) return refuse("its weight program reads an input");
  const places = tensors.map(({ buffer, byteOffset, element }) => ({
    buffer,
    byteOffset,
    ...(element && { element }),
  }));
  const layout: WeightLayout = { network, program: read.graph, buffers, places, storage };
  if (places.length !== read.graph.outputs.length) return refuse("it has another number of tensors than its program");
  if (fingerprint(layout) !== manifest["fingerprint"]) {
    return refuse("its fingerprint is that of other weights: it was edited, or is half written");
  }
  const written = graphFromJson(network, manifest["written"]);
  return { ok: true, layout, written: written.ok ? written.graph : undefined };
}

function isPlace(value: unknown): value is WeightPlace {
  return isRecord(value) && isSize(value["buffer"]) && isSize(value["byteOffset"]) && isElement(value["element"]);
}

function isElement(value: unknown): boolean {
  return value === undefined || value === "f16" || value === "bf16";
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isListOf<T>(value: unknown, is: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(why: string): ReadLayout {
  return { ok: false, message: why };
}
