import { Namer } from "../names.ts";
import { signature, type ModuleClass } from "./classes.ts";
import { holesOf, type Hole, type Part } from "./parts.ts";
import { memberIs, pythonWords } from "./words.ts";

/** Columns, as most formatters of Python have it. */
const width = 100;

/** A parameter of a class's constructor: the holes that are the same number in every instance. */
interface Parameter {
  readonly name: string;
  readonly kind: Hole["kind"];
  /** Places in the signature. */
  readonly places: readonly number[];
  readonly fallback: string | undefined;
}

/** What each place of a class's signature is: a number, or a parameter. */
interface Resolved {
  readonly parameters: readonly Parameter[];
  readonly texts: readonly string[];
}

/** Places of a signature that have the same number in every instance. */
interface Group {
  readonly kind: Hole["kind"];
  /** One an instance. */
  readonly values: (string | undefined)[];
  readonly places: number[];
}

export class Printer {
  private readonly resolved = new Map<ModuleClass, Resolved>();

  /** @param documented what stands under the class's name @param epilogue the last statements of the constructor */
  classText(made: ModuleClass, documented: string, epilogue: readonly string[] = []): string {
    const { parameters, texts } = this.resolve(made);
    const list = parameters.map(({ name, kind, fallback }) => {
      const type = kind === "channels" || kind === "stride" ? "int" : kind === "flag" ? "bool" : undefined;
      const annotated = type === undefined ? name : `${name}: ${type}`;
      if (fallback === undefined) return annotated;
      return type === undefined ? `${name}=${fallback}` : `${annotated} = ${fallback}`;
    });
    let at = 0;
    const lines = made.members.flatMap(({ label, parts }) => {
      const flag = made.optional.has(label) ? texts[at++] : undefined;
      const holes = holesOf(parts).length;
      const value = this.text(parts, texts.slice(at, at + holes), 8);
      at += holes;
      return memberIs(label, flag === undefined ? value : `${value} if ${flag} else nn.Identity()`).split("\n");
    });
    const trains = made.members.some(({ label }) => label === "training") ? trainMethod : [];
    const [head, ...body] = made.forward;
    return [
      `class ${made.name}(nn.Module):`,
      `    """${documented}"""`,
      "",
      ...call("    def __init__(", ["self", ...list], "):", 4),
      "        super().__init__()",
      ...[...lines, ...epilogue].map((line) => (line === "" ? "" : `        ${line}`)),
      "",
      `    ${head!}`,
      ...body.map((line) => `        ${line}`),
      "",
      ...trains,
    ].join("\n");
  }

  /** Lines after the first are indented so that they fit where the first is written. */
  private text(parts: readonly Part[], texts: readonly string[], indent: number): string {
    let at = 0;
    return parts
      .map((part): string => {
        if (typeof part === "string") return part;
        const own = texts.slice(at, (at += holesOf([part]).length));
        if ("before" in part) return own[0] === part.fallback ? "" : part.before + own[0]!;
        if ("make" in part) return this.made(part.make, own);
        if ("items" in part) {
          let from = 0;
          const items = part.items.map((item) =>
            this.text(item, own.slice(from, (from += holesOf(item).length)), indent + 4),
          );
          return several("nn.Sequential(", withRuns(items), ")", indent);
        }
        if ("members" in part) {
          let from = 0;
          const members = [...part.members].map(([label, value]) => {
            const text = this.text(value, own.slice(from, (from += holesOf(value).length)), indent + 4);
            return `${JSON.stringify(label)}: ${text}`;
          });
          return several("Group({", members, "})", indent);
        }
        return own[0]!;
      })
      .join("");
  }

  /** `Bottleneck(64, 256, stride=2)`: channels by position, everything else by name and only where it is not usual. */
  private made(cls: ModuleClass, texts: readonly string[]): string {
    const { parameters } = this.resolve(cls);
    const args = parameters.flatMap(({ name, kind, places, fallback }) => {
      const value = places.map((place) => texts[place]!).find((text) => text !== missing) ?? missing;
      if (value === missing || value === fallback) return [];
      return [kind === "channels" && fallback === undefined ? value : `${name}=${value}`];
    });
    return `${cls.name}(${args.join(", ")})`;
  }

