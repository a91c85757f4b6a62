import { GENERATED } from "../marker.ts";

/** Text for an element or an attribute; what XML cannot hold is left out. */
export function escaped(text: string): string {
  const legal = text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "");
  return legal.replace(/[&<>"']/g, (character) => entities[character]!);
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Lengths with two digits: enough to see, and the same on every machine. */
export function hundredths(value: number): number {
  // No -0.
  return Math.round(value * 100) / 100 + 0;
}

function px(value: number): string {
  return String(hundredths(value));
}

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** `<name a="1">…</name>`; texts among the children are elements already, or `escaped`. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${typeof value === "number" ? px(value) : escaped(value)}"`],
  );
  const open = `<${name}${written.join("")}`;
  return children.length === 0 ? `${open}/>` : `${open}>${children.join("")}</${name}>`;
}

export function text(content: string, attributes: Attributes): string {
  return element("text", attributes, escaped(content));
}

/** Two numbers a point. */
export function points(list: readonly (readonly [number, number])[]): string {
  return list.map(([x, y]) => `${px(x)},${px(y)}`).join(" ");
}

/** What all pictures share: no background of their own, and ink for light and for dark pages. */
const style = `
text { font: 11px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 12px; }
.muted { fill: #6e7781; }
.axis { stroke: #8c959f; fill: none; }
.grid { stroke: #8c959f; stroke-opacity: 0.25; fill: none; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.muted { fill: #9198a1; }
}
`;

/** A whole file. `own` is more style; `dark` that of dark pages. */
export function picture(
  size: { readonly width: number; readonly height: number },
  title: string,
  own: { readonly style: string; readonly dark: string },
  children: readonly string[],
): string {
  const { width, height } = size;
  return [
    `<!-- ${GENERATED} -->`,
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${px(width)}" height="${px(height)}" viewBox="0 0 ${px(width)} ${px(height)}">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}${own.style}@media (prefers-color-scheme: dark) {\n${own.dark}}\n</style>`,
    ...children,
    "</svg>\n",
  ].join("\n");
}
