import { GENERATED } from "../marker.ts";
import { nested, type Tree } from "./nested.ts";
import type { Box, Drawing } from "./drawing.ts";
import { colours } from "./theme.ts";

/** For Graphviz. */
export function dot(drawing: Drawing): string {
  const numbers = new Map(drawing.boxes.map(({ id }, index) => [id, `n${index}`]));
  let clusters = 0;
  const lines = (trees: readonly Tree[], indent: string): string[] =>
    trees.flatMap((tree) => {
      if (!tree.group) return [`${indent}${numbers.get(tree.box.id)!} [${attributes(tree.box)}];`];
      const { kind, title } = tree.group;
      const colour =
        kind === "se" ? `color=${quoted(colours.se)}, fontcolor=${quoted(colours.se)}, style=dashed` : "color=grey";
      return [
        `${indent}subgraph cluster_${clusters++} {`,
        `${indent}  graph [label=${quoted(title)}, ${colour}];`,
        ...lines(tree.children, `${indent}  `),
        `${indent}}`,
      ];
    });
  const edges = drawing.edges.map(({ from, to }) => `  ${numbers.get(from)!} -> ${numbers.get(to)!};`);
  return [
    `// ${GENERATED}`,
    `digraph ${quoted(drawing.title)} {`,
    `  graph [label=${quoted(drawing.title)}, labelloc=t, labeljust=l, fontname="Helvetica", fontsize=11];`,
    `  node [shape=box, fontname="Courier", fontsize=10, margin="0.12,0.06"];`,
    ...lines(nested(drawing), "  "),
    ...edges,
    "}\n",
  ].join("\n");
}

function attributes({ kind, rows, note, isSe }: Box): string {
  const label = [...rows.map(({ text }) => text), ...(note === undefined ? [] : [note])];
  const look = {
    label: `"${label.map((line) => `${escaped(line)}\\l`).join("")}"`,
    ...(kind === "launch" && { penwidth: "2", color: quoted(colours.launch) }),
    ...(kind === "input" || kind === "output" ? { style: "rounded" } : {}),
    ...((isSe || rows.some((row) => row.isSe)) && { color: quoted(colours.se) }),
  };
  return Object.entries(look)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");
}

function quoted(text: string): string {
  return `"${escaped(text)}"`;
}

function escaped(text: string): string {
  return text.replace(/[\u0000-\u001f]/g, " ").replace(/["\\]/g, "\\$&");
}
