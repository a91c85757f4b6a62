import type { WeightsCheckFlags } from "./commands.ts";
import { exit } from "./exit.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { openNetwork } from "./openNetwork.ts";
import { grouped } from "./table.ts";
import { readingText, readWeights } from "./weights.ts";

/** Whether a checkpoint fits a network; every difference if it does not. */
export async function weightsCheckCommand(source: string, flags: WeightsCheckFlags, io: Io): Promise<Outcome> {
  const opened = await openNetwork(source, flags, io);
  if ("exit" in opened) return opened;
  const { graph, place, diagnostics } = opened;
  const { tensors, reading, json } = readWeights(flags, graph, io, { place });
  const numbers = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  const named = readingText(reading) === undefined ? ", by its own names" : "";
  return {
    exit: exit.done,
    document: {
      ok: true,
      network: graph.name,
      tensors: tensors.size,
      elements: numbers,
      names: Object.fromEntries(reading.names),
      weights: json,
      diagnostics,
    },
    text: `${flags.weights} fits ${graph.name}${named}: ${grouped(tensors.size)} tensors, ${grouped(numbers)} numbers\n`,
  };
}
