/**
 * `sec fmt`: the one canonical form. The AST gives the layout, the tokens give the text, so that every token comes through
 * as it was written and every comment stays between the tokens it was written between.
 */
import type { IToken, TokenType } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import { Bug, Problems, type Span } from "../diagnostics.ts";
import type * as ast from "./ast.ts";
import { blankLine, comment, type Doc, group, hardLine, ifBroken, indent, line, print, softLine } from "./doc.ts";
import { lex } from "./lex.ts";
import { type CommentLine, type Lexeme, lexemesOf } from "./lexemes.ts";
import { parse } from "./parse.ts";

const width = 100;

/** The canonical text of a file, or nothing if it has errors. */
export function format(text: string, file: string, problems: Problems): string | undefined {
  const before = problems.list.length;
  const tree = parse(text, file, problems);
  const lexed = lex(text, file, new Problems());
  if (tree === undefined || lexed === undefined || problems.list.length > before) return undefined;
  const formatted = print(fileDoc(tree, cursorOver(lexemesOf(text, lexed))), width);
  if (!sameProgram(tree, text, formatted)) throw new Bug(`fmt would change what ${file} means; nothing was written`);
  return formatted;
}

/** Every token and every comment is there again, and the tree is the same. */
function sameProgram(tree: ast.SourceFile, text: string, formatted: string): boolean {
  const again = parse(formatted, tree.path, new Problems());
  return again !== undefined && withoutSpans(again) === withoutSpans(tree) && comments(formatted) === comments(text);
}

function withoutSpans(tree: ast.SourceFile): string {
  return JSON.stringify(tree, (key, value: unknown) => (key === "span" ? undefined : value));
}

function comments(text: string): string {
  return (lex(text, "", new Problems())?.comments ?? []).map(({ image }) => image.trimEnd()).join("\n");
}

// --- declarations ------------------------------------------------------------------------------------------------

function fileDoc(tree: ast.SourceFile, c: Cursor): Doc {
  const docs: Doc[] = [c.opening()];
  if (tree.edition) docs.push(c.take("se"), " ", c.take());
  const items = [...tree.imports, ...tree.declarations].toSorted((a, b) => a.span.start - b.span.start);
  for (const [index, item] of items.entries()) {
    const kind = kindOf(item);
    const before = items[index - 1];
    // Imports stand together, and so may enums; everything else has air around it.
    const close = kind !== "definition" && before !== undefined && kindOf(before) === kind && !c.spaced();
    if (index > 0 || tree.edition) docs.push(c.gap(close ? hardLine : blankLine));
    docs.push(declaration(item, c));
  }
  return [docs, c.rest()];
}

function kindOf(item: ast.Import | ast.Declaration): "import" | "enum" | "definition" {
  return "path" in item ? "import" : item.kind === "enum" ? "enum" : "definition";
}

function declaration(item: ast.Import | ast.Declaration, c: Cursor): Doc {
  if ("path" in item) {
    const head = [c.take("import"), " ", list(c, braces, item.names, () => c.take())];
    return [head, " ", c.take("from"), " ", c.take()];
  }
  if (item.kind === "enum") return [c.take("enum"), " ", c.take(), " ", list(c, braces, item.members, () => c.take())];
  const head = [c.take(item.kind), " ", c.take(), list(c, params, item.params, (param) => paramDoc(param, c))];
  const uses = item.uses.length === 0 ? [] : [" ", c.take("uses"), " ", commaSeparated(c, item.uses, () => c.take())];
  return [head, uses, " ", block(c, item.body, hardLine)];
}

function paramDoc(param: ast.Param, c: Cursor): Doc {
  const head = [c.take(), c.take(":"), " ", type(param.type, c)];
  return param.default ? [head, " ", c.take("="), indent(c.gap(" ")), expr(param.default, c)] : head;
}

function type(own: ast.TypeName, c: Cursor): Doc {
  if (own.name === "()") return list(c, tuple, own.args, (arg) => type(arg, c));
  const name = c.take();
  return own.args.length === 0
    ? name
    : [name, c.take("<"), commaSeparated(c, own.args, (arg) => type(arg, c)), c.take(">")];
}

// --- statements ------------------------------------------------------------------------------------------------

/** `{`, the statements, `}`: on one line only if there is one statement at most, and `pad` allows it. */
function block(c: Cursor, body: readonly ast.Statement[], pad: Doc): Doc {
  return blockOf(c, body, body.length > 1 ? hardLine : pad, (item) => statement(item, c));
}

