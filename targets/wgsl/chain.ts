import { Bug } from "../../src/diagnostics.ts";
import { graphOf, inputsOf, type Graph, type Node, type NodeOf } from "../../src/ir/graph.ts";
import { tapClasses } from "../../src/ops/tapMeans.ts";
import { padTo4 } from "../../src/ops/weights.ts";
import { addsShares } from "../../src/plan/byBatch.ts";
import {
  chainPhases,
  chainThreads,
  hasTaps,
  keepingKindSums,
  phasesOf,
  phaseThreads,
  vectorsOf,
  type Head,
  type Phase,
} from "../../src/plan/kernels/chain.ts";
import type { Launch } from "../../src/plan/plan.ts";
import { render } from "../render.ts";
import { Module } from "./emit.ts";
import { literal, lowest } from "./literal.ts";
import { isElementwiseName, spelling } from "./spelling.ts";
import { denseLines, partsOf } from "./tile.ts";
import { chain, chainEach, chainLanes, channelAt, kindSums, tapMeans } from "./templates.generated.ts";

/** Vectors: one workgroup goes through the phases of an image. */
export function chainKernel(launch: Launch, name: string, banner: string): string {
  const phases = phasesOf(launch);
  const { threads, workgroups, slice } = chainThreads(phases);
  const module = new Module(launch);
  const writer = new ChainWriter(module, launch.body, phases);
  const share = workgroups > 1 ? { slice, group: "group.x" } : undefined;
  const text = writer.all(phases, threads, share);
  const { constants, memory, functions } = writer.declarations();
  const workgroup =
    workgroups > 1
      ? "One workgroup computes SLICE4 vectors of 4 results of one image, and everything before them."
      : "One workgroup computes everything for one image.";
  const declarations = [constants, module.bindings(), memory, module.functions(...functions)];
  return render(
    chain,
    { name, threads, workgroup },
    { banner, declarations: declarations.filter((each) => each !== "").join("\n\n"), phases: text },
  );
}

/**
 * The gate of an epilogue, where its kernel computes it first, for the channels of its tile: what that declares, and its
 * text. From then on the module knows the gate by its place in workgroup memory.
 */
export function gateBlocks(launch: Launch, module: Module, threads: number): { declarations: string; text: string } {
  const gate = gateOf(launch);
  if (!gate) return { declarations: "", text: "" };
  const body = graphOf(gate.name, [{ name: gate.name, node: gate }], []);
  const phases = chainPhases(body).map((phase) => ({
    ...phase,
    results: phase.results.map(({ node }) => ({ node, kept: true, written: undefined })),
  }));
  const writer = new ChainWriter(module, body, phases);
  const text = writer.all(phases, threads, { slice: launch.tile.channels / 4, group: "group.y", columns: "TILE4" });
  // A squeeze in the epilogue adds up in memory of the same name, which is as large.
  const { constants, memory } = writer.declarations(partsOf(launch) !== undefined);
  module.hold(gate, `${writer.keptAs(gate)}[c4 % TILE4]`);
  return {
    declarations: [`const THREADS = ${threads}u;`, constants, memory].join("\n"),
    // The epilogue is beyond the barriers of the product.
    text,
  };
}

/** The vector that scales channels of a convolution, if it is no value that the launch reads. */
function gateOf({ body }: Launch): Node | undefined {
  for (const node of body.nodes)
    if (node.op === "scaleChannels" && node.inputs.gate.op !== "input") return node.inputs.gate;
  return undefined;
}

/** A workgroup's share of the last phase: so many vectors, what counts the shares, and the constant for the number if there is one. */
interface Share {
  readonly slice: number;
  readonly group: string;
  readonly columns?: string;
}

/** Prints the phases one after the other, and collects what they declare. */
class ChainWriter {
  private readonly module: Module;
  /** The layers of an SE block, in this launch. */
  private readonly excitation: ReadonlyMap<Node, "reduce" | "expand">;
  private readonly keepingKindSums: ReadonlySet<Head>;
  private readonly constants: string[] = [];
  /** Vectors of 4 that the phase with most threads at work adds up. */
  private sums = 0;
  private readonly memory: string[] = [];
  private readonly functions: string[] = [];
  /** Results of earlier phases: their variables in workgroup memory. */
  private readonly kept = new Map<Node, string>();
  /** Vectors: the constant that is their length in vectors of 4. */
  private readonly lengths = new Map<Node, string>();

