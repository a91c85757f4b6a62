import type { Run } from "./choose.ts";

/** What measure.sh wrote: the device, and what each run of a program said. */
export type Times =
  | { readonly ok: true; readonly device: string; readonly runs: readonly Run[] }
  | { readonly ok: false; readonly message: string };

/** Before the words of each run: `candidate 3, batch 32`. */
export function runTitle(candidate: number | string, batch: number | string): string {
  return `candidate ${candidate}, batch ${batch}`;
}

/** @param candidates how many there are, each of which has to have run with each batch */
export function readTimes(text: string, candidates: number, batches: readonly number[]): Times {
  const [, ...parts] = text.split(new RegExp(`^${runTitle("(\\d+)", "(\\d+)")}$`, "m"));
  const runs: Run[] = [];
  const devices = new Set<string>();
  for (let at = 0; at < parts.length; at += 3) {
    const [candidate, batch, said] = parts.slice(at, at + 3) as [string, string, string];
    const device = /^on (.+)$/m.exec(said)?.[1];
    if (device === undefined) return refuse(`${runTitle(candidate, batch)} did not say what it ran on`);
    devices.add(device);
    // As main.cu prints them: microseconds, three rates, then the launch and its place in the source.
    const rows = said.matchAll(/^ *([\d.]+)(?: +(?:[\d.]+|-)){3} {2}(\S+) {2}\S+$/gm);
    const launches = new Map([...rows].map(([, time, launch]) => [launch!, Number(time)]));
    runs.push({ candidate: Number(candidate), batch: Number(batch), launches });
  }
  for (let candidate = 0; candidate < candidates; candidate++)
    for (const batch of batches)
      if (!runs.some((run) => run.candidate === candidate && run.batch === batch && run.launches.size > 0))
        return refuse(`there are no times of ${runTitle(candidate, batch)}`);
  const [device, ...others] = devices;
  if (others.length > 0) return refuse(`they come from several devices: ${[...devices].join("; ")}`);
  return { ok: true, device: device!, runs };
}

function refuse(message: string): Times {
  return { ok: false, message };
}
