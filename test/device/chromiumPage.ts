/** The page of the adapter `chromium`: runs a job that the site has, and sends back what it returned. */
import { runJob } from "./job.ts";
import { decode, encode } from "./wire.ts";

declare const navigator: { readonly gpu?: GPU };
declare const fetch: (
  url: string,
  request?: { method: string; body: Blob },
) => Promise<{ readonly ok: boolean; readonly status: number; arrayBuffer(): Promise<ArrayBuffer> }>;

Object.assign(globalThis, {
  /** The parts of the adapter's description; null where there is no adapter. */
  async adapterInfo(): Promise<Record<string, string> | null> {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) return null;
    const { vendor, architecture, device, description } = adapter.info;
    return { vendor, architecture, device, description };
  },

  async runJobOfSite(job: string, entry: string): Promise<void> {
    const { values } = decode(new Uint8Array(await fetched(`${job}/inputs`)));
    const load = (path: string) => fetched(`${job}/files/${path}`);
    const outcome = await runJob(() => import(`${job}/files/${entry}`), values, load);
    // Chromium uploads a Blob eight times as fast as an array.
    const body = new Blob([encode(outcome)]);
    await fetched(`${job}/outcome`, { method: "POST", body });
  },
});

async function fetched(url: string, request?: { method: string; body: Blob }): Promise<ArrayBuffer> {
  const response = await fetch(url, request);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.arrayBuffer();
}
