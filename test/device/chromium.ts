import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { DeviceAbsent } from "../../src/device/node.ts";
import { findPackage } from "../../src/device/packages.ts";
import { chromiumArchives } from "../../src/device/swiftshader.ts";
import { unpackOnce, unpackTar } from "../../src/device/unpack.ts";
import type { Transport } from "./adapters.ts";
import { openSite, type Headers, type Site } from "./chromiumSite.ts";
import type { Stage } from "./stage.ts";
import type { Message, Values } from "./wire.ts";

/** Headless Chromium on SwiftShader, with one page for each set of headers that jobs ask for. */
export async function openChromium(): Promise<Transport> {
  if (findPackage("playwright-core") === undefined) {
    throw new DeviceAbsent("Chromium is driven by the package playwright-core: npm install --save-dev playwright-core");
  }
  const folder = unpackedChromium();
  const site = await openSite();
  const browser = await launch(folder).catch(async (error: unknown) => {
    await site.close();
    throw error;
  });
  const close = async () => {
    await browser.close();
    await site.close();
  };
  const pages = new Map<string, Promise<OpenPage>>();
  const pageFor = (headers: Headers) => {
    const key = JSON.stringify(headers);
    const opened = pages.get(key) ?? openPage(browser, site.addPage(headers));
    pages.set(key, opened);
    return opened;
  };
  /** The next job gets a new page. */
  const closePages = async () => {
    const opened = [...pages.values()];
    pages.clear();
    await Promise.all(opened.map(async (page) => (await page).page.close()));
  };

  const info = await pageFor({}).then(({ page }) => page.evaluate<Record<string, string> | null>("adapterInfo()"));
  if (info === null) {
    await close();
    throw new DeviceAbsent("Chromium has no WebGPU adapter on this machine");
  }
  const { vendor, architecture, description, device } = info;
  return {
    info: ["Chromium", browser.version(), vendor, architecture, description || device].filter(Boolean).join(" "),
    async send(stage, inputs, headers) {
      const opened = await pageFor(headers);
      try {
        return await runInPage(opened, site, stage, inputs, headers);
      } catch (error) {
        // A failure of the job is an answer; this is one of the page.
        await closePages();
        throw error;
      }
    },
    abandon: closePages,
    close,
  };
}

function unpackedChromium(): string {
  const archives = chromiumArchives();
  if (archives === undefined) {
    throw new DeviceAbsent(
      "the browser is Chromium as a package (Linux on x86-64): npm install --save-dev @sparticuz/chromium",
    );
  }
  const [executable, graphics, libraries] = ["chromium.br", "swiftshader.tar.br", "al2023.tar.br"].map((name) =>
    join(archives, name),
  ) as [string, string, string];
  return unpackOnce([executable, graphics, libraries], (folder) => {
    writeFileSync(join(folder, "chromium"), brotliDecompressSync(readFileSync(executable)), { mode: 0o755 });
    unpackTar(graphics, folder);
    unpackTar(libraries, folder);
  });
}

async function launch(folder: string): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return chromium.launch({
    executablePath: join(folder, "chromium"),
    env: { ...process.env, LD_LIBRARY_PATH: join(folder, "lib") },
    args: [
      "--headless",
      "--no-sandbox",
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      // As in src/device/node.ts: pipelines are made ten times as fast.
      "--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension",
      "--enable-features=Vulkan",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

interface OpenPage {
  readonly page: Page;
  /** What the page wrote to its console, and errors that nothing caught. */
  readonly console: string[];
  /** Resolved when the page crashes, which leaves calls without an answer. */
  readonly crashed: Promise<void>;
}

async function openPage(browser: Browser, address: string): Promise<OpenPage> {
  const page = await browser.newPage();
  const written: string[] = [];
  page.on("console", (message) => written.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => written.push(error.stack ?? error.message));
  const crashed = new Promise<void>((resolve) => page.once("crash", () => resolve()));
  await page.goto(address, { waitUntil: "load" });
  return { page, console: written, crashed };
}

async function runInPage(
  { page, console, crashed }: OpenPage,
  site: Site,
  stage: Stage,
  inputs: Values,
  headers: Headers,
): Promise<Message> {
  console.length = 0;
  const job: Parameters<Site["addJob"]>[0] = { stage, inputs, headers };
  const path = site.addJob(job);
  try {
    await Promise.race([
      page.evaluate(`runJobOfSite(${JSON.stringify(path)}, ${JSON.stringify(stage.entry)})`),
      crashed,
    ]);
    const { outcome } = job;
    if (outcome === undefined) throw new Error(`the page of Chromium gave no answer\n${console.join("\n")}`);
    if (outcome.head["state"] === "done" || console.length === 0) return outcome;
    const stack = `${outcome.head["stack"]}\nThe console of the page:\n${console.join("\n")}`;
    return { head: { ...outcome.head, stack }, values: {} };
  } finally {
    site.removeJob(path);
  }
}
