export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 0 ? (upper + (sorted[middle - 1] ?? NaN)) / 2 : upper;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Jain's fairness index: 1 when all have the same, 1/n when one has everything. */
export function jain(shares: readonly number[]): number {
  const total = sum(shares);
  return total === 0 ? NaN : total ** 2 / (shares.length * sum(shares.map((share) => share ** 2)));
}
