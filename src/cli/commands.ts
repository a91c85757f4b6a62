import { Command, InvalidArgumentError, Option } from "commander";
import { details, graphFormats, type Detail, type GraphFormat } from "../draw/drawing.ts";
import { paperTables } from "../report/paper.ts";
import { precisions, type Precision } from "../precision.ts";
import { targetNames, type TargetName } from "../supported.ts";
import { version } from "../version.ts";
import { floatTypes, type FloatType } from "../weights/convert.ts";
import { storages, type Storage } from "../weights/storage.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";

export type CommandName =
  | "compile"
  | "pack"
  | "check"
  | "run"
  | "verify"
  | "report"
  | "sweep"
  | "gates"
  | "tune"
  | "graph"
  | "fmt"
  | "init"
  | "explain"
  | "weights";

/** Runs the command that was named; what it ends with goes to main. */
type Run = (name: CommandName, run: () => Promise<Outcome>) => Promise<void>;

/** Flags of every command. */
export interface CommonFlags {
  readonly json?: true;
  readonly quiet?: true;
  readonly debug?: true;
}

/** Flags of every command that takes a network. */
export interface NetworkFlags extends CommonFlags {
  readonly network?: string;
  /** `name=value`, in the order given. */
  readonly set?: readonly string[];
  readonly seed?: number;
  readonly stdinFilename?: string;
}

export interface CompileFlags extends NetworkFlags {
  readonly target?: TargetName;
  readonly out?: string;
  readonly weights?: string;
  readonly weightsAs?: Storage;
  readonly denyNan?: true;
  readonly maxBatch?: number;
  readonly precision?: Precision;
  /** A file that `sec tune` wrote. */
  readonly tuning?: string;
  /** `-O0`: the level's digit. */
  readonly O?: "0" | "1";
  readonly emit?: EmitKind;
  readonly printAfter?: readonly string[];
  readonly force?: true;
}

export interface PackFlags extends CommonFlags {
  readonly weights: string;
  readonly weightsAs?: Storage;
  readonly denyNan?: true;
  readonly force?: true;
}

export interface RunFlags extends NetworkFlags {
  readonly input: readonly string[];
  readonly weights?: string;
  readonly denyNan?: true;
  readonly output?: string;
  readonly backend?: "webgpu" | "reference";
  readonly dump?: readonly string[];
  readonly top?: number;
  readonly classes?: string;
  readonly maxBatch?: number;
  readonly force?: true;
}

export interface VerifyFlags extends NetworkFlags {
  readonly target: TargetName;
  readonly weights?: string;
  readonly precision?: Precision;
  readonly weightsAs?: Storage;
  readonly denyNan?: true;
}

export interface ReportFlags extends NetworkFlags {
  readonly target: TargetName;
  readonly kernels?: true;
  readonly memory?: true;
}

export interface SweepFlags extends NetworkFlags {
  /** `name=value,value`, in the order given. */
  readonly over?: readonly string[];
  readonly table?: string;
  readonly time?: true;
  readonly csv?: true;
  readonly out?: string;
  readonly force?: true;
}

export interface GatesFlags extends NetworkFlags {
  readonly input: readonly string[];
  readonly labels?: string;
  readonly weights?: string;
  readonly denyNan?: true;
  readonly backend?: "webgpu" | "reference";
  readonly maxBatch?: number;
  readonly out: string;
  readonly force?: true;
}

export interface TuneFlags extends NetworkFlags {
  readonly precision?: Precision;
  readonly batches?: readonly number[];
  readonly arch?: string;
  readonly weights?: string;
  readonly rounds?: number;
  readonly buildOnly?: string;
  readonly measured?: string;
  readonly out?: string;
  readonly force?: true;
}

export interface GraphFlags extends NetworkFlags {
  readonly format?: GraphFormat;
  readonly detail: Detail;
  readonly plan?: true;
  readonly out?: string;
  readonly force?: true;
}

export interface WeightsCheckFlags extends NetworkFlags {
  readonly weights: string;
  readonly denyNan?: true;
}

export interface WeightsConvertFlags extends NetworkFlags {
  readonly out: string;
  readonly to?: FloatType;
  readonly force?: true;
}

