import { Bug } from "../../src/diagnostics.ts";
import { GENERATED } from "../../src/marker.ts";
import {
  precedence,
  type Around,
  type Block,
  type Declaration,
  type Expression,
  type FunctionDeclaration,
  type KernelTree,
  type Statement,
} from "./syntax.ts";
import { functionsOf, trim } from "./trim.ts";
import { freeNamesIn, namesIn } from "./walk.ts";

/** A kernel in CUDA C: its namespace with everything in it, and the helpers that it calls. */
export interface PrintedKernel {
  readonly text: string;
  readonly helpers: ReadonlySet<string>;
  readonly threads: number;
  /** Shared by a block: what its launch asks for, and that with the arrays of the kernel. */
  readonly memory: { readonly launched: number; readonly all: number };
}

/** Statements of the tree, calls by these names, in place of which stand lines of CUDA C. They say when the kernel waits for others. */
export interface Insert {
  /** @param inputs of the call, printed */
  readonly calls: ReadonlyMap<string, (inputs: readonly string[]) => readonly string[]>;
  /** What the lines declare and inputs of the calls name: their types. */
  readonly locals: ReadonlyMap<string, string>;
  readonly helpers: readonly string[];
  /** Buffers in which blocks leave something for one another. */
  readonly exchanged: ReadonlySet<string>;
  /** The shared array of which the launch says the size. */
  readonly launched: string;
}

export interface PrintOptions {
  /** What each binding's vectors are stored as, where that is not f32. */
  readonly halves?: readonly (Halves | undefined)[];
  readonly insert?: Insert | undefined;
  /** The binding that no launch writes, if there is one. */
  readonly unchanging?: string | undefined;
  /** Blocks that have to share a multiprocessor: the fewer, the more registers a thread may have. Undefined: as ptxas likes. */
  readonly residents?: number | undefined;
}

/** Vectors of 4 channels in half precision, as they are called, and how one number of them becomes a float. */
export interface Halves {
  readonly vector: string;
  readonly element: string;
  readonly toFloat: string;
}

/**
 * Kernel tree -> CUDA C. What is at module scope in WGSL is passed on in C: buffers are parameters of the kernel and of the
 * functions that read them, shared memory is declared in the kernel. A workgroup is a block. What is stored in halves is
 * widened as it is read and narrowed as it is written.
 */
export function printKernel(source: KernelTree, options: PrintOptions = {}): PrintedKernel {
  const tree = trim(source);
  const printer = new Printer(tree, options);
  const entry = functionsOf(tree).find(({ threads }) => threads !== undefined);
  if (!entry) throw new Bug("a kernel has no entry point");
  const text = printer.kernel(entry, source.banner);
  return { text, helpers: printer.helpers, threads: entry.threads!, memory: printer.sharedBytes() };
}

/** Types of WGSL that occur, in CUDA C. Vectors of 2 are rows and columns. */
const spelledTypes: Readonly<Record<string, string>> = {
  u32: "unsigned",
  i32: "int",
  f32: "float",
  bool: "bool",
  vec4f: "float4",
  vec4u: "uint4",
  vec2u: "uint2",
  vec2i: "int2",
  bool4: "uchar4",
};

/** The components of a pair. */
const axes = ["x", "y"] as const;

type Kept = Declaration & { readonly kind: "binding" | "shared" };

class Printer {
  readonly helpers = new Set<string>();
  private readonly tree: KernelTree;
  /** Constants at module scope, by name: their types. */
  private readonly constants = new Map<string, string>();
  private readonly functions = new Map<string, FunctionDeclaration>();
  private readonly structs = new Map<string, ReadonlyMap<string, string>>();
  /** Buffers and shared arrays, in the order of their declaration, and for each function those that it reaches. */
  private readonly memory = new Map<string, Kept>();
  private readonly reaches = new Map<string, readonly string[]>();
  /** Components of constant pairs that are used. */
  private readonly usedAxes = new Set<string>();
  /** Types of what the current function declares. */
  private locals = new Map<string, string>();
  private readonly insert: Insert | undefined;
  private readonly unchanging: string | undefined;
  private readonly residents: number | undefined;
  /** Bindings that are stored in halves, by name. */
  private readonly halves = new Map<string, Halves>();

