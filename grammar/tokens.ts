/**
 * The vocabulary of the language, one token a line. Newlines are tokens here; `layout` in src/syntax/lex.ts turns those
 * that end a statement into `Separator` and drops the others. What starts with `Bad` is refused there with its own message.
 */
import { createToken, Lexer, type TokenType } from "chevrotain";

// --- categories: what a word may be --------------------------------------------------------------------------

/** A label, the name of an argument, a point: every word. */
export const Name = createToken({ name: "Name", pattern: Lexer.NA, label: "a name" });
/** A named group, `downsample { … }`: every word that is not followed by a brace for another reason. */
export const GroupName = createToken({ name: "GroupName", pattern: Lexer.NA, categories: Name, label: "a name" });
/** What can be declared and used in an expression. */
export const Identifier = createToken({
  name: "Identifier",
  pattern: Lexer.NA,
  categories: GroupName,
  label: "a name",
});
export const Operator = createToken({ name: "Operator", pattern: Lexer.NA, label: "an operator" });
export const Prefix = createToken({ name: "Prefix", pattern: Lexer.NA, label: "`-` or `not`" });

// --- words ---------------------------------------------------------------------------------------------------

export const Word = createToken({ name: "Word", pattern: /[A-Za-z]\w*/, categories: Identifier, label: "a name" });

/** Words of the grammar that are names everywhere else. */
export const Se = word("se", Identifier);
export const Uses = word("uses", Identifier);
export const From = word("from", Identifier);
export const Branch = word("branch", Identifier);
export const Skip = word("skip", Identifier);
export const Unless = word("unless", Identifier);
export const Same = word("same", Identifier);
export const After = word("after", Identifier);

/** Reserved in expressions, free as labels, as groups and as names of arguments. */
export const Import = word("import", GroupName);
export const Enum = word("enum", GroupName);
export const Network = word("network", GroupName);
export const Block = word("block", GroupName);
export const Input = word("input", GroupName);
export const Output = word("output", GroupName);
export const Insert = word("insert", GroupName);
export const Stage = word("stage", GroupName);
export const Of = word("of", GroupName);
export const When = word("when", GroupName);
export const True = word("true", GroupName);
export const False = word("false", GroupName);
export const Then = word("then", GroupName, Operator);
export const And = word("and", GroupName, Operator);
export const Or = word("or", GroupName, Operator);
export const In = word("in", GroupName, Operator);
export const Not = word("not", GroupName, Prefix);

/** Reserved, and followed by a brace of their own. */
export const Let = word("let", Name);
export const Chain = word("chain", Name);
export const If = word("if", Name);
export const Else = word("else", Name);
export const For = word("for", Name);
export const Residual = word("residual", Name);
/** `concat { … }` is an action; `concat(a, b)` and `join: concat` are expressions. */
export const Concat = word("concat", Name);

// --- literals ------------------------------------------------------------------------------------------------

