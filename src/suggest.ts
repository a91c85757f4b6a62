/** ``did you mean `conv`?``, or undefined if no candidate is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const near = nearest(word, candidates);
  return near === undefined ? undefined : `did you mean \`${near}\`?`;
}

/** The candidate that takes the fewest typing errors, at most a third of the word; the first of equals. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (candidate === word) continue;
    const distance = distanceOf(word.toLowerCase(), candidate.toLowerCase());
    // With nothing in common, as of `N` and `8`, it is another word.
    if (distance < bestDistance && distance < Math.max(word.length, candidate.length))
      [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** A longer or shorter form counts as one error: `padding` for `pad`, `conv` for `conv2d`. */
function distanceOf(a: string, b: string): number {
  if (a === b) return 0;
  const isForm = Math.min(a.length, b.length) >= 3 && (a.startsWith(b) || b.startsWith(a));
  return isForm ? 1 : editDistance(a, b);
}

/** Insertions, deletions, replacements and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, beforeLast[j - 2]! + 1);
      row.push(least);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