  constructor(tree: KernelTree, { halves = [], insert, unchanging, residents }: PrintOptions) {
    this.tree = tree;
    this.insert = insert;
    this.unchanging = unchanging;
    this.residents = residents;
    const bindings = tree.declarations.filter((each) => each.kind === "binding");
    for (const [index, { name }] of bindings.entries()) if (halves[index]) this.halves.set(name, halves[index]);
    for (const each of tree.declarations) {
      if (each.kind === "binding" || each.kind === "shared") this.memory.set(each.name, each);
      if (each.kind === "function") this.functions.set(each.name, each);
      if (each.kind === "struct")
        this.structs.set(each.name, new Map(each.fields.map(({ name, type }) => [name, type])));
    }
    for (const each of tree.declarations)
      if (each.kind === "const") this.constants.set(each.name, this.typeOf(each.value));
  }

  kernel(entry: FunctionDeclaration, banner: readonly string[]): string {
    this.usedAxes.clear();
    const consts = this.tree.declarations.filter((each) => each.kind === "const");
    const others = this.tree.declarations.filter((each) => each.kind === "function" || each.kind === "struct");
    const functions = [
      ...others.flatMap((each) => {
        if (each === entry) return [];
        const text = each.kind === "struct" ? this.struct(each) : this.function(each as FunctionDeclaration);
        return [`${commentLines(each.comments)}${text}`];
      }),
      `${commentLines(entry.comments)}${this.entryPoint(entry)}`,
    ];
    // After the functions: only then it is known which components of a pair they use.
    const constants = consts.map((each) => this.constant(each)).join("\n");
    return [
      banner.map((line) => `// ${line.replace(`${GENERATED}: `, "")}`).join("\n"),
      `namespace ${entry.name} {\n`,
      [...(constants === "" ? [] : [constants]), ...functions].join("\n\n"),
      `\n} // namespace ${entry.name}`,
    ].join("\n");
  }

  /** `constexpr unsigned PIXELS = 64; // of the output`. Pairs of extents are two constants, filled vectors one float. */
  private constant(each: Declaration & { readonly kind: "const" }): string {
    const type = this.constants.get(each.name)!;
    const around = `${each.behind === undefined ? "" : ` // ${spoken(each.behind)}`}`;
    const { value } = each;
    if (isPair(type)) {
      const used = axes.filter((axis) => this.usedAxes.has(constantOf(each.name, axis)));
      const texts = used.map((axis) => `${constantOf(each.name, axis)} = ${this.component(value, axis)}`);
      return `constexpr ${spelled(scalarOf(type))} ${texts.join(", ")};${around}`;
    }
    if (type === "vec4f") {
      if (value.kind !== "call" || value.inputs.length !== 1) throw new Bug(`${each.name} is no filled vector`);
      return `constexpr float ${each.name} = ${this.say(value.inputs[0]!)};${around}`;
    }
    return `constexpr ${spelled(type)} ${each.name} = ${this.say(value)};${around}`;
  }

  private struct(each: Declaration & { readonly kind: "struct" }): string {
    return [`struct ${each.name} {`, ...each.fields.map(({ name, type }) => `  ${spelled(type)} ${name};`), "};"].join(
      "\n",
    );
  }

  private function(each: FunctionDeclaration): string {
    this.enter(each);
    const pointers = this.reachedBy(each).map((name) => {
      const type = this.storedType(this.memory.get(name)!);
      return `${this.isWritable(name) ? "" : "const "}${type} *${name}`;
    });
    const parameters = [...pointers, ...each.parameters.map(({ name, type }) => `${spelled(type)} ${name}`)];
    const result = each.result === undefined ? "void" : spelled(each.result);
    const head = `__device__ ${result} ${each.name}(${parameters.join(", ")}) {`;
    return [...wrap(head, ""), ...this.block(each.body, "  "), "}"].join("\n");
  }

