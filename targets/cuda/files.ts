import type { Span } from "../../src/diagnostics.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { encodeUtf8 } from "../../src/syntax/utf8.ts";
import type { OutputFile } from "../target.ts";
import { prettyJson } from "../wgsl/json.ts";
import { describe } from "./describe.ts";
import { hostFiles } from "./host.ts";
import { cudaKernels } from "./kernels.ts";
import { torchBinding } from "./torch.ts";

/** The package without weights.bin; the manifest last, so that a set of files that was half written has none. */
export function packageFiles(plan: Plan, place: (span: Span) => string): OutputFile[] {
  const kernels = cudaKernels(plan, place);
  const { netCu, netH, mainCu, cmakeLists } = hostFiles(plan, kernels, place);
  const file = (path: string, text: string): OutputFile => ({ path, bytes: encodeUtf8(text) });
  const texts = [
    file("net.cu", netCu),
    file("net.h", netH),
    file("main.cu", mainCu),
    file("CMakeLists.txt", cmakeLists),
    file("net_torch.cpp", torchBinding(plan)),
  ];
  const manifest = describe(plan, kernels, place, [...texts.map(({ path }) => path), "weights.bin"]);
  return [...texts, file("manifest.json", `${prettyJson(manifest)}\n`)];
}