  private resolve(made: ModuleClass): Resolved {
    const known = this.resolved.get(made);
    if (known) return known;
    const rows = made.instances.map((instance) => signature(made, instance));
    const places = rows[0]!;
    const columns = places.map((_, place) => rows.map((row) => row[place]!.value));
    const groups: Group[] = [];
    const texts: string[] = [];
    columns.forEach((column, place) => {
      const distinct = new Set(column.filter((value) => value !== undefined));
      if (distinct.size <= 1) {
        texts[place] = [...distinct][0] ?? missing;
        return;
      }
      const { kind } = places[place]!;
      const fits = (values: readonly (string | undefined)[]) =>
        values.every((value, row) => value === undefined || column[row] === undefined || value === column[row]);
      const group = groups.find((it) => it.kind === kind && fits(it.values));
      if (!group) groups.push({ kind, values: [...column], places: [place] });
      else {
        group.places.push(place);
        column.forEach((value, row) => (group.values[row] ??= value));
      }
    });
    const parameters = this.parametersOf(made, groups, places);
    for (const { name, places } of parameters) places.forEach((place) => (texts[place] = name));
    const result = { parameters, texts };
    this.resolved.set(made, result);
    return result;
  }

  private parametersOf(made: ModuleClass, groups: readonly Group[], places: readonly Hole[]): Parameter[] {
    const channels = places.flatMap(({ kind }, place) => (kind === "channels" ? [place] : []));
    const [first, last] = [channels[0], channels.at(-1)];
    const isInner = ({ kind, places: [...at] }: Group) =>
      kind === "channels" && !at.includes(first!) && !at.includes(last!) && !places[at[0]!]!.nested;
    const inner = groups.filter(isInner);
    const namer = new Namer(pythonWords);
    const named = groups.map((group): Parameter => {
      const own = places[group.places[0]!]!;
      const ofKind = groups.filter(({ kind }) => kind === group.kind).length;
      let name = own.name;
      if (group.kind === "channels") {
        const [isFirst, isLast] = [group.places.includes(first!), group.places.includes(last!)];
        if (isFirst) name = isLast ? "channels" : "in_channels";
        else if (isLast) name = "out_channels";
        else if (inner.length === 1 && inner[0] === group) name = "inner_channels";
      } else if (group.kind !== "flag" && ofKind > 1)
        name = `${own.name}_${groups.filter(({ kind }) => kind === group.kind).indexOf(group) + 1}`;
      const usual = group.kind === "flag" ? "False" : group.kind === "stride" ? "1" : undefined;
      const lacking = group.values.includes(undefined);
      const fallback = usual !== undefined && group.values.includes(usual) ? usual : lacking ? "None" : undefined;
      return { name: namer.name(name), kind: group.kind, places: group.places, fallback };
    });
    // Python wants those with a default last; channels are given by position, so they come first.
    const rank = ({ kind, fallback }: Parameter) => (fallback !== undefined ? 2 : kind === "channels" ? 0 : 1);
    return named.toSorted((a, b) => rank(a) - rank(b));
  }
}

/** PyTorch would refuse to set the flag beside a submodule of its name. */
const trainMethod = [
  "    def train(self, mode: bool = True) -> nn.Module:",
  "        for module in self.children():",
  "            module.train(mode)",
  '        object.__setattr__(self, "training", mode)',
  "        return self",
  "",
];

/** In place of a number that an instance does not have. */
const missing = "None";

/** Three and more of the same in a row become a loop. */
function withRuns(items: readonly string[]): string[] {
  const result: string[] = [];
  for (let from = 0; from < items.length;) {
    let to = from;
    while (items[to] === items[from]) to++;
    const item = items[from]!;
    if (to - from >= 3) result.push(`*(${item} for _ in range(${to - from}))`);
    else result.push(...items.slice(from, to));
    from = to;
  }
  return result;
}

/** On one line if it fits, else an item a line. */
function several(open: string, items: readonly string[], close: string, indent: number): string {
  const flat = `${open}${items.join(", ")}${close}`;
  if (!flat.includes("\n") && flat.length + indent <= width - 20) return flat;
  return `${open}\n${items.map((item) => `    ${item.replaceAll("\n", "\n    ")},\n`).join("")}${close}`;
}

function call(open: string, args: readonly string[], close: string, indent: number): string[] {
  const flat = `${open}${args.join(", ")}${close}`;
  if (flat.length <= width) return [flat];
  const space = " ".repeat(indent);
  return [open, ...args.map((arg) => `${space}    ${arg},`), `${space}${close}`];
}