function blockOf<T>(c: Cursor, items: readonly T[], pad: Doc, one: (item: T) => Doc): Doc {
  const open = c.take("{");
  if (items.length === 0) {
    const comments = c.rest();
    return isEmpty(comments) ? [open, c.take("}")] : [open, indent(comments), hardLine, c.take("}")];
  }
  const docs = items.map((item, index) => [c.gap(index === 0 ? pad : c.spaced() ? blankLine : hardLine), one(item)]);
  return [open, indent(docs, c.rest()), pad, c.take("}")];
}

function statement(item: ast.Statement, c: Cursor): Doc {
  switch (item.kind) {
    case "input": {
      const head = [c.take("input"), " ", c.take(), c.take(":"), " ", tensorType(item.type, c)];
      return c.peek().tokenType === t.LeftBrace
        ? [head, " ", list(c, braces, item.fields, (field) => arg(field, c))]
        : head;
    }
    case "output": {
      const head = [c.take("output"), " ", c.take()];
      if (item.type) return [head, c.take(":"), " ", tensorType(item.type, c)];
      return item.value ? [head, c.take(":"), " ", pipeline(item.value, c)] : head;
    }
    case "insert":
      return [c.take("insert"), " ", c.take(), list(c, args, item.args, (own) => arg(own, c))];
    case "let": {
      const head = [c.take("let"), " ", namesDoc(item.names, c), " ", c.take("="), indent(c.gap(" "))];
      if (item.value.kind === "pipeline") return [head, pipeline(item.value, c)];
      return [head, c.take("chain"), " ", group(block(c, item.value.body, line))];
    }
    case "flow":
      return pipeline(item.pipeline, c);
    case "if":
      return group(condition(item, c));
    case "for": {
      const { over } = item;
      const head = [c.take("for"), " ", namesDoc(item.names, c), " ", c.take("in"), " "];
      const range = over.kind === "range" ? [expr(over.from, c), c.take(".."), expr(over.to, c)] : expr(over, c);
      return [head, range, " ", group(block(c, item.body, line))];
    }
    default:
      return item satisfies never;
  }
}

function namesDoc(names: readonly ast.Name[], c: Cursor): Doc {
  return names.length === 1 ? c.take() : list(c, tuple, names, () => c.take());
}

/** The branches are on one line together, or none is. */
function condition(item: ast.IfStatement, c: Cursor): Doc {
  const then = [c.take("if"), " ", expr(item.condition, c), " ", block(c, item.then, line)];
  if (c.peek().tokenType !== t.Else) return then;
  const [nested] = item.otherwise;
  const otherwise = [" ", c.take("else"), " "];
  if (nested?.kind === "if" && c.peek().tokenType === t.If) return [then, otherwise, condition(nested, c)];
  return [then, otherwise, block(c, item.otherwise, line)];
}

function tensorType(own: ast.TensorTypeExpr, c: Cursor): Doc {
  return [c.take(), list(c, squares, own.dims, (dim) => expr(dim, c))];
}

// --- pipelines -------------------------------------------------------------------------------------------------

/**
 * On one line if it fits. Otherwise every step with arguments begins a line and takes the steps without along:
 *
 *     conv width, 1x1 -> bn -> relu
 *       -> conv width, 3x3 / stride -> bn -> relu
 */
function pipeline({ steps }: ast.Pipeline, c: Cursor): Doc {
  const docs: Doc[] = [];
  let run: Doc[] = [];
  for (const [index, own] of steps.entries()) {
    const previous = steps[index - 1];
    const between = previous !== undefined && hasBlock(previous) ? " " : line;
    const arrow = previous === undefined ? [] : [indent(c.gap(between)), c.take("->")];
    const doc = [previous === undefined ? "" : indent(c.gap(" ")), step(own, c)];
    if (hasBlock(own)) {
      docs.push(group(run), group(arrow), doc);
      run = [];
    } else run.push(isBare(own) ? group(arrow) : arrow, doc);
  }
  return [docs, group(run)];
}

function hasBlock({ action }: ast.Step): boolean {
  return action.kind === "residual" || action.kind === "concat" || action.kind === "group";
}

function isBare({ action }: ast.Step): boolean {
  return action.kind === "point" || (action.kind === "apply" && action.args.length === 0);
}

