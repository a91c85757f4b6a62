import type { Code } from "../codes.ts";
import type { Diagnostic, Problems, Span } from "../diagnostics.ts";
import type { Arg, Definition, Expr, Name, Param, Pipeline, Statement, Step, TypeName } from "../syntax/ast.ts";
import { functions } from "./functions.ts";
import { isLayer, layers } from "./layers.ts";
import { missing, type Program, type SourceUnit } from "./load.ts";
import { didYouMean, nearest } from "../suggest.ts";
import {
  Act,
  builtinEnums,
  builtinTypeNames,
  Gate,
  Join,
  memberOf,
  Mode,
  Padding,
  Placement,
  Resize,
  Rounding,
  Squeeze,
  typeOf,
  type EnumType,
} from "./types.ts";

/**
 * Names, in every definition of the program, used or not: what is unknown, declared twice, or never used. What depends
 * on values (types, shapes, the members of a tensor) is found while a network runs, where an unknown name is silent.
 *
 * @returns warnings of what is not used: of interest only if nothing is wrong
 */
export function resolve(program: Program, problems: Problems): Diagnostic[] {
  const enums = enumsOf(program);
  const unused: Diagnostic[] = [];
  for (const unit of program.files.values()) {
    const usedImports = new Set<string>();
    for (const declared of unit.names.values()) {
      if (declared === missing || declared.home !== unit) continue;
      if (declared.kind === "enum") resolveEnum(declared.declaration.members, problems);
      else new Resolver(unit, declared.definition, enums, problems, usedImports, unused).run();
    }
    if (unit.path.startsWith("std/")) continue;
    for (const name of unit.imports.flatMap((line) => line.names)) {
      if (usedImports.has(name.text) || unit.names.get(name.text) === missing) continue;
      unused.push(notUsed(name.span, `\`${name.text}\` is imported and not used`));
    }
  }
  return unused;
}

function notUsed(span: Span, message: string): Diagnostic {
  return { code: "SE0211", severity: "warning", span, message };
}

export function enumsOf(program: Program): readonly EnumType[] {
  const own = [...program.files.values()].flatMap((unit) =>
    [...unit.names.values()].flatMap((declared) => (declared.kind === "enum" ? [declared.type] : [])),
  );
  return [...builtinEnums, ...new Set(own)];
}

function resolveEnum(members: readonly Name[], problems: Problems): void {
  const seen = new Map<string, Span>();
  for (const { text, span } of members) {
    const other = seen.get(text);
    if (!other) seen.set(text, span);
    else {
      problems.report({
        code: "SE0203",
        severity: "error",
        span,
        message: `the member \`${text}\` stands twice`,
        related: [{ span: other, message: "the other one is here" }],
      });
    }
  }
}

/** What other frameworks call our ops, in lower case, or what to do instead. */
const namesElsewhere: ReadonlyMap<string, string> = new Map([
  ["convolution", "conv"],
  ["depthwise", "dwconv"],
  ["linear", "dense"],
  ["fc", "dense"],
  ["batchnorm", "bn"],
  ["batchnorm2d", "bn"],
  ["globalavgpool", "gap"],
  ["adaptiveavgpool2d", "gap"],
  ["globalmaxpool", "gmp"],
  ["adaptivemaxpool2d", "gmp"],
  ["leakyrelu", "leaky_relu"],
  ["swish", "silu"],
  ["cat", "concat"],
  ["channelshuffle", "shuffle"],
  ["interpolate", "upsample"],
  ["add", "`a + b` adds two values, and `residual { … }` a branch and its skip"],
  ["mul", "`a * b` multiplies two values"],
  ["identity", "a line that does nothing is left out"],
  ["padding", "convolutions and pools take `pad:`"],
]);

const truths = ["true", "false"];

/** The words that arguments and options of these names take. */
const wordsOf: ReadonlyMap<string, readonly string[]> = new Map([
  ["at", Placement.members],
  ["squeeze", Squeeze.members],
  ["gate", Gate.members],
  ["hidden", Act.members],
  ["act", Act.members],
  ["rounding", Rounding.members],
  ["of_input", truths],
  ["bias", truths],
  ["ceil", truths],
  ["count_pad", truths],
  ["antialias", truths],
  ["resize", Resize.members],
  ["mode", Mode.members],
  ["join", Join.members],
  ["pad", [...Padding.members, "a number"]],
]);

interface Local {
  readonly kind: "parameter" | "value" | "label" | "loop variable" | "input" | "x";
  readonly span: Span;
  used: boolean;
}

type Locals = Map<string, Local>;

/** One definition. A class, because every visit needs the same five things. */
class Resolver {
  private readonly scopes: Locals[] = [];
  private readonly isLibrary: boolean;
  private readonly usesSe: boolean;

