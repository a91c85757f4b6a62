import type { Span } from "../diagnostics.ts";
import type { Name } from "../syntax/ast.ts";
import { inner, join, report, type Call, type Scope } from "./scope.ts";

/** Names of layers: labels as they are written, ops numbered where they have none. */

/** The body of `label { … }`. A group may be opened again, and its layers then stand beside those that it has. */
export function group(scope: Scope, label: Name | undefined): Scope {
  if (!label) return inner(scope);
  const { groups } = scope.session;
  const path = join(scope.path, label.text);
  if (groups.has(path)) return inner(scope, { path, weights: join(scope.weights, label.text) });
  const body = labelled(scope, label);
  groups.add(body.path);
  return body;
}

/** The body of what has a label; of the scope itself without one. */
export function labelled(scope: Scope, label: Name | undefined): Scope {
  if (!label) return inner(scope);
  const name = claimLabel(scope, label);
  return inner(scope, { path: join(scope.path, name), weights: join(scope.weights, name) });
}

/** The name of a step, relative to the scope: its label, or the op's name, numbered from the second on. */
export function claim(scope: Scope, label: Name | undefined, op: string, span: Span): string {
  return label ? claimLabel(scope, label) : claimFree(scope, op, span);
}

function claimLabel(scope: Scope, label: Name): string {
  const name = join(scope.path, label.text);
  const taken = scope.session.names.get(name.toLowerCase());
  if (!taken) {
    take(scope, name, label.span);
    return label.text;
  }
  const call = scope.calls[0];
  if (call && taken.span.start === label.span.start && taken.span.file === label.span.file) {
    clash(scope, call, label);
    return claimFree(scope, label.text, label.span);
  }
  const same = taken.name === name;
  report(scope, same ? "SE0212" : "SE0213", "error", label.span, {
    message: same
      ? `two layers are called \`${name}\``
      : `\`${name}\` and \`${taken.name}\` differ only in upper and lower case`,
    related: [{ span: taken.span, message: `\`${taken.name}\` is here` }],
    hint: same
      ? "labels are names of weights: give one of them another label, or put each into a labelled group or block"
      : "names become file names, and some file systems do not tell the two apart",
  });
  return claimFree(scope, label.text, label.span);
}

/** One line of a block made twice under one name: the block is applied twice without a label. One report a call. */
function clash(scope: Scope, call: Call, label: Name): void {
  if (scope.session.clashed.has(call)) return;
  scope.session.clashed.add(call);
  report({ ...scope, calls: scope.calls.slice(1) }, "SE0212", "error", call.span, {
    message: `two layers are called \`${join(scope.path, label.text)}\`: \`${call.name}\` stands here twice without a label`,
    related: [{ span: label.span, message: "the layer that would be made twice" }],
    hint: `write \`second: ${call.name}(…)\`: its layers are then called \`second.${label.text}\``,
  });
}

export function claimFree(scope: Scope, base: string, span: Span): string {
  const { names, counts } = scope.session;
  const path = join(scope.path, base);
  let count = counts.get(path) ?? 0;
  let name: string;
  do name = ++count === 1 ? base : `${base}_${count}`;
  while (names.has(join(scope.path, name).toLowerCase()));
  counts.set(path, count);
  take(scope, join(scope.path, name), span);
  return name;
}

function take(scope: Scope, name: string, span: Span): void {
  scope.session.names.set(name.toLowerCase(), { name, span });
}
