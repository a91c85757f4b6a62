import { existsSync } from "node:fs";
import { join } from "node:path";
import { encodeUtf8 } from "../syntax/utf8.ts";
import type { InitFlags } from "./commands.ts";
import { exit, Refusal } from "./exit.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { trainScript } from "./trainScript.ts";
import { writeAll } from "./writeAll.ts";

/** Writes a small network, the config that names it and a page that says what to type. Never over a file. */
export async function initCommand(folder: string, { quiet, train }: InitFlags, io: Io): Promise<Outcome> {
  const files = [
    { path: "net.se", text: network },
    { path: "sec.config.json", text: config },
    { path: "README.md", text: train ? `${readme}${training}` : readme },
    ...(train ? [{ path: "train.py", text: trainScript }] : []),
  ];
  const present = files.filter(({ path }) => existsSync(join(folder, path))).map(({ path }) => join(folder, path));
  if (present.length > 0) {
    throw new Refusal(
      exit.unwritten,
      `already there: ${present.join(", ")}`,
      "sec init never writes over a file; name another folder",
    );
  }
  const written = await writeAll(
    folder,
    files.map(({ path, text }) => ({ path, bytes: encodeUtf8(text) })),
    { force: false, inputs: [] },
  );
  if (!written.ok) throw new Refusal(exit.unwritten, written.message);
  const enter = folder === "." ? "" : `cd ${folder} && `;
  if (!quiet) io.err(`wrote ${files.map(({ path }) => join(folder, path)).join(", ")}; next: ${enter}sec compile\n`);
  return { exit: exit.done, document: { ok: true, folder, files: files.map(({ path }) => path) } };
}

/** A test compiles it, and `sec fmt` leaves it as it is. */
const network = `se 1

import { bottleneck } from "std/resnet.se"

/// A small SE-ResNet for pictures of 32 x 32 pixels. Change one word to move the blocks: \`sec report net.se --set se=pre\`.
network Small(se: Placement = standard, ratio: int = 16, classes: int = 10) {
  input image: f32[N, 3, 32, 32] {
    rgb, scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], resize: bilinear,
    antialias: true,
  }
  insert se(at: se, ratio: ratio)

  conv1: conv 32, 3x3 -> bn1: bn -> relu
  stage 2 layer1: 2 of bottleneck(16)
  stage 3 layer2: 2 of bottleneck(32, stride: 2 then 1)
  stage 4 layer3: 2 of bottleneck(64, stride: 2 then 1)
  gap
  fc: dense classes
  output logits: f32[N, classes]
}
`;

const config = `{
  "entry": "net.se",
  "target": "wgsl",
  "outDir": "out"
}
`;

const readme = `# A network compiled with sec

- \`sec compile\` writes \`out/\`: net.js, its types, the kernels and the manifest, as \`sec.config.json\` says.
- \`sec report net.se\` counts parameters, multiply-adds and kernels.
- \`sec run net.se --input picture.png --top 3\` runs it, with made-up weights until there are trained ones.
- \`sec pack out --weights net.safetensors\` adds trained weights.

In a page:

    import { create } from "./out/net.js";
    const net = await create({ weights: "out/weights.bin" });
    const { logits } = await net.run({ image }); // Float32Array, [N, 3, 32, 32]
`;

const training = `
## Train it

With PyTorch 1.13 or newer:

    sec compile net.se --target pytorch -o model
    python train.py --epochs 2                       # made-up pictures, to see that all is well
    python train.py --data pictures                  # pictures/train/<class>/ and pictures/val/<class>/
    torchrun --nproc_per_node=8 train.py --data pictures
    sec run net.se --weights runs/net.safetensors --input picture.png --top 3
`;