function step({ label, action }: ast.Step, c: Cursor): Doc {
  if (action.kind === "group") return [c.take(), " ", group(block(c, action.body, line))];
  if (action.kind === "repeat" && action.stage) {
    const head = [c.take("stage"), " ", expr(action.stage, c)];
    const own = label ? [" ", c.take()] : action.counting ? [" ", c.take(), c.take("..")] : "";
    return [head, own, c.take(":"), " ", repeated(action, c)];
  }
  const own = label ? [c.take(), c.take(":"), " "] : "";
  switch (action.kind) {
    case "apply":
      return [own, apply(action, c)];
    case "point":
      return [own, c.take("@"), c.take()];
    case "residual":
      return [own, residual(action, c)];
    case "concat":
      return [own, c.take("concat"), " ", blockOf(c, action.arms, hardLine, (arm) => armDoc(arm, c))];
    case "repeat": {
      const counting = action.counting ? [c.take(), c.take(".."), c.take(":"), " "] : own;
      return [counting, repeated(action, c)];
    }
    case "value":
      return [own, expr(action.expr, c)];
    default:
      return action satisfies never;
  }
}

function repeated({ count, unit }: ast.Repeat, c: Cursor): Doc {
  return [expr(count, c), " ", c.take("of"), " ", apply(unit, c)];
}

function apply(own: ast.Apply, c: Cursor): Doc {
  // In parentheses, the name of a value may stand in parentheses of its own.
  if (own.parens || c.peek().tokenType === t.LeftParen) return expr(own, c);
  const name = c.take();
  return own.args.length === 0 ? name : [name, " ", commaSeparated(c, own.args, (item) => arg(item, c))];
}

function residual(own: ast.Residual, c: Cursor): Doc {
  const head = c.take("residual");
  const options = own.options.length === 0 ? [] : [" ", commaSeparated(c, own.options, (option) => arg(option, c))];
  const when = own.when ? [" ", c.take("when"), " ", expr(own.when, c)] : [];
  const { skip, after } = own;
  const parts: (() => Doc)[] = [() => [c.take("branch"), " ", group(block(c, own.branch, line))]];
  if (skip) {
    const unless = () => (skip.unlessSame ? [c.take("unless"), " ", c.take("same"), " "] : []);
    parts.push(() => [c.take("skip"), " ", unless(), group(block(c, skip.body, line))]);
  }
  if (after) parts.push(() => [c.take("after"), " ", pipeline(after, c)]);
  return [head, options, when, " ", blockOf(c, parts, hardLine, (part) => part())];
}

function armDoc({ label, body }: ast.Concat["arms"][number], c: Cursor): Doc {
  if (label && c.ahead(1) !== t.Colon) return [c.take(), " ", group(block(c, body, line))];
  const own = label ? [c.take(), c.take(":"), " "] : "";
  return [own, body.map((item) => statement(item, c))];
}

function arg({ name, value, span }: ast.Arg, c: Cursor): Doc {
  if (value === undefined) return c.take();
  return name ? [c.take(), c.take(":"), " ", expr(value, c)] : expr({ span }, c);
}

// --- lists -----------------------------------------------------------------------------------------------------

interface Brackets {
  readonly open: string;
  readonly close: string;
  readonly pad: Doc;
  /** What stands behind the last item if the bracket stands in a line of its own. */
  readonly last: Doc;
  /** What is too long for one line: an item in each, or as many as it takes. */
  readonly between: (gap: Doc, item: Doc) => Doc;
}

const onePerLine: Brackets["between"] = (gap, item) => [gap, item];
const filled: Brackets["between"] = (gap, item) => group(gap, item);

const params: Brackets = { open: "(", close: ")", pad: softLine, last: ifBroken(","), between: onePerLine };
const args: Brackets = { ...params, between: filled };
const tuple: Brackets = { ...args, last: "" };
const braces: Brackets = { open: "{", close: "}", pad: line, last: ifBroken(","), between: filled };
const squares: Brackets = { open: "[", close: "]", pad: softLine, last: "", between: filled };

function list<T>(c: Cursor, brackets: Brackets, items: readonly T[], one: (item: T) => Doc): Doc {
  const { open, close, pad, last, between } = brackets;
  const start = c.take(open);
  const docs = items.map((item, index) => {
    const gap = c.gap(index === 0 ? pad : line);
    const doc = one(item);
    const comma = index < items.length - 1 ? c.comma() : last;
    c.drop(",");
    return [index === 0 ? [gap, doc] : between(gap, doc), comma];
  });
  const comments = c.rest();
  if (items.length === 0 && isEmpty(comments)) return [start, c.take(close)];
  return group(start, indent(docs, comments), pad, c.take(close));
}

