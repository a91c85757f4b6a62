import { dot } from "./dot.ts";
import type { Drawing, GraphFormat } from "./drawing.ts";
import { drawingSvg } from "./drawingSvg.ts";
import { mermaid } from "./mermaid.ts";

/** A drawing as the text of a file. */
export const formats: Readonly<Record<GraphFormat, (drawing: Drawing) => string>> = { svg: drawingSvg, dot, mermaid };
