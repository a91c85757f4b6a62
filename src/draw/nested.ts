import type { Box, Drawing, Group } from "./drawing.ts";

/** Boxes in their groups, as languages with subgraphs want them. */
export type Tree =
  { readonly group: Group; readonly children: readonly Tree[] } | { readonly group?: undefined; readonly box: Box };

/** A box stands in the innermost of its groups; a group that would cut another one in two is left out. */
export function nested({ boxes, groups }: Drawing): readonly Tree[] {
  interface Open {
    readonly group: Group | undefined;
    readonly members: ReadonlySet<string>;
    readonly children: (Open | Box)[];
  }
  const root: Open = { group: undefined, members: new Set(boxes.map(({ id }) => id)), children: [] };
  const innermost = new Map<string, Open>(boxes.map(({ id }) => [id, root]));
  for (const group of groups) {
    const around = innermost.get(group.boxes[0]!)!;
    if (!group.boxes.every((id) => innermost.get(id) === around)) continue;
    const open: Open = { group, members: new Set(group.boxes), children: [] };
    // It stands where its first box would.
    for (const id of group.boxes) innermost.set(id, open);
    around.children.push(open);
  }
  for (const box of boxes) innermost.get(box.id)!.children.push(box);

  const position = new Map(boxes.map(({ id }, index) => [id, index]));
  const first = (child: Open | Box): number =>
    "id" in child ? position.get(child.id)! : Math.min(...[...child.members].map((id) => position.get(id)!));
  const tree = (child: Open | Box): Tree =>
    "id" in child ? { box: child } : { group: child.group!, children: ordered(child) };
  const ordered = ({ children }: Open): Tree[] => [...children].sort((a, b) => first(a) - first(b)).map(tree);
  return ordered(root);
}