  private storedType({ name, type }: Kept): string {
    const halves = this.halves.get(name);
    if (!halves) return spelled(type);
    return type === "f32" ? halves.element : halves.vector;
  }

  private isWritable(name: string): boolean {
    const each = this.memory.get(name);
    return each?.kind === "binding" && each.writable;
  }

  private entryPoint(entry: FunctionDeclaration): string {
    this.enter(entry);
    const takesBatch = entry.parameters.some(({ name }) => name === "batch");
    const memory = [...this.memory.values()];
    const buffers = memory.filter((each) => each.kind === "binding");
    const rows = buffers.map((each, index) => {
      const last = index === buffers.length - 1 && !takesBatch;
      const type = `${each.writable ? "" : "const "}${this.storedType(each)}`;
      const own = each.writable || each.name === this.unchanging ? "__restrict__ " : "RESTRICTED ";
      const restrict = this.insert?.exchanged.has(each.name) ? "" : own;
      const text = `    ${type} *${restrict}${each.name}${last ? ")" : ","}`;
      return { text, shape: each.behind };
    });
    const longest = Math.max(...rows.map(({ text }) => text.length));
    const shared = memory.filter((each) => each.kind === "shared");
    for (const [name, type] of this.insert?.locals ?? []) this.locals.set(name, type);
    const thread = this.insert || namesIn(entry).includes("thread") ? ["  const unsigned thread = threadIdx.x;"] : [];
    const bounds = [entry.threads!, ...(this.residents === undefined ? [] : [this.residents])].join(", ");
    return [
      `__global__ void __launch_bounds__(${bounds}) ${entry.name}(`,
      ...rows.map(({ text, shape }) => (shape === undefined ? text : `${text.padEnd(longest)} // ${shape}`)),
      ...(takesBatch ? ["    unsigned batch)"] : []),
      "{",
      ...shared.map((each) => `  ${this.shared(each)}`),
      ...thread,
      "  let_next_begin();",
      ...(this.insert ? [] : ["  wait_for_launches();"]),
      ...this.block(entry.body, "  "),
      "}",
    ].join("\n");
  }

  /** `__shared__ float4 sums[128]; // [ROWS, TILE4]`, or what the launch has made room for. */
  private shared({ name, type, length, behind }: Kept & { readonly kind: "shared" }): string {
    const said = this.say(length);
    const shape = behind === undefined ? "" : ` ${spoken(behind)}`;
    return name === this.insert?.launched
      ? `${spelled(type)} *const ${name} = shared_memory(); // [${said}]${shape}`
      : `__shared__ ${spelled(type)} ${name}[${said}];${shape === "" ? "" : ` //${shape}`}`;
  }

  /** Of all shared arrays, and of the one that is no array here. */
  sharedBytes(): PrintedKernel["memory"] {
    const [sizes, launched] = [new Map<string, number>(), this.insert?.launched ?? ""];
    for (const each of this.memory.values())
      if (each.kind === "shared")
        sizes.set(each.name, (each.type.startsWith("vec4") ? 16 : 4) * this.numberOf(each.length));
    return { launched: sizes.get(launched) ?? 0, all: [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0) };
  }

  /** An extent: a number, a constant that is one, or a product. */
  private numberOf(extent: Expression): number {
    if (extent.kind === "number") return parseInt(extent.text);
    if (extent.kind === "binary" && extent.operator === "*")
      return this.numberOf(extent.left) * this.numberOf(extent.right);
    const constant = this.tree.declarations.find((each) => {
      return each.kind === "const" && extent.kind === "name" && each.name === extent.name;
    });
    if (constant?.kind !== "const") throw new Bug("a shared array is as long as what is no constant");
    return this.numberOf(constant.value);
  }

