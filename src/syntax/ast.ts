/**
 * What was written, nothing more: no names resolved, no types checked. Built from Chevrotain's CST by `build.ts`,
 * read by `format.ts` (fmt) and by `check/`.
 */
import type { Span } from "../diagnostics.ts";

export interface SourceFile {
  /** Path relative to the project root; `std/…` for the library that ships with the package. */
  readonly path: string;
  /** The number of `se 1`; undefined if the line is missing. */
  readonly edition: IntLiteral | undefined;
  readonly imports: readonly Import[];
  readonly declarations: readonly Declaration[];
  readonly span: Span;
}

/** `import { bottleneck, basic } from "./blocks.se"` */
export interface Import {
  readonly names: readonly Name[];
  readonly path: { readonly value: string; readonly span: Span };
  readonly span: Span;
}

export type Declaration = Definition | EnumDeclaration;

/** `network Net(params) { … }` or `block unit(params) uses se { … }` */
export interface Definition {
  readonly kind: "network" | "block";
  readonly name: Name;
  readonly doc: readonly string[];
  readonly params: readonly Param[];
  /** The typed contexts that a block takes part in: `uses se`. */
  readonly uses: readonly Name[];
  readonly body: readonly Statement[];
  readonly span: Span;
}

/** `enum Variant { v1_5, v1 }` */
export interface EnumDeclaration {
  readonly kind: "enum";
  readonly name: Name;
  readonly doc: readonly string[];
  readonly members: readonly Name[];
  readonly span: Span;
}

/** `ratio: int = 16` */
export interface Param {
  readonly name: Name;
  readonly doc: readonly string[];
  readonly type: TypeName;
  readonly default: Expr | undefined;
  readonly span: Span;
}

/** `int`, `float`, `bool`, `window`, `list<int>`, `Placement`, a user's enum; `(window, int)` has the name `()`. */
export interface TypeName {
  readonly name: string;
  readonly args: readonly TypeName[];
  readonly span: Span;
}

/** An identifier, or a label such as `0` in `0: conv 64, 1x1` (labels may be numbers and keywords). */
export interface Name {
  readonly text: string;
  readonly span: Span;
}

// --- statements ------------------------------------------------------------------------------------------------

export type Statement =
  InputStatement | OutputStatement | InsertStatement | LetStatement | FlowStatement | IfStatement | ForStatement;

/** `input image: f32[N, 3, 224, 224] { rgb, scale: 1 / 255 }` */
export interface InputStatement {
  readonly kind: "input";
  readonly name: Name;
  readonly type: TensorTypeExpr;
  readonly fields: readonly Arg[];
  readonly span: Span;
}

/** `output logits: f32[N, classes]` (the current value), or `output p4: p4 -> out4: conv 256, 3x3` */
export interface OutputStatement {
  readonly kind: "output";
  readonly name: Name;
  readonly type: TensorTypeExpr | undefined;
  readonly value: Pipeline | undefined;
  readonly span: Span;
}

/** `f32[N, 3, 224, 224]`; the dimension `N` is the expression `N`. */
export interface TensorTypeExpr {
  readonly dtype: Name;
  readonly dims: readonly Expr[];
  readonly span: Span;
}

/** `insert se(at: se, ratio: ratio, in: stages)`: reaches every unit below that `uses se`. */
export interface InsertStatement {
  readonly kind: "insert";
  readonly context: Name;
  readonly args: readonly Arg[];
  readonly span: Span;
}

/** `let p5 = body.c5 -> lat5: conv 256, 1x1`, `let mlp = chain { … }`, `let half = width / 2`, `let (a, b) = pair` */
export interface LetStatement {
  readonly kind: "let";
  /** Several for the items of a tuple. */
  readonly names: readonly Name[];
  readonly value: Pipeline | ChainExpr;
  readonly span: Span;
}

/** An instance that may be called more than once with the same weights: `chain { 1: dense 4 -> relu }`. */
export interface ChainExpr {
  readonly kind: "chain";
  readonly body: readonly Statement[];
  readonly span: Span;
}

/** A line that is applied to the current value; its result becomes the current value. */
export interface FlowStatement {
  readonly kind: "flow";
  readonly pipeline: Pipeline;
  readonly span: Span;
}

export interface IfStatement {
  readonly kind: "if";
  readonly condition: Expr;
  readonly then: readonly Statement[];
  /** Empty without `else`; `else if` is one nested IfStatement. */
  readonly otherwise: readonly Statement[];
  readonly span: Span;
}

/** `for i in 0..n { … }`, `for (kernel, width) in rows { … }` */
export interface ForStatement {
  readonly kind: "for";
  /** Several for the items of a tuple. */
  readonly names: readonly Name[];
  /** A range, or a list. */
  readonly over: Range | Expr;
  readonly body: readonly Statement[];
  readonly span: Span;
}

/** `0..n`, the end excluded. */
export interface Range {
  readonly kind: "range";
  readonly from: Expr;
  readonly to: Expr;
}

// --- pipelines -------------------------------------------------------------------------------------------------

/** `conv1: conv 64, 7x7 / 2 -> bn1: bn -> relu` */
export interface Pipeline {
  readonly kind: "pipeline";
  readonly steps: readonly Step[];
  readonly span: Span;
}

export interface Step {
  readonly label: Name | undefined;
  readonly action: Action;
  readonly span: Span;
}

export type Action = Apply | Point | Residual | Concat | Group | Repeat | ValueAction;

/** An op or a block applied to the current value: `conv 64, 3x3`, `bottleneck(64, stride: 2)`, `relu`. */
export interface Apply {
  readonly kind: "apply";
  readonly callee: Name;
  readonly args: readonly Arg[];
  /** Whether the arguments stood in parentheses: not in `conv 64, 3x3`, `conv (4 * w), 1x1` and `relu`. */
  readonly parens: boolean;
  readonly span: Span;
}

