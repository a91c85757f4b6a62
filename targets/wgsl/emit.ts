import { Bug } from "../../src/diagnostics.ts";
import { inputsOf, usersOf, type Node } from "../../src/ir/graph.ts";
import { keptOf } from "../../src/plan/kernels/geometry.ts";
import type { Launch, Value } from "../../src/plan/plan.ts";
import { Namer } from "../names.ts";
import { isElementwiseName, spelling, type Spelled } from "./spelling.ts";
import { wgslWords } from "./words.ts";

/** How a function reads its leaves: constants for the extents of the map that it walks over. */
export interface Walk {
  /** Pixels of one image: `PIXELS`. */
  readonly pixels: string;
  /** Vectors of 4 channels: `OUT4`. */
  readonly vectors: string;
}

/**
 * The module scope of one kernel: its bindings, where its weights lie, and the functions that are fused into it. Names
 * tell the role (`x`, `gate`, `residual`), not the layer, so that equal launches have equal text.
 */
export class Module {
  private readonly namer = new Namer(wgslWords);
  private readonly helpers = new Set<string>();
  private readonly offsets: string[] = [];
  private readonly offsetNames = new Map<string, string>();
  private readonly computed = new Map<Node, string>();
  private readonly reads: ReadonlyMap<string, string>;
  private readonly writes: readonly string[];
  private readonly launch: Launch;

  constructor(launch: Launch) {
    this.launch = launch;
    this.reads = new Map(launch.reads.map((value) => [value.name, this.namer.name(roleOf(value, launch))]));
    if (launch.weights) this.namer.name("weights");
    const kept = keptOf(launch)?.name;
    const role = ({ layout, name }: Value) => (layout === "parts" ? "parts" : name === kept ? "kept" : "y");
    this.writes = launch.writes.map((value) => this.namer.name(role(value)));
  }

  /** What a value that the launch reads is called here. */
  read(node: Node): string {
    const name = this.reads.get(node.name);
    if (name === undefined) throw new Bug(`${this.launch.name} does not bind ${node.name}`);
    return name;
  }

  write(valueName: string): string {
    const index = this.launch.writes.findIndex((value) => value.name === valueName);
    if (index < 0) throw new Bug(`${this.launch.name} does not write ${valueName}`);
    return this.writes[index]!;
  }

  /** The name of the constant that says where a parameter begins in `weights`, in vectors of 4. */
  offset(parameter: Node, role: string): string {
    const known = this.offsetNames.get(parameter.name);
    if (known !== undefined) return known;
    const tensor = this.launch.weights?.tensors.find((candidate) => candidate.parameter === parameter.name);
    if (!tensor) throw new Bug(`${this.launch.name} has no weights for ${parameter.name}`);
    const name = this.namer.name(role).toUpperCase();
    this.offsetNames.set(parameter.name, name);
    this.offsets.push(
      `const ${name} = ${tensor.floatOffset / 4}u; // [${(tensor.packed.type.shape as number[]).join(", ")}]`,
    );
    return name;
  }

  /** A name of its own in module scope. */
  declare(wish: string): string {
    return this.namer.name(wish);
  }

  /** What a node's vector is called, for functions of (image, pixel, c4), where the kernel has computed it before. */
  hold(node: Node, text: string): void {
    this.computed.set(node, text);
  }

  useHelper(text: string | undefined): void {
    if (text !== undefined) this.helpers.add(text);
  }

  /**
   * A function of (image, pixel, c4), and of `acc` if there is an anchor, that computes `root` down to its leaves:
   * what the launch reads, its parameters, and the anchor.
   */
  fused(name: string, root: Node, walk: Walk, anchor?: Node): string {
    const leaf = (node: Node) => (node === anchor ? "acc" : this.load(node, walk));
    const { lines, results } = this.expressions([root], leaf, ["acc", "image", "pixel", "c4"]);
    const parameters = [anchor ? "acc: vec4f, " : "", "image: u32, pixel: u32, c4: u32"].join("");
    const body = [...lines, `return ${results[0]!};`].map((line) => `  ${line}`);
    return [`fn ${name}(${parameters}) -> vec4f {`, ...body, "}"].join("\n");
  }

  /** `let` lines for everything between the roots and their leaves, and for each root the expression that is its value. */
  expressions(
    roots: readonly Node[],
    leaf: (node: Node) => string | undefined,
    taken: readonly string[],
  ): { lines: string[]; results: string[] } {
    const locals = new Namer(wgslWords, [...taken, ...this.reads.values(), ...this.writes, "weights"]);
    const lines: string[] = [];
    const known = new Map<Node, string>();
    const uses = countUses(roots, leaf);
    const say = (node: Node): string => {
      const earlier = known.get(node);
      if (earlier !== undefined) return earlier;
      const loaded = leaf(node);
      const text = loaded ?? this.spell(node, say);
      const once = uses.get(node) === 1;
      const named = loaded === undefined ? !(once && roots.includes(node)) : !once;
      if (!named || /^\w+$/.test(text)) {
        known.set(node, text);
        return text;
      }
      const name = locals.name(loaded === undefined ? spelledOf(node).result : "loaded");
      lines.push(`let ${name} = ${text};`);
      known.set(node, name);
      return name;
    };
    return { lines, results: roots.map(say) };
  }

