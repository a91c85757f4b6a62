import { spawn, type ChildProcessByStdio } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import { choiceOfEnvironment, DeviceAbsent } from "../../src/device/node.ts";
import { findPackage } from "../../src/device/packages.ts";
import { findSwiftShader, hasSystemVulkan } from "../../src/device/swiftshader.ts";
import { cacheFolder } from "../../src/device/unpack.ts";
import type { Transport } from "./adapters.ts";
import { frame, messages, type Message } from "./wire.ts";

/** wgpu and naga in a Deno process, which is started again when it ends or is given up. */
export async function openNaga(): Promise<Transport> {
  const executable = findDeno();
  const { environment, worker: first } = await firstWorker(executable);
  let worker: Worker | undefined = first;
  return {
    info: first.info,
    async send({ folder, entry }, inputs) {
      if (worker === undefined || worker.ended) worker = await startWorker(executable, environment);
      if (worker === undefined) throw new DeviceAbsent("wgpu's adapter is gone");
      const url = pathToFileURL(join(folder, entry)).href;
      return worker.ask({ head: { folder, entry: url }, values: inputs });
    },
    async abandon() {
      await worker?.end();
      worker = undefined;
    },
    close: async () => worker?.end(),
  };
}

/** npm runs no install script, so the executable may be in the package of this platform only. */
function findDeno(): string {
  const main = findPackage("deno/package.json");
  if (main === undefined) throw new DeviceAbsent("naga is tested with the package deno: npm install --save-dev deno");
  const name = process.platform === "win32" ? "deno.exe" : "deno";
  const platform = `${process.platform}-${process.arch}${process.platform === "linux" ? "-glibc" : ""}`;
  const folders = [dirname(main)];
  try {
    folders.unshift(dirname(createRequire(main).resolve(`@deno/${platform}/package.json`)));
  } catch {
    // Then the install script has put it beside the package.
  }
  const executable = folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
  if (executable === undefined) throw new DeviceAbsent(`the package deno has no executable for ${platform}`);
  return executable;
}

type Environment = Readonly<Record<string, string>>;

/** The machine's own adapter, or SwiftShader; the choice is that of `openDevice`. */
async function firstWorker(executable: string): Promise<{ environment: Environment; worker: Worker }> {
  const choice = choiceOfEnvironment();
  const environments: Environment[] = [];
  // On Linux wgpu would take an OpenGL on the CPU where there is no Vulkan.
  const vulkan: Environment = process.platform === "linux" ? { DENO_WEBGPU_BACKEND: "vulkan" } : {};
  if (choice !== "swiftshader" && hasSystemVulkan()) environments.push(vulkan);
  const swiftShader = choice === "system" ? undefined : findSwiftShader();
  if (swiftShader !== undefined) {
    const libraries = [swiftShader.folder, process.env["LD_LIBRARY_PATH"]].filter(Boolean).join(delimiter);
    environments.push({ ...vulkan, ...swiftShader.environment, LD_LIBRARY_PATH: libraries });
  }
  for (const environment of environments) {
    const worker = await startWorker(executable, environment);
    if (worker !== undefined) return { environment, worker };
  }
  throw new DeviceAbsent(
    "wgpu finds no adapter on this machine; a software adapter (Linux on x86-64) comes with: " +
      "npm install --save-dev @sparticuz/chromium",
  );
}

interface Worker {
  readonly info: string;
  readonly ended: boolean;
  ask(message: Message): Promise<Message>;
  end(): Promise<void>;
}

/** Undefined where the process finds no adapter. */
async function startWorker(executable: string, environment: Environment): Promise<Worker | undefined> {
  const script = fileURLToPath(new URL("nagaWorker.ts", import.meta.url));
  const flags = [
    "--unstable-webgpu",
    "--allow-read",
    "--no-prompt",
    "--no-config",
    "--no-lock",
    "--no-remote",
    "--quiet",
  ];
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(executable, ["run", ...flags, script], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      ...process.env,
      ...environment,
      DENO_DIR: join(cacheFolder(executable), "deno"),
      DENO_NO_PACKAGE_JSON: "1",
      DENO_NO_UPDATE_CHECK: "1",
      NO_COLOR: "1",
    },
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints = (complaints + text).slice(-10_000)));
  // A process that has ended is reported by what it does not answer.
  child.stdin.on("error", () => {});
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });
  let ended = false;
  void exited.then(() => (ended = true));

  const answers = messages(child.stdout);
  const answer = async (): Promise<Message> => {
    const { value, done } = await answers.next();
    if (done) throw new Error(`the Deno process gave no answer: ${await exited}\n${complaints}`);
    return value;
  };

  const { head } = await answer();
  if (head["state"] === "absent") return undefined;
  return {
    info: [head["vendor"], head["architecture"], head["description"] || head["device"]].filter(Boolean).join(" "),
    get ended() {
      return ended;
    },
    ask(message) {
      child.stdin.write(frame(message));
      return answer();
    },
    async end() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
