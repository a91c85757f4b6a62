import { GENERATED } from "../marker.ts";
import type { Box, Drawing } from "./drawing.ts";
import { nested, type Tree } from "./nested.ts";
import { colours } from "./theme.ts";

/** For pages that draw Mermaid: GitHub, GitLab, many wikis. */
export function mermaid(drawing: Drawing): string {
  const numbers = new Map(drawing.boxes.map(({ id }, index) => [id, `n${index}`]));
  const blocks: string[] = [];
  let groups = 0;
  const lines = (trees: readonly Tree[], indent: string): string[] =>
    trees.flatMap((tree) => {
      if (!tree.group) return [`${indent}${numbers.get(tree.box.id)!}${label(tree.box)}`];
      const name = `g${groups++}`;
      if (tree.group.kind === "se") blocks.push(name);
      return [
        `${indent}subgraph ${name}["${escaped(tree.group.title)}"]`,
        ...lines(tree.children, `${indent}  `),
        `${indent}end`,
      ];
    });
  const classed = (name: string, ids: readonly string[]) =>
    ids.length > 0 ? [`  class ${ids.join(",")} ${name}`] : [];
  const numbersOf = (test: (box: Box) => boolean) => drawing.boxes.filter(test).map(({ id }) => numbers.get(id)!);
  return [
    `%% ${GENERATED}`,
    "flowchart TD",
    ...lines(nested(drawing), "  "),
    ...drawing.edges.map(({ from, to }) => `  ${numbers.get(from)!} --> ${numbers.get(to)!}`),
    `  classDef se stroke:${colours.se},stroke-width:2px`,
    `  classDef launch stroke:${colours.launch},stroke-width:2px`,
    ...classed(
      "launch",
      numbersOf(({ kind }) => kind === "launch"),
    ),
    ...classed("se", [...numbersOf(({ isSe, rows }) => isSe || rows.some((row) => row.isSe)), ...blocks]),
    "",
  ].join("\n");
}

function label({ kind, rows, note }: Box): string {
  const text = [...rows.map((row) => row.text.trim()), ...(note === undefined ? [] : [note])]
    .map(escaped)
    .join("<br/>");
  return kind === "input" || kind === "output" ? `(["${text}"])` : `["${text}"]`;
}

/** Mermaid's own entities; a text in quotes may hold everything else. */
function escaped(text: string): string {
  return text.replace(/[\u0000-\u001f]/g, " ").replace(/[#"<>&`\\]/g, (character) => `#${character.charCodeAt(0)};`);
}
