// Generated from parser.ts by scripts/cst-types.mjs.
import type { CstNode, IToken } from "chevrotain";

export interface FileCstNode extends CstNode {
  name: "file";
  children: FileCstChildren;
}

export type FileCstChildren = {
  edition?: EditionCstNode[];
  Separator?: IToken[];
  declaration?: DeclarationCstNode[];
};

export interface EditionCstNode extends CstNode {
  name: "edition";
  children: EditionCstChildren;
}

export type EditionCstChildren = {
  Se: IToken[];
  Int: IToken[];
};

export interface DeclarationCstNode extends CstNode {
  name: "declaration";
  children: DeclarationCstChildren;
}

export type DeclarationCstChildren = {
  importLine?: ImportLineCstNode[];
  enumeration?: EnumerationCstNode[];
  definition?: DefinitionCstNode[];
};

export interface ImportLineCstNode extends CstNode {
  name: "importLine";
  children: ImportLineCstChildren;
}

export type ImportLineCstChildren = {
  Import: IToken[];
  LeftBrace: IToken[];
  Identifier: IToken[];
  listSeparator?: ListSeparatorCstNode[];
  Comma?: IToken[];
  RightBrace: IToken[];
  From: IToken[];
  Text: IToken[];
};

export interface EnumerationCstNode extends CstNode {
  name: "enumeration";
  children: EnumerationCstChildren;
}

export type EnumerationCstChildren = {
  Enum: IToken[];
  Identifier: IToken[];
  LeftBrace: IToken[];
  name: NameCstNode[];
  listSeparator?: ListSeparatorCstNode[];
  Comma?: IToken[];
  RightBrace: IToken[];
};

export interface DefinitionCstNode extends CstNode {
  name: "definition";
  children: DefinitionCstChildren;
}

export type DefinitionCstChildren = {
  Network?: IToken[];
  Block?: IToken[];
  Identifier: IToken[];
  LeftParen: IToken[];
  param?: ParamCstNode[];
  Comma?: IToken[];
  RightParen: IToken[];
  Uses?: IToken[];
  body: BodyCstNode[];
};

export interface ParamCstNode extends CstNode {
  name: "param";
  children: ParamCstChildren;
}

export type ParamCstChildren = {
  Identifier: IToken[];
  Colon: IToken[];
  type: TypeCstNode[];
  Assign?: IToken[];
  expression?: ExpressionCstNode[];
};

export interface TypeCstNode extends CstNode {
  name: "type";
  children: TypeCstChildren;
}

export type TypeCstChildren = {
  Identifier?: IToken[];
  Less?: IToken[];
  type?: TypeCstNode[];
  Comma?: IToken[];
  Greater?: IToken[];
  LeftParen?: IToken[];
  RightParen?: IToken[];
};

export interface BodyCstNode extends CstNode {
  name: "body";
  children: BodyCstChildren;
}

export type BodyCstChildren = {
  LeftBrace: IToken[];
  statement?: StatementCstNode[];
  Separator?: IToken[];
  RightBrace: IToken[];
};

export interface StatementCstNode extends CstNode {
  name: "statement";
  children: StatementCstChildren;
}

export type StatementCstChildren = {
  inputLine?: InputLineCstNode[];
  outputLine?: OutputLineCstNode[];
  insert?: InsertCstNode[];
  binding?: BindingCstNode[];
  condition?: ConditionCstNode[];
  loop?: LoopCstNode[];
  pipeline?: PipelineCstNode[];
};

export interface InputLineCstNode extends CstNode {
  name: "inputLine";
  children: InputLineCstChildren;
}

export type InputLineCstChildren = {
  Input: IToken[];
  Identifier: IToken[];
  Colon: IToken[];
  tensorType: TensorTypeCstNode[];
  LeftBrace?: IToken[];
  field?: FieldCstNode[];
  listSeparator?: ListSeparatorCstNode[];
  Comma?: IToken[];
  RightBrace?: IToken[];
};

export interface FieldCstNode extends CstNode {
  name: "field";
  children: FieldCstChildren;
}

export type FieldCstChildren = {
  Name: IToken[];
  Colon?: IToken[];
  expression?: ExpressionCstNode[];
};

