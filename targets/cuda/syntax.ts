import { Bug } from "../../src/diagnostics.ts";

/**
 * The text of a kernel as a tree. Kernels are written once, in the part of WGSL that the templates and the emitter use;
 * other C-like languages are printed from this tree. Whatever it does not know is a bug, with its line.
 */
export interface KernelTree {
  /** Comments before the first declaration. */
  readonly banner: readonly string[];
  readonly declarations: readonly Declaration[];
}

/** What stands around a statement or declaration: comment lines and an empty line before it, a comment behind it. */
export interface Around {
  readonly blank: boolean;
  readonly comments: readonly string[];
  readonly behind: string | undefined;
}

export type Declaration = Around &
  (
    | { readonly kind: "const"; readonly name: string; readonly value: Expression }
    | { readonly kind: "binding"; readonly name: string; readonly type: string; readonly writable: boolean }
    | { readonly kind: "shared"; readonly name: string; readonly type: string; readonly length: Expression }
    | { readonly kind: "struct"; readonly name: string; readonly fields: readonly Parameter[] }
    | FunctionDeclaration
  );

export interface FunctionDeclaration extends Around {
  readonly kind: "function";
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** Undefined: nothing is returned. */
  readonly result: string | undefined;
  readonly body: Block;
  /** The threads of a workgroup: this is the entry point. */
  readonly threads: number | undefined;
}

export interface Parameter {
  readonly name: string;
  readonly type: string;
}

export interface Block {
  readonly statements: readonly Statement[];
  /** Comments after the last statement. */
  readonly after: readonly string[];
}

export type Statement = Around &
  (
    | { readonly kind: "let" | "var"; readonly name: string; readonly value: Expression }
    | { readonly kind: "assign"; readonly to: Expression; readonly operator: string; readonly value: Expression }
    | { readonly kind: "increment"; readonly to: Expression }
    | { readonly kind: "call"; readonly call: Expression }
    | {
        readonly kind: "if";
        readonly condition: Expression;
        readonly then: Block;
        readonly otherwise: Block | undefined;
      }
    | {
        readonly kind: "for";
        readonly start: Statement;
        readonly condition: Expression;
        readonly step: Statement;
        readonly body: Block;
      }
    /** `{ ... }`, for a scope of its own. */
    | { readonly kind: "scope"; readonly body: Block }
    | { readonly kind: "return"; readonly value: Expression | undefined }
    | { readonly kind: "continue" }
  );

export type Expression =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "call"; readonly name: string; readonly inputs: readonly Expression[] }
  /** `array<u32, 3>(...)` */
  | { readonly kind: "array"; readonly type: string; readonly items: readonly Expression[] }
  | { readonly kind: "index"; readonly of: Expression; readonly at: Expression }
  | { readonly kind: "member"; readonly of: Expression; readonly name: string }
  | { readonly kind: "unary"; readonly operator: string; readonly of: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression };

export function parseKernel(text: string): KernelTree {
  return new Parser(text).kernel();
}

/** How tightly binary operators bind, in WGSL as in C. */
export const precedence: Readonly<Record<string, number>> = {
  "||": 1,
  "&&": 2,
  "|": 3,
  "^": 4,
  "&": 5,
  "==": 6,
  "!=": 6,
  "<": 7,
  ">": 7,
  "<=": 7,
  ">=": 7,
  "<<": 8,
  ">>": 8,
  "+": 9,
  "-": 9,
  "*": 10,
  "/": 10,
  "%": 10,
};

interface Token {
  readonly text: string;
  readonly line: number;
  /** Whether an empty line stands before it and its comments. */
  readonly blank: boolean;
  readonly comments: readonly string[];
  /** A comment on the same line, after it. */
  behind: string | undefined;
}

