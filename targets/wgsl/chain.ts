import { Bug } from "../../src/diagnostics.ts";
import { inputsOf, type Node, type NodeOf } from "../../src/ir/graph.ts";
import { tapClasses } from "../../src/ops/tapMeans.ts";
import { padTo4 } from "../../src/ops/weights.ts";
import {
  chainThreads,
  hasTaps,
  keepsKindSums,
  phasesOf,
  phaseThreads,
  termsOf,
  vectorsOf,
  type Head,
  type Phase,
} from "../../src/plan/kernels/chain.ts";
import type { Launch } from "../../src/plan/plan.ts";
import { render } from "../render.ts";
import { Module } from "./emit.ts";
import { literal, lowest } from "./literal.ts";
import { isElementwiseName, spelling } from "./spelling.ts";
import { chain, chainEach, chainLanes, kindSums, tapMeans } from "./templates.generated.ts";

/** Vectors: one workgroup goes through the phases of an image. */
export function chainKernel(launch: Launch, name: string, banner: string): string {
  const module = new Module(launch);
  const phases = phasesOf(launch);
  const { threads, workgroups, slice } = chainThreads(phases);
  const memory: string[] = [];
  const functions: string[] = [];
  const kept = new Map<Node, string>();
  const texts: string[] = [];

  for (const [index, phase] of phases.entries()) {
    const isLast = index === phases.length - 1;
    const vectors = vectorsOf(phase);
    const here = isLast ? slice : vectors;
    const { columns, lanes } = phaseThreads(phase, threads, here);
    for (const { node, kept: isKept } of phase.results) {
      if (!isKept) continue;
      const variable = module.declare(keptName(node, phase));
      kept.set(node, variable);
      memory.push(`var<workgroup> ${variable}: array<vec4f, ${vectors}>; // ${node.type.shape[1]} channels`);
    }
    const writer = new PhaseWriter(module, launch, kept, phase, vectors);
    const first = workgroups > 1 && isLast ? `group.x * ${slice}u + thread` : "thread";
    const ragged = here * workgroups !== vectors && isLast && workgroups > 1;
    const says = saysOf(phase);
    if (lanes > 1) {
      const combine = isMaximum(phase.head) ? "max(acc, sums[lane])" : "acc + sums[lane]";
      const column = workgroups > 1 && isLast ? `group.x * ${slice}u + thread % ${columns}u` : `thread % ${columns}u`;
      texts.push(
        render(
          chainLanes,
          {
            says,
            used: columns * lanes,
            columns,
            column: ragged ? `min(${column}, ${vectors - 1}u)` : column,
            first,
            nothing: nothingOf(phase.head),
            term: writer.term,
            terms: termsOf(phase.head),
            lanes,
            within: ragged ? `thread < ${columns}u && ${first} < ${vectors}u` : `thread < ${columns}u`,
            combine,
          },
          { add: writer.add().join("\n"), results: writer.results().join("\n") },
        ),
      );
    } else {
      const { before, lines } = writer.compute(functions, memory);
      texts.push(before);
      const end = workgroups > 1 && isLast ? `min(group.x * ${slice}u + ${slice}u, ${vectors}u)` : `${vectors}u`;
      texts.push(
        render(chainEach, { says, first, end }, { compute: lines.join("\n"), results: writer.results().join("\n") }),
      );
    }
    if (!isLast) texts.push("  workgroupBarrier();\n");
  }
  if (texts.some((text) => text.includes("sums[thread]")))
    memory.push(`var<workgroup> sums: array<vec4f, ${threads}>;`);

  const workgroup =
    workgroups > 1
      ? `One workgroup computes ${slice} vectors of 4 results of one image, and everything before them.`
      : "One workgroup computes everything for one image.";
  const called = module.functions(...functions);
  const declarations = [module.bindings(), memory.join("\n"), called].filter((block) => block !== "");
  return render(
    chain,
    { name, threads, workgroup },
    { banner, declarations: declarations.join("\n\n"), phases: texts.join("").trimEnd() },
  );
}

/** The lines of one phase. */
class PhaseWriter {
  private readonly module: Module;
  private readonly launch: Launch;
  private readonly kept: ReadonlyMap<Node, string>;
  private readonly phase: Phase;
  private readonly vectors: number;

  constructor(module: Module, launch: Launch, kept: ReadonlyMap<Node, string>, phase: Phase, vectors: number) {
    this.module = module;
    this.launch = launch;
    this.kept = kept;
    this.phase = phase;
    this.vectors = vectors;
  }