/** `64`, `pad: 1` */
export interface Arg {
  readonly name: Name | undefined;
  /** Undefined for a bare flag in an input declaration: `rgb`. */
  readonly value: Expr | undefined;
  readonly span: Span;
}

/** `@3x3`, `@standard`: the place of an insertion. */
export interface Point {
  readonly kind: "point";
  readonly name: string;
  readonly span: Span;
}

/** `residual { branch { … } skip unless same { … } after relu }` */
export interface Residual {
  readonly kind: "residual";
  /** `join: concat` and other options before the brace. */
  readonly options: readonly Arg[];
  /** `residual when stride == 1 { … }`: without the condition, the branch alone. */
  readonly when: Expr | undefined;
  readonly branch: readonly Statement[];
  readonly skip: { readonly unlessSame: boolean; readonly body: readonly Statement[]; readonly span: Span } | undefined;
  /** `after relu`: applied to the join. */
  readonly after: Pipeline | undefined;
  readonly span: Span;
}

/**
 * `concat { a: conv 64, 1x1 ; b { … } }`: each arm starts from the current value. A label before an arm's first step
 * names the arm, not the step.
 */
export interface Concat {
  readonly kind: "concat";
  readonly arms: readonly {
    readonly label: Name | undefined;
    readonly body: readonly Statement[];
    readonly span: Span;
  }[];
  readonly span: Span;
}

/** `downsample { 0: conv 64, 1x1 -> 1: bn }`: a name space; the label of its step is the prefix. */
export interface Group {
  readonly kind: "group";
  readonly body: readonly Statement[];
  readonly span: Span;
}

/** `stage 2 layer1: 3 of bottleneck(64)`, `3 of unit(8)`; the label of the step names the units `<label>.0`, `<label>.1` … */
export interface Repeat {
  readonly kind: "repeat";
  /** The paper's stage number, for `insert se(in: …)`. */
  readonly stage: Expr | undefined;
  /** The 1 of `b1..: 3 of unit(8)`: the units are b1, b2 and b3, and the step has no label. */
  readonly counting: Name | undefined;
  readonly count: Expr;
  readonly unit: Apply;
  readonly span: Span;
}

/** A tensor expression as a step, usually the first: `y * sigmoid(mlp(gap(x)))`, `body.c5`. */
export interface ValueAction {
  readonly kind: "value";
  readonly expr: Expr;
  readonly span: Span;
}

// --- expressions -----------------------------------------------------------------------------------------------

export type Expr =
  | IntLiteral
  | FloatLiteral
  | BoolLiteral
  | StringLiteral
  | WindowLiteral
  | ListExpr
  | TupleExpr
  | NameExpr
  | MemberExpr
  | IndexExpr
  | CallExpr
  | UnaryExpr
  | BinaryExpr
  | ThenExpr
  | IfExpr
  /** In parentheses, from a value: `(c4 -> lat4: conv 256, 1x1) + p5`, `sigmoid(concat(a, b) -> conv 1, 7x7)`. */
  | Pipeline;

export interface IntLiteral {
  readonly kind: "int";
  readonly value: number;
  readonly span: Span;
}
export interface FloatLiteral {
  readonly kind: "float";
  readonly value: number;
  /** As written; `fmt` keeps it. */
  readonly text: string;
  readonly span: Span;
}
export interface BoolLiteral {
  readonly kind: "bool";
  readonly value: boolean;
  readonly span: Span;
}
export interface StringLiteral {
  readonly kind: "string";
  readonly value: string;
  readonly span: Span;
}
/** `3x3`, height first. As a Placement, `3x3` is the point of that name. */
export interface WindowLiteral {
  readonly kind: "window";
  readonly height: number;
  readonly width: number;
  readonly span: Span;
}
/** `[2, 3]`, or a range inside a list context: `[2..5]` is not written; ranges belong to `for`. */
export interface ListExpr {
  readonly kind: "list";
  readonly items: readonly Expr[];
  readonly span: Span;
}
/** `(3x3, 16)`: two items or more. */
export interface TupleExpr {
  readonly kind: "tuple";
  readonly items: readonly Expr[];
  readonly span: Span;
}
export interface NameExpr {
  readonly kind: "name";
  readonly text: string;
  readonly span: Span;
}
/** `x.channels`, `body.c5` */
export interface MemberExpr {
  readonly kind: "member";
  readonly object: Expr;
  readonly member: Name;
  readonly span: Span;
}
export interface IndexExpr {
  readonly kind: "index";
  readonly object: Expr;
  readonly index: Expr;
  readonly span: Span;
}
/** `floor(a / b)`, `gap(x)`, `mlp(gap(x))`, `window(k)` */
export interface CallExpr {
  readonly kind: "call";
  readonly callee: Name;
  readonly args: readonly Arg[];
  readonly span: Span;
}
export interface UnaryExpr {
  readonly kind: "unary";
  readonly operator: "-" | "not";
  readonly operand: Expr;
  readonly span: Span;
}
export interface BinaryExpr {
  readonly kind: "binary";
  readonly operator: "+" | "-" | "*" | "/" | "%" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "and" | "or" | "in";
  readonly left: Expr;
  readonly right: Expr;
  readonly span: Span;
}
/** `2 then 1`: the first unit of a repeat, then the others. */
export interface ThenExpr {
  readonly kind: "then";
  readonly first: Expr;
  readonly others: Expr;
  readonly span: Span;
}
/** `if c { a } else { b }` */
export interface IfExpr {
  readonly kind: "ifExpr";
  readonly condition: Expr;
  readonly then: Expr;
  readonly otherwise: Expr;
  readonly span: Span;
}