export interface OutputLineCstNode extends CstNode {
  name: "outputLine";
  children: OutputLineCstChildren;
}

export type OutputLineCstChildren = {
  Output: IToken[];
  Identifier: IToken[];
  Colon?: IToken[];
  tensorType?: TensorTypeCstNode[];
  pipeline?: PipelineCstNode[];
};

export interface TensorTypeCstNode extends CstNode {
  name: "tensorType";
  children: TensorTypeCstChildren;
}

export type TensorTypeCstChildren = {
  Identifier: IToken[];
  LeftSquare: IToken[];
  expression: ExpressionCstNode[];
  Comma?: IToken[];
  RightSquare: IToken[];
};

export interface InsertCstNode extends CstNode {
  name: "insert";
  children: InsertCstChildren;
}

export type InsertCstChildren = {
  Insert: IToken[];
  Identifier: IToken[];
  parenArgs: ParenArgsCstNode[];
};

export interface BindingCstNode extends CstNode {
  name: "binding";
  children: BindingCstChildren;
}

export type BindingCstChildren = {
  Let: IToken[];
  names: NamesCstNode[];
  Assign: IToken[];
  Chain?: IToken[];
  body?: BodyCstNode[];
  pipeline?: PipelineCstNode[];
};

export interface NamesCstNode extends CstNode {
  name: "names";
  children: NamesCstChildren;
}

export type NamesCstChildren = {
  Identifier?: IToken[];
  LeftParen?: IToken[];
  Comma?: IToken[];
  RightParen?: IToken[];
};

export interface ConditionCstNode extends CstNode {
  name: "condition";
  children: ConditionCstChildren;
}

export type ConditionCstChildren = {
  If: IToken[];
  expression: ExpressionCstNode[];
  body: BodyCstNode[];
  Else?: IToken[];
};

export interface LoopCstNode extends CstNode {
  name: "loop";
  children: LoopCstChildren;
}

export type LoopCstChildren = {
  For: IToken[];
  names: NamesCstNode[];
  In: IToken[];
  expression: ExpressionCstNode[];
  DotDot?: IToken[];
  body: BodyCstNode[];
};

export interface PipelineCstNode extends CstNode {
  name: "pipeline";
  children: PipelineCstChildren;
}

export type PipelineCstChildren = {
  step: StepCstNode[];
  Arrow?: IToken[];
};

export interface StepCstNode extends CstNode {
  name: "step";
  children: StepCstChildren;
}

export type StepCstChildren = {
  stage?: StageCstNode[];
  counted?: CountedCstNode[];
  label?: LabelCstNode[];
  action?: ActionCstNode[];
};

export interface LabelCstNode extends CstNode {
  name: "label";
  children: LabelCstChildren;
}

export type LabelCstChildren = {
  Name?: IToken[];
  Int?: IToken[];
  Colon: IToken[];
};

export interface ActionCstNode extends CstNode {
  name: "action";
  children: ActionCstChildren;
}

export type ActionCstChildren = {
  residual?: ResidualCstNode[];
  arms?: ArmsCstNode[];
  group?: GroupCstNode[];
  simple?: SimpleCstNode[];
};

export interface SimpleCstNode extends CstNode {
  name: "simple";
  children: SimpleCstChildren;
}

export type SimpleCstChildren = {
  point?: PointCstNode[];
  bareCall?: BareCallCstNode[];
  value?: ValueCstNode[];
};

export interface PointCstNode extends CstNode {
  name: "point";
  children: PointCstChildren;
}

export type PointCstChildren = {
  At: IToken[];
  Window?: IToken[];
  Name?: IToken[];
};

export interface BareCallCstNode extends CstNode {
  name: "bareCall";
  children: BareCallCstChildren;
}

export type BareCallCstChildren = {
  name: NameCstNode[];
  bareArg: BareArgCstNode[];
  Comma?: IToken[];
  arg?: ArgCstNode[];
};

export interface ValueCstNode extends CstNode {
  name: "value";
  children: ValueCstChildren;
}

export type ValueCstChildren = {
  expression: ExpressionCstNode[];
  Of?: IToken[];
  unit?: UnitCstNode[];
  Comma?: IToken[];
  arg?: ArgCstNode[];
};

