/** Elements of a document with their counts, as `name` and `name.class`; throws if it is not well-formed. */
export function elementsOf(xml: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const open: string[] = [];
  const token = /<!--[^]*?-->|<(\/?)([a-z]+)((?: [A-Za-z:-]+="[^"<]*")*)(\/?)>|([^<]+)/gy;
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex;
    const found = token.exec(xml);
    if (!found) throw new Error(`not well-formed at ${JSON.stringify(xml.slice(at, at + 80))}`);
    const [whole, closing, name, attributes, empty, content] = found;
    const bare = (content ?? attributes ?? "").replace(/&(?:amp|lt|gt|quot|#39);/g, "");
    if (bare.includes("&")) throw new Error(`an entity without an end in ${JSON.stringify(whole)}`);
    if (name === undefined) continue;
    if (closing) {
      if (open.pop() !== name) throw new Error(`${whole} closes another element`);
      continue;
    }
    const names = [...attributes!.matchAll(/ ([A-Za-z:-]+)=/g)].map(([, key]) => key);
    if (new Set(names).size < names.length) throw new Error(`an attribute stands twice in ${whole}`);
    const classes = / class="([^"]*)"/.exec(attributes!)?.[1]?.split(" ") ?? [];
    for (const key of [name, ...classes.map((each) => `${name}.${each}`)]) counts.set(key, (counts.get(key) ?? 0) + 1);
    if (!empty) open.push(name);
  }
  if (open.length > 0) throw new Error(`${open.join(", ")} not closed`);
  return counts;
}
