import { readFileSync } from "node:fs";

/** A row of counts.json: what PyTorch counted in the reference builders, beside what a paper prints. */
export interface CountRow {
  readonly label: string;
  /** Extent of the images. */
  readonly res: number;
  readonly params: number;
  /** BatchNorm statistics. */
  readonly bnbuf: number;
  readonly se_params: number;
  /** Multiply-adds of convolutions and dense layers; `se` of them in SE blocks. */
  readonly macs: number;
  readonly se: number;
  /** Millions of parameters and 10^9 multiply-adds as printed, and the tables of Hu et al. 2018 or the paper that say so. */
  readonly paper_M?: number;
  readonly paper_G?: number;
  readonly table?: string;
}

export const rows = JSON.parse(readFileSync("test/zoo/counts.json", "utf8")) as readonly CountRow[];

/** Rows that no network of the catalogue claims, and why. */
export const unclaimed: Readonly<Record<string, string>> = {
  "SE-Identity (no bias, before proj.)": "another reading of the paper; ours gates the projected skip",
};