export interface StageCstNode extends CstNode {
  name: "stage";
  children: StageCstChildren;
}

export type StageCstChildren = {
  Stage: IToken[];
  operand: OperandCstNode[];
  Name?: IToken[];
  Int?: IToken[];
  DotDot?: IToken[];
  Colon: IToken[];
  Of: IToken[];
  unit: UnitCstNode[];
};

export interface CountedCstNode extends CstNode {
  name: "counted";
  children: CountedCstChildren;
}

export type CountedCstChildren = {
  Name?: IToken[];
  Int?: IToken[];
  DotDot: IToken[];
  Colon: IToken[];
  operand: OperandCstNode[];
  Of: IToken[];
  unit: UnitCstNode[];
};

export interface UnitCstNode extends CstNode {
  name: "unit";
  children: UnitCstChildren;
}

export type UnitCstChildren = {
  name: NameCstNode[];
  parenArgs?: ParenArgsCstNode[];
  bareArg?: BareArgCstNode[];
  Comma?: IToken[];
  arg?: ArgCstNode[];
};

export interface ResidualCstNode extends CstNode {
  name: "residual";
  children: ResidualCstChildren;
}

export type ResidualCstChildren = {
  Residual: IToken[];
  namedArg?: NamedArgCstNode[];
  Comma?: IToken[];
  When?: IToken[];
  expression?: ExpressionCstNode[];
  LeftBrace: IToken[];
  Branch: IToken[];
  body: BodyCstNode[];
  Separator?: IToken[];
  skip?: SkipCstNode[];
  After?: IToken[];
  pipeline?: PipelineCstNode[];
  RightBrace: IToken[];
};

export interface SkipCstNode extends CstNode {
  name: "skip";
  children: SkipCstChildren;
}

export type SkipCstChildren = {
  Skip: IToken[];
  Unless?: IToken[];
  Same?: IToken[];
  body: BodyCstNode[];
};

export interface ArmsCstNode extends CstNode {
  name: "arms";
  children: ArmsCstChildren;
}

export type ArmsCstChildren = {
  Concat: IToken[];
  LeftBrace: IToken[];
  arm?: ArmCstNode[];
  Separator?: IToken[];
  RightBrace: IToken[];
};

export interface ArmCstNode extends CstNode {
  name: "arm";
  children: ArmCstChildren;
}

export type ArmCstChildren = {
  label?: LabelCstNode[];
  pipeline: PipelineCstNode[];
};

export interface GroupCstNode extends CstNode {
  name: "group";
  children: GroupCstChildren;
}

export type GroupCstChildren = {
  GroupName?: IToken[];
  Int?: IToken[];
  body: BodyCstNode[];
};

export interface ParenArgsCstNode extends CstNode {
  name: "parenArgs";
  children: ParenArgsCstChildren;
}

export type ParenArgsCstChildren = {
  LeftParen: IToken[];
  arg?: ArgCstNode[];
  tail?: TailCstNode[];
  Comma?: IToken[];
  RightParen: IToken[];
};

export interface TailCstNode extends CstNode {
  name: "tail";
  children: TailCstChildren;
}

export type TailCstChildren = {
  Arrow: IToken[];
  label?: LabelCstNode[];
  simple: SimpleCstNode[];
};

export interface ArgCstNode extends CstNode {
  name: "arg";
  children: ArgCstChildren;
}

export type ArgCstChildren = {
  namedArg?: NamedArgCstNode[];
  expression?: ExpressionCstNode[];
};

export interface NamedArgCstNode extends CstNode {
  name: "namedArg";
  children: NamedArgCstChildren;
}

export type NamedArgCstChildren = {
  Name: IToken[];
  Colon: IToken[];
  expression: ExpressionCstNode[];
};

export interface BareArgCstNode extends CstNode {
  name: "bareArg";
  children: BareArgCstChildren;
}

export type BareArgCstChildren = {
  namedArg?: NamedArgCstNode[];
  bareExpression?: BareExpressionCstNode[];
};

export interface NameCstNode extends CstNode {
  name: "name";
  children: NameCstChildren;
}

export type NameCstChildren = {
  Identifier?: IToken[];
  Concat?: IToken[];
};

