import { GENERATED } from "../marker.ts";
import { readNames } from "../weights/check.ts";
import { convert, renamed } from "../weights/convert.ts";
import { writeSafetensors } from "../weights/safetensors.ts";
import type { WeightsConvertFlags } from "./commands.ts";
import { exit, Refusal, usage } from "./exit.ts";
import type { Io } from "./io.ts";
import { openNetwork, type OpenNetwork } from "./openNetwork.ts";
import type { Outcome } from "./outcome.ts";
import { bytesText } from "./table.ts";
import { readingText, refusal } from "./weights.ts";
import { readFile } from "./weightsList.ts";
import { writeOne } from "./writeAll.ts";

/** A checkpoint with other element types; with a network, with its names, its shapes and nothing else. */
export async function weightsConvertCommand(
  path: string,
  source: string | undefined,
  flags: WeightsConvertFlags,
  io: Io,
): Promise<Outcome> {
  const opened = source === undefined ? undefined : await openNetwork(source, flags, io);
  if (opened && "exit" in opened) return opened;
  if (!opened && flags.to === undefined) {
    throw usage("nothing to convert", "--to f16 for another type, or a network whose names it should have");
  }
  const file = readFile(path);
  const note = (text: string) => void (flags.quiet || io.err(`note: ${path}: ${text}\n`));
  const chosen = opened ? ofNetwork(path, file, opened, note) : { tensors: file.tensors, layout: null };
  const converted =
    flags.to === undefined ? { ok: true as const, tensors: chosen.tensors } : convert(chosen.tensors, flags.to);
  if (!converted.ok) {
    throw refusal(path, opened?.graph.name ?? flags.out, {
      ok: false,
      messages: converted.messages,
      faults: [],
      causes: [],
    });
  }
  const bytes = writeSafetensors(converted.tensors, new Map([...file.metadata, ["generator", GENERATED]]));
  const inputs = [path, ...(opened?.inputs() ?? [])];
  const result = await writeOne(flags.out, bytes, { force: flags.force === true, inputs });
  if (!result.ok) throw new Refusal(exit.unwritten, result.message);
  if (!flags.quiet) io.err(`${flags.out}: ${converted.tensors.size} tensors, ${bytesText(bytes.length)}\n`);
  const { layout } = chosen;
  return {
    exit: exit.done,
    document: { ok: true, file: path, out: flags.out, tensors: converted.tensors.size, bytes: bytes.length, layout },
  };
}

function ofNetwork(
  path: string,
  { tensors }: ReturnType<typeof readFile>,
  { graph, place }: OpenNetwork,
  note: (text: string) => void,
) {
  const reading = readNames(graph, new Map([...tensors].map(([name, { shape }]) => [name, shape])), place);
  const { faults, causes, map } = reading;
  if (faults.length > 0) {
    throw refusal(path, graph.name, { ok: false, messages: faults.map(({ message }) => message), faults, causes });
  }
  const text = readingText(reading);
  if (text !== undefined) note(text);
  return { tensors: renamed(graph, reading, tensors), layout: map?.id ?? null };
}