const pattern =
  /(?<space>[ \t\r]+)|(?<newline>\n)|(?<comment>\/\/[^\n]*)|(?<token>@?[A-Za-z_]\w*|\d[\w.]*(?:(?<=e)[+-]\d+)?|\+\+|->|[-+*/%]=|[<>=!]=|&&|\|\||<<|>>|[-+*/%<>=!&|^(){}[\]:;,.])/y;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const lines = text.split("\n");
  let [line, blanks, comments] = [1, 0, [] as string[]];
  pattern.lastIndex = 0;
  while (pattern.lastIndex < text.length) {
    const { newline, comment, token } = pattern.exec(text)?.groups ?? { none: "" };
    if (newline !== undefined) {
      line++;
      blanks++;
    } else if (comment !== undefined) {
      const said = comment.slice(2).trim();
      if (blanks === 0 && tokens.length > 0) tokens.at(-1)!.behind = said;
      else {
        comments.push(said);
        blanks = 1;
      }
    } else if (token !== undefined) {
      const blank = isBlank(lines[line - 2 - comments.length]);
      tokens.push({ text: token, line, blank, comments, behind: undefined });
      [blanks, comments] = [0, []];
    } else if (pattern.lastIndex === 0) throw new Bug(`line ${line} of a kernel is no WGSL that sec writes`);
  }
  return tokens;
}

function isBlank(line: string | undefined): boolean {
  return line !== undefined && line.trim() === "";
}

class Parser {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(text: string) {
    this.tokens = tokensOf(text);
  }

  kernel(): KernelTree {
    // The banner is what stands before the first empty line; the rest belongs to the first declaration.
    const declarations: Declaration[] = [];
    while (this.at < this.tokens.length) declarations.push(this.declaration());
    const [first, ...others] = declarations;
    if (!first) throw new Bug("a kernel is empty");
    return { banner: first.comments, declarations: [{ ...first, comments: [] }, ...others] };
  }

  private declaration(): Declaration {
    const around = this.around();
    switch (this.peek()) {
      case "const": {
        this.take("const");
        const name = this.word();
        this.take("=");
        return { kind: "const", name, value: this.expression(), ...this.ended(around) };
      }
      case "@group": {
        for (const each of ["@group", "(", "0", ")", "@binding", "("]) this.take(each);
        this.word();
        for (const each of [")", "var", "<", "storage", ","]) this.take(each);
        const writable = this.word() === "read_write";
        this.take(">");
        const name = this.word();
        for (const each of [":", "array", "<"]) this.take(each);
        const type = this.word();
        this.take(">");
        return { kind: "binding", name, type, writable, ...this.ended(around) };
      }
      case "var": {
        for (const each of ["var", "<", "workgroup", ">"]) this.take(each);
        const name = this.word();
        for (const each of [":", "array", "<"]) this.take(each);
        const type = this.word();
        this.take(",");
        const length = this.expression(precedence[">>"]);
        this.take(">");
        return { kind: "shared", name, type, length, ...this.ended(around) };
      }
      case "struct": {
        this.take("struct");
        const name = this.word();
        this.take("{");
        const fields = this.parameters("}");
        return { kind: "struct", name, fields, ...around, behind: undefined };
      }
      default:
        return this.function(around);
    }
  }

  private function(around: Around): FunctionDeclaration {
    let threads: number | undefined;
    if (this.skip("@compute")) {
      for (const each of ["@workgroup_size", "("]) this.take(each);
      threads = Number(this.word());
      this.take(")");
    }
    this.take("fn");
    const name = this.word();
    this.take("(");
    const parameters = this.parameters(")");
    const result = this.skip("->") ? this.word() : undefined;
    return { kind: "function", name, parameters, result, body: this.block(), threads, ...around };
  }

  private parameters(end: string): Parameter[] {
    const parameters: Parameter[] = [];
    while (!this.skip(end)) {
      if (this.skip("@builtin")) for (let depth = 0; depth < 3; depth++) this.at++;
      const name = this.word();
      this.take(":");
      parameters.push({ name, type: this.word() });
      this.skip(",");
    }
    return parameters;
  }

  private block(): Block {
    this.take("{");
    const statements: Statement[] = [];
    while (this.peek() !== "}") statements.push(this.statement());
    const after = this.tokens[this.at]!.comments;
    this.take("}");
    return { statements, after };
  }