  private enter(each: FunctionDeclaration): void {
    this.locals = new Map(each.parameters.map(({ name, type }) => [name, type]));
  }

  /** The buffers and shared arrays that a function or those that it calls touch. */
  private reachedBy(each: FunctionDeclaration): readonly string[] {
    const known = this.reaches.get(each.name);
    if (known) return known;
    const names = new Set<string>();
    for (const name of freeNamesIn(each)) {
      if (this.memory.has(name)) names.add(name);
      const called = this.functions.get(name);
      if (called && called !== each) for (const inner of this.reachedBy(called)) names.add(inner);
    }
    const result = [...this.memory.keys()].filter((name) => names.has(name));
    this.reaches.set(each.name, result);
    return result;
  }

  private block(block: Block, indent: string): string[] {
    const lines = block.statements.flatMap((statement, index) => [
      ...(statement.blank && index > 0 ? [""] : []),
      ...statement.comments.map((comment) => `${indent}// ${spoken(comment)}`),
      ...this.statement(statement, indent),
    ]);
    return [...lines, ...block.after.map((comment) => `${indent}// ${spoken(comment)}`)];
  }

  private statement(statement: Statement, indent: string): string[] {
    const inner = `${indent}  `;
    switch (statement.kind) {
      case "if": {
        const lines = [
          ...wrap(`if (${this.say(statement.condition)}) {`, indent),
          ...this.block(statement.then, inner),
        ];
        return statement.otherwise === undefined
          ? [...lines, `${indent}}`]
          : [...lines, `${indent}} else {`, ...this.block(statement.otherwise, inner), `${indent}}`];
      }
      case "call": {
        const { call } = statement;
        const insert = call.kind === "call" ? this.insert?.calls.get(call.name) : undefined;
        if (!insert || call.kind !== "call") return wrap(`${this.simple(statement)};${behind(statement)}`, indent);
        this.insert!.helpers.forEach((helper) => this.helpers.add(helper));
        const lines = insert(call.inputs.map((input) => this.say(input)));
        return lines.flatMap((line) => (line === "" ? [""] : wrap(line.trimStart(), indentOf(line, indent))));
      }
      case "scope":
        return [`${indent}{`, ...this.block(statement.body, inner), `${indent}}`];
      case "for": {
        const start = this.simple(statement.start).replace(/^const /, "");
        const head = `for (${start}; ${this.say(statement.condition)}; ${this.simple(statement.step)}) {`;
        // Of turns that are a branch each nvcc would make loads under predicates, all at once, until registers are spilled.
        const [only, ...others] = statement.body.statements;
        const pragma = only?.kind === "if" && others.length === 0 ? [`${indent}#pragma unroll 4`] : [];
        return [...pragma, ...wrap(head, indent), ...this.block(statement.body, inner), `${indent}}`];
      }
      default:
        return wrap(`${this.simple(statement)};${behind(statement)}`, indent);
    }
  }

  private simple(statement: Statement): string {
    switch (statement.kind) {
      case "let":
      case "var": {
        const type = concrete(this.typeOf(statement.value));
        const { value } = statement;
        this.locals.set(statement.name, type);
        if (value.kind === "array") {
          this.locals.set(statement.name, `array ${value.type}`);
          const items = value.items.map((item) => this.say(item)).join(", ");
          return `constexpr ${spelled(value.type)} ${statement.name}[] = {${items}}`;
        }
        return `${statement.kind === "let" ? "const " : ""}${spelled(type)} ${statement.name} = ${this.say(value)}`;
      }
      case "assign": {
        const { to, operator, value } = statement;
        if (to.kind === "index" && this.halvesOf(to.of)) {
          if (operator !== "=") throw new Bug(`halves are only assigned, not changed by ${operator}`);
          this.helpers.add("narrow");
          return `${this.say(to.of, 20)}[${this.say(to.at)}] = narrow(${this.say(value)})`;
        }
        if (operator !== "=" && this.typeOf(to) === "vec4f") this.helpers.add(`float4 ${operator}`);
        return `${this.say(to)} ${operator} ${this.say(value)}`;
      }
      case "increment":
        return `${this.say(statement.to)}++`;
      case "call":
        return this.say(statement.call);
      case "return":
        return statement.value === undefined ? "return" : `return ${this.say(statement.value)}`;
      case "continue":
        return "continue";
      default:
        throw new Bug(`a ${statement.kind} is no simple statement`);
    }
  }

