import { createReadStream, existsSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle, type Stage } from "./stage.ts";
import { decode, encode, type Message, type Values } from "./wire.ts";

export type Headers = Readonly<Record<string, string>>;

export interface SiteJob {
  readonly stage: Stage;
  readonly inputs: Values;
  readonly headers: Headers;
  /** Set by the page when the job has run. */
  outcome?: Message;
}

/** A server on this machine: pages that run jobs, and the files of the jobs. */
export interface Site {
  /** The address of a page that is served with these headers. */
  addPage(headers: Headers): string;
  /** The path of a job, below which its inputs and files are. */
  addJob(job: SiteJob): string;
  removeJob(path: string): void;
  close(): Promise<void>;
}

export async function openSite(): Promise<Site> {
  const script = await bundle(fileURLToPath(new URL("chromiumPage.ts", import.meta.url)));
  const pages = new Map<string, Headers>();
  const jobs = new Map<string, SiteJob>();

  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const [, job, part, file] = /^(\/jobs\/\d+)\/(inputs|outcome|files)(?:\/(.*))?$/.exec(path) ?? [];
    const found = jobs.get(job ?? "");
    const headers = pages.get(path);
    if (path === "/page.js") send(response, "text/javascript", script);
    else if (headers !== undefined) send(response, "text/html", page, headers);
    else if (found === undefined) response.writeHead(404).end();
    else if (part === "inputs") send(response, binary, encode({ head: {}, values: found.inputs }));
    else if (part === "outcome") receive(request, response, found);
    else sendFile(response, join(found.stage.folder, join("/", file ?? "")), found.headers);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  // Localhost is a secure context, which WebGPU needs.
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  let count = 0;
  return {
    addPage(headers) {
      const path = `/pages/${count++}`;
      pages.set(path, headers);
      return origin + path;
    },
    addJob(job) {
      const path = `/jobs/${count++}`;
      jobs.set(path, job);
      return path;
    },
    removeJob: (path) => void jobs.delete(path),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const page = `<!doctype html><meta charset="utf-8"><title>sec</title><script type="module" src="/page.js"></script>`;
const binary = "application/octet-stream";
const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wgsl": "text/plain",
};

function send(response: ServerResponse, type: string, content: string | Uint8Array, headers: Headers = {}): void {
  response.writeHead(200, { "content-type": type, "cache-control": "no-store", ...headers }).end(content);
}

function sendFile(response: ServerResponse, file: string, headers: Headers): void {
  if (!existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  const type = types[extname(file)] ?? binary;
  response.writeHead(200, { "content-type": type, "cache-control": "no-store", ...headers });
  createReadStream(file)
    .on("error", () => response.destroy())
    .pipe(response);
}

function receive(request: IncomingMessage, response: ServerResponse, job: SiteJob): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    job.outcome = decode(Buffer.concat(chunks));
    response.writeHead(204).end();
  });
}