export interface ExpressionCstNode extends CstNode {
  name: "expression";
  children: ExpressionCstChildren;
}

export type ExpressionCstChildren = {
  Prefix?: IToken[];
  operand: OperandCstNode[];
  operation?: OperationCstNode[];
};

export interface BareExpressionCstNode extends CstNode {
  name: "bareExpression";
  children: BareExpressionCstChildren;
}

export type BareExpressionCstChildren = {
  Not?: IToken[];
  Prefix?: IToken[];
  operand?: OperandCstNode[];
  plainOperand?: PlainOperandCstNode[];
  operation?: OperationCstNode[];
};

export interface OperationCstNode extends CstNode {
  name: "operation";
  children: OperationCstChildren;
}

export type OperationCstChildren = {
  Operator: IToken[];
  Prefix?: IToken[];
  operand: OperandCstNode[];
};

export interface OperandCstNode extends CstNode {
  name: "operand";
  children: OperandCstChildren;
}

export type OperandCstChildren = {
  plainOperand?: PlainOperandCstNode[];
  parenthesized?: ParenthesizedCstNode[];
  list?: ListCstNode[];
  suffix?: SuffixCstNode[];
};

export interface PlainOperandCstNode extends CstNode {
  name: "plainOperand";
  children: PlainOperandCstChildren;
}

export type PlainOperandCstChildren = {
  Int?: IToken[];
  Float?: IToken[];
  Window?: IToken[];
  Text?: IToken[];
  True?: IToken[];
  False?: IToken[];
  choice?: ChoiceCstNode[];
  reference?: ReferenceCstNode[];
  suffix?: SuffixCstNode[];
};

export interface ReferenceCstNode extends CstNode {
  name: "reference";
  children: ReferenceCstChildren;
}

export type ReferenceCstChildren = {
  name: NameCstNode[];
  parenArgs?: ParenArgsCstNode[];
};

export interface SuffixCstNode extends CstNode {
  name: "suffix";
  children: SuffixCstChildren;
}

export type SuffixCstChildren = {
  Dot?: IToken[];
  Name?: IToken[];
  LeftSquare?: IToken[];
  expression?: ExpressionCstNode[];
  RightSquare?: IToken[];
};

export interface ParenthesizedCstNode extends CstNode {
  name: "parenthesized";
  children: ParenthesizedCstChildren;
}

export type ParenthesizedCstChildren = {
  LeftParen: IToken[];
  expression: ExpressionCstNode[];
  Comma?: IToken[];
  tail?: TailCstNode[];
  RightParen: IToken[];
};

export interface ListCstNode extends CstNode {
  name: "list";
  children: ListCstChildren;
}

export type ListCstChildren = {
  LeftSquare: IToken[];
  expression?: ExpressionCstNode[];
  Comma?: IToken[];
  RightSquare: IToken[];
};

export interface ChoiceCstNode extends CstNode {
  name: "choice";
  children: ChoiceCstChildren;
}

export type ChoiceCstChildren = {
  If: IToken[];
  expression: ExpressionCstNode[];
  LeftBrace: IToken[];
  RightBrace: IToken[];
  Else: IToken[];
};

export interface ListSeparatorCstNode extends CstNode {
  name: "listSeparator";
  children: ListSeparatorCstChildren;
}

export type ListSeparatorCstChildren = {
  Comma?: IToken[];
  Separator?: IToken[];
};

export interface LiteralCstNode extends CstNode {
  name: "literal";
  children: LiteralCstChildren;
}

export type LiteralCstChildren = {
  literalItem: LiteralItemCstNode[];
  Comma?: IToken[];
};

export interface LiteralItemCstNode extends CstNode {
  name: "literalItem";
  children: LiteralItemCstChildren;
}

export type LiteralItemCstChildren = {
  Minus?: IToken[];
  Int?: IToken[];
  Float?: IToken[];
  Window?: IToken[];
  Text?: IToken[];
  Name?: IToken[];
  LeftSquare?: IToken[];
  literalItem?: LiteralItemCstNode[];
  Comma?: IToken[];
  RightSquare?: IToken[];
  LeftParen?: IToken[];
  RightParen?: IToken[];
};