  /** An expression, in parentheses if something binds its operator less tightly than its place does. */
  private say(expression: Expression, binds = 0): string {
    switch (expression.kind) {
      case "name":
        return this.name(expression.name);
      case "number":
        return number(expression.text);
      case "array":
        throw new Bug("an array that is no constant of its own");
      case "index": {
        const type = this.typeOf(expression.of);
        const halves = this.halvesOf(expression.of);
        if (halves) {
          const text = `${this.say(expression.of, 20)}[${this.say(expression.at)}]`;
          if (type === "array f32") return `${halves.toFloat}(${text})`;
          this.helpers.add("widen");
          return `widen(${text})`;
        }
        if (type.startsWith("vec4")) {
          this.helpers.add("component");
          return `component(${this.say(expression.of)}, ${this.say(expression.at)})`;
        }
        return `${this.say(expression.of, 20)}[${this.say(expression.at)}]`;
      }
      case "member":
        return this.member(expression.of, expression.name);
      case "unary": {
        if (this.typeOf(expression.of) === "vec4f") this.helpers.add("-float4");
        return `${expression.operator}${this.say(expression.of, 15)}`;
      }
      case "call":
        return this.call(expression.name, expression.inputs);
      case "binary":
        return this.binary(expression, binds);
      default:
        return expression satisfies never;
    }
  }

  private halvesOf(expression: Expression): Halves | undefined {
    return expression.kind === "name" && !this.locals.has(expression.name)
      ? this.halves.get(expression.name)
      : undefined;
  }

  private name(name: string): string {
    const type = this.locals.has(name) ? undefined : this.constants.get(name);
    if (type !== undefined && isPair(type))
      return `make_${spelled(type)}(${axes.map((axis) => this.constantAxis(name, axis)).join(", ")})`;
    if (type !== "vec4f") return name;
    this.helpers.add("splat");
    return `splat(${name})`;
  }

  private constantAxis(name: string, axis: "x" | "y"): string {
    const constant = constantOf(name, axis);
    this.usedAxes.add(constant);
    return constant;
  }

  private member(of: Expression, name: string): string {
    if (of.kind === "name" && of.name === "group") return `blockIdx.${name}`;
    if (isPair(this.typeOf(of))) return this.component(of, name as "x" | "y");
    return `${this.say(of, 20)}.${name}`;
  }

  private binary(expression: Expression & { readonly kind: "binary" }, binds: number): string {
    const { operator, left, right } = expression;
    const type = this.typeOf(expression);
    if (isPair(type)) return this.pair(expression, type);
    const [a, b] = [this.typeOf(left), this.typeOf(right)];
    if (type === "bool4") {
      const name = operator === "<" ? "less4" : "greater4";
      const kind = a === "vec4u" || b === "vec4u" ? "uint4" : "float4";
      this.helpers.add(`${name} of ${kind}`);
      return `${name}(${this.say(left)}, ${this.say(right)})`;
    }
    if (type === "vec4f") {
      const say = (each: string) => (each === "vec4f" ? "float4" : "float");
      this.helpers.add(`${say(a)} ${operator} ${say(b)}`);
    }
    if (type === "vec4u") return this.fourWords(expression);
    const own = precedence[operator]!;
    const side = (each: Expression, limit: number) =>
      this.say(each, each.kind === "binary" && needsParentheses(each.operator, operator) ? 20 : limit);
    const text = `${side(left, own - 1)} ${operator} ${side(right, own)}`;
    return own > binds ? text : `(${text})`;
  }