/** Without brackets, where a line may end only behind a comma. It goes on further to the right than the next `->` would. */
function commaSeparated<T>(c: Cursor, items: readonly T[], one: (item: T) => Doc): Doc {
  return items.map((item, index) => {
    if (index === 0) return one(item);
    const comma = c.take(",");
    return [comma, group(indent(indent(c.gap(line))), one(item))];
  });
}

function isEmpty(doc: Doc): boolean {
  return doc === "" || (Array.isArray(doc) && doc.every(isEmpty));
}

// --- expressions: the tokens as they are, with one space between most of them --------------------------------------

function expr({ span }: { readonly span: Span }, c: Cursor): Doc {
  return group(run(c, span.end));
}

function run(c: Cursor, end: number): Doc {
  const docs: Doc[] = [];
  let previous: TokenType | undefined;
  let space: "none" | "space" | "gap" = "none";
  /** Whether an operand stands before, so that `-` subtracts and `(` calls. */
  let complete = false;
  for (;;) {
    const { tokenType: type, startOffset } = c.peek();
    if (startOffset >= end || runEnds.has(type)) return docs;
    const { CATEGORIES = [] } = type;
    const word = previous === t.Dot || previous === t.At || c.ahead(1) === t.Colon;
    const operator: boolean = complete && !word && CATEGORIES.includes(t.Operator);
    const prefix: boolean = !operator && !word && CATEGORIES.includes(t.Prefix);
    const opens = type === t.LeftParen || type === t.LeftSquare;

    if (type === t.Arrow) docs.push(group(indent(c.gap(line))));
    else if (space !== "none" && type !== t.Dot && type !== t.Colon && !(opens && complete)) {
      docs.push(group(indent(c.gap(space === "gap" ? line : " "))));
    }
    if (opens) docs.push(bracketed(c, complete));
    else docs.push(type === t.LeftBrace ? blockOf(c, [undefined], line, () => run(c, Infinity)) : c.take());

    complete = word || !(operator || prefix || unfinished.has(type));
    space = operator ? "gap" : type === t.Dot || type === t.At || (prefix && type === t.Minus) ? "none" : "space";
    previous = type;
  }
}

const runEnds: ReadonlySet<TokenType> = new Set([t.RightParen, t.RightSquare, t.RightBrace, t.Comma]);
const closers: ReadonlySet<TokenType | undefined> = new Set([t.RightParen, t.RightSquare]);
const unfinished: ReadonlySet<TokenType> = new Set([t.Dot, t.At, t.Colon, t.Arrow, t.If, t.Else]);

/** `(…)` or `[…]`; behind an operand, the arguments of a call or an index. */
function bracketed(c: Cursor, behind: boolean): Doc {
  const { open, close } = c.peek().tokenType === t.LeftSquare ? squares : args;
  // Arguments, lists and tuples take a last comma; an index, a pipeline and a pair of parentheses do not.
  const takesLast = open === "[" ? !behind : behind ? !holds(c, 0, t.Arrow) : isTuple(c, 0);
  const isTable = !behind && rowsOf(c) > 1;
  const start = c.take(open);
  const docs: Doc[] = [];
  while (!runEnds.has(c.peek().tokenType)) {
    const item = [c.gap(isTable ? hardLine : docs.length === 0 ? softLine : line), run(c, Infinity)];
    const isLast = c.peek().tokenType !== t.Comma || closers.has(c.ahead(1));
    const comma = isLast ? (takesLast ? ifBroken(",") : "") : c.comma();
    if (isLast) c.drop(",");
    docs.push([docs.length === 0 ? item : group(item), comma]);
  }
  const comments = c.rest();
  if (docs.length === 0 && isEmpty(comments)) return [start, c.take(close)];
  return group(start, indent(docs, comments), softLine, c.take(close));
}

/** Whether the token stands in the brackets that open so far ahead, outside any inside them. */
function holds(c: Cursor, distance: number, wanted: TokenType): boolean {
  return directly(c, distance).some(({ type }) => type === wanted);
}

/** `(a, b)`, but not `(a -> conv 8, 3x3)`. */
function isTuple(c: Cursor, distance: number): boolean {
  return holds(c, distance, t.Comma) && !holds(c, distance, t.Arrow);
}