  constructor(
    private readonly unit: SourceUnit,
    private readonly definition: Definition,
    private readonly enums: readonly EnumType[],
    private readonly problems: Problems,
    private readonly usedImports: Set<string>,
    private readonly unused: Diagnostic[],
  ) {
    this.isLibrary = unit.path.startsWith("std/");
    this.usesSe = definition.uses.some((name) => name.text === "se");
  }

  run(): void {
    const { definition } = this;
    if (isLayer(definition.name.text) || Object.hasOwn(functions, definition.name.text)) {
      this.report("SE0214", definition.name.span, `\`${definition.name.text}\` is a word of the language`, {
        hint: `give the ${definition.kind} another name`,
      });
    }
    if (definition.kind === "network") this.fileName(definition.name);
    for (const context of definition.uses) this.context(context, "uses");
    this.inScope(() => {
      for (const param of definition.params) this.param(param);
      if (definition.kind === "block") {
        this.scopes.at(-1)!.set("x", { kind: "x", span: definition.name.span, used: true });
      }
      this.body(definition.body);
    });
  }

  // --- declarations --------------------------------------------------------------------------------------------

  private param(param: Param): void {
    this.type(param.type);
    if (param.default) this.expr(param.default);
    this.declare(param.name, "parameter");
  }

  private type(written: TypeName): void {
    const named = (name: string): EnumType | undefined => {
      const declared = this.unit.names.get(name);
      if (declared && declared !== missing) this.usedImports.add(name);
      return declared?.kind === "enum" ? declared.type : undefined;
    };
    if (typeOf(written, named) || this.unit.names.get(written.name) === missing) return;
    if (written.name === "list") {
      if (written.args.length === 1) return this.type(written.args[0]!);
      return this.report("SE0305", written.span, "a list has items of one type: `list<int>`");
    }
    if (written.name === "()") return written.args.forEach((arg) => this.type(arg));
    if (builtinTypeNames.includes(written.name)) {
      return this.report("SE0305", written.span, `\`${written.name}\` takes no type in angle brackets`);
    }
    const own = [...this.unit.names].flatMap(([name, declared]) => (declared.kind === "enum" ? [name] : []));
    const names = [...builtinTypeNames, ...own];
    this.report("SE0305", written.span, `there is no type \`${written.name}\``, {
      hint: didYouMean(written.name, names) ?? `types are ${names.join(", ")}`,
    });
  }

  private declare(name: Name, kind: Local["kind"]): void {
    const word = name.text;
    const what = kind === "input" ? "an input" : `a ${kind}`;
    if (word === "x" || word === "N") {
      this.report("SE0214", name.span, `\`${word}\` cannot be the name of ${what}`, {
        hint: word === "x" ? "`x` is what a block or chain is given" : "`N` is the batch",
      });
      this.scopes.at(-1)!.set(word, { kind, span: name.span, used: true });
      return;
    }
    if (kind === "value" && (isLayer(word) || Object.hasOwn(functions, word))) {
      this.report("SE0214", name.span, `\`${word}\` is a word of the language, and cannot name a value`);
      return;
    }
    const other = this.find(word);
    const declared = this.unit.names.get(word);
    if (other && other.kind !== "label") {
      this.report("SE0203", name.span, `\`${word}\` is declared already`, {
        related: [
          { span: other.span, message: `${other.kind === "input" ? "an input" : `a ${other.kind}`} of that name` },
        ],
        hint: "names do not hide each other: choose another",
      });
      return;
    }
    if (declared?.kind === "definition") {
      this.report("SE0203", name.span, `\`${word}\` is the name of a ${declared.definition.kind}`, {
        related: [{ span: declared.definition.name.span, message: "declared here" }],
      });
      return;
    }
    this.scopes.at(-1)!.set(word, { kind, span: name.span, used: false });
  }

  /** A label names its step's result for the lines below, unless something else has the name. */
  private label(name: Name): void {
    if (!this.find(name.text)) this.scopes.at(-1)!.set(name.text, { kind: "label", span: name.span, used: false });
  }

  /** Files are named after a network. */
  private fileName({ text, span }: Name): void {
    if (!/^(con|prn|aux|nul|com\d|lpt\d)$/i.test(text)) return;
    this.report("SE0217", span, `\`${text}\` cannot name a network: Windows reserves it as a file name`);
  }

