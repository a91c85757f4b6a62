import { Unreadable, type Problems, type Span } from "../diagnostics.ts";
import type { Definition, EnumDeclaration, Import, SourceFile } from "../syntax/ast.ts";
import { parse } from "../syntax/parse.ts";
import { standardLibrary } from "./standardLibrary.ts";
import { didYouMean } from "../suggest.ts";
import { enumOf, type EnumType } from "./types.ts";

/** A parsed file and what its names mean. */
export interface SourceUnit {
  readonly path: string;
  readonly source: string;
  readonly file: SourceFile;
  /** Networks, blocks and enums: the file's own and the imported ones. */
  readonly names: Map<string, Declared>;
  readonly imports: Import[];
}

export type Declared =
  | { readonly kind: "definition"; readonly definition: Definition; readonly home: SourceUnit }
  | {
      readonly kind: "enum";
      readonly type: EnumType;
      readonly declaration: EnumDeclaration;
      readonly home: SourceUnit;
    };

export interface Program {
  readonly entry: SourceUnit;
  /** Every file that was read, in the order in which they were asked for; `std/…` among them. */
  readonly files: ReadonlyMap<string, SourceUnit>;
}

const maxImports = 256;
const maxImportDepth = 32;

/** Reads the entry and everything that it imports. Undefined if the entry cannot be read at all. */
export function load(
  entry: string,
  read: (path: string) => string | undefined,
  problems: Problems,
): Program | undefined {
  const files = new Map<string, SourceUnit>();

  const open = (path: string, chain: readonly string[], span: Span | undefined): SourceUnit | undefined => {
    const known = files.get(path);
    if (known) return known;
    let reason = `${path} does not exist`;
    const source = path.startsWith("std/")
      ? standardLibrary.get(path)
      : textOrReason(read, path, (message) => (reason = message));
    if (source === undefined) {
      const library = [...standardLibrary.keys()];
      problems.report({
        code: "SE0204",
        severity: "error",
        message: reason,
        ...(span ? { span } : {}),
        ...(path.startsWith("std/")
          ? { hint: didYouMean(path, library) ?? `the library has ${library.join(", ")}` }
          : {}),
      });
      return undefined;
    }
    const file = parse(source, path, problems);
    if (!file) return undefined;
    const unit: SourceUnit = { path, source, file, names: new Map(), imports: [...file.imports] };
    files.set(path, unit);
    declare(unit, problems);
    for (const line of file.imports) bring(unit, line, [...chain, path]);
    return unit;
  };

  const bring = (unit: SourceUnit, line: Import, chain: readonly string[]): void => {
    // What cannot be read is not missed again wherever it is used.
    const miss = () => {
      for (const name of line.names) if (!unit.names.has(name.text)) unit.names.set(name.text, missing);
    };
    const fail = (code: "SE0205" | "SE0206" | "SE0208", message: string, hint?: string) => {
      problems.report({ code, severity: "error", span: line.path.span, message, ...(hint ? { hint } : {}) });
      miss();
    };
    const path = resolveImport(unit.path, line.path.value);
    if (typeof path !== "string") return fail("SE0205", path.fault, path.hint);
    const start = chain.indexOf(path);
    if (start >= 0) return fail("SE0206", `imports run in a circle: ${[...chain.slice(start), path].join(" -> ")}`);
    if (chain.length > maxImportDepth) return fail("SE0208", `imports are more than ${maxImportDepth} deep`);
    if (files.size >= maxImports) return fail("SE0208", `the program has more than ${maxImports} files`);

    const source = open(path, chain, line.path.span);
    if (!source) return miss();
    for (const name of line.names) {
      const declared: Declared | undefined = source.names.get(name.text);
      if (!declared || (declared !== missing && declared.home !== source)) {
        const own = [...source.names].filter(([, it]) => it.home === source).map(([word]) => word);
        problems.report({
          code: "SE0207",
          severity: "error",
          span: name.span,
          message: `${path} declares no \`${name.text}\``,
          hint: declared
            ? `it is declared in ${declared.home.path}: import it from there`
            : (didYouMean(name.text, own) ?? `it declares ${own.join(", ") || "nothing"}`),
        });
        if (!unit.names.has(name.text)) unit.names.set(name.text, missing);
        continue;
      }
      add(unit, name.text, name.span, declared, problems);
    }
  };

  const unit = open(entry, [], undefined);
  return unit && { entry: unit, files };
}