export interface FormatFlags extends CommonFlags {
  readonly check?: true;
}

export interface InitFlags extends CommonFlags {
  readonly train?: true;
}

export const emitKinds = [
  "ast",
  "graph",
  "plan",
  "wgsl",
  "js",
  "dts",
  "manifest",
  "python",
  "cuda",
  "weights",
] as const;
export type EmitKind = (typeof emitKinds)[number];

/** Every command with its flags and its help. What a command does is in the file of its name, loaded when it runs. */
export function commands(io: Io, run: Run): Command {
  const program = new Command("sec")
    .description("Compiles convolutional networks with Squeeze-and-Excitation into WebGPU kernels or CUDA C.")
    .usage("<command> [options]")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "print this help; `sec help compile` for one command")
    .helpCommand("help [command]", "print the help of a command")
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err, getOutHelpWidth: () => 100, getErrHelpWidth: () => 100 })
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      "before",
      examples("sec init", "sec compile net.se --target wgsl -o out", "sec report net.se --kernels"),
    );

  const command = (usage: string, description: string, ...lines: readonly string[]) =>
    program
      .command(usage)
      .description(description)
      .addHelpText("before", examples(...lines));

  const compile = network(
    command(
      "compile",
      "Writes the code of a network for a target.",
      "sec compile net.se --target wgsl -o out --weights net.safetensors",
      "sec compile net.se --target wgsl --set se=pre --set stages=3,4",
      "sec compile net.se --target pytorch -o model",
      "sec compile - --stdin-filename net.se --target wgsl --emit wgsl < net.se",
    ).argument(
      "[FILE]",
      "the source; `-` is standard input; without it the entry of sec.config, or the only .se file here",
    ),
  )
    .addOption(targetOption())
    .option(
      "-o, --out <DIR>",
      "where the files go; default: a folder called like the network; `-`: with --emit, standard output",
    )
    .addOption(weightsOption())
    .addOption(weightsAsOption())
    .addOption(denyNanOption())
    .addOption(new Option("--max-batch <N>", "the largest batch of one run").argParser(positive))
    .addOption(precisionOption())
    .option("--tuning <FILE>", "how convolutions are cut, as `sec tune` measured it; for cuda")
    .addOption(new Option("-O <LEVEL>", "0: no optimisation; default: 1").choices(["0", "1"]))
    .addOption(new Option("--emit <THING>", "print one thing on standard output, write no files").choices(emitKinds))
    .addOption(new Option("--print-after <PASS>", "print the graph after a pass; can be repeated").argParser(repeated))
    .addOption(forceOption());
  compile.action((file: string | undefined, flags: CompileFlags) =>
    run("compile", async () => (await import("./compile.ts")).compileCommand(file, flags, io)),
  );

  command(
    "pack",
    "Writes weights.bin for a folder that was compiled without weights.",
    "sec pack out --weights net.safetensors",
  )
    .argument("<DIR>", "a folder that `sec compile` wrote")
    .addOption(weightsOption().makeOptionMandatory())
    .addOption(weightsAsOption())
    .addOption(denyNanOption())
    .addOption(forceOption())
    .action((folder: string, flags: PackFlags) =>
      run("pack", async () => (await import("./pack.ts")).packCommand(folder, flags, io)),
    );

  network(
    command("check", "Checks a network and writes nothing.", "sec check net.se").argument("<FILE>", source),
  ).action((file: string, flags: NetworkFlags) =>
    run("check", async () => (await import("./check.ts")).checkCommand(file, flags, io)),
  );

  network(
    command(
      "run",
      "Runs a network on pictures or tensors.",
      "sec run net.se --weights net.safetensors --input cat.jpg --top 5",
      "sec run net.se --input batch.safetensors --output logits.safetensors",
      "sec run net.se --input images/ --dump layer1.0.se.gate --output gates.safetensors --backend reference",
    ).argument("<FILE>", source),
  )
    .addOption(inputOption())
    .addOption(weightsOption())
    .addOption(denyNanOption())
    .option("--output <FILE>", "write the outputs as .safetensors; `-` is standard output")
    .addOption(backendOption())
    .addOption(
      new Option("--dump <NODE>", "make a node of the graph an output, too; can be repeated").argParser(repeated),
    )
    .addOption(new Option("--top <K>", "print the K likeliest classes of every image").argParser(positive))
    .option("--classes <FILE>", "the names of the classes for --top, one a line")
    .addOption(new Option("--max-batch <N>", "the largest batch of one run").argParser(positive))
    .addOption(forceOption())
    .action((file: string, flags: RunFlags) =>
      run("run", async () => (await import("./run.ts")).runCommand(file, flags, io)),
    );

  network(
    command(
      "verify",
      "Runs generated code and compares it with the reference.",
      "sec verify net.se --target wgsl",
      "sec verify net.se --target cuda",
      "sec verify out --target wgsl --weights net.safetensors",
    ).argument("<FILE|DIR>", "a source, or a folder that `sec compile` wrote"),
  )
    .addOption(targetOption().makeOptionMandatory())
    .addOption(weightsOption())
    .addOption(precisionOption())
    .addOption(weightsAsOption())
    .addOption(denyNanOption())
    .action((path: string, flags: VerifyFlags) =>
      run("verify", async () => (await import("./verify.ts")).verifyCommand(path, flags, io)),
    );

  network(
    command(
      "report",
      "Counts parameters, multiply-adds, memory and kernels.",
      "sec report net.se",
      "sec report net.se --kernels --memory",
      "sec report net.se --json --set se=none",
    ).argument("<FILE>", source),
  )
    .addOption(targetOption().default("wgsl"))
    .option("--kernels", "list the kernels, and for every SE block what was fused")
    .option("--memory", "list the buffers")
    .action((file: string, flags: ReportFlags) =>
      run("report", async () => (await import("./report.ts")).reportCommand(file, flags, io)),
    );

  network(
    command(
      "sweep",
      "Compares what a network costs for many values of its parameters.",
      "sec sweep net.se --over se=standard,pre,post --over ratio=2,4,8",
      "sec sweep net.se --over stages=[2],[3],[2,3] --set ratio=8 --csv -o stages.csv",
      "sec sweep examples/se-resnet50.se --table 10",
    ).argument("<FILE>", source),
  )
    .addOption(
      new Option(
        "--over <NAME=VALUES>",
        "a parameter and its values, with commas between; repeated: all combinations",
      ).argParser(repeated),
    )
    .addOption(
      new Option(
        "--table <N>",
        "the sweep of a table of Hu et al. 2018, for networks with the parameters of examples/se-resnet50.se",
      ).choices(Object.keys(paperTables)),
    )
    .option("--time", "also run each on a GPU: the median of 20 runs of one image")
    .option("--csv", "print comma-separated values, and numbers in full")
    .option("-o, --out <FILE>", "write to a file; `-` is standard output")
    .addOption(forceOption())
    .action((file: string, flags: SweepFlags) =>
      run("sweep", async () => (await import("./sweep.ts")).sweepCommand(file, flags, io)),
    );

  network(
    command(
      "gates",
      "Runs a network and plots the distribution of its SE gates, by block and by class.",
      "sec gates net.se --weights net.safetensors --input goldfish/ pug/ plane/ cliff/ -o gates",
      "sec gates net.se --weights net.safetensors --input images/ --labels labels.csv -o gates",
    ).argument("<FILE>", source),
  )
    .addOption(inputOption())
    .option(
      "--labels <FILE>",
      "the classes of the images: a line each, `file,class` lines, .npy, or `label` in .safetensors; default: the names of their folders",
    )
    .addOption(weightsOption())
    .addOption(denyNanOption())
    .addOption(backendOption())
    .addOption(new Option("--max-batch <N>", "the largest batch of one run").argParser(positive))
    .requiredOption(
      "-o, --out <DIR>",
      "where mean.svg, spread.svg, gates.json and gates.csv go; `-`: the CSV on standard output",
    )
    .addOption(forceOption())
    .action((file: string, flags: GatesFlags) =>
      run("gates", async () => (await import("./gates.ts")).gatesCommand(file, flags, io)),
    );

  network(
    command(
      "tune",
      "Measures on a GPU how the convolutions of a network are cut best.",
      "sec tune net.se --precision f16 -o net.tuning.json",
      "sec compile net.se --target cuda --precision f16 --tuning net.tuning.json",
      "sec tune net.se --precision f16 --arch sm_90 --build-only to-measure",
      "sec tune --measured to-measure -o net.tuning.json",
    ).argument("[FILE]", "the source; `-` is standard input; none with --measured"),
  )
    .addOption(precisionOption())
    .addOption(
      new Option("--batches <N,N>", "what is measured; none counts more than another; default: 1,8,32").argParser(
        positives,
      ),
    )
    .option("--arch <ARCH>", "what nvcc builds for, as in sm_90; default: native, the GPU that is here")
    .addOption(weightsOption())
    .addOption(
      new Option("--rounds <N>", "how often each program runs; the shortest counts; default: 3").argParser(positive),
    )
    .option("--build-only <DIR>", "build what is to be measured, for another machine: there `sh DIR/measure.sh`")
    .option("--measured <DIR>", "choose from what measure.sh wrote there")
    .option("-o, --out <FILE>", "the tuning file; default: called like the network, .tuning.json")
    .addOption(forceOption())
    .action((file: string | undefined, flags: TuneFlags) =>
      run("tune", async () => (await import("./tune.ts")).tuneCommand(file, flags, io)),
    );

  network(
    command(
      "graph",
      "Draws a network, with its SE blocks marked.",
      "sec graph net.se -o net.svg",
      "sec graph net.se --plan -o kernels.svg",
      "sec graph net.se --format mermaid --detail stages",
    ).argument("<FILE>", source),
  )
    .addOption(
      new Option("--format <FORMAT>", "what to write; without it the ending of -o says it, else svg").choices(
        graphFormats,
      ),
    )
    .addOption(
      new Option(
        "--detail <DETAIL>",
        "stages: a box for every repeat; units: like units once; layers: a box for every layer",
      )
        .choices(details)
        .default("units"),
    )
    .option("--plan", "draw the kernels of the optimised plan, and what is fused into each")
    .option("-o, --out <FILE>", "write to a file; default and `-`: standard output")
    .addOption(forceOption())
    .action((file: string, flags: GraphFlags) =>
      run("graph", async () => (await import("./graph.ts")).graphCommand(file, flags, io)),
    );

  command("fmt", "Formats sources in place.", "sec fmt net.se blocks/*.se", "sec fmt --check net.se")
    .argument("<FILE...>", "sources; `-` is standard input to standard output")
    .option("--check", "write nothing; exit 1 if a file is not formatted")
    .action((files: readonly string[], flags: FormatFlags) =>
      run("fmt", async () => (await import("./fmt.ts")).formatCommand(files, flags, io)),
    );

  command("init", "Writes a small project to start from.", "sec init", "sec init digits --train")
    .argument("[DIR]", "where; default: here")
    .option("--train", "also a script that trains the network with PyTorch, on one GPU or many")
    .action((folder: string | undefined, flags: InitFlags) =>
      run("init", async () => (await import("./init.ts")).initCommand(folder ?? ".", flags, io)),
    );

  command("explain", "Explains a diagnostic.", "sec explain SE0112")
    .argument("<CODE>", "the code of a diagnostic")
    .action((code: string) => run("explain", async () => (await import("./explain.ts")).explainCommand(code)));

  const weights = command(
    "weights",
    "Lists, checks and converts trained weights.",
    "sec weights list net.safetensors",
    "sec weights check net.se --weights timm.safetensors",
    "sec weights convert timm.safetensors net.se -o net.safetensors --to f16",
  );
  const ofWeights = (usage: string, description: string, ...lines: readonly string[]) =>
    weights
      .command(usage)
      .description(description)
      .addHelpText("before", examples(...lines));

  ofWeights(
    "list",
    "Prints names, types, shapes and sizes, and whose names they are.",
    "sec weights list net.safetensors",
  )
    .argument("<FILE>", "weights, .safetensors")
    .action((file: string, flags: CommonFlags) =>
      run("weights", async () => (await import("./weightsList.ts")).weightsListCommand(file, flags, io)),
    );

  network(
    ofWeights(
      "check",
      "Says whether weights fit a network, or every difference.",
      "sec weights check net.se --weights net.safetensors",
    ).argument("<FILE>", source),
  )
    .addOption(weightsOption().makeOptionMandatory())
    .addOption(denyNanOption())
    .action((file: string, flags: WeightsCheckFlags) =>
      run("weights", async () => (await import("./weightsCheck.ts")).weightsCheckCommand(file, flags, io)),
    );

  network(
    ofWeights(
      "convert",
      "Writes weights with another type, or with the names of a network.",
      "sec weights convert net.safetensors -o half.safetensors --to f16",
      "sec weights convert timm.safetensors net.se -o net.safetensors",
    )
      .argument("<WEIGHTS>", "weights, .safetensors")
      .argument("[FILE]", "a network: what is written has its names and shapes"),
  )
    .addOption(new Option("-o, --out <FILE>", "where the weights go, .safetensors").makeOptionMandatory())
    .addOption(new Option("--to <TYPE>", "of all floating point numbers; without it they stay").choices(floatTypes))
    .addOption(forceOption())
    .action((file: string, source: string | undefined, flags: WeightsConvertFlags) =>
      run("weights", async () => (await import("./weightsConvert.ts")).weightsConvertCommand(file, source, flags, io)),
    );

  // What is behind `weights` is read by its commands: their flags would be lost to it.
  weights.helpOption("-h, --help", "print this help");
  for (const each of [...program.commands, ...weights.commands]) if (each !== weights) common(each);
  return program;
}