  /** What the threads of a column share out: the loop's variable. */
  get term(): string {
    return this.phase.head?.op === "squeezeFinish" ? "tile" : "k4";
  }

  /** Adds one term to `sum`. */
  add(): string[] {
    const { head } = this.phase;
    if (head?.op === "dense") {
      const weight = this.module.offset(head.inputs.weight, `w_${denseName(head)}`);
      return [
        `let x_terms = ${this.vector(head.inputs.x, "k4")};`,
        `let w_at = ${weight} + k4 * ${4 * this.vectors}u + c4;`,
        "sum += x_terms.x * weights[w_at];",
        ...["y", "z", "w"].map(
          (component, index) => `sum += x_terms.${component} * weights[w_at + ${(index + 1) * this.vectors}u];`,
        ),
      ];
    }
    if (head?.op === "squeezeFinish") {
      const part = `${this.module.read(head.inputs.parts)}[(image * ${termsOf(head)}u + tile) * ${this.vectors}u + c4]`;
      return [isMaximum(head) ? `sum = max(sum, ${part});` : `sum += ${part};`];
    }
    throw new Bug(`${this.launch.name} has a phase without terms`);
  }

  /** Computes `acc` of one vector in one thread; `before` is text that comes first. */
  compute(functions: string[], memory: string[]): { before: string; lines: string[] } {
    const { head } = this.phase;
    if (!head) return { before: "", lines: [] };
    if (head.op === "squeezeFinish" && hasTaps(head)) return this.taps(head, functions, memory);
    if (head.op === "concat" || head.op === "sliceChannels") {
      const lines = ["var acc = vec4f(0.0);"];
      for (const lane of [0, 1, 2, 3]) lines.push(...this.gathered(head, lane));
      return { before: "", lines };
    }
    const terms = termsOf(head);
    const loop = `for (var ${this.term} = 0u; ${this.term} < ${terms}u; ${this.term}++) {`;
    return {
      before: "",
      lines: [`var sum = ${nothingOf(head)};`, loop, ...this.add().map((line) => `  ${line}`), "}", "let acc = sum;"],
    };
  }

  /** Stores what others read. */
  results(): string[] {
    const { head } = this.phase;
    const divides = head?.op === "squeezeFinish" && head.attrs.reduce === "sum" && !hasTaps(head);
    const leaf = (node: Node) => {
      if (node === head) return divides ? "mean" : "acc";
      return node.op === "input" || (this.kept.has(node) && !this.phase.results.some((result) => result.node === node))
        ? this.vector(node, "c4")
        : undefined;
    };
    const nodes = this.phase.results.map((result) => result.node);
    const { lines, results } = this.module.expressions(nodes, leaf, [
      "acc",
      "mean",
      "image",
      "c4",
      ...this.kept.values(),
    ]);
    const stores = this.phase.results.flatMap(({ node, written }, index) => [
      ...(this.kept.has(node) ? [`${this.kept.get(node)!}[c4] = ${results[index]!};`] : []),
      ...(written === undefined
        ? []
        : [`${this.module.write(written)}[image * ${this.vectors}u + c4] = ${results[index]!};`]),
    ]);
    const mean = head?.op === "squeezeFinish" && divides ? [`let mean = acc / ${literal(positionsOf(head))};`] : [];
    return [...mean, ...lines, ...stores];
  }