  /** A pair of rows and columns, put together from its two components. */
  private pair(expression: Expression, type: string): string {
    return `make_${spelled(type)}(${this.component(expression, "x")}, ${this.component(expression, "y")})`;
  }

  /** The larger or the smaller of two floats. */
  private extreme(which: "max" | "min", inputs: string): string {
    const helper = which === "max" ? "larger" : "smaller";
    this.helpers.add(helper);
    return `${helper}(${inputs})`;
  }

  /** The row (`x`) or the column (`y`) of a pair. */
  private component(expression: Expression, axis: "x" | "y", binds = 0): string {
    if (expression.kind === "name")
      return !this.locals.has(expression.name) && this.constants.has(expression.name)
        ? this.constantAxis(expression.name, axis)
        : `${expression.name}.${axis}`;
    if (expression.kind === "binary") {
      const { operator, left, right } = expression;
      const own = precedence[operator]!;
      const sum = operator === "+" || operator === "-";
      if (sum && isZero(right, axis)) return this.component(left, axis, binds);
      const side = (each: Expression, limit: number) =>
        isPair(this.typeOf(each)) ? this.component(each, axis, limit) : this.say(each, limit);
      const text = `${side(left, own - 1)} ${operator} ${side(right, own)}`;
      return own > binds ? text : `(${text})`;
    }
    if (expression.kind === "call" && (expression.name === "vec2u" || expression.name === "vec2i")) {
      const { name, inputs } = expression;
      const input = inputs.length === 2 ? inputs[axis === "x" ? 0 : 1]! : inputs[0]!;
      if (!isPair(this.typeOf(input))) return this.say(input, binds);
      return `${spelled(scalarOf(name))}(${this.component(input, axis)})`;
    }
    return `${this.say(expression, 20)}.${axis}`;
  }

  private fourWords(expression: Expression): string {
    const lane = (each: Expression, index: number): string => {
      if (each.kind === "binary") return `${lane(each.left, index)} ${each.operator} ${lane(each.right, index)}`;
      if (each.kind === "call" && each.name === "vec4u")
        return this.say(each.inputs.length === 1 ? each.inputs[0]! : each.inputs[index]!, 10);
      throw new Bug("a vector of four words is put together in another way");
    };
    const lanes = [0, 1, 2, 3].map((index) => lane(expression, index).replace(/ \+ 0$/, ""));
    return `make_uint4(${lanes.join(", ")})`;
  }

