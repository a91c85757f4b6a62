import type { Node } from "../../src/ir/graph.ts";
import { relative, type Container } from "./containers.ts";
import { Entangled, forwardOf, stepsOf, type Network, type Step } from "./body.ts";
import { layerParts } from "./layers.ts";
import { holesOf, nested, shapeOf, type Hole, type Part } from "./parts.ts";
import { isEven, spelling, type Spelled } from "./spelling.ts";

/** A class of the file: what modules of one structure have in common. */
export interface ModuleClass {
  readonly id: number;
  readonly name: string;
  /** The statements of the constructor: a submodule each, in the order of the forward. */
  readonly members: readonly Member[];
  /** Its signature first. */
  readonly forward: readonly string[];
  readonly instances: Instance[];
  /** Labels of submodules that some instances lack. */
  readonly optional: Set<string>;
}

export interface Member {
  readonly label: string;
  readonly parts: readonly Part[];
}

export interface Instance {
  readonly path: string;
  /** The holes of each member that it has, by label. */
  readonly holes: ReadonlyMap<string, readonly Hole[]>;
}

/** A container that becomes a class, before it is known which. */
interface Draft {
  readonly container: Container;
  readonly members: readonly Member[];
  readonly forward: readonly string[];
  readonly key: string;
}

/**
 * The classes of a network, each after those that it uses; the network itself comes last. Deeper containers come first,
 * because a class is told from another by the classes of its submodules, too.
 */
export function classesOf(
  network: Network,
  baseName: (container: Container) => string,
  legal: (name: string) => string,
): ModuleClass[] {
  const { containers } = network;
  const classes: ModuleClass[] = [];
  const byKey = new Map<string, ModuleClass>();
  /** How a container is made, in the constructor around it. */
  const made = new Map<string, readonly Part[]>();
  const numbers = new Map<string, number>();
  const byDepth = [...containers.called.values(), containers.root].toSorted((a, b) => b.depth - a.depth);

  for (let depth = byDepth[0]!.depth; depth >= 0; depth--) {
    const drafts: Draft[] = [];
    for (const container of byDepth.filter((it) => it.depth === depth)) {
      const steps = stepsOf(container, containers);
      const sequence = sequential(container, steps);
      if (sequence) remember(container, [{ items: sequence }]);
      else drafts.push(draftOf(container, steps));
    }
    settle(drafts);
  }
  return classes;

  /** Every call of a chain must be a call of the same module. */
  function remember(container: Container, parts: readonly Part[]): void {
    const same = [...containers.called.values()].filter(({ module }) => module === container.module);
    for (const { path } of same) {
      const other = made.get(path);
      if (
        other &&
        JSON.stringify([shapeOf(other), holesOf(other)]) !== JSON.stringify([shapeOf(parts), holesOf(parts)])
      ) {
        throw new Entangled(same.map((it) => it.path));
      }
    }
    made.set(container.path, parts);
  }

  function settle(drafts: readonly Draft[]): void {
    const forms = new Map<string, Draft[]>();
    for (const draft of drafts) forms.set(draft.key, [...(forms.get(draft.key) ?? []), draft]);
    const largestFirst = [...forms].toSorted(([, [a]], [, [b]]) => b!.members.length - a!.members.length);
    for (const [key, [draft]] of largestFirst) {
      if (byKey.has(key)) continue;
      const { members, forward, container } = draft!;
      const created: ModuleClass = {
        id: classes.length,
        name: nameOf(container),
        members,
        forward,
        instances: [],
        optional: new Set(),
      };
      classes.push(created);
      byKey.set(key, created);
      for (const { key: smaller, dropped } of smallerForms(draft!)) {
        if (!forms.has(smaller) || byKey.has(smaller)) continue;
        byKey.set(smaller, created);
        dropped.forEach((label) => created.optional.add(label));
      }
    }
    for (const { key, container, members } of drafts) {
      const own = byKey.get(key)!;
      const instance = {
        path: container.path,
        holes: new Map(members.map(({ label, parts }) => [label, holesOf(parts)])),
      };
      if (container.path === container.module) own.instances.push(instance);
      remember(container, [{ make: own, holes: signature(own, instance) }]);
    }
  }

  function nameOf(container: Container): string {
    const base = baseName(container);
    const number = (numbers.get(base) ?? 0) + 1;
    numbers.set(base, number);
    return legal(number === 1 ? base : `${base}${number}`);
  }

  function partsOf(container: Container): readonly Part[] {
    return made.get(container.path)!;
  }

  function draftOf(container: Container, steps: readonly Step[], without: readonly string[] = []): Draft {
    const dropped = new Map<Node, Node>();
    for (const step of steps) if (without.includes(step.name)) dropped.set(step.outputs[0]!, step.inputs[0]!);
    const members = membersOf(
      container,
      steps.filter(({ name }) => !without.includes(name)),
    );
    const forward = forwardOf(container, steps, network, dropped);
    const key = JSON.stringify([members.map(({ label, parts }) => [label, shapeOf(parts)]), forward]);
    return { container, members, forward, key };
  }

  /** The same container without some of its submodules, each of which has one input and one output. */
  function smallerForms({ container }: Draft): { readonly key: string; readonly dropped: readonly string[] }[] {
    const steps = stepsOf(container, containers);
    const labels = steps
      .filter(({ child, inputs, outputs, name }) => {
        return (
          child !== undefined &&
          child.module === child.path &&
          !name.includes(".") &&
          inputs.length === 1 &&
          outputs.length === 1
        );
      })
      .map(({ name }) => name)
      .slice(0, 4);
    const subsets = labels.reduce<string[][]>((all, label) => [...all, ...all.map((it) => [...it, label])], [[]]);
    return subsets.slice(1).map((dropped) => ({ key: draftOf(container, steps, dropped).key, dropped }));
  }

  /** Submodules in the order in which they are called first. */
  function membersOf(container: Container, steps: readonly Step[]): Member[] {
    const tree: Tree = new Map();
    for (const { call, child } of steps) {
      if (child) plant(tree, relative(child.module, container.module).split("."), partsOf(child));
      else if (call!.layer) {
        const layer = network.layers.get(call!.layer.path)!;
        plant(tree, relative(layer.path, container.module).split("."), layerParts(layer, network.forms));
      }
    }
    return [...tree].map(([label, value]) => {
      const parts = partsOfTree(value);
      return {
        label,
        parts: parts.some((part) => typeof part !== "string" && "kind" in part) ? parts : nested(parts, label),
      };
    });
  }

  /**
   * nn.Sequential, where every step reads the one before and the layers' labels are their places. Ops without parameters
   * stand in between as modules.
   */
  function sequential(container: Container, steps: readonly Step[]): (readonly Part[])[] | undefined {
    if (container.path === "" || container.inputs.length !== 1 || container.outputs.length !== 1) return undefined;
    const items: (readonly Part[])[] = [];
    let value = container.inputs[0]!;
    for (const { call, child, name, inputs, outputs } of steps) {
      if (inputs.length !== 1 || inputs[0] !== value || outputs.length !== 1 || (call && !call.alive)) return undefined;
      if (call && network.forms.of(value) !== network.forms.wanted(call.op, value)) return undefined;
      const label = child || call!.layer ? relative(child?.module ?? call!.layer!.path, container.module) : undefined;
      if (label !== undefined) {
        const gap = /^(0|[1-9]\d{0,3})$/.test(label) ? Number(label) - items.length : -1;
        if (gap < 0 || gap > 3) return undefined;
        while (items.length < Number(label)) items.push(["nn.Identity()"]);
      }
      const parts = child ? partsOf(child) : call!.layer ? plainLayer(call!.layer.path) : wordOf(call!.op);
      if (!parts || (child && name.includes("."))) return undefined;
      items.push(parts);
      value = outputs[0]!;
    }
    const isRead = steps.filter(({ inputs }) => inputs.includes(container.inputs[0]!)).length === 1;
    return value === container.outputs[0] && isRead ? items : undefined;
  }

  function plainLayer(path: string): Part[] | undefined {
    const layer = network.layers.get(path)!;
    const { op } = layer;
    if (op.op === "channelConv" || (op.op === "conv2d" && !isEven(op.attrs.padding))) return undefined;
    return layerParts(layer, network.forms);
  }
}

