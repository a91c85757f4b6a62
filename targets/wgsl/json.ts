/**
 * JSON for people: what fits a line stands on one. Keys keep their order; the same value gives the same text everywhere.
 */
export function prettyJson(value: unknown, indent = ""): string {
  if (typeof value !== "object" || value === null) return spaced(value);
  // The host's own text is shorter and fast to make: what does not fit without spaces is not tried with them.
  if (indent.length + JSON.stringify(value).length <= 120) {
    const compact = spaced(value);
    if (indent.length + compact.length <= 120) return compact;
  }
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => inner + prettyJson(item, inner));
    return `[\n${items.join(",\n")}\n${indent}]`;
  }
  const members = entries(value).map(([key, member]) => `${inner}${JSON.stringify(key)}: ${prettyJson(member, inner)}`);
  return `{\n${members.join(",\n")}\n${indent}}`;
}

/** JSON that may stand in JavaScript, and in a script of an HTML page. */
export function scriptJson(value: unknown): string {
  return prettyJson(value).replace(/[<\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${spaced(member)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

function entries(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, member]) => member !== undefined);
}
