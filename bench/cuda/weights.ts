/**
 * The weights of what build.ts built, which are drawn where they are needed: 3 GB are too much to send along. Bundled as
 * weights.mjs into the folder, beside the sources of its networks: node weights.mjs FOLDER [NETWORK]
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { tensorsFile } from "../../src/cli/weights.ts";
import { packWeights, weightLayout } from "../../src/weights/pack.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import type { Index, Network } from "./build.ts";
import { asInPackages, full, graphIn, planIn, quick, seed } from "./candidates.ts";

const [folder = ".", only] = process.argv.slice(2);
const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as Index;
const networks = index.groups.flatMap(({ title, networks }) => networks.map((network) => ({ title, network })));
if (only === undefined) await writeAll();
else for (const { title, network } of networks) if (network.path === only) writeOne(title, network);

/** A process for each network, as many at a time as there are processors. */
async function writeAll(): Promise<void> {
  const run = promisify(execFile);
  const waiting = networks.map(({ network }) => network.path);
  const work = async () => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const { stdout } = await run(process.execPath, [process.argv[1]!, folder, path]);
      process.stdout.write(stdout);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}

function writeOne(title: string, { name, path, programs }: Network): void {
  const began = performance.now();
  const group = (index.quick ? quick : full).find((each) => each.title === title)!;
  const { set, ways = asInPackages } = group.candidates.find((each) => each.name === name)!;
  const graph = graphIn(group.entry, set, (path) => readFileSync(join(folder, path), "utf8"));
  const weights = seedWeights(graph, seed);
  writeFileSync(join(folder, path, "weights.safetensors"), tensorsFile(weights));
  for (const program of programs) {
    if (program.path === undefined) continue;
    const packed = packWeights(weightLayout(planIn(ways, graph, program.precision)), weights);
    if (!packed.ok) throw new Error(packed.messages.join("; "));
    writeFileSync(join(folder, program.path, "weights.bin"), packed.bytes);
  }
  console.log(`${name}: weights in ${((performance.now() - began) / 1000).toFixed(0)} s`);
}
