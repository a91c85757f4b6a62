import { CommanderError } from "commander";
import { DeviceAbsent } from "../device/absent.ts";
import { visible } from "../syntax/frame.ts";
import { version } from "../version.ts";
import { commands, type CommandName } from "./commands.ts";
import { reportCrash } from "./crash.ts";
import { exit, Refusal, type ExitCode } from "./exit.ts";
import { reasonOf } from "./files.ts";
import { processIo, type Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";
import { listenToSignals } from "./signals.ts";

/** Runs one command line, without the name of the program, and says how the process should end. */
export async function main(argv: readonly string[], io: Io): Promise<ExitCode> {
  const json = argv.includes("--json");
  let command: CommandName | undefined;
  let outcome: Outcome | undefined;
  try {
    const program = commands(io, async (name, run) => {
      command = name;
      outcome = await run();
    });
    if (argv.length === 0) {
      io.out(program.helpInformation());
      return exit.done;
    }
    // Commander's own `help x` says nothing of an x that it does not know.
    const [first, topic] = argv;
    const isKnown = program.commands.some((each) => each.name() === topic);
    const asked = first === "help" && topic !== undefined ? [topic, ...(isKnown ? ["--help"] : [])] : argv;
    await program.parseAsync(asked, { from: "user" });
    // Help and version end with an error of their own; every other path ran a command.
    return finish(outcome!);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exit.done : finish(refused(usageOf(error)));
    const refusal = error instanceof DeviceAbsent ? absent(error, command) : error;
    if (refusal instanceof Refusal) {
      const { code } = refusal.details;
      io.err(
        visible(
          `error${code === undefined ? "" : `[${code}]`}: ${refusal.message}\n${refusal.hint === undefined ? "" : `  ${refusal.hint}\n`}`,
        ),
      );
      return finish(refused(refusal));
    }
    return finish(reportCrash(error, argv, io));
  }

  function finish({ exit, document, text }: Outcome): ExitCode {
    if (json) io.out(`${JSON.stringify({ schemaVersion: 1, sec: version, command, ...document }, undefined, 2)}\n`);
    else if (text !== undefined) io.out(text);
    return exit;
  }
}

/** The process around `main`: signals, a reader that went away, and waiting for the last byte. */
export async function runProcess(): Promise<void> {
  listenToSignals();
  const argv = process.argv.slice(2);
  const io = processIo();
  // `sec … | head`: nobody reads on, so there is nothing more to say.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(exit.done);
      if (stream === process.stdout) io.err(`error: standard output: ${reasonOf(error)}\n`);
      process.exit(exit.unwritten);
    });
  }
  // What is thrown outside of `main`, by a device's callback perhaps, is a bug, too.
  process.on("uncaughtException", (error) => process.exit(reportCrash(error, argv, io).exit));
  // A sec.config.js may wait for what never comes; Node would then end in silence, and well.
  process.on("beforeExit", () => {
    io.err("error: nothing is left to wait for, and the command is not done: does a sec.config.js wait for ever?\n");
    process.exit(exit.usage);
  });
  const code = await main(argv, io);
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  // A WebGPU device keeps the process alive for as long as it is referenced.
  process.exit(code);
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

/** Commander has printed the message; the document says it again. */
function usageOf(error: CommanderError): Refusal {
  return new Refusal(exit.usage, error.message.replace(/^error: /, ""));
}

function absent({ message }: DeviceAbsent, command: CommandName | undefined): Refusal {
  const reference = "or run without a device: --backend reference";
  return new Refusal(exit.absent, message, command === "run" || command === "gates" ? reference : undefined);
}

function refused({ exitCode, message, hint, details }: Refusal): Outcome {
  return { exit: exitCode, document: { ok: false, error: { message, hint, ...details } } };
}