/** What a constructor is given for an instance: which optional members it has, then the numbers of all members. */
export function signature({ members, optional }: ModuleClass, { holes }: Instance): Hole[] {
  return members.flatMap(({ label, parts }) => {
    const own = holes.get(label);
    const flag: Hole[] = optional.has(label) ? [{ kind: "flag", value: own ? "True" : "False", name: label }] : [];
    return [...flag, ...(own ?? holesOf(parts).map((hole) => ({ ...hole, value: undefined })))];
  });
}

function wordOf(op: Node): Part[] | undefined {
  const row = spelling[op.op as keyof typeof spelling] as unknown as Spelled<"relu">;
  const word = row.layer?.(op as never);
  return word === undefined ? undefined : [word];
}

// --- nested names ------------------------------------------------------------------------------------------------

type Tree = Map<string, Tree | readonly Part[]>;

/** The first one stays: a chain is made once. */
function plant(tree: Tree, [label, ...rest]: readonly string[], parts: readonly Part[]): void {
  const there = tree.get(label!);
  if (rest.length === 0) {
    if (!there) tree.set(label!, parts);
    return;
  }
  const group: Tree = there instanceof Map ? there : new Map();
  if (!there) tree.set(label!, group);
  plant(group, rest, parts);
}

function partsOfTree(value: Tree | readonly Part[]): readonly Part[] {
  if (!(value instanceof Map)) return value;
  return [{ members: new Map([...value].map(([label, inner]) => [label, partsOfTree(inner)])) }];
}