  constructor(module: Module, body: Graph, phases: readonly Phase[]) {
    this.module = module;
    this.keepingKindSums = keepingKindSums(phases);
    this.excitation = excitationOf(body);
    for (const node of body.nodes) {
      if (node.op === "input" && node.type.shape.length === 2)
        this.lengths.set(
          node,
          this.constant(`${this.module.read(node)}4`, vectorsOfNode(node), "vectors of 4 channels"),
        );
    }
  }

  all(phases: readonly Phase[], threads: number, share: Share | undefined): string {
    const texts = phases.flatMap((phase, index) => {
      const last = index === phases.length - 1;
      return [this.phase(phase, threads, last ? share : undefined), last ? "" : "  workgroupBarrier();\n"];
    });
    return texts.join("").trimEnd();
  }

  /** What a result is called in workgroup memory. */
  keptAs(node: Node): string {
    return this.kept.get(node)!;
  }

  /** @param hasSums whether the memory to add up in is there already */
  declarations(hasSums = false): { constants: string; memory: string; functions: readonly string[] } {
    const memory = this.memory.concat(this.sums > 0 && !hasSums ? [sumsOf(this.sums)] : []);
    return { constants: this.constants.join("\n"), memory: memory.join("\n"), functions: this.functions };
  }

  /** @param share undefined if a workgroup computes all */
  private phase(phase: Phase, threads: number, share: Share | undefined): string {
    const vectors = vectorsOf(phase);
    const slice = share?.slice;
    const length = this.declareResults(phase, vectors, share);
    const { columns, lanes } = phaseThreads(phase, threads, slice ?? vectors);
    const columnsName =
      share === undefined
        ? length
        : (share.columns ?? this.constant("slice4", share.slice, "of the results of one workgroup"));
    const start = share === undefined ? "" : `${share.group} * ${columnsName} + `;
    const says = this.says(phase);
    if (lanes === 1) {
      const { before, lines } = this.compute(phase, length);
      const end = slice === undefined ? length : `min((${share!.group} + 1u) * ${columnsName}, ${length})`;
      const blocks = { compute: lines.join("\n"), results: this.results(phase, length, share).join("\n") };
      return before + render(chainEach, { says, first: `${start}thread`, end }, blocks);
    }
    const used = columns * lanes;
    const ragged = slice !== undefined && vectors % slice !== 0;
    const lanesName = this.constant(`${length.slice(0, -1)}_lanes`, lanes, "threads that share one sum");
    this.sums = Math.max(this.sums, used);
    const maximum = isMaximum(phase.head);
    const each = `${start}thread % ${columnsName}`;
    const sum = `sums[lane * ${columnsName} + thread]`;
    return render(
      chainLanes,
      {
        says,
        when: used === threads ? "" : `if (thread < ${lanesName} * ${columnsName}) `,
        columns: columnsName,
        column: ragged ? `min(${each}, ${length} - 1u)` : each,
        nothing: nothingOf(phase.head),
        term: termOf(phase.head),
        terms: this.terms(phase.head),
        lanes: lanesName,
        within: `thread < ${columnsName}${ragged ? ` && ${start}thread < ${length}` : ""}`,
        first: `${start}thread`,
      },
      {
        add: this.add(phase.head, length, "sum").join("\n"),
        addLane: maximum ? `acc = max(acc, ${sum});` : `acc += ${sum};`,
        results: this.results(phase, length, share).join("\n"),
      },
    );
  }

  /** Names for what a phase yields; returns the constant that is its length. */
  private declareResults(phase: Phase, vectors: number, share: Share | undefined): string {
    let prefix: string | undefined;
    for (const { node, kept } of phase.results) {
      if (!kept) continue;
      const variable = this.module.declare(share ? "gate" : this.keptName(node, phase));
      prefix ??= variable;
      this.kept.set(node, variable);
    }
    const length = this.constant(`${prefix ?? "out"}4`, vectors, "vectors of 4 channels");
    for (const { node, kept } of phase.results) {
      this.lengths.set(node, length);
      if (kept) this.memory.push(`var<workgroup> ${this.kept.get(node)!}: array<vec4f, ${share?.columns ?? length}>;`);
    }
    return length;
  }