/** How many rows a list of tuples has: each gets a line, so that it reads as a table. */
function rowsOf(c: Cursor): number {
  if (c.peek().tokenType !== t.LeftSquare) return 0;
  const inside = directly(c, 0);
  const rows = inside.filter(({ type, at }) => type === t.LeftParen && isTuple(c, at));
  return inside.every(({ type }) => type === t.LeftParen || type === t.Comma) ? rows.length : 0;
}

/** The tokens in brackets, those inside inner brackets left out. */
function directly(c: Cursor, start: number): { readonly type: TokenType; readonly at: number }[] {
  const tokens = [];
  for (let at = start + 1, depth = 0; ; at++) {
    const type = c.ahead(at);
    const closes = type === t.RightParen || type === t.RightSquare;
    if (type === undefined || (closes && depth === 0)) return tokens;
    if (closes) depth--;
    else if (depth === 0) tokens.push({ type, at });
    if (type === t.LeftParen || type === t.LeftSquare) depth++;
  }
}

// --- the tokens, one after the other -------------------------------------------------------------------------------

interface Cursor {
  readonly peek: () => IToken;
  readonly ahead: (distance: number) => TokenType | undefined;
  /** An empty line stands before the next token, or before the comments above it. */
  readonly spaced: () => boolean;
  /** The comments above the first token. */
  readonly opening: () => Doc;
  /** `between`, or the comments before the next token: then the line ends, since it did so in the source. */
  readonly gap: (between: Doc) => Doc;
  /** The next token, which must be this one, and the comments that no `gap` has taken. */
  readonly take: (image?: string) => Doc;
  /** The comma between two items, which a line end may have stood for. */
  readonly comma: () => Doc;
  /** The next token if it is this one: a comma behind the last item. */
  readonly drop: (image: string) => void;
  /** The comments before a closing bracket. */
  readonly rest: () => Doc;
}

function cursorOver(lexemes: readonly Lexeme[]): Cursor {
  let index = 0;
  /** Comments before the next token, of which the first may stand behind the last one. */
  let behind: string | undefined;
  let above: readonly CommentLine[] = [];

  const current = (): Lexeme => {
    const lexeme = lexemes[index];
    if (lexeme === undefined) throw new Bug("fmt has read past the end of the file");
    return lexeme;
  };
  const arrive = (): void => {
    ({ above, behindPrevious: behind } = current());
  };
  const advance = (): IToken => {
    const { token } = current();
    index++;
    if (index < lexemes.length) arrive();
    return token;
  };
  /** The comments above, each with its line. */
  const lines = (): Doc => {
    const docs = above.map(({ text, spaced }, place) => [place > 0 && spaced ? hardLine : "", text, hardLine]);
    const last = above.length > 0 && current().spaced ? hardLine : "";
    above = [];
    return [docs, last];
  };
  const behindDoc = (): Doc => {
    const doc = behind === undefined ? [] : comment(behind);
    behind = undefined;
    return doc;
  };
  const gap = (between: Doc): Doc => {
    if (behind === undefined && above.length === 0) return between;
    return [behindDoc(), between === blankLine ? blankLine : hardLine, lines()];
  };
  const take = (image?: string): Doc => {
    const before = gap("");
    const token = advance();
    if (image !== undefined && token.image !== image) throw new Bug(`fmt expected ${image} and found ${token.image}`);
    return [before, token.image];
  };
  const drop = (image: string): void => {
    if (current().token.image !== image) return;
    const [own, more] = [behind, above];
    advance();
    const later = behind === undefined ? above : [{ text: behind, spaced: false }, ...above];
    if (own === undefined && more.length === 0) return;
    [behind, above] = own === undefined ? [more[0]?.text, [...more.slice(1), ...later]] : [own, [...more, ...later]];
  };
  arrive();

  return {
    peek: () => current().token,
    ahead: (distance) => lexemes[index + distance]?.token.tokenType,
    spaced: () => (above[0] ?? current()).spaced,
    opening: lines,
    gap,
    take,
    comma() {
      if (current().token.tokenType !== t.Comma) return ",";
      // A comment before it may come behind it, if that does not make two of them meet.
      const alone = behind === undefined || lexemes[index + 1]?.behindPrevious === undefined;
      if (above.length > 0 || !alone) return take(",");
      drop(",");
      return ",";
    },
    drop,
    rest() {
      const docs = [behindDoc(), above.map(({ text, spaced }) => [spaced ? blankLine : hardLine, text])];
      above = [];
      return docs;
    },
  };
}