export const Window = createToken({ name: "Window", pattern: /\d+x\d+(?!\w)/, label: "a window such as `3x3`" });
export const Float = createToken({
  name: "Float",
  pattern: /\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)(?!\w|\.\d)/,
  label: "a number",
});
export const Int = createToken({ name: "Int", pattern: /\d+(?!\w)/, label: "a whole number" });
export const Text = createToken({ name: "Text", pattern: /"[^"\r\n]*"/, label: "a string" });

// --- signs ---------------------------------------------------------------------------------------------------

export const Arrow = sign("Arrow", "->");
export const DotDot = sign("DotDot", "..");
export const Equal = sign("Equal", "==", Operator);
export const NotEqual = sign("NotEqual", "!=", Operator);
export const LessEqual = sign("LessEqual", "<=", Operator);
export const GreaterEqual = sign("GreaterEqual", ">=", Operator);
export const Less = sign("Less", "<", Operator);
export const Greater = sign("Greater", ">", Operator);
export const Plus = sign("Plus", "+", Operator);
export const Minus = sign("Minus", "-", Operator, Prefix);
export const Times = sign("Times", "*", Operator);
export const Divide = sign("Divide", "/", Operator);
export const Modulo = sign("Modulo", "%", Operator);
export const Assign = sign("Assign", "=");
export const Colon = sign("Colon", ":");
export const Comma = sign("Comma", ",");
export const Dot = sign("Dot", ".");
export const At = sign("At", "@");
export const LeftParen = sign("LeftParen", "(");
export const RightParen = sign("RightParen", ")");
export const LeftSquare = sign("LeftSquare", "[");
export const RightSquare = sign("RightSquare", "]");
export const LeftBrace = sign("LeftBrace", "{");
export const RightBrace = sign("RightBrace", "}");

// --- layout --------------------------------------------------------------------------------------------------

/** The end of a statement: a newline that counts, or `;`. */
export const Separator = createToken({ name: "Separator", pattern: ";", label: "a new line" });
export const Newline = createToken({ name: "Newline", pattern: /\r\n|\r|\n/, line_breaks: true, label: "a new line" });
/** Kept beside the tokens, with their offsets, for `///` and for fmt. */
export const Comment = createToken({ name: "Comment", pattern: /\/\/[^\r\n]*/, group: "comments" });
const Space = createToken({ name: "Space", pattern: /[ \t\uFEFF]+/, group: Lexer.SKIPPED });

// --- refused, with a message of their own --------------------------------------------------------------------

/** `5.`, `.5`, `1.2.3`, but not the start of `2..5`. These stand for a number, so that the rest of the line still parses. */
export const BadPoint = createToken({ name: "BadPoint", pattern: /\d+\.(?!\.)[\w.]*|\.\d[\w.]*/, categories: Int });
export const BadNumber = createToken({ name: "BadNumber", pattern: /\d\w*/, categories: Int });
/** Stands for a name. */
export const BadWord = createToken({ name: "BadWord", pattern: /_\w*/, categories: Identifier });
/** Stand for a string. */
export const OpenText = createToken({ name: "OpenText", pattern: /"[^"\r\n]*/, categories: Text });
export const SingleQuoted = createToken({ name: "SingleQuoted", pattern: /'[^'\r\n]*'?/, categories: Text });
export const BlockComment = createToken({
  name: "BlockComment",
  pattern: /\/\*(?:[^]*?\*\/|[^]*)/,
  line_breaks: true,
});
export const HashComment = createToken({ name: "HashComment", pattern: /#[^\r\n]*/ });
export const BadSign = createToken({ name: "BadSign", pattern: /&&|\|\||[!$&?\\^`|~]/ });

/** In the order in which the lexer tries them: the longer first, `->` before `-`, windows before whole numbers. */
export const tokens: TokenType[] = [
  ...[Space, Newline, Comment, BlockComment],
  ...[Se, Uses, From, Branch, Skip, Unless, Same, After],
  ...[Import, Enum, Network, Block, Input, Output, Insert, Stage, Of, When, True, False, Then, And, Or, In, Not],
  ...[Let, Chain, If, Else, For, Residual, Concat],
  ...[Word, BadWord, Window, Float, BadPoint, Int, BadNumber, Text, OpenText, SingleQuoted, HashComment],
  ...[Arrow, DotDot, Equal, NotEqual, LessEqual, GreaterEqual, Less, Greater],
  ...[Plus, Minus, Times, Divide, Modulo, Assign, Colon, Comma, Dot, At, Separator],
  ...[LeftParen, RightParen, LeftSquare, RightSquare, LeftBrace, RightBrace],
  BadSign,
  ...[Name, GroupName, Identifier, Operator, Prefix],
];

function word(text: string, ...categories: TokenType[]): TokenType {
  const name = text[0]?.toUpperCase() + text.slice(1);
  return createToken({ name, pattern: text, longer_alt: Word, categories, label: `\`${text}\`` });
}

function sign(name: string, text: string, ...categories: TokenType[]): TokenType {
  return createToken({ name, pattern: text, categories, label: `\`${text}\`` });
}