  /** Adds one term to `sum` or `acc`. */
  private add(head: Head | undefined, length: string, to: string): string[] {
    if (head?.op === "dense") {
      const weight = this.module.offset(head.inputs.weight, `w_${this.partOf(head)}`);
      return [
        `let terms = ${this.vector(head.inputs.x, "k4")};`,
        `let w_at = ${weight} + k4 * 4u * ${length} + c4;`,
        ...denseLines(to, length),
      ];
    }
    if (head?.op === "squeezeFinish") {
      const part = `${this.module.read(head.inputs.parts)}[(image * ${this.terms(head)} + tile) * ${length} + c4]`;
      return [isMaximum(head) ? `${to} = max(${to}, ${part});` : `${to} += ${part};`];
    }
    throw new Bug("this phase of a chain adds nothing");
  }

  /** The constant for what the threads of a column share out. */
  private terms(head: Head | undefined): string {
    if (head?.op === "dense") return this.lengths.get(head.inputs.x)!;
    if (head?.op === "squeezeFinish") return this.tiles(head);
    throw new Bug("this phase of a chain adds nothing");
  }

  private tiles(head: NodeOf<"squeezeFinish">): string {
    const { parts } = head.inputs;
    const known = this.lengths.get(parts);
    const [wish, says] = addsShares(head) ? ["shares", "of each result"] : ["tiles", "of partial sums"];
    const name = known ?? this.constant(wish!, parts.type.shape[1] as number, says!);
    this.lengths.set(parts, name);
    return name;
  }

  /** Computes `acc` of one vector in one thread; `before` is text that comes first. */
  private compute({ head }: Phase, length: string): { before: string; lines: string[] } {
    if (!head) return { before: "", lines: [] };
    if (head.op === "squeezeFinish" && hasTaps(head)) return this.taps(head);
    if (head.op === "channelConv") return { before: "", lines: this.channelTerms(head) };
    if (head.op === "concat" || head.op === "sliceChannels") {
      const lines = [0, 1, 2, 3].flatMap((lane) => this.gathered(head, lane));
      return { before: "", lines: ["var acc = vec4f(0.0);", ...lines] };
    }
    const term = termOf(head);
    const loop = `for (var ${term} = 0u; ${term} < ${this.terms(head)}; ${term}++) {`;
    const add = this.add(head, length, "acc").map((line) => `  ${line}`);
    return { before: "", lines: [`var acc = ${nothingOf(head)};`, loop, ...add, "}"] };
  }

  /** Stores what others read. */
  private results(phase: Phase, length: string, share: Share | undefined): string[] {
    const { head } = phase;
    const divides = head?.op === "squeezeFinish" && head.attrs.reduce === "sum" && !hasTaps(head);
    const own = new Set(phase.results.map((result) => result.node));
    const leaf = (node: Node) => {
      if (node === head) return divides ? "mean" : "acc";
      return node.op === "input" || (this.kept.has(node) && !own.has(node)) ? this.vector(node, "c4") : undefined;
    };
    const taken = ["acc", "mean", "image", "c4", ...this.kept.values()];
    const place = share?.columns === undefined ? "c4" : `c4 % ${share.columns}`;
    const { lines, results } = this.module.expressions([...own], leaf, taken);
    const stores = phase.results.flatMap(({ node, written }, index) => [
      ...(this.kept.has(node) ? [`${this.kept.get(node)!}[${place}] = ${results[index]!};`] : []),
      ...(written === undefined ? [] : [`${this.module.write(written)}[image * ${length} + c4] = ${results[index]!};`]),
    ]);
    return [...(divides ? [`let mean = acc / ${literal(classesOf(head).positions)};`] : []), ...lines, ...stores];
  }

  /** One vector of an earlier phase, or of what the launch reads. */
  private vector(node: Node, place: string): string {
    const variable = this.kept.get(node);
    if (variable !== undefined) return `${variable}[${place}]`;
    return `${this.module.read(node)}[image * ${this.lengths.get(node)!} + ${place}]`;
  }