  /** One vector of an earlier phase, or of what the launch reads. */
  private vector(node: Node, place: string): string {
    const variable = this.kept.get(node);
    if (variable !== undefined) return `${variable}[${place}]`;
    return `${this.module.read(node)}[image * ${padTo4(node.type.shape[1] as number) / 4}u + ${place}]`;
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
      const within = `${c} >= ${start}u && ${c} < ${end}u`;
      lines.push(`if (${within}) {`, `  ${from(operand, start === 0 ? c : `${c} - ${start}u`)}`, "}");
      start = end;
    }
    return lines;
  }

  private taps(
    head: NodeOf<"squeezeFinish">,
    functions: string[],
    memory: string[],
  ): { before: string; lines: string[] } {
    const { attrs } = head;
    const classes = tapClasses(attrs.window, attrs.height, attrs.width);
    const [, tiles, kinds, channels] = head.inputs.parts.type.shape as [unknown, number, number, number];
    const vectors = padTo4(channels) / 4;
    const parts = this.module.read(head.inputs.parts);
    const prefix = this.module.declare("tap");
    const maximum = isMaximum(head);
    const gathered = keepsKindSums(head);
    const kindSumsName = gathered ? this.module.declare("kind_sums") : parts;
    let before = "";
    if (gathered) {
      memory.push(`var<workgroup> ${kindSumsName}: array<vec4f, ${kinds * vectors}>; // [${kinds} kinds, ${vectors}]`);
      before = render(
        kindSums,
        {
          tiles,
          vectors: kinds * vectors,
          nothing: nothingOf(head),
          parts,
          combine: maximum ? "max(sum, value)" : "sum + value",
          kindSums: kindSumsName,
        },
        {},
      );
    }
    const bits = (sees: readonly boolean[]) => `${sees.reduce((mask, seen, bit) => mask + (seen ? 2 ** bit : 0), 0)}u`;
    const count = gathered ? kinds : tiles * kinds;
    functions.push(
      render(
        tapMeans,
        {
          prefix,
          kernelHeight: attrs.window.kernel[0],
          kernelWidth: attrs.window.kernel[1],
          rows: classes.tapSeesRow.map(bits).join(", "),
          columns: classes.tapSeesColumn.map(bits).join(", "),
          columnKinds: classes.columnClasses,
          taps: attrs.window.kernel[0] * attrs.window.kernel[1],
          parts: count,
          kinds,
          nothing: maximum ? lowest : "0.0",
          source: kindSumsName,
          place: gathered ? `part * ${vectors}u` : `(image * ${count}u + part) * ${vectors}u`,
          combine: maximum ? "max(acc, value)" : "acc + value",
          result: maximum ? "acc" : `acc / ${literal(classes.positions)}`,
        },
        {},
      ).trimEnd(),
    );
    const mean = (lane: number) => `${prefix}_mean(image, ${lane === 0 ? "e" : `e + ${lane}u`})`;
    return { before, lines: ["let e = 4u * c4;", `let acc = vec4f(${[0, 1, 2, 3].map(mean).join(", ")});`] };
  }
}

/** What a result is called in workgroup memory. */
function keptName(node: Node, { head }: Phase): string {
  if (head?.op === "squeezeFinish") return "squeezed";
  if (head?.op === "dense") return denseName(head) === "reduce" ? "reduced" : "expanded";
  return head ? "joined" : `${isElementwiseName(node.op) ? spelling[node.op].result : "given"}`;
}

/** SE's first layer makes a vector shorter, its second one longer. */
function denseName(head: NodeOf<"dense">): string {
  return (head.type.shape[1] as number) < (head.inputs.x.type.shape[1] as number) ? "reduce" : "expand";
}

/** `Excite: 256 -> 16, bias, relu` */
function saysOf({ head, results }: Phase): string {
  const steps: string[] = [];
  const visit = (node: Node) => {
    if (node === head || !isElementwiseName(node.op)) return;
    inputsOf(node).forEach(visit);
    if (!steps.includes(spelling[node.op].says)) steps.push(spelling[node.op].says);
  };
  for (const { node } of results) visit(node);
  const then = steps.map((step) => `, ${step}`).join("");
  switch (head?.op) {
    case "squeezeFinish": {
      const [, tiles, , channels] = head.inputs.parts.type.shape as [unknown, number, number, number];
      const taps = head.attrs.window.kernel[0] * head.attrs.window.kernel[1];
      const each = taps === 1 ? "" : `, for each of ${taps} taps`;
      const what = isMaximum(head) ? "maximum" : "mean";
      return `Squeeze: the ${what} of each of ${channels} channels, of ${tiles} tile${tiles === 1 ? "" : "s"}${each}${then}.`;
    }
    case "dense": {
      const excites = head.name.endsWith(".fc1") || head.name.endsWith(".fc2");
      return `${excites ? "Excite" : "Dense"}: ${head.inputs.x.type.shape[1]} -> ${head.type.shape[1]}${then}.`;
    }
    case "concat":
      return `Concatenate ${inputsOf(head).length} vectors${then}.`;
    case "sliceChannels":
      return `Channels ${head.attrs.start} to ${head.attrs.start + head.attrs.size - 1}${then}.`;
    case undefined:
      return `${steps.join(", ")}.`;
  }
}

function isMaximum(head: Head | undefined): boolean {
  return head?.op === "squeezeFinish" && head.attrs.reduce === "max";
}

function nothingOf(head: Head | undefined): string {
  return `vec4f(${isMaximum(head) ? lowest : "0.0"})`;
}

function positionsOf({ attrs }: NodeOf<"squeezeFinish">): number {
  return tapClasses(attrs.window, attrs.height, attrs.width).positions;
}