const source = "the source; `-` is standard input";

function examples(...lines: readonly string[]): string {
  return `Examples:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

function network(command: Command): Command {
  return command
    .option("--network <NAME>", "which network of the file; needed only if there are several")
    .addOption(new Option("--set <NAME=VALUE>", "a parameter of the network; can be repeated").argParser(repeated))
    .addOption(new Option("--seed <N>", "of the weights that are made up without --weights").argParser(natural))
    .option("--stdin-filename <FILE>", "what to call standard input");
}

/** Flags and manners that all commands share. */
function common(command: Command): void {
  command
    .option("--json", "print one JSON document on standard output")
    .option("--quiet", "print errors only")
    .addOption(new Option("--debug", "print the stack of an internal error").hideHelp())
    .helpOption("-h, --help", "print this help");
  for (const option of command.options) {
    if (option.parseArg === repeated) continue;
    let given = 0;
    command.on(`option:${option.name()}`, () => {
      if (++given > 1) command.error(`error: option '${option.flags}' is given twice`);
    });
  }
}

function targetOption(): Option {
  return new Option("--target <TARGET>", "what to generate").choices(targetNames);
}

function weightsOption(): Option {
  return new Option("--weights <FILE>", "trained weights, .safetensors");
}

function inputOption(): Option {
  return new Option(
    "--input <PATH...>",
    ".safetensors, .npy, PNG, JPEG or folders of them: one batch; `-` is standard input",
  )
    .makeOptionMandatory()
    .argParser(repeated);
}

function backendOption(): Option {
  return new Option(
    "--backend <NAME>",
    "webgpu: the generated code on a device (default); reference: float64 on the CPU",
  ).choices(["webgpu", "reference"]);
}

function precisionOption(): Option {
  return new Option("--precision <TYPE>", "what convolutions compute in: f32, or for CUDA one of these").choices(
    precisions,
  );
}

function weightsAsOption(): Option {
  return new Option(
    "--weights-as <TYPE>",
    "how weights.bin stores weights; net.js makes f32 of them; default: f32, or as the folder has them",
  ).choices(storages);
}

function denyNanOption(): Option {
  return new Option("--deny-nan", "NaN or infinities among the weights are an error");
}

function forceOption(): Option {
  return new Option("--force", "write over files that sec did not write");
}

function repeated(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

function positive(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError("It should be a whole number from 1.");
  return Number(text);
}

function positives(text: string): readonly number[] {
  return text.split(",").map(positive);
}

function natural(text: string): number {
  if (!/^(0|[1-9][0-9]{0,8})$/.test(text)) throw new InvalidArgumentError("It should be a whole number from 0.");
  return Number(text);
}
