/**
 * A static check of WGSL text: between a write to workgroup memory and a read of it by another thread there must be a
 * workgroupBarrier(), and likewise between a read and the write that overwrites it. A software adapter runs the threads
 * of a workgroup in an order that can hide a missing barrier; this check does not run anything.
 *
 * It reads the text of one entry point with its helper functions inlined by name, and follows control flow by structure:
 * a loop's body is walked twice, so that a race over its back edge is seen; the branches of an `if` are walked one after
 * the other. Indices are not understood: any two accesses of one variable may touch the same element, so kernels keep to
 * the discipline that a thread does not read back its own element without a barrier.
 */
export interface Race {
  readonly variable: string;
  readonly line: number;
  readonly message: string;
}

export function checkBarriers(wgsl: string): Race[] {
  const code = withoutComments(wgsl);
  const shared = new Set([...code.matchAll(/var<workgroup>\s+(\w+)/g)].map((match) => match[1]!));
  if (shared.size === 0) return [];
  const functions = functionBodies(code);
  const races = new Map<string, Race>();
  for (const entry of functions.values()) {
    if (!entry.isEntryPoint) continue;
    walk(entry.tokens, { functions, shared, written: new Map(), read: new Map(), races }, []);
  }
  return [...races.values()];
}

/** The check of one entry point. */
interface Check {
  readonly functions: ReadonlyMap<string, Body>;
  readonly shared: ReadonlySet<string>;
  /** Accesses since the last barrier: variable -> line. */
  readonly written: Map<string, number>;
  readonly read: Map<string, number>;
  readonly races: Map<string, Race>;
}

interface Token {
  readonly text: string;
  readonly line: number;
}

interface Body {
  readonly tokens: readonly Token[];
  readonly isEntryPoint: boolean;
}

/** @param calls the functions that are being inlined */
function walk(tokens: readonly Token[], check: Check, calls: readonly string[]): void {
  let at = 0;
  while (at < tokens.length) {
    const token = tokens[at]!;
    if (token.text === "for" || token.text === "while" || token.text === "loop") {
      const open = tokens.findIndex((candidate, index) => index > at && candidate.text === "{");
      const close = matching(tokens, open);
      const header = tokens.slice(at + 1, open);
      const body = [...header, { text: ";", line: token.line }, ...tokens.slice(open + 1, close)];
      walk(body, check, calls);
      walk(body, check, calls);
      at = close + 1;
      continue;
    }
    const end = statementEnd(tokens, at);
    visit(tokens.slice(at, end), check, calls);
    at = end + 1;
  }
}

/** One statement without braces: its reads happen before its writes. */
function visit(statement: readonly Token[], check: Check, calls: readonly string[]): void {
  const { functions, shared, written, read, races } = check;
  const assignment = statement.findIndex((token) => /^([-+*/%&|^]|<<|>>)?=$/.test(token.text));
  const target = assignment > 0 ? statement[0] : undefined;
  const writes = target && shared.has(target.text) ? target : undefined;
  for (const [index, token] of statement.entries()) {
    if (token.text === "workgroupBarrier") {
      written.clear();
      read.clear();
    } else if (shared.has(token.text)) {
      const isTarget = token === writes;
      if (isTarget && statement[assignment]!.text === "=") continue;
      const earlier = written.get(token.text);
      if (earlier !== undefined)
        note(races, token, `is read here, but was written in line ${earlier} with no workgroupBarrier() between`);
      read.set(token.text, token.line);
    } else if (functions.has(token.text) && statement[index + 1]?.text === "(" && !calls.includes(token.text)) {
      walk(functions.get(token.text)!.tokens, check, [...calls, token.text]);
    }
  }
  if (!writes) return;
  const earlier = read.get(writes.text);
  if (earlier !== undefined && earlier !== writes.line) {
    note(races, writes, `is overwritten here, but was read in line ${earlier} with no workgroupBarrier() between`);
  }
  written.set(writes.text, writes.line);
}

function note(races: Map<string, Race>, token: Token, message: string): void {
  const key = `${token.text} ${token.line}`;
  if (!races.has(key)) races.set(key, { variable: token.text, line: token.line, message: `${token.text} ${message}` });
}

function functionBodies(code: string): Map<string, Body> {
  const tokens = tokenize(code);
  const functions = new Map<string, Body>();
  for (let at = 0; at < tokens.length; at++) {
    if (tokens[at]!.text !== "fn") continue;
    const open = tokens.findIndex((token, index) => index > at && token.text === "{");
    const close = matching(tokens, open);
    let start = at;
    while (start > 0 && ![";", "}"].includes(tokens[start - 1]!.text)) start--;
    const isEntryPoint = tokens.slice(start, at).some((token) => token.text === "compute");
    functions.set(tokens[at + 1]!.text, { tokens: tokens.slice(open + 1, close), isEntryPoint });
    at = close;
  }
  return functions;
}

function tokenize(code: string): Token[] {
  let line = 1;
  const tokens: Token[] = [];
  for (const match of code.matchAll(/\n|\w+|[-+*/%&|^]=|<<=|>>=|==|!=|<=|>=|[^\s\w]/g)) {
    if (match[0] === "\n") line++;
    else tokens.push({ text: match[0], line });
  }
  return tokens;
}

/** A statement ends at its semicolon, or at a brace, which only groups. */
function statementEnd(tokens: readonly Token[], from: number): number {
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    const { text } = tokens[at]!;
    if (text === "(" || text === "[") depth++;
    if (text === ")" || text === "]") depth--;
    if (depth === 0 && (text === ";" || text === "{" || text === "}")) return at;
  }
  return tokens.length;
}

function matching(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    if (tokens[at]!.text === "{") depth++;
    if (tokens[at]!.text === "}" && --depth === 0) return at;
  }
  return tokens.length;
}

/** Comments become spaces, so that lines keep their numbers. */
function withoutComments(wgsl: string): string {
  return wgsl.replace(/\/\/[^\n]*/g, "").replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "));
}