  private call(name: string, inputs: readonly Expression[]): string {
    const said = () => inputs.map((input) => this.say(input)).join(", ");
    const called = this.functions.get(name);
    if (called) return `${name}(${[...this.reachedBy(called), ...inputs.map((input) => this.say(input))].join(", ")})`;
    if (this.structs.has(name)) return `${name}{${said()}}`;
    const types = inputs.map((input) => this.typeOf(input));
    const four = types.includes("vec4f");
    switch (name) {
      case "workgroupBarrier":
        return "__syncthreads()";
      case "vec4f":
        if (inputs.length === 4) return `make_float4(${said()})`;
        this.helpers.add("splat");
        return `splat(${said()})`;
      case "vec4u":
        return this.fourWords({ kind: "call", name, inputs });
      case "vec2u":
      case "vec2i":
        return this.pair({ kind: "call", name, inputs }, name);
      case "u32":
      case "i32":
      case "f32":
        return `${spelled(name)}(${said()})`;
      case "all": {
        const [condition] = inputs;
        if (condition?.kind !== "binary") throw new Bug("all of what is no comparison");
        const { operator, left, right } = condition;
        return axes
          .map((axis) => `${this.component(left, axis, 7)} ${operator} ${this.component(right, axis, 7)}`)
          .join(" && ");
      }
      case "max":
      case "min":
        if (!four)
          return types.some((type) => type === "f32" || type === "float")
            ? this.extreme(name, said())
            : `${name}(${inputs.map((input) => this.wordInput(input)).join(", ")})`;
        this.helpers.add(`${name}4`);
        return `${name}4(${said()})`;
      case "clamp": {
        if (!four) {
          const atLeast = this.extreme("max", `${this.say(inputs[0]!)}, ${this.say(inputs[1]!)}`);
          return this.extreme("min", `${atLeast}, ${this.say(inputs[2]!)}`);
        }
        this.helpers.add("clamp4");
        return `clamp4(${inputs.map((input, index) => this.say(index === 0 ? input : filling(input))).join(", ")})`;
      }
      case "exp":
      case "sqrt":
      case "abs":
      case "sign":
      case "tanh":
        if (!four)
          return `${{ exp: "expf", sqrt: "sqrtf", abs: "fabsf", sign: "sign", tanh: "tanhf" }[name]}(${said()})`;
        this.helpers.add(`${name}4`);
        return `${name}4(${said()})`;
      case "dot":
        this.helpers.add("dot4");
        return `dot4(${said()})`;
      case "select": {
        const [no, yes, condition] = inputs as [Expression, Expression, Expression];
        if (this.typeOf(condition) !== "bool4")
          return `(${this.say(condition, 3)} ? ${this.say(yes, 3)} : ${this.say(no, 3)})`;
        this.helpers.add("select4");
        return `select4(${this.say(condition)}, ${this.say(yes)}, ${this.say(no)})`;
      }
      default:
        throw new Bug(`CUDA C has no spelling for the call of ${name}`);
    }
  }

  /** min and max are overloaded in C: an argument is a word also where it is only a number. */
  private wordInput(input: Expression): string {
    return input.kind === "number" ? input.text : this.say(input);
  }

  private typeOf(expression: Expression): string {
    switch (expression.kind) {
      case "number":
        return /u$/.test(expression.text) ? "u32" : /[.e]/.test(expression.text) ? "float" : "int";
      case "name": {
        const { name } = expression;
        const memory = this.memory.get(name);
        const type =
          this.locals.get(name) ??
          this.constants.get(name) ??
          (memory && `array ${memory.type}`) ??
          ({ thread: "u32", group: "vec3u", true: "bool", false: "bool" } as Record<string, string>)[name];
        if (type === undefined) throw new Bug(`a kernel does not declare ${name}`);
        return type;
      }
      case "array":
        return `array ${expression.type}`;
      case "index": {
        const of = this.typeOf(expression.of);
        return of.startsWith("array ") ? of.slice("array ".length) : scalarOf(of);
      }
      case "member": {
        const of = this.typeOf(expression.of);
        return this.structs.get(of)?.get(expression.name) ?? scalarOf(of);
      }
      case "unary":
        return this.typeOf(expression.of);
      case "binary": {
        const { operator, left, right } = expression;
        const [a, b] = [this.typeOf(left), this.typeOf(right)];
        const vector = [a, b].find((type) => type.startsWith("vec"));
        if (precedence[operator]! <= precedence["<"]! && !["&", "|", "^"].includes(operator))
          return vector?.startsWith("vec4") ? "bool4" : "bool";
        if (vector !== undefined) return vector;
        return a === "int" || a === "float" ? b : a;
      }
      case "call": {
        const { name, inputs } = expression;
        const called = this.functions.get(name);
        if (called) return called.result ?? "void";
        if (this.structs.has(name) || name in spelledTypes) return name;
        if (name === "all") return "bool";
        if (name === "dot") return "f32";
        const types = inputs.slice(0, name === "select" ? 2 : undefined).map((input) => this.typeOf(input));
        return (
          types.find((type) => type.startsWith("vec")) ??
          types.find((type) => type !== "int" && type !== "float") ??
          types[0] ??
          "void"
        );
      }
      default:
        return expression satisfies never;
    }
  }
}

