/** The one of `known` that a misspelt `name` most likely means. `known` must not be empty. */
export function nearestOf(name: string, known: readonly string[]): string {
  const distances = known.map((other) => distance(name, other));
  return known[distances.indexOf(Math.min(...distances))] ?? '';
}

/** How many characters to add, to leave out or to exchange (Levenshtein 1965). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, character] of Array.from(one).entries()) {
    const next = [i + 1];
    for (let j = 1; j <= other.length; j += 1) {
      const exchanged = (row[j - 1] ?? 0) + (character === other[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, exchanged));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
