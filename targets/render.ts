import Handlebars from "handlebars/runtime.js";
import { Bug } from "../src/diagnostics.ts";

/**
 * The only user of Handlebars. Templates are compiled when `sec` is built (scripts/templates.mjs: noEscape, strict,
 * knownHelpersOnly), so nothing is evaluated here and no user text can become a template.
 *
 * A template has two kinds of holes: values, `{{pixels}}`, and blocks of lines, `{{> epilogue}}`, which take the
 * indentation of their place. Both are given by name, neither more nor less than the template asks for.
 */
export interface Template<Value extends string, Block extends string> {
  readonly name: string;
  readonly values: readonly Value[];
  readonly blocks: readonly Block[];
  /** What Handlebars.precompile yields. */
  readonly spec: unknown;
}

export type View<Value extends string> = Readonly<Record<Value, string | number>>;
export type Blocks<Block extends string> = Readonly<Record<Block, string>>;

export function render<Value extends string, Block extends string>(
  template: Template<Value, Block>,
  view: View<Value>,
  blocks: Blocks<Block>,
): string {
  checkNames(template.name, "value", template.values, Object.keys(view));
  checkNames(template.name, "block", template.blocks, Object.keys(blocks));
  for (const [name, value] of Object.entries<unknown>(view)) {
    const plain = typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
    if (!plain) throw new Bug(`${name} in the view of ${template.name} is ${String(value)}`);
  }
  const partials = Object.fromEntries(
    Object.entries<string>(blocks).map(([name, text]) => [name, () => (text === "" ? "" : `${text}\n`)]),
  );
  return compiled(template)({ ...view }, { partials });
}

type Render = (view: object, options: { readonly partials: object }) => string;

const known = new WeakMap<object, Render>();

function compiled(template: Template<string, string>): Render {
  const made = known.get(template) ?? engine.template(template.spec);
  known.set(template, made);
  return made;
}

const engine = Handlebars.create();

function checkNames(template: string, kind: string, wanted: readonly string[], given: readonly string[]): void {
  const missing = wanted.filter((name) => !given.includes(name));
  const unused = given.filter((name) => !wanted.includes(name));
  if (missing.length > 0) throw new Bug(`the template ${template} needs the ${kind} ${missing.join(", ")}`);
  if (unused.length > 0) throw new Bug(`the template ${template} has no hole for the ${kind} ${unused.join(", ")}`);
}
