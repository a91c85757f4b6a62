/** One value for each option. */
export type Choice = Readonly<Record<string, string>>;

/**
 * Few choices in which every pair of values of two options occurs: each row is built greedily from the pairs that are
 * still missing. The same options give the same rows.
 */
export function pairwise(options: Readonly<Record<string, readonly string[]>>): Choice[] {
  const names = Object.keys(options);
  const missing = new Set<string>();
  names.forEach((a, first) => {
    for (const b of names.slice(first + 1)) {
      for (const x of options[a]!) for (const y of options[b]!) missing.add(pair(a, x, b, y));
    }
  });
  const rows: Choice[] = [];
  while (missing.size > 0) {
    // Begins with a pair that is missing, so that every row covers at least one.
    const [a, x, b, y] = [...missing][0]!.split("\n") as [string, string, string, string];
    const row: Record<string, string> = { [a]: x, [b]: y };
    for (const name of names) row[name] ??= best(name, row);
    rows.push(Object.fromEntries(names.map((name) => [name, row[name]!])));
    covered(row).forEach((each) => missing.delete(each));
  }
  return rows;

  /** The value that covers most of the missing pairs with what the row has. */
  function best(name: string, row: Choice): string {
    const gain = (value: string) => covered({ ...row, [name]: value }).filter((each) => missing.has(each)).length;
    return options[name]!.reduce((a, b) => (gain(b) > gain(a) ? b : a));
  }

  function covered(row: Choice): string[] {
    const chosen = names.filter((name) => row[name] !== undefined);
    return chosen.flatMap((a, first) => chosen.slice(first + 1).map((b) => pair(a, row[a]!, b, row[b]!)));
  }
}

/** All choices. */
export function product(options: Readonly<Record<string, readonly string[]>>): Choice[] {
  return Object.entries(options).reduce<Choice[]>(
    (rows, [name, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value }))),
    [{}],
  );
}

const pair = (a: string, x: string, b: string, y: string) => [a, x, b, y].join("\n");
