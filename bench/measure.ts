import { performance } from 'node:perf_hooks';

export const ROUNDS = 9;

/** How long a side runs in each round, in milliseconds. */
export const SLICE = 250;

/** Does a small batch of the work, and tells how many operations that was. */
export type Batch = () => Promise<number>;

/** One line of the result: the work under locks, next to the same or the least possible work without. */
export interface Comparison {
  readonly title: string;
  readonly locked: Batch;
  readonly baseline: Batch;
  readonly baselineTitle: string;
  /** Checks after the last round that the work was done right. */
  verify?(): Promise<void>;
}

export interface Row {
  readonly title: string;
  readonly baselineTitle: string;
  /** Operations a second. */
  readonly locked: number;
  readonly baseline: number;
  /** The median of the rounds' ratios, and their range. */
  readonly ratio: number;
  readonly lowestRatio: number;
  readonly highestRatio: number;
}

export async function compare(comparison: Comparison): Promise<Row> {
  const { locked, baseline, title, baselineTitle } = comparison;
  // The first round warms both up.
  const rounds: { locked: number; baseline: number }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    // Whoever goes first in one round goes last in the next.
    const lockedFirst = round % 2 === 0 ? await rateOf(locked) : undefined;
    const baselineRate = await rateOf(baseline);
    rounds.push({ locked: lockedFirst ?? (await rateOf(locked)), baseline: baselineRate });
  }
  await comparison.verify?.();
  const counted = rounds.slice(1);
  const ratios = counted.map((round) => round.locked / round.baseline);
  return {
    title,
    baselineTitle,
    locked: median(counted.map((round) => round.locked)),
    baseline: median(counted.map((round) => round.baseline)),
    ratio: median(ratios),
    lowestRatio: Math.min(...ratios),
    highestRatio: Math.max(...ratios),
  };
}

/** Operations a second over one slice. */
async function rateOf(batch: Batch): Promise<number> {
  const start = performance.now();
  let operations = 0;
  for (;;) {
    operations += await batch();
    const elapsed = performance.now() - start;
    if (elapsed >= SLICE) return (operations * 1000) / elapsed;
  }
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