  private gathered(head: NodeOf<"concat"> | NodeOf<"sliceChannels">, lane: number): string[] {
    const component = "xyzw"[lane]!;
    const c = lane === 0 ? "4u * c4" : `4u * c4 + ${lane}u`;
    const from = (node: Node, c: string) => `acc.${component} = ${this.vector(node, `(${c}) / 4u`)}[(${c}) % 4u];`;
    if (head.op === "sliceChannels") {
      const { start, size } = head.attrs;
      return [`if (${c} < ${size}u) {`, `  ${from(head.inputs.x, start === 0 ? c : `${c} + ${start}u`)}`, "}"];
    }
    const lines: string[] = [];
    let start = 0;
    for (const operand of inputsOf(head)) {
      const end = start + (operand.type.shape[1] as number);
      const within = start === 0 ? `${c} < ${end}u` : `${c} >= ${start}u && ${c} < ${end}u`;
      lines.push(`if (${within}) {`, `  ${from(operand, start === 0 ? c : `${c} - ${start}u`)}`, "}");
      start = end;
    }
    return lines;
  }

  /** A filter along the channels: each of the 4 results has its own neighbours. */
  private channelTerms({ inputs }: NodeOf<"channelConv">): string[] {
    const length = inputs.weight.type.shape[2] as number;
    const weight = this.module.offset(inputs.weight, "filter");
    const at = this.module.declare("channel_at");
    this.functions.push(
      render(
        channelAt,
        { at, channels: inputs.x.type.shape[1] as number, x: this.vector(inputs.x, "u32(c) / 4u") },
        {},
      ).trimEnd(),
    );
    const neighbours = [0, 1, 2, 3].map((lane) => `${at}(image, first${lane === 0 ? "" : ` + ${lane}`})`);
    return [
      "var acc = vec4f(0.0);",
      `for (var tap = 0u; tap < ${length}u; tap++) {`,
      `  let first = i32(4u * c4 + tap) - ${(length - 1) / 2};`,
      `  acc += weights[${weight} + tap / 4u][tap % 4u] * vec4f(${neighbours.join(", ")});`,
      "}",
    ];
  }

  /** A squeeze with more than one result for each channel: first the tiles, if there are many, then what each tap sees. */
  private taps(head: NodeOf<"squeezeFinish">): { before: string; lines: string[] } {
    const { kernel } = head.attrs.window;
    const [, , kinds, channels] = head.inputs.parts.type.shape as [unknown, number, number, number];
    const classes = classesOf(head);
    const prefix = this.module.declare("tap");
    const parts = this.module.read(head.inputs.parts);
    const vectors = this.constant(`${parts}4`, padTo4(channels) / 4, "vectors of 4 channels");
    const maximum = isMaximum(head);
    const add = maximum ? "acc = max(acc, part);" : "acc += part;";
    const tiles = this.tiles(head);
    let [source, place, count, before] = [
      parts,
      `(image * ${tiles} * ${kinds}u + i) * ${vectors}`,
      `${tiles} * ${kinds}u`,
      "",
    ];
    if (this.keepingKindSums.has(head)) {
      source = this.module.declare("kind_sums");
      place = `i * ${vectors}`;
      count = `${kinds}u`;
      this.memory.push(`var<workgroup> ${source}: array<vec4f, ${kinds} * ${vectors}>;`);
      const what = maximum ? "maxima" : "sums";
      before = render(
        kindSums,
        { what, kinds, vectors, tiles, nothing: nothingOf(head), parts, kindSums: source },
        { add },
      );
    }
    const bits = (sees: readonly boolean[]) => `${sees.reduce((mask, seen, bit) => mask + (seen ? 2 ** bit : 0), 0)}u`;
    const what = maximum ? "maximum" : "mean";
    const view = {
      prefix,
      what,
      kernelHeight: kernel[0],
      kernelWidth: kernel[1],
      rows: classes.tapSeesRow.map(bits).join(", "),
      columns: classes.tapSeesColumn.map(bits).join(", "),
      columnKinds: classes.columnClasses,
      taps: kernel[0] * kernel[1],
      kinds,
      parts: count,
      nothing: maximum ? lowest : "0.0",
      source,
      place,
      result: maximum ? "acc" : `acc / ${literal(classes.positions)}`,
    };
    this.functions.push(render(tapMeans, view, { add }).trimEnd());
    const of = (lane: number) => `${prefix}_${what}(image, ${lane === 0 ? "e" : `e + ${lane}u`})`;
    return { before, lines: ["let e = 4u * c4;", `let acc = vec4f(${[0, 1, 2, 3].map(of).join(", ")});`] };
  }

