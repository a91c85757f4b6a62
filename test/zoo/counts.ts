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

const notYet = "not yet in examples/";

/** Rows that no network of the catalogue claims, and why. */
export const unclaimed: Readonly<Record<string, string>> = {
  "SE-Identity (no bias, before proj.)": "another reading of the paper; ours gates the projected skip",
  "BN-Inception": notYet,
  "SE-BN-Inception": notYet,
  "Inception-ResNet-v2 (slim 10-20-10)": notYet,
  "SE-Inception-ResNet-v2 (slim)": notYet,
  "SE-Inception-ResNet-v2 (slim, blocks only)": notYet,
  "Inception-ResNet-v2 (paper 5-10-5)": notYet,
  "SE-Inception-ResNet-v2 (paper 5-10-5)": notYet,
  "Shake-Shake 26 2x96d": notYet,
  "SE-Shake-Shake 26 2x96d (SE on sum)": notYet,
  "SE-Shake-Shake 26 2x96d (SE per branch)": notYet,
};
