import type { ModuleClass } from "./classes.ts";

/** What stands in a constructor: text, numbers that may become parameters of the class around, and submodules. */
export type Part = string | Hole | Optional | Made | Several | Named;

/** A number of one place in a class. It differs from instance to instance, or not. */
export interface Hole {
  readonly kind: HoleKind;
  /** As Python; undefined where an instance lacks the submodule that it belongs to. */
  readonly value: string | undefined;
  /** What the number is called, if it becomes a parameter and nothing better is known: `conv1_channels`. */
  readonly name: string;
  /** Of a submodule's submodule: the class around has better names for its own. */
  readonly nested?: true;
}

/** Only numbers of one kind become one parameter. */
export type HoleKind = "channels" | "kernel" | "stride" | "padding" | "dilation" | "number" | "flag";

/** `, stride=2`; nothing where it is always the default. */
export interface Optional {
  readonly before: string;
  readonly hole: Hole;
  readonly fallback: string;
}

/** An instance of a class of the file; the holes are those of its signature. */
export interface Made {
  readonly make: ModuleClass;
  readonly holes: readonly Hole[];
}

/** `nn.Sequential(…)`. */
export interface Several {
  readonly items: readonly (readonly Part[])[];
}

/** `Group({"conv1": …})`: submodules that the forward around calls. */
export interface Named {
  readonly members: ReadonlyMap<string, readonly Part[]>;
}

/** All holes, in order. */
export function holesOf(parts: readonly Part[]): Hole[] {
  return parts.flatMap((part) => {
    if (typeof part === "string") return [];
    if ("before" in part) return [part.hole];
    if ("make" in part) return part.holes;
    if ("items" in part) return part.items.flatMap(holesOf);
    return "members" in part ? [...part.members.values()].flatMap(holesOf) : [part];
  });
}

/** The holes of a submodule with submodules, as the class around calls them: `se_channels`. */
export function nested(parts: readonly Part[], label: string): Part[] {
  const within = (hole: Hole): Hole => ({
    ...hole,
    name: `${label}_${hole.kind === "channels" ? "channels" : hole.name}`,
    nested: true,
  });
  const each = (inner: readonly Part[]): Part[] =>
    inner.map((part) => {
      if (typeof part === "string") return part;
      if ("before" in part) return { ...part, hole: within(part.hole) };
      if ("make" in part) return { ...part, holes: part.holes.map(within) };
      if ("items" in part) return { items: part.items.map(each) };
      if ("members" in part) return { members: new Map([...part.members].map(([key, value]) => [key, each(value)])) };
      return within(part);
    });
  return each(parts);
}

/** The same for constructors that differ in holes only. */
export function shapeOf(parts: readonly Part[]): unknown {
  return parts.map((part) => {
    if (typeof part === "string") return part;
    if ("before" in part) return { before: part.before };
    if ("make" in part) return { make: part.make.id };
    if ("items" in part) return { items: part.items.map(shapeOf) };
    if ("members" in part) return { members: [...part.members].map(([label, value]) => [label, shapeOf(value)]) };
    return { kind: part.kind };
  });
}