  private context(name: Name, verb: string): void {
    if (name.text === "se") {
      if (verb === "uses" && this.definition.kind === "network") {
        this.report("SE0510", name.span, "a network uses nothing: it says `insert se(…)`");
      }
      return;
    }
    const declared = verb === "insert" ? this.unit.names.get(name.text) : undefined;
    if (declared) this.usedImports.add(name.text);
    if (declared === missing || (declared?.kind === "definition" && declared.definition.kind === "block")) return;
    this.report(
      "SE0510",
      name.span,
      `there is nothing called \`${name.text}\` to ${verb === "uses" ? "use" : "insert"}`,
      {
        hint: verb === "uses" ? "the only insertion is `se`" : "`se` is inserted, or a block by its name",
      },
    );
  }

  // --- statements ----------------------------------------------------------------------------------------------

  private body(statements: readonly Statement[]): void {
    for (const statement of statements) this.statement(statement);
  }

  private statement(statement: Statement): void {
    switch (statement.kind) {
      case "input":
        this.onlyInNetwork("an input", statement.span);
        for (const dim of statement.type.dims) this.dimension(dim);
        this.args(statement.fields);
        this.declare(statement.name, "input");
        return;
      case "output":
        this.onlyInNetwork("an output", statement.span);
        for (const dim of statement.type?.dims ?? []) this.dimension(dim);
        if (statement.value) this.pipeline(statement.value);
        return;
      case "insert":
        this.context(statement.context, "insert");
        this.args(statement.args);
        return;
      case "let": {
        const { value } = statement;
        if (value.kind === "pipeline") this.pipeline(value);
        else this.chain(value.body, value.span);
        for (const name of statement.names) this.declare(name, "value");
        // Not every item of a row is needed.
        if (statement.names.length > 1) for (const name of statement.names) this.name(name.text, name.span);
        return;
      }
      case "flow":
        this.pipeline(statement.pipeline);
        return;
      case "if":
        this.expr(statement.condition);
        this.inScope(() => this.body(statement.then));
        this.inScope(() => this.body(statement.otherwise));
        return;
      case "for":
        if (statement.over.kind === "range") {
          this.expr(statement.over.from);
          this.expr(statement.over.to);
        } else this.expr(statement.over);
        this.inScope(() => {
          for (const name of statement.names) this.declare(name, "loop variable");
          this.body(statement.body);
        });
        return;
      default:
        statement satisfies never;
    }
  }

  /** `x` is the chain's own input. */
  private chain(body: readonly Statement[], span: Span): void {
    this.inScope(() => {
      this.scopes.at(-1)!.set("x", { kind: "x", span, used: true });
      this.body(body);
    });
  }

  private onlyInNetwork(what: string, span: Span): void {
    if (this.definition.kind === "network") return;
    this.report("SE0321", span, `${what} stands in a network, not in a block`, {
      hint: "a block is given the value that flows into it, `x`, and gives the value of its last line",
    });
  }

  private pipeline(pipeline: Pipeline): void {
    for (const step of pipeline.steps) this.step(step);
  }

  private step({ action, label }: Step): void {
    switch (action.kind) {
      case "apply":
        this.callee(action.callee, false);
        this.args(action.args, action.callee);
        break;
      case "value":
        this.expr(action.expr);
        break;
      case "point":
        this.point(action.name, action.span);
        break;
      case "group":
        this.inScope(() => this.body(action.body));
        break;
      case "repeat":
        if (action.stage) this.expr(action.stage);
        this.expr(action.count);
        this.callee(action.unit.callee, false);
        this.args(action.unit.args, action.unit.callee);
        break;
      case "concat":
        for (const arm of action.arms) this.inScope(() => this.body(arm.body));
        break;
      case "residual":
        this.args(action.options);
        if (action.when) this.expr(action.when);
        this.inScope(() => this.body(action.branch));
        this.inScope(() => action.skip && this.body(action.skip.body));
        if (action.after) this.pipeline(action.after);
        break;
      default:
        action satisfies never;
    }
    if (label) this.label(label);
  }

  private point(name: string, span: Span): void {
    const points = Placement.members.filter((member) => member !== "none");
    const member = memberOf(Placement, name);
    if (member === undefined || member === "none") {
      this.report("SE0509", span, `there is no point \`${name}\``, {
        hint: didYouMean(name, points) ?? `the points are ${points.join(", ")}`,
      });
    } else if (this.definition.kind === "block" && !this.usesSe) {
      const { name: block } = this.definition;
      this.report("SE0509", span, `\`${block.text}\` has a point but does not use se`, {
        related: [{ span: block.span, message: `write \`block ${block.text}(…) uses se\`` }],
      });
    }
  }

  // --- expressions ---------------------------------------------------------------------------------------------

  private args(args: readonly Arg[], callee?: Name): void {
    for (const { name, value } of args) {
      if (callee && value?.kind === "name" && value.text === "N" && !this.find("N")) this.batch(value.span, callee);
      else if (value?.kind === "name") this.name(value.text, value.span, wordsOf.get(name?.text ?? ""));
      else if (value) this.expr(value);
    }
  }