function textOrReason(
  read: (path: string) => string | undefined,
  path: string,
  because: (reason: string) => void,
): string | undefined {
  try {
    return read(path);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    because(error.message);
    return undefined;
  }
}

/** Stands for a name whose absence was reported. */
export const missing = { kind: "missing" } as unknown as Declared;

function declare(unit: SourceUnit, problems: Problems): void {
  for (const declaration of unit.file.declarations) {
    const declared: Declared =
      declaration.kind === "enum"
        ? { kind: "enum", type: enumOf(declaration), declaration, home: unit }
        : { kind: "definition", definition: declaration, home: unit };
    add(unit, declaration.name.text, declaration.name.span, declared, problems);
  }
  const networks = unit.file.declarations.filter(({ kind }) => kind === "network").map(({ name }) => name);
  for (const [index, name] of networks.entries()) {
    const other = networks.slice(0, index).find((one) => isOtherCase(one.text, name.text));
    if (other === undefined) continue;
    problems.report({
      code: "SE0213",
      severity: "error",
      span: name.span,
      message: `\`${name.text}\` and \`${other.text}\` differ only in upper and lower case`,
      related: [{ span: other.span, message: `\`${other.text}\` is here` }],
      hint: "a network's name is that of its folder, and some file systems do not tell the two apart",
    });
  }
}

function isOtherCase(one: string, other: string): boolean {
  return one !== other && one.toLowerCase() === other.toLowerCase();
}

function add(unit: SourceUnit, name: string, span: Span, declared: Declared, problems: Problems): void {
  const other = unit.names.get(name);
  if (!other || other === missing) {
    unit.names.set(name, declared);
    return;
  }
  if (other === declared) return;
  problems.report({
    code: "SE0203",
    severity: "error",
    span,
    message: `\`${name}\` is declared twice`,
    related: [{ span: placeOf(unit, name, other), message: "the other one is here" }],
  });
}

/** Where a name comes into a file: its declaration, or the import that brings it. */
function placeOf(unit: SourceUnit, name: string, declared: Declared): Span {
  for (const line of unit.imports) for (const word of line.names) if (word.text === name) return word.span;
  return declared.kind === "enum" ? declared.declaration.name.span : declared.definition.name.span;
}

interface PathFault {
  readonly fault: string;
  readonly hint: string;
}

/** The imported file's path in the project, POSIX, never outside of it. */
export function resolveImport(importer: string, written: string): string | PathFault {
  const fault = (what: string): PathFault => ({
    fault: `\`${written}\` ${what}`,
    hint: 'a path is relative to the file that imports, "./blocks.se" or "../blocks.se", or names the library, "std/resnet.se"',
  });
  if (written.includes("\\")) return fault("has a backslash");
  if (written.startsWith("/") || /^[A-Za-z]:/.test(written)) return fault("is an absolute path");
  const fromLibrary = importer.startsWith("std/");
  const parts = written.split("/");
  if (parts[0] !== "." && parts[0] !== ".." && parts[0] !== "std")
    return fault("starts with neither ./ nor ../ nor std/");
  if (!written.endsWith(".se")) return fault("does not end with .se");

  const at = parts[0] === "std" ? [] : importer.split("/").slice(0, -1);
  for (const part of parts) {
    if (part === "" || part === "\0") return fault("has an empty part");
    if (part === ".") continue;
    if (part !== "..") at.push(part);
    else if (at.pop() === undefined) return fault("leads out of the project");
  }
  if ((fromLibrary || parts[0] === "std") && at[0] !== "std") return fault("leads out of the library");
  if (!fromLibrary && parts[0] !== "std" && at[0] === "std") {
    return { fault: `\`${written}\` is the project's folder std, which the library hides`, hint: "rename the folder" };
  }
  return at.join("/");
}
