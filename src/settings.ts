/** A value of a network's parameter, as JavaScript has it; a string is a literal of the language: `"3x3"`, `"pre"`. */
export type SetValue = string | number | boolean | readonly SetValue[];

/** The same as literals of the language, which the compiler reads. */
export function textsOf(set: Readonly<Record<string, SetValue>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(set).map(([name, value]) => [name, literalText(value)]));
}

export function literalText(value: SetValue): string {
  return Array.isArray(value) ? `[${value.map(literalText).join(", ")}]` : String(value);
}