  /** What a result is called in workgroup memory. */
  private keptName(node: Node, { head }: Phase): string {
    if (head?.op === "squeezeFinish") return addsShares(head) ? "reduced" : "squeezed";
    if (head?.op === "channelConv") return "convolved";
    if (head?.op === "dense") return { reduce: "reduced", expand: "expanded", dense: "hidden" }[this.partOf(head)];
    return head ? "joined" : isElementwiseName(node.op) ? spelling[node.op].result : "given";
  }

  private partOf(layer: Node): "reduce" | "expand" | "dense" {
    return this.excitation.get(layer) ?? "dense";
  }

  private constant(wish: string, value: number, comment: string): string {
    const name = this.module.declare(wish).toUpperCase();
    this.constants.push(`const ${name} = ${value}u; // ${comment}`);
    return name;
  }

  /** `Excite: 256 -> 16, bias, relu.` */
  private says({ head, results }: Phase): string {
    const steps: string[] = [];
    const visit = (node: Node) => {
      if (node === head || (this.kept.has(node) && !results.some((result) => result.node === node))) return;
      if (!isElementwiseName(node.op)) return;
      inputsOf(node).forEach(visit);
      if (!steps.includes(spelling[node.op].says)) steps.push(spelling[node.op].says);
    };
    for (const { node } of results) visit(node);
    const isGate = results.some(({ node }) => node.name.endsWith(".gate"));
    const then = `${steps.map((step) => `, ${step}`).join("")}${isGate ? ": the gate" : ""}.`;
    switch (head?.op) {
      case "squeezeFinish": {
        const [, tiles, , channels] = head.inputs.parts.type.shape as [unknown, number, number, number];
        const taps = head.attrs.window.kernel[0] * head.attrs.window.kernel[1];
        const each = taps === 1 ? "" : `, for each of ${taps} taps`;
        const [one, several] = isMaximum(head) ? ["maximum", "maxima"] : ["sum", "sums"];
        if (addsShares(head))
          return `${this.excitation.size > 0 ? "Excite" : "Dense"}: ${channels} results, from ${tiles} share${tiles === 1 ? "" : "s"}${then}`;
        const from = `${tiles} partial ${tiles === 1 ? one : several}`;
        return `Squeeze: the ${isMaximum(head) ? "maximum" : "mean"} of each of ${channels} channels, from ${from}${each}${then}`;
      }
      case "dense":
        return `${this.excitation.has(head) ? "Excite" : "Dense"}: ${head.inputs.x.type.shape[1]} -> ${head.type.shape[1]}${then}`;
      case "channelConv":
        return `Convolution along ${head.type.shape[1]} channels, ${head.inputs.weight.type.shape[2]} at a time${then}`;
      case "concat":
        return `Concatenate ${inputsOf(head).length} vectors${then}`;
      case "sliceChannels":
        return `Channels ${head.attrs.start} to ${head.attrs.start + head.attrs.size - 1}${then}`;
      case undefined:
        return `Element by element${then}`;
    }
  }
}

/** In a launch that makes a gate the last dense layer expands, and those before it reduce. */
function excitationOf(body: Graph): ReadonlyMap<Node, "reduce" | "expand"> {
  if (!body.nodes.some((node) => node.name.endsWith(".gate"))) return new Map();
  const layers = body.nodes.filter((node) => node.op === "dense");
  return new Map(layers.map((layer) => [layer, layer === layers.at(-1) ? "expand" : "reduce"]));
}

/** The loop's variable for what the threads of a column share out. */
function termOf(head: Head | undefined): string {
  return head?.op === "squeezeFinish" ? "tile" : "k4";
}

function isMaximum(head: Head | undefined): boolean {
  return head?.op === "squeezeFinish" && head.attrs.reduce === "max";
}

function nothingOf(head: Head | undefined): string {
  return `vec4f(${isMaximum(head) ? lowest : "0.0"})`;
}

function classesOf({ attrs }: NodeOf<"squeezeFinish">) {
  return tapClasses(attrs.window, attrs.height, attrs.width);
}

function vectorsOfNode(node: Node): number {
  return padTo4(node.type.shape[1] as number) / 4;
}

/** Shared by all phases: each leaves it behind at a barrier. */
function sumsOf(length: number): string {
  return `var<workgroup> sums: array<vec4f, ${length}>; // one for each thread that adds up`;
}