  private spell(node: Node, say: (node: Node) => string): string {
    const row = spelledOf(node);
    this.useHelper(row.helper);
    const inputs: Record<string, string> = {};
    for (const [name, input] of Object.entries<Node>(node.inputs)) {
      inputs[name] =
        input.op === "parameter" ? `weights[${this.offset(input, parameterRole(node, name))} + c4]` : say(input);
    }
    return row.text(inputs, node.attrs);
  }

  private load(node: Node, { pixels, vectors }: Walk): string | undefined {
    const computed = this.computed.get(node);
    if (computed !== undefined) return computed;
    if (node.op !== "input") return undefined;
    const name = this.read(node);
    // A map of one channel is one vector at each pixel, also beside maps of many: as a gate of pixels.
    if (node.type.shape.length === 4 && node.type.shape[1] === 1) return `${name}[image * ${pixels} + pixel]`;
    return node.type.shape.length === 2
      ? `${name}[image * ${vectors} + c4]`
      : `${name}[(image * ${pixels} + pixel) * ${vectors} + c4]`;
  }

  /** The offsets of the weights and the bindings: print it after everything that uses them. */
  bindings(): string {
    const { launch } = this;
    const rows: { declaration: string; shape: string }[] = [];
    const bind = (access: string, name: string, element: string, shape: string) => {
      const declaration = `@group(0) @binding(${rows.length}) var<storage, ${access}> ${name}: array<${element}>;`;
      rows.push({ declaration, shape });
    };
    const scalars = launch.kernel === "import" || launch.kernel === "export";
    for (const value of launch.reads)
      bind(
        "read",
        this.reads.get(value.name)!,
        value.layout === "dense" || launch.kernel === "export" ? "f32" : "vec4f",
        shapeOf(value),
      );
    if (launch.weights) bind("read", "weights", "vec4f", `${launch.weights.byteLength / 4} floats`);
    for (const [index, value] of launch.writes.entries())
      bind("read_write", this.writes[index]!, scalars && launch.kernel === "export" ? "f32" : "vec4f", shapeOf(value));
    const width = Math.max(...rows.map((row) => row.declaration.length));
    const bindings = rows.map(({ declaration, shape }) => `${declaration.padEnd(width)} // ${shape}`).join("\n");
    return this.offsets.length === 0 ? bindings : `${this.offsets.join("\n")}\n\n${bindings}`;
  }

  /** The functions that spelled ops call, then the given ones. */
  functions(...own: readonly string[]): string {
    return [...this.helpers, ...own].join("\n\n");
  }
}

/** `[n, 56, 56, 64]`, and how many of the channels are real if not all. */
export function shapeOf(value: Value): string {
  const [, ...extents] = value.type.shape as [unknown, ...number[]];
  if (value.layout === "dense") return `[n, ${extents.join(", ")}]`;
  const channels = value.layout === "parts" ? extents[2]! : extents[0]!;
  const padded = Math.ceil(channels / 4) * 4;
  const outer = value.layout === "parts" ? extents.slice(0, 2) : extents.slice(1);
  const shape = `[n, ${[...outer, padded].join(", ")}]`;
  return padded === channels ? shape : `${shape}, ${channels} channel${channels === 1 ? "" : "s"} used`;
}

/** Whether `node` is computed from `other`. */
export function dependsOn(node: Node, other: Node): boolean {
  const seen = new Set<Node>();
  const visit = (current: Node): boolean => {
    if (current === other) return true;
    if (seen.has(current)) return false;
    seen.add(current);
    return inputsOf(current).some(visit);
  };
  return visit(node);
}

/** What a value is to the kernel that reads it. */
function roleOf(value: Value, launch: Launch): string {
  if (value.layout === "parts") return launch.kernel === "chain" ? "parts" : "shares";
  const leaf = launch.body.nodes.find((node) => node.op === "input" && node.name === value.name);
  if (!leaf) throw new Bug(`the body of ${launch.name} does not read ${value.name}`);
  const users = usersOf(launch.body).get(leaf)!;
  const { anchor } = launch;
  if (users.length > 0 && users.every((user) => user.op === "scaleChannels" && user.inputs.gate === leaf)) {
    return anchor && dependsOn(anchor, leaf) ? "x_gate" : "gate";
  }
  if (users.length > 0 && users.every((user) => user.op === "scalePixels" && user.inputs.gate === leaf))
    return "pixel_gate";
  if (anchor && !dependsOn(anchor, leaf)) return "residual";
  return "x";
}

function spelledOf(node: Node): Spelled<never> {
  if (!isElementwiseName(node.op)) throw new Bug(`WGSL has no expression for ${node.name} = ${node.op}`);
  // A row's own inputs and attributes were checked when the table was compiled.
  return spelling[node.op] as unknown as Spelled<never>;
}

function parameterRole(node: Node, input: string): string {
  return node.op === "batchNorm" ? `bn_${input}` : input;
}

/** How often each node is read, being a root once. */
function countUses(roots: readonly Node[], leaf: (node: Node) => string | undefined): Map<Node, number> {
  const uses = new Map<Node, number>();
  const visit = (node: Node) => {
    const count = uses.get(node) ?? 0;
    uses.set(node, count + 1);
    if (count === 0 && leaf(node) === undefined) inputsOf(node).forEach(visit);
  };
  roots.forEach(visit);
  return uses;
}