  private statement(): Statement {
    const around = this.around();
    if (this.peek() === "if") {
      this.take("if");
      this.take("(");
      const condition = this.expression();
      this.take(")");
      const then = this.block();
      const otherwise = this.skip("else") ? this.block() : undefined;
      return { kind: "if", condition, then, otherwise, ...around };
    }
    if (this.peek() === "{") return { kind: "scope", body: this.block(), ...around };
    if (this.skip("for")) {
      this.take("(");
      const start = this.simple(around);
      this.take(";");
      const condition = this.expression();
      this.take(";");
      const step = this.simple(around);
      this.take(")");
      return { kind: "for", start, condition, step, body: this.block(), ...around };
    }
    const statement = this.simple(around);
    return { ...statement, ...this.ended(around) };
  }

  private simple(around: Around): Statement {
    if (this.peek() === "let" || this.peek() === "var") {
      const kind = this.word() as "let" | "var";
      const name = this.word();
      this.take("=");
      return { kind, name, value: this.expression(), ...around };
    }
    if (this.skip("return"))
      return { kind: "return", value: this.peek() === ";" ? undefined : this.expression(), ...around };
    if (this.skip("continue")) return { kind: "continue", ...around };
    const to = this.expression();
    if (this.skip("++")) return { kind: "increment", to, ...around };
    if (/^[-+*/%]?=$/.test(this.peek()))
      return { kind: "assign", to, operator: this.next(), value: this.expression(), ...around };
    return { kind: "call", call: to, ...around };
  }

  private expression(above = 0): Expression {
    let left = this.operand();
    for (;;) {
      const operator = this.peek();
      const binds = precedence[operator];
      if (binds === undefined || binds <= above) return left;
      this.at++;
      left = { kind: "binary", operator, left, right: this.expression(binds) };
    }
  }

  private operand(): Expression {
    if (this.peek() === "-" || this.peek() === "!") {
      const operator = this.next();
      return { kind: "unary", operator, of: this.operand() };
    }
    let value: Expression;
    if (this.skip("(")) {
      value = this.expression();
      this.take(")");
    } else if (this.peek() === "array") {
      this.take("array");
      this.take("<");
      const type = this.word();
      this.take(",");
      this.word();
      this.take(">");
      this.take("(");
      value = { kind: "array", type, items: this.inputs() };
    } else {
      const word = this.word();
      if (/^\d/.test(word)) value = { kind: "number", text: word };
      else if (this.skip("(")) value = { kind: "call", name: word, inputs: this.inputs() };
      else value = { kind: "name", name: word };
    }
    for (;;) {
      if (this.skip("[")) {
        value = { kind: "index", of: value, at: this.expression() };
        this.take("]");
      } else if (this.skip(".")) value = { kind: "member", of: value, name: this.word() };
      else return value;
    }
  }

  private inputs(): Expression[] {
    const inputs: Expression[] = [];
    while (!this.skip(")")) {
      inputs.push(this.expression());
      if (this.peek() !== ")") this.take(",");
    }
    return inputs;
  }

  private around(): Around {
    const { blank, comments } = this.tokens[this.at]!;
    return { blank, comments, behind: undefined };
  }

  private ended(around: Around): Around {
    this.take(";");
    return { ...around, behind: this.tokens[this.at - 1]!.behind };
  }

  private peek(): string {
    return this.tokens[this.at]?.text ?? "";
  }

  private next(): string {
    return this.tokens[this.at++]?.text ?? "";
  }

  private word(): string {
    if (!/^\w/.test(this.peek())) this.fail("a word");
    return this.next();
  }

  private skip(text: string): boolean {
    const found = this.peek() === text;
    if (found) this.at++;
    return found;
  }

  private take(text: string): void {
    if (!this.skip(text)) this.fail(text);
  }

  private fail(expected: string): never {
    throw new Bug(
      `line ${this.tokens[this.at]?.line ?? "end"} of a kernel: expected ${expected}, found ${this.peek()}`,
    );
  }
}
