import type { Settings } from "../networks.ts";

/** A network of examples/, and what is known about it from elsewhere. */
export interface ZooNetwork {
  /** As docs/networks.md names it. */
  readonly title: string;
  /** Path of its file in the repository, and the network in it where there are several. */
  readonly entry: string;
  readonly network?: string;
  /** Rows of test/zoo/counts.json (by label) that it equals exactly, with the settings that spell them out. */
  readonly counts: readonly { readonly label: string; readonly set: Settings }[];
  /** More settings that docs/networks.md shows. */
  readonly others?: readonly Settings[];
  /** Small versions with what PyTorch computed: test/zoo/fixtures/<fixture>.{weights,case}.safetensors, made by make.py there. */
  readonly tiny: readonly TinyNetwork[];
}

export interface TinyNetwork {
  readonly fixture: string;
  readonly set: Settings;
  /** The name in the fixture of our parameter. Without it, the names are the same. */
  readonly keyOf?: (parameter: string) => string;
}