/** The indentation of a line that comes with one of its own; preprocessor lines stand at the margin. */
function indentOf(line: string, indent: string): string {
  return line.startsWith("#") ? "" : indent + /^ */.exec(line)![0];
}

/** Where a reader should not have to know which operator binds more tightly, and g++ says so. */
function needsParentheses(inner: string, outer: string): boolean {
  if (inner === outer) return false;
  const kinds = [logical, bits, divisions];
  return kinds.some((kind) => kind.has(inner) && kind.has(outer)) || bits.has(inner) || bits.has(outer);
}

const logical: ReadonlySet<string> = new Set(["&&", "||"]);
const bits: ReadonlySet<string> = new Set(["&", "|", "^", "<<", ">>"]);
const divisions: ReadonlySet<string> = new Set(["*", "/", "%"]);

function isPair(type: string): boolean {
  return type === "vec2u" || type === "vec2i";
}

function isZero(expression: Expression, axis: "x" | "y"): boolean {
  if (expression.kind !== "call" || !/^vec2[ui]$/.test(expression.name)) return false;
  const { inputs } = expression;
  const input = inputs.length === 2 ? inputs[axis === "x" ? 0 : 1]! : inputs[0]!;
  return input.kind === "number" && /^0u?$/.test(input.text);
}

function scalarOf(type: string): string {
  return { f: "f32", u: "u32", i: "i32" }[type.at(-1)!] ?? "f32";
}

/** The scalar with which a vector is filled. */
function filling(input: Expression): Expression {
  return input.kind === "call" && input.name === "vec4f" && input.inputs.length === 1 ? input.inputs[0]! : input;
}

function constantOf(name: string, axis: "x" | "y"): string {
  return `${name.replace(/_SIZE$/, "")}_${axis === "x" ? "H" : "W"}`;
}

function concrete(type: string): string {
  return { int: "i32", float: "f32" }[type] ?? type;
}

function spelled(type: string): string {
  return spelledTypes[concrete(type)] ?? type;
}

function number(text: string): string {
  if (/u$/.test(text)) return text.slice(0, -1);
  return /[.e]/.test(text) ? `${text}f` : text;
}

function spoken(comment: string): string {
  return comment.replace(/\bworkgroup/g, "block").replace(/\bWorkgroup/g, "Block");
}

function commentLines(comments: readonly string[]): string {
  return comments.map((comment) => `// ${spoken(comment)}\n`).join("");
}

function behind(statement: Around): string {
  return statement.behind === undefined ? "" : ` // ${spoken(statement.behind)}`;
}

/** Lines that are too long go on, indented by 4, after a comma or before an operator as far outside as there is one. */
export function wrap(text: string, indent: string, width = 120): string[] {
  const lines: string[] = [];
  let [rest, start] = [text, indent];
  while (start.length + rest.length > width) {
    const at = breakOf(rest, width - start.length);
    if (at === undefined) break;
    lines.push(start + rest.slice(0, at).trimEnd());
    [rest, start] = [rest.slice(at).trimStart(), `${indent}    `];
  }
  return [...lines, start + rest];
}

function breakOf(text: string, room: number): number | undefined {
  let [depth, best] = [0, undefined as { at: number; depth: number } | undefined];
  for (let at = 0; at < Math.min(text.length, room); at++) {
    if ("([{".includes(text[at]!)) depth++;
    if (")]}".includes(text[at]!)) depth--;
    const after = text[at] === "," && text[at + 1] === " " ? at + 1 : undefined;
    const before =
      / (?:[-+*/?:]|&&|\|\|) $/.test(text.slice(at, at + 3)) || /^ (&&|\|\|) /.test(text.slice(at)) ? at : undefined;
    const place = after ?? before;
    if (place !== undefined && place > 20 && (best === undefined || depth <= best.depth)) best = { at: place, depth };
  }
  return best?.at;
}