  private batch(span: Span, callee?: Name): void {
    const fixed = callee === undefined ? "what stands here" : `every argument of \`${callee.text}\``;
    this.report("SE0201", span, `${fixed} is fixed when compiling, but the batch \`N\` is known only at run time`, {
      hint: "one compiled network runs any batch: only the first extent of a type is `N`",
    });
  }

  private dimension(expr: Expr): void {
    if (expr.kind !== "name" || expr.text !== "N") this.expr(expr);
  }

  private expr(expr: Expr): void {
    switch (expr.kind) {
      case "int":
      case "float":
      case "bool":
      case "string":
      case "window":
        return;
      case "list":
      case "tuple":
        return expr.items.forEach((item) => this.expr(item));
      case "name":
        return this.name(expr.text, expr.span);
      case "member":
        return this.expr(expr.object);
      case "index":
        this.expr(expr.object);
        return this.expr(expr.index);
      case "call":
        this.callee(expr.callee, true);
        return this.args(expr.args, expr.callee);
      case "unary":
        return this.expr(expr.operand);
      case "binary":
        this.expr(expr.left);
        return this.expr(expr.right);
      case "then":
        this.expr(expr.first);
        return this.expr(expr.others);
      case "ifExpr":
        this.expr(expr.condition);
        this.expr(expr.then);
        return this.expr(expr.otherwise);
      case "pipeline":
        return this.pipeline(expr);
      default:
        expr satisfies never;
    }
  }

  /** @param words what could stand here, if that is a few words */
  private name(word: string, span: Span, words?: readonly string[]): void {
    const local = this.find(word);
    if (local) {
      local.used = true;
      return;
    }
    if (this.enums.some((type) => memberOf(type, word) !== undefined)) return;
    const declared = this.unit.names.get(word);
    if (declared === missing) return;
    if (declared) {
      const kind = declared.kind === "enum" ? "enum" : declared.definition.kind;
      return this.report("SE0201", span, `\`${word}\` is a ${kind}, not a value`);
    }
    if (isLayer(word))
      return this.report("SE0201", span, `\`${word}\` is an op, not a value`, {
        hint: `\`${word}(x)\` applies it`,
      });
    if (word === "x") {
      return this.report("SE0201", span, "`x` is what a block is given; a network has its inputs", {
        hint: "a line begins with the value of the line before; a label or `let` names it",
      });
    }
    if (word === "N") return this.batch(span);
    const near = didYouMean(word, [...this.visible(), ...(words ?? this.enums.flatMap((type) => type.members))]);
    this.report("SE0201", span, `\`${word}\` is not known here`, {
      hint: near ?? (words && `it is one of ${words.join(", ")}`),
    });
  }

  private callee({ text, span }: Name, inExpression: boolean): void {
    if (isLayer(text) || Object.hasOwn(functions, text)) return;
    const local = this.find(text);
    if (local) {
      local.used = true;
      return;
    }
    if (this.unit.names.has(text)) {
      this.usedImports.add(text);
      return;
    }
    const known = [...Object.keys(layers), ...this.unit.names.keys(), ...this.visible()];
    if (inExpression) known.push(...Object.keys(functions));
    const elsewhere =
      namesElsewhere.get(text.toLowerCase()) ??
      nearest(text, known) ??
      namesElsewhere.get(nearest(text, namesElsewhere.keys()) ?? "");
    const hint = elsewhere?.includes(" ") ? elsewhere : elsewhere && `did you mean \`${elsewhere}\`?`;
    this.report("SE0202", span, `there is no op or block \`${text}\``, { hint });
  }

  // --- scopes --------------------------------------------------------------------------------------------------

  private inScope(visit: () => void): void {
    this.scopes.push(new Map());
    visit();
    for (const [name, local] of this.scopes.pop()!) {
      if (local.used || this.isLibrary) continue;
      if (local.kind === "parameter" || local.kind === "value") {
        this.unused.push(notUsed(local.span, `the ${local.kind} \`${name}\` is not used`));
      }
    }
  }

  private find(name: string): Local | undefined {
    return this.scopes.findLast((scope) => scope.has(name))?.get(name);
  }

  private visible(): string[] {
    return this.scopes.flatMap((scope) => [...scope.keys()]);
  }

  private report(
    code: Code,
    span: Span,
    message: string,
    more: { readonly related?: readonly { span: Span; message: string }[]; readonly hint?: string | undefined } = {},
  ): void {
    const { related, hint } = more;
    this.problems.report({
      code,
      severity: "error",
      span,
      message,
      ...(related ? { related } : {}),
      ...(hint ? { hint } : {}),
    });
  }
}
